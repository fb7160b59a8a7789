//! A PDF of many pages: seen while it is read, cancelled within a page, taken up again after a kill.

use super::support::{Reviewer, with_covered_print};
use crate::support::*;
use mesh_proto::document::v1::{DocumentDecision, UploadDocumentResponse};
use mesh_proto::orchestrator::v1 as proto;
use mesh_proto::orchestrator::v1::{MethodStatus, VerificationStatus};
use mesh_testkit::{Mesh, eventually};
use specimen::Passport;

/// As many as a document may have.
const PAGES: i32 = 50;

/// A letter in ten, empty pages, and the passport's page at the end.
fn long_document(passport: &Passport, pages: i32) -> Vec<u8> {
    let (letter, blank) = (specimen::letter_page(1), specimen::blank_page());
    let sheets = [vec![&letter], vec![&blank; 9]].concat();
    let mut pages: Vec<_> = sheets.into_iter().cycle().take(pages as usize - 1).cloned().collect();
    pages.push(passport.draw());
    specimen::to_pdf(&pages, 80)
}

async fn started(caller: &Caller, passport: &Passport, pages: i32) -> (UploadDocumentResponse, String) {
    let member_id = caller.register(passport.truth()).await;
    let upload = caller.upload(member_id, &[long_document(passport, pages)]).await;
    assert_eq!(upload.page_count, pages);
    let request = by_document(member_id, upload.document_url.clone());
    let verification_id = caller.start(request).await.expect("it starts").verification_id;
    (upload, verification_id)
}

async fn wait_for_pages(caller: &Caller, document_id: &str, at_least: i32) -> i32 {
    let what = format!("{at_least} pages to be read");
    let look = async || Some(caller.document(document_id).await.pages_read).filter(|read| *read >= at_least);
    eventually(PATIENCE, &what, look)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn fifty_pages_are_seen_as_they_are_read_and_cancelled_within_one() {
    let caller = Caller::of(shared_mesh().await);
    let (upload, verification_id) = started(&caller, &passport(130), PAGES).await;
    let mut seen = Vec::new();
    for at_least in [1, 3, 5] {
        seen.push(wait_for_pages(&caller, &upload.document_id, at_least).await);
    }
    assert!(seen.is_sorted() && seen[0] < PAGES, "{seen:?}");

    let request = proto::CancelVerificationRequest {
        request_id: new_request_id(),
        verification_id: verification_id.clone(),
    };
    caller
        .verifications
        .clone()
        .cancel_verification(request)
        .await
        .expect("it is cancelled");
    let at_cancel = caller.document(&upload.document_id).await.pages_read;
    let end = caller.end_of(&verification_id).await;
    assert_eq!(
        (end.status(), end.methods[0].status()),
        (VerificationStatus::Cancelled, MethodStatus::Cancelled)
    );
    // The activity is told with its next heartbeat, a second at most; what it reads then is finished or dropped.
    let at_end = settled(&caller, &upload.document_id).await;
    println!("50-page PDF: cancelled after page {at_cancel}, {at_end} read at the end");
    assert!(at_end < PAGES && at_end - at_cancel <= 1, "{at_cancel} {at_end}");
}

/// The pages read once no page came for two looks in a row, five seconds apart.
async fn settled(caller: &Caller, document_id: &str) -> i32 {
    let last = std::cell::Cell::new((-1, std::time::Instant::now()));
    let look = async || {
        let read = caller.document(document_id).await.pages_read;
        let (before, since) = last.get();
        if read != before {
            last.set((read, std::time::Instant::now()));
            return None;
        }
        (since.elapsed().as_secs() >= 5).then_some(read)
    };
    eventually(PATIENCE, "the reading to stop", look)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

#[tokio::test]
async fn twenty_pages_go_on_after_a_kill_with_one_page_read_twice_at_most() {
    go_on_after_a_kill(20, 5).await;
}

#[tokio::test]
#[ignore = "it reads for a minute or two; the shorter one is part of every run"]
async fn fifty_pages_go_on_after_a_kill_with_one_page_read_twice_at_most() {
    go_on_after_a_kill(PAGES, 10).await;
}

/// Kills the service when some pages of a document are read, and starts it again.
async fn go_on_after_a_kill(pages: i32, read: i32) {
    let mesh = Mesh::start().await.expect("the mesh starts");
    let caller = Caller::of(&mesh);
    let (upload, verification_id) = started(&caller, &passport(131), pages).await;
    wait_for_pages(&caller, &upload.document_id, read).await;
    mesh.document.sigkill().await;
    mesh.document.restart().await.expect("it starts again");
    let before = caller.document(&upload.document_id).await.pages_read;
    assert!((read..pages).contains(&before), "it was killed in the middle: {before}");
    for at_least in (before + 1..pages).step_by(10).chain([pages]) {
        wait_for_pages(&caller, &upload.document_id, at_least).await;
    }
    assert_eq!(
        caller.end_of(&verification_id).await.status(),
        VerificationStatus::Completed
    );
    let read_again = "SELECT coalesce(sum(attempts - 1), 0) FROM document_pages".to_owned();
    let read_again = mesh.postgres.sql_at(&mesh.databases.document, &[read_again]).await;
    let read_again: i64 = read_again.expect("an answer").trim().parse().expect("a number");
    println!("{pages}-page PDF: SIGKILL after page {before}, {read_again} pages read twice");
    assert!(read_again <= 1, "{read_again} pages were read twice");
}

#[tokio::test]
async fn long_documents_hold_up_nobodys_decision() {
    // One page at a time, and two documents that want to be read: every slot for reading is taken.
    let mesh = Mesh::builder().setting("document", "OCR_CONCURRENCY", "1");
    let mesh = mesh.start().await.expect("the mesh starts");
    let caller = Caller::of(&mesh);
    let waiting = passport(132);
    let (_, verification_id) = caller
        .start_with(waiting.truth(), &[with_covered_print(&waiting)])
        .await;
    let reviewer = Reviewer::new(&caller);
    let review = reviewer.review_of(&verification_id).await;
    let (first, _) = started(&caller, &passport(133), PAGES).await;
    let (second, _) = started(&caller, &passport(134), PAGES).await;
    wait_for_pages(&caller, &first.document_id, 1).await;

    reviewer.settle(&review.review_id, DocumentDecision::Accepted).await;
    let end = caller.end_of(&verification_id).await;
    assert_eq!(end.methods[0].status(), MethodStatus::Accepted);
    for long in [first, second] {
        let read = caller.document(&long.document_id).await.pages_read;
        assert!(read < PAGES, "the decision waited for {read} pages");
    }
}
