//! What machines may not decide, a person does.

use super::support::*;
use crate::support::*;
use mesh_proto::document::v1::{CheckResult, DecideReviewRequest, DocumentDecision};
use mesh_proto::orchestrator::v1::{ListVerificationsRequest, MethodStatus, Verification, VerificationStatus};
use mesh_testkit::Mesh;
use tonic::Code;

/// A verification by a passport whose print is covered, and its review.
async fn in_review(caller: &Caller, seed: u64) -> (String, mesh_proto::document::v1::Review) {
    let passport = passport(seed);
    let (_, verification_id) = caller
        .start_with(passport.truth(), &[with_covered_print(&passport)])
        .await;
    let review = Reviewer::new(caller).review_of(&verification_id).await;
    (verification_id, review)
}

#[tokio::test]
async fn a_person_accepts_what_rests_on_one_source() {
    let caller = Caller::of(shared_mesh().await);
    let passport = passport(100);
    let picture = with_covered_print(&passport);
    let (_, verification_id) = caller
        .start_with(passport.truth(), std::slice::from_ref(&picture))
        .await;
    let reviewer = Reviewer::new(&caller);
    let review = reviewer.review_of(&verification_id).await;
    assert!(review.checks.iter().any(|check| check.result() == CheckResult::Passed));
    assert_eq!((review.page_count, review.claimed_by), (1, 0));
    let shown = caller.decided(&verification_id, DocumentDecision::NeedsReview).await;
    assert_eq!(shown.document_id, review.document_id);

    let held = reviewer.claim(&review.review_id).await.expect("it is free");
    assert_eq!(held.claimed_by, reviewer.id);
    let (media_type, bytes) = reviewer.page(&review.review_id, 1).await.expect("the holder may look");
    assert!(
        media_type == "image/png" && bytes == picture,
        "the page as it was uploaded"
    );
    let decision = reviewer.decision(&review.review_id, DocumentDecision::Accepted);
    reviewer.decide(decision.clone()).await.expect("the holder decides");
    reviewer
        .decide(decision)
        .await
        .expect("a repeated request changes nothing");

    let end = caller.end_of(&verification_id).await;
    // Without the points for agreeing print: 25, which is bronze.
    assert_eq!(
        (end.status(), end.methods[0].status()),
        (VerificationStatus::Completed, MethodStatus::Accepted)
    );
    let proved: Vec<_> = caller
        .evidence(&verification_id)
        .await
        .into_iter()
        .map(|one| one.proves)
        .collect();
    assert!(proved.contains(&"document_accepted".to_owned()), "{proved:?}");
    assert!(!proved.contains(&"document_agrees_with_print".to_owned()), "{proved:?}");
}

#[tokio::test]
async fn a_person_rejects_and_the_member_reads_why() {
    let caller = Caller::of(shared_mesh().await);
    let (verification_id, review) = in_review(&caller, 101).await;
    let reviewer = Reviewer::new(&caller);
    reviewer.settle(&review.review_id, DocumentDecision::Rejected).await;
    let end = caller.end_of(&verification_id).await;
    assert_eq!(
        (end.status(), end.methods[0].status()),
        (VerificationStatus::Failed, MethodStatus::Rejected)
    );
    assert!(caller.evidence(&verification_id).await.is_empty());

    let member = caller.acting_as(end.member_id, &["member"]);
    let (code, sentence) = ("SEEN_BY_A_PERSON", "A person looked at your document.");
    for (reader, internal_reason, tells_of_others) in [(&caller, code, 2), (&member, "", 0)] {
        let (watched, got) = (
            reader.end_of(&verification_id).await,
            reader.get(&verification_id).await,
        );
        let listed = listed(reader, end.member_id).await;
        for shown in [&watched, &got.expect("it is theirs"), &listed] {
            let method = &shown.methods[0];
            assert_eq!(
                (method.status(), method.internal_reason.as_str()),
                (MethodStatus::Rejected, internal_reason)
            );
        }
        let of_method = watched.methods[0].document.clone().expect("its check is shown");
        for shown in [of_method, reader.document(&review.document_id).await] {
            let read = (shown.internal_reason.as_str(), shown.member_reason.as_str());
            assert_eq!(
                (shown.decision(), read),
                (DocumentDecision::Rejected, (internal_reason, sentence))
            );
            let of_others = ["not_in_use_by_another", "not_blocklisted"];
            let names: Vec<&str> = shown.checks.iter().map(|check| check.name.as_str()).collect();
            let told = names.iter().filter(|name| of_others.contains(name)).count();
            assert!(told == tells_of_others && names.len() > 2, "{names:?}");
        }
    }
}

