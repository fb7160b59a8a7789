//! Crowds: clients that begin something and then do nothing.

use super::support::*;
use crate::support::*;
use futures::StreamExt;
use mesh_proto::document::v1 as proto;
use mesh_proto::document::v1::upload_document_request::Part;
use mesh_proto::orchestrator::v1::WatchVerificationRequest;
use mesh_testkit::Mesh;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Clients of each kind.
const CROWD: usize = 200;
/// What an idle upload has brought, in bytes: less than what takes a place.
const BROUGHT: usize = 200_000;
/// The longest that an honest upload may take meanwhile.
const MOST_TIME: Duration = Duration::from_secs(5);
/// The most that the document service may grow, in KiB: what the uploads brought three times over, and eight pages.
const MOST_GROWTH: u64 = 200 << 10;

#[tokio::test]
async fn two_hundred_idle_uploads_and_two_hundred_slow_readers_stop_nobody() {
    let mesh = Mesh::start().await.expect("the mesh starts");
    let caller = Caller::of(&mesh);
    let passport = passport(140);
    let page = with_covered_print(&passport);
    let (member_id, verification_id) = caller.start_with(passport.truth(), &[page]).await;
    let reviewer = Reviewer::new(&caller);
    let review = reviewer.review_of(&verification_id).await;
    reviewer.claim(&review.review_id).await.expect("the review is free");
    let pid = mesh.document.pid().await.expect("it runs");
    let before = resident(pid);

    // Each with a connection of its own, as so many clients would have.
    let mut crowd = JoinSet::new();
    for _ in 0..CROWD {
        let mut documents = Caller::of(&mesh).documents;
        let parts = [
            Part::Header(proto::upload_document_request::Header {
                request_id: new_request_id(),
                member_id: new_member_id(),
                document_type: proto::DocumentType::Passport.into(),
            }),
            Part::Page(proto::upload_document_request::Page {}),
            Part::Chunk(vec![0; BROUGHT]),
        ];
        let parts = parts.map(|part| proto::UploadDocumentRequest { part: Some(part) });
        let messages = futures::stream::iter(parts).chain(futures::stream::pending());
        crowd.spawn(async move { documents.upload_document(messages).await.err() });
    }
    let (mut watches, mut pages) = (Vec::new(), Vec::new());
    for _ in 0..CROWD {
        let request = WatchVerificationRequest {
            verification_id: verification_id.clone(),
        };
        let watch = caller.verifications.clone().watch_verification(request).await;
        watches.push(watch.expect("it is watched"));
    }
    let readers = (0..CROWD).map(|_| {
        let request = proto::GetReviewPageRequest {
            review_id: review.review_id.clone(),
            page_number: 1,
        };
        let mut documents = reviewer.caller.documents.clone();
        async move { documents.get_review_page(request).await }
    });
    let readers = futures::future::join_all(readers);
    tokio::pin!(readers);

    // Another client: what one does not read holds up that client's own connection.
    let other = Caller::of(&mesh);
    let honest = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..5 {
            let begun = Instant::now();
            other.upload(member_id, &[picture(&passport)]).await;
            slowest = slowest.max(begun.elapsed());
        }
        slowest
    };
    tokio::pin!(honest);
    let slowest = tokio::select! {
        slowest = &mut honest => slowest,
        answered = &mut readers => {
            pages.extend(answered);
            honest.await
        }
    };
    let grown = resident(pid).saturating_sub(before);
    println!(
        "beside {CROWD} idle uploads, {CROWD} watches and {CROWD} readers of a page an upload takes at most {slowest:?}; \
         the document service grew by {} MiB",
        grown >> 10
    );
    assert!(slowest < MOST_TIME, "{slowest:?}");
    assert!(grown < MOST_GROWTH, "{grown} KiB");
    while let Some(ended) = crowd.join_next().await {
        let refused = refusal(&ended.expect("no panic").expect("an idle upload has no answer"));
        assert_eq!(refused.reason, "DEADLINE_EXCEEDED", "it was idle all the while");
    }
    if pages.is_empty() {
        pages.extend(readers.await);
    }
    let refused = pages.iter().filter_map(|page| page.as_ref().err());
    let refused: Vec<String> = refused.map(|status| refusal(status).reason).collect();
    assert!(
        refused.iter().all(|reason| reason == "TOO_MANY_REVIEW_PAGES"),
        "{refused:?}"
    );
    assert!(refused.len() < CROWD, "some are shown it");
}

/// The resident memory of a process in KiB.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.expect("the kernel tells it")
}
