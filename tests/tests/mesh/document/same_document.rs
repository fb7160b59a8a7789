//! One document is one member's.

use crate::support::*;
use mesh_proto::document::v1::{BlockDocumentRequest, DocumentType, UnblockDocumentRequest};
use mesh_proto::orchestrator::v1::{MethodStatus, Verification};
use specimen::Passport;

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
