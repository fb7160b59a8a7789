//! One document is one member's.

use super::support::{Reviewer, not_now, told};
use crate::support::*;
use mesh_proto::document::v1::{
    BlockDocumentRequest, DecideReviewRequest, DocumentDecision, DocumentType, Review, UnblockDocumentRequest,
};
use mesh_proto::orchestrator::v1::{DocumentMethod, MethodRequest, MethodStatus, Verification, method_request};
use specimen::{Document, DocumentKind, DocumentOptions, Passport};

/// A verification of a new member by this passport.
async fn verified(caller: &Caller, passport: &Passport) -> Verification {
    let (_, verification_id) = caller.start_with(passport.truth(), &[picture(passport)]).await;
    caller.end_of(&verification_id).await
}

fn outcome(end: &Verification) -> (MethodStatus, &str) {
    (end.methods[0].status(), end.methods[0].internal_reason.as_str())
}

const IN_USE: (MethodStatus, &str) = (MethodStatus::Rejected, "DOCUMENT_IN_USE");

#[tokio::test]
async fn the_second_member_with_a_document_is_rejected_also_at_the_same_moment() {
    let caller = Caller::of(shared_mesh().await);
    let passport = passport(120);
    assert_eq!(
        verified(&caller, &passport).await.methods[0].status(),
        MethodStatus::Accepted
    );
    assert_eq!(outcome(&verified(&caller, &passport).await), IN_USE);

    for seed in 121..124 {
        let passport = crate::support::passport(seed);
        let (one, other) = tokio::join!(verified(&caller, &passport), verified(&caller, &passport));
        let mut statuses = [one.methods[0].status(), other.methods[0].status()];
        statuses.sort();
        assert_eq!(
            statuses,
            [MethodStatus::Accepted, MethodStatus::Rejected],
            "seed {seed}"
        );
    }
}

#[tokio::test]
async fn a_rejected_document_is_nobodys_and_its_owner_may_still_use_it() {
    let caller = Caller::of(shared_mesh().await);
    let passport = passport(129);
    let thief = crate::support::passport(126);
    let (_, stolen) = caller.start_with(thief.truth(), &[picture(&passport)]).await;
    assert_eq!(
        outcome(&caller.end_of(&stolen).await),
        (MethodStatus::Rejected, "NAME_MISMATCH")
    );
    assert_eq!(
        verified(&caller, &passport).await.methods[0].status(),
        MethodStatus::Accepted
    );
}

#[tokio::test]
async fn a_blocklisted_document_is_rejected_until_it_is_taken_off() {
    let caller = Caller::of(shared_mesh().await);
    let passport = passport(127);
    let truth = passport.truth();
    let block = BlockDocumentRequest {
        request_id: new_request_id(),
        document_type: DocumentType::Passport.into(),
        issuing_state: truth.issuing_state.clone(),
        // Written as a person would.
        document_number: format!(
            " {}-{}",
            &truth.document_number[..3],
            &truth.document_number[3..].to_lowercase()
        ),
        reason_code: "REPORTED_STOLEN".to_owned(),
    };
    caller
        .documents
        .clone()
        .block_document(block)
        .await
        .expect("it is blocked");
    assert_eq!(
        outcome(&verified(&caller, &passport).await),
        (MethodStatus::Rejected, "DOCUMENT_BLOCKLISTED")
    );
    let unblock = UnblockDocumentRequest {
        request_id: new_request_id(),
        document_type: DocumentType::Passport.into(),
        issuing_state: truth.issuing_state.clone(),
        document_number: truth.document_number.clone(),
    };
    caller
        .documents
        .clone()
        .unblock_document(unblock)
        .await
        .expect("it is free again");
    assert_eq!(
        verified(&caller, &passport).await.methods[0].status(),
        MethodStatus::Accepted
    );
}

/// A new member's verification by a licence, and the review that it comes to. A licence's holder is that of the passport of its
/// seed.
async fn licence_in_review(caller: &Caller, seed: u64, licence: &Document) -> (String, Review) {
    let member_id = caller.register(passport(seed).truth()).await;
    let pages: Vec<_> = licence.draw().iter().map(specimen::to_png).collect();
    let method = DocumentMethod {
        document_type: DocumentType::DriversLicense.into(),
        document_url: caller.upload(member_id, &pages).await.document_url,
    };
    let mut request = by_document(member_id, String::new());
    request.methods = vec![MethodRequest {
        method: Some(method_request::Method::Document(method)),
    }];
    let started = caller.start(request).await.expect("the verification starts");
    let review = Reviewer::new(caller).review_of(&started.verification_id).await;
    (started.verification_id, review)
}

#[tokio::test]
async fn a_licence_whose_number_another_member_has_is_accepted_by_a_person_who_made_sure() {
    let caller = Caller::of(shared_mesh().await);
    let reviewer = Reviewer::new(&caller);
    let seed = 151;
    let options = || DocumentOptions::new(DocumentKind::DrivingLicence, seed).valid_until(specimen::FAR_EXPIRY_DATE);
    let (by_print, by_barcode) = (options().without_barcode().build(), options().build());

    let (verification_id, review) = licence_in_review(&caller, seed, &by_print).await;
    reviewer.claim(&review.review_id).await.expect("it is free");
    let untyped = reviewer.decision(&review.review_id, DocumentDecision::Accepted);
    let refused = refusal(&reviewer.decide(untyped.clone()).await.expect_err("it needs a number"));
    assert_eq!(refused, bad_field("INVALID_REQUEST", "issuing_state"));
    let typed = DecideReviewRequest {
        request_id: new_request_id(),
        issuing_state: "USA".to_owned(),
        document_number: by_print.truth().document_number.clone(),
        ..untyped
    };
    reviewer.decide(typed).await.expect("it is accepted");
    let end = caller.end_of(&verification_id).await;
    assert_eq!(end.methods[0].status(), MethodStatus::Accepted);

    let (verification_id, review) = licence_in_review(&caller, seed, &by_barcode).await;
    assert_eq!(review.internal_reason, "DOCUMENT_MAY_BE_IN_USE");
    reviewer.claim(&review.review_id).await.expect("it is free");
    let unaware = reviewer.decision(&review.review_id, DocumentDecision::Accepted);
    assert_eq!(
        told(reviewer.decide(unaware.clone()).await),
        not_now("DOCUMENT_NUMBER_KNOWN")
    );
    let sure = DecideReviewRequest {
        request_id: new_request_id(),
        is_members_own: true,
        ..unaware
    };
    reviewer.decide(sure).await.expect("it is accepted");
    let end = caller.end_of(&verification_id).await;
    assert_eq!(end.methods[0].status(), MethodStatus::Accepted);
}
