//! Verifications by passport, from upload to score.

use crate::support::*;
use mesh_proto::document::v1::{CheckResult, DocumentDecision};
use mesh_proto::orchestrator::v1 as proto;
use mesh_proto::orchestrator::v1::{Method, MethodStatus, VerificationStatus};
use mesh_proto::reputation::v1::{GetReputationRequest, Level};

#[tokio::test]
async fn a_passport_is_read_checked_scored_and_recorded() {
    let caller = Caller::of(shared_mesh().await);
    let passport = passport(1);
    let member_id = caller.register(passport.truth()).await;
    // All that follows a member may do.
    let caller = caller.acting_as(member_id, &["member"]);
    let verification_id = caller.start_for(member_id, &[picture(&passport)]).await;

    let changes = caller.watch(&verification_id).await;
    let end = changes.last().expect("the end is shown");
    assert_eq!(
        (end.status(), end.member_id),
        (VerificationStatus::Completed, member_id)
    );
    assert_eq!(
        (end.methods[0].method(), end.methods[0].status()),
        (Method::Document, MethodStatus::Accepted)
    );
    let document = end.methods[0].document.as_ref().expect("the document's check is shown");
    assert_eq!(
        (document.pages_read, document.decision()),
        (1, DocumentDecision::Accepted)
    );
    assert!(
        document
            .checks
            .iter()
            .all(|check| check.result() != CheckResult::Failed),
        "{:?}",
        document.checks
    );

    let breakdown = end.breakdown.as_ref().expect("the score is shown");
    let sum: i32 = breakdown.contributions.iter().map(|line| line.points).sum();
    assert_eq!(
        (breakdown.score, sum + breakdown.cap_adjustment, breakdown.level()),
        (30, 30, Level::Bronze)
    );
    let reputation = caller
        .reputations
        .clone()
        .get_reputation(GetReputationRequest {
            member_id,
            ..Default::default()
        })
        .await;
    assert_eq!(
        reputation.expect("the member is known").into_inner().breakdown.as_ref(),
        Some(breakdown)
    );

    let request = proto::ListVerificationsRequest {
        member_id,
        ..Default::default()
    };
    let listed = caller
        .verifications
        .clone()
        .list_verifications(request)
        .await
        .expect("the list comes")
        .into_inner();
    assert_eq!(listed.verifications.len(), 1);
    assert_eq!(listed.verifications[0].verification_id, verification_id);
    assert_eq!(listed.verifications[0].breakdown.as_ref(), Some(breakdown));
}

#[tokio::test]
async fn an_expired_passport_is_rejected() {
    let caller = Caller::of(shared_mesh().await);
    let passport = specimen_options(2).expired().build();
    let (_, verification_id) = caller.start_with(passport.truth(), &[picture(&passport)]).await;
    let end = caller.end_of(&verification_id).await;
    assert_eq!(
        (end.status(), end.methods[0].status()),
        (VerificationStatus::Failed, MethodStatus::Rejected)
    );
    assert_eq!(end.methods[0].internal_reason, "DOCUMENT_EXPIRED");
}

#[tokio::test]
async fn a_passport_in_another_name_is_rejected() {
    let caller = Caller::of(shared_mesh().await);
    let (passport, somebody_else) = (passport(3), passport(4));
    let (_, verification_id) = caller.start_with(somebody_else.truth(), &[picture(&passport)]).await;
    let end = caller.end_of(&verification_id).await;
    assert_eq!(
        (end.status(), end.methods[0].status()),
        (VerificationStatus::Failed, MethodStatus::Rejected)
    );
    assert_eq!(end.methods[0].internal_reason, "NAME_MISMATCH");
}

#[tokio::test]
async fn a_picture_without_a_zone_is_asked_for_again_and_the_next_one_counts() {
    let caller = Caller::of(shared_mesh().await);
    let passport = passport(5);
    let letter = specimen::to_png(&specimen::letter_page(5));
    let (member_id, verification_id) = caller.start_with(passport.truth(), &[letter]).await;
    let waiting = caller.comes_to(&verification_id, MethodStatus::Resubmit).await;
    assert_eq!(waiting.status(), VerificationStatus::InProgress);
    let method = &waiting.methods[0];
    assert_eq!(method.internal_reason, "MRZ_NOT_FOUND");
    assert!(
        method.member_reason.contains("photograph every side"),
        "{}",
        method.member_reason
    );
    let document = method.document.as_ref().expect("the document's check is shown");
    assert_eq!((document.submission, document.submissions_left), (1, 2));
    assert!(!document.hints.is_empty(), "how to take a better picture is said");
    let first = document.document_id.clone();

    let better = caller.upload(member_id, &[picture(&passport)]).await;
    let taken = caller
        .submit(&verification_id, better.document_url.clone())
        .await
        .expect("another document is waited for");
    assert_eq!((taken.submission, taken.submissions_left), (2, 1));
    let end = caller.end_of(&verification_id).await;
    assert_eq!(end.status(), VerificationStatus::Completed);
    let document = end.methods[0].document.as_ref().expect("the document's check is shown");
    assert_eq!(
        (document.document_id.as_str(), document.submission),
        (better.document_id.as_str(), 2)
    );
    assert_eq!(
        caller.document(&first).await.decision(),
        DocumentDecision::Resubmit,
        "each submission keeps what came of it"
    );
}