/// The one verification of a member, as the list shows it.
async fn listed(reader: &Caller, member_id: i64) -> Verification {
    let request = ListVerificationsRequest {
        member_id,
        ..Default::default()
    };
    let answer = reader.verifications.clone().list_verifications(request).await;
    let mut verifications = answer.expect("they are listed").into_inner().verifications;
    assert_eq!(verifications.len(), 1);
    verifications.remove(0)
}

#[tokio::test]
async fn a_person_asks_for_another_picture_and_gets_it() {
    let caller = Caller::of(shared_mesh().await);
    let passport = passport(102);
    let (member_id, verification_id) = caller
        .start_with(passport.truth(), &[with_covered_print(&passport)])
        .await;
    let reviewer = Reviewer::new(&caller);
    let review = reviewer.review_of(&verification_id).await;
    reviewer.settle(&review.review_id, DocumentDecision::Resubmit).await;
    caller.decided(&verification_id, DocumentDecision::Resubmit).await;
    let better = caller.upload(member_id, &[picture(&passport)]).await;
    caller
        .submit(&verification_id, better.document_url.clone())
        .await
        .expect("it is waited for");
    assert_eq!(
        caller.end_of(&verification_id).await.status(),
        VerificationStatus::Completed
    );
}

#[tokio::test]
async fn a_review_is_one_reviewers_at_a_time_and_decided_once() {
    let mesh = shared_mesh().await;
    let caller = Caller::of(mesh);
    let (_, review) = in_review(&caller, 103).await;
    let (first, second) = (Reviewer::new(&caller), Reviewer::new(&caller));
    let id = review.review_id.as_str();
    let accepts = |reviewer: &Reviewer| reviewer.decision(id, DocumentDecision::Accepted);

    let pages_are_refused = async |reviewers: [&Reviewer; 2], reason: &str| {
        for reviewer in reviewers {
            assert_eq!(told(reviewer.page(id, 1).await), not_now(reason));
        }
    };

    pages_are_refused([&first, &second], "REVIEW_NOT_CLAIMED").await;
    assert_eq!(told(first.decide(accepts(&first)).await), not_now("REVIEW_NOT_CLAIMED"));
    first.claim(id).await.expect("it is free");
    first.page(id, 1).await.expect("the holder may look");
    first.claim(id).await.expect("the holder may hold it longer");
    assert_eq!(told(second.claim(id).await), not_now("REVIEW_CLAIMED_BY_ANOTHER"));
    assert_eq!(told(second.page(id, 1).await), not_now("REVIEW_CLAIMED_BY_ANOTHER"));
    assert_eq!(
        told(second.decide(accepts(&second)).await),
        not_now("REVIEW_CLAIMED_BY_ANOTHER")
    );

    // A quarter of an hour passes.
    let past =
        format!("UPDATE reviews SET claimed_until = claimed_until - interval '16 minutes' WHERE review_id = '{id}'");
    mesh.postgres
        .sql_at(&mesh.databases.document, &[past])
        .await
        .expect("the claim runs out");
    pages_are_refused([&first, &second], "REVIEW_NOT_CLAIMED").await;
    assert_eq!(told(first.decide(accepts(&first)).await), not_now("REVIEW_NOT_CLAIMED"));
    second.claim(id).await.expect("it is free again");
    second.page(id, 1).await.expect("the holder may look");
    assert_eq!(told(first.page(id, 1).await), not_now("REVIEW_CLAIMED_BY_ANOTHER"));
    assert_eq!(
        told(first.decide(accepts(&first)).await),
        not_now("REVIEW_CLAIMED_BY_ANOTHER")
    );
    second.decide(accepts(&second)).await.expect("the holder decides");

    pages_are_refused([&first, &second], "REVIEW_OVER").await;
    assert_eq!(told(second.decide(accepts(&second)).await), not_now("REVIEW_OVER"));
    assert_eq!(told(first.claim(id).await), not_now("REVIEW_OVER"));
}

#[tokio::test]
async fn a_review_of_an_erased_document_or_a_cancelled_verification_is_over() {
    let caller = Caller::of(shared_mesh().await);
    let reviewer = Reviewer::new(&caller);
    let (_, erased) = in_review(&caller, 104).await;
    reviewer.claim(&erased.review_id).await.expect("it is free");
    let request = mesh_proto::document::v1::EraseDocumentRequest {
        request_id: new_request_id(),
        document_id: erased.document_id.clone(),
    };
    caller
        .documents
        .clone()
        .erase_document(request)
        .await
        .expect("it is erased");
    let decision = reviewer.decision(&erased.review_id, DocumentDecision::Accepted);
    assert_eq!(told(reviewer.decide(decision).await), not_now("DOCUMENT_ERASED"));

    let (verification_id, withdrawn) = in_review(&caller, 105).await;
    reviewer.claim(&withdrawn.review_id).await.expect("it is free");
    let request = mesh_proto::orchestrator::v1::CancelVerificationRequest {
        request_id: new_request_id(),
        verification_id: verification_id.clone(),
    };
    caller
        .verifications
        .clone()
        .cancel_verification(request)
        .await
        .expect("it is cancelled");
    caller.end_of(&verification_id).await;
    let gone = async || {
        let waiting = reviewer.list(1).await;
        waiting
            .iter()
            .all(|review| review.review_id != withdrawn.review_id)
            .then_some(())
    };
    mesh_testkit::eventually(PATIENCE, "the review to be withdrawn", gone)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let decision = reviewer.decision(&withdrawn.review_id, DocumentDecision::Accepted);
    assert_eq!(told(reviewer.decide(decision).await), not_now("REVIEW_OVER"));
}

#[tokio::test]
async fn a_decision_is_refused_with_the_field_that_is_wrong() {
    let caller = Caller::of(shared_mesh().await);
    let reviewer = Reviewer::new(&caller);
    let nobody = "018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d";
    let good = || reviewer.decision(nobody, DocumentDecision::Rejected);
    let table: [(&str, DecideReviewRequest); 5] = [
        (
            "review_id",
            DecideReviewRequest {
                review_id: "7".into(),
                ..good()
            },
        ),
        (
            "decision",
            DecideReviewRequest {
                decision: DocumentDecision::NeedsReview.into(),
                ..good()
            },
        ),
        (
            "reason_code",
            DecideReviewRequest {
                reason_code: "not a code".into(),
                ..good()
            },
        ),
        (
            "member_text",
            DecideReviewRequest {
                member_text: String::new(),
                ..good()
            },
        ),
        (
            "internal_note",
            DecideReviewRequest {
                internal_note: "x".repeat(2001),
                ..good()
            },
        ),
    ];
    for (path, request) in table {
        let refused = refusal(&reviewer.decide(request).await.expect_err(path));
        assert_eq!(refused, bad_field("INVALID_REQUEST", path));
    }
    assert_eq!(
        told(reviewer.decide(good()).await),
        (Code::NotFound, "REVIEW_NOT_FOUND".to_owned())
    );
}

#[tokio::test]
async fn a_review_outlives_the_workers() {
    let mesh = Mesh::start().await.expect("the mesh starts");
    let caller = Caller::of(&mesh);
    let (verification_id, review) = in_review(&caller, 106).await;
    mesh.document.sigkill().await;
    mesh.orchestrator.sigkill().await;
    mesh.document.restart().await.expect("it starts again");
    mesh.orchestrator.restart().await.expect("it starts again");
    let (reviewer, passport) = (Reviewer::new(&caller), passport(106));
    reviewer.claim(&review.review_id).await.expect("it is free");
    // A rest of the print tells another number than the zone, so whoever accepts it types the right one.
    let decision = DecideReviewRequest {
        issuing_state: passport.truth().issuing_state.clone(),
        document_number: passport.truth().document_number.clone(),
        ..reviewer.decision(&review.review_id, DocumentDecision::Accepted)
    };
    reviewer.decide(decision).await.expect("the holder decides");
    let end = caller.end_of(&verification_id).await;
    assert_eq!(end.methods[0].status(), MethodStatus::Accepted);
}