#[tokio::test]
async fn a_third_picture_without_a_zone_ends_the_verification() {
    let caller = Caller::of(shared_mesh().await);
    let passport = passport(10);
    let letter = |seed| specimen::to_png(&specimen::letter_page(seed));
    let (member_id, verification_id) = caller.start_with(passport.truth(), &[letter(10)]).await;
    for submission in 2..=3 {
        let is_awaited = |shown: &proto::Verification| {
            let method = &shown.methods[0];
            let before = method.document.as_ref().map(|document| document.submission);
            method.status() == MethodStatus::Resubmit && before == Some(submission - 1)
        };
        caller.watch_until(&verification_id, is_awaited).await;
        let document_url = caller
            .upload(member_id, &[letter(10 + submission as u64)])
            .await
            .document_url;
        let taken = caller
            .submit(&verification_id, document_url)
            .await
            .expect("it is waited for");
        assert_eq!((taken.submission, taken.submissions_left), (submission, 3 - submission));
    }
    let end = caller.end_of(&verification_id).await;
    assert_eq!(
        (end.status(), end.methods[0].status()),
        (VerificationStatus::Failed, MethodStatus::Resubmit)
    );
    let document_url = caller.upload(member_id, &[picture(&passport)]).await.document_url;
    let refused = caller
        .submit(&verification_id, document_url)
        .await
        .expect_err("it is over");
    assert_eq!(refusal(&refused).reason, "DOCUMENT_NOT_AWAITED");
}

#[tokio::test]
async fn methods_run_side_by_side_and_one_without_evidence_does_not_harm_the_other() {
    let caller = Caller::of(shared_mesh().await);
    let passport = passport(6);
    let member_id = caller.register(passport.truth()).await;
    let upload = caller.upload(member_id, &[picture(&passport)]).await;
    let mut request = by_document(member_id, upload.document_url);
    request.target_score = None;
    let reputation = proto::method_request::Method::Reputation(proto::ReputationMethod {});
    request.methods.push(proto::MethodRequest {
        method: Some(reputation),
    });
    let started = caller.start(request).await.expect("it starts");
    let end = caller.end_of(&started.verification_id).await;
    let statuses: Vec<_> = end
        .methods
        .iter()
        .map(|method| (method.method(), method.status()))
        .collect();
    let expected = [
        (Method::Document, MethodStatus::Accepted),
        (Method::Reputation, MethodStatus::Rejected),
    ];
    assert_eq!(statuses, expected);
    // 30 points are below the default target of 50.
    assert_eq!((end.status(), end.target_score), (VerificationStatus::Failed, 50));
    assert_eq!(end.breakdown.map(|breakdown| breakdown.score), Some(30));
}

#[tokio::test]
async fn a_cancelled_verification_ends_within_a_page_and_stays_cancelled() {
    let caller = Caller::of(shared_mesh().await);
    let passport = passport(7);
    let mut pages: Vec<_> = (0..9)
        .map(|seed| specimen::to_png(&specimen::letter_page(seed)))
        .collect();
    pages.push(picture(&passport));
    let (_, verification_id) = caller.start_with(passport.truth(), &pages).await;
    let cancel = || {
        let request = proto::CancelVerificationRequest {
            request_id: new_request_id(),
            verification_id: verification_id.clone(),
        };
        let mut verifications = caller.verifications.clone();
        async move { verifications.cancel_verification(request).await }
    };
    cancel().await.expect("a running verification can be cancelled");
    let end = caller.end_of(&verification_id).await;
    assert_eq!(
        (end.status(), end.methods[0].status()),
        (VerificationStatus::Cancelled, MethodStatus::Cancelled)
    );
    assert!(
        end.methods[0]
            .document
            .as_ref()
            .is_none_or(|document| document.pages_read < 10)
    );
    cancel().await.expect("a repeated cancellation changes nothing");
}

#[tokio::test]
async fn a_list_pages_through_every_verification_once_newest_first() {
    let caller = Caller::of(shared_mesh().await);
    let passport = specimen_options(8).expired().build();
    let member_id = caller.register(passport.truth()).await;
    let upload = caller.upload(member_id, &[picture(&passport)]).await;
    let mut started = Vec::new();
    for _ in 0..3 {
        let one = caller
            .start(by_document(member_id, upload.document_url.clone()))
            .await
            .expect("it starts");
        assert_eq!(
            caller.end_of(&one.verification_id).await.status(),
            VerificationStatus::Failed
        );
        started.insert(0, one.verification_id);
    }
    let (mut listed, mut page_token) = (Vec::new(), String::new());
    loop {
        let status = VerificationStatus::Failed.into();
        let request = proto::ListVerificationsRequest {
            member_id,
            status,
            page_size: 2,
            page_token,
        };
        let page = caller
            .verifications
            .clone()
            .list_verifications(request)
            .await
            .expect("a page comes")
            .into_inner();
        listed.extend(
            page.verifications
                .into_iter()
                .map(|verification| verification.verification_id),
        );
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, started);
}
