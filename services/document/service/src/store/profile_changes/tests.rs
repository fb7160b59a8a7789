use super::*;
use crate::identity::Identity;
use crate::store::{Found, NewDecision, Written};
use crate::testing::{ANOTHER_MEMBER, MEMBER, World, at, member, new_verification};
use document_workflows::contract::Refusal;
use mesh_testkit::fixtures::OrPanic;
use mesh_types::{Decision, DocumentKind};

fn identity(number: &str) -> Identity {
    Identity::new("UTO", DocumentKind::Passport, number).expect("letters and digits")
}

/// Has a member's document of this number checked against a version of the profile.
async fn checked(world: &World, member_id: i64, number: &str, profile_version: i64) -> NewDecision {
    let document_id = world.uploaded_by(member_id).await.document_id;
    let verification_id = new_verification();
    let checks = (&[][..], profile_version);
    let recorded = world
        .store
        .record_checks(document_id, verification_id, DocumentKind::Passport, checks, at(1));
    recorded.await.or_panic();
    NewDecision {
        verification_id,
        document_id,
        decision: Decision::Accepted,
        internal_reason: "ALL_CHECKS_PASSED".to_owned(),
        member_reason: String::new(),
        decided_at: at(10),
        identity: world.vault.identity_hashes(Some(&identity(number))),
        evidence: Vec::new(),
        retention_class: "while_verification_counts",
        recorded_at: at(11),
    }
}

async fn accepted(world: &World, member_id: i64, number: &str, profile_version: i64) -> VerificationId {
    let decision = checked(world, member_id, number, profile_version).await;
    let written = world.store.record_decision(&decision).await.or_panic();
    assert!(matches!(written, Written::Stands { .. }), "{written:?}");
    decision.verification_id
}

async fn change(world: &World, profile_version: i64) {
    let mut transaction = world.pool.begin().await.expect("a transaction");
    let recorded = record_profile_change(&mut transaction, member(MEMBER), profile_version, at(20)).await;
    recorded.or_panic();
    transaction.commit().await.expect("committed");
}

async fn is_claimed(world: &World, number: &str) -> bool {
    let hashes = world.vault.identity_hashes(Some(&identity(number)));
    let found = world.store.find_identity(&hashes, member(ANOTHER_MEMBER)).await;
    found.or_panic().in_use == Found::SameDocument
}

#[tokio::test]
async fn a_changed_profile_revokes_what_was_accepted_under_an_earlier_one_and_ends_its_claim() {
    let world = World::new().await;
    let outdated = accepted(&world, MEMBER, "L898902C3", 1).await;
    // The same document under the profile of today, too.
    accepted(&world, MEMBER, "AB1234567", 1).await;
    accepted(&world, MEMBER, "AB1234567", 2).await;
    let _of_another_member = accepted(&world, ANOTHER_MEMBER, "CD1234567", 1).await;
    // What is no news changes nothing.
    for version in [2, 2, 1] {
        change(&world, version).await;
    }
    let listed = world.store.list_revocations(None, 10).await.or_panic();
    let revoked: Vec<_> = listed.iter().map(|one| (one.reason, one.revoked_at)).collect();
    assert_eq!(revoked, [(RevocationReason::ProfileChanged, at(20)); 2]);
    assert!(listed.iter().any(|one| one.verification_id == outdated));
    assert!(
        !is_claimed(&world, "L898902C3").await,
        "another member may be accepted with it"
    );
    assert!(
        is_claimed(&world, "AB1234567").await,
        "it rests on the profile of today as well"
    );
}

#[tokio::test]
async fn what_was_accepted_under_an_earlier_profile_is_revoked_though_it_was_checked_again_since() {
    let world = World::new().await;
    let decision = checked(&world, MEMBER, "L898902C3", 1).await;
    let (document_id, verification_id) = (decision.document_id, decision.verification_id);
    let written = world.store.record_decision(&decision).await.or_panic();
    assert!(matches!(written, Written::Stands { .. }), "{written:?}");
    // The profile has changed already, and word of it is on its way.
    let checks = (&[][..], 2);
    let recorded = world
        .store
        .record_checks(document_id, verification_id, DocumentKind::Passport, checks, at(15));
    recorded.await.or_panic();
    change(&world, 2).await;
    let listed = world.store.list_revocations(None, 10).await.or_panic();
    let revoked: Vec<_> = listed.iter().map(|one| one.verification_id).collect();
    assert_eq!(revoked, [verification_id]);
    assert!(!is_claimed(&world, "L898902C3").await);
}

#[tokio::test]
async fn an_acceptance_that_was_compared_with_an_earlier_profile_is_refused() {
    let world = World::new().await;
    let (before, after) = (
        checked(&world, MEMBER, "L898902C3", 1).await,
        checked(&world, MEMBER, "L898902C3", 2).await,
    );
    change(&world, 2).await;
    let refused = world.store.record_decision(&before).await.or_panic();
    assert_eq!(refused, Written::Refused(Refusal::ProfileChanged));
    let stands = world.store.record_decision(&after).await.or_panic();
    assert!(matches!(stands, Written::Stands { .. }), "{stands:?}");
}

#[tokio::test]
async fn an_acceptance_waits_for_a_change_that_is_under_way_and_is_refused() {
    let world = World::new().await;
    let decision = checked(&world, MEMBER, "L898902C3", 1).await;
    let mut changing = world.pool.begin().await.expect("a transaction");
    record_profile_change(&mut changing, member(MEMBER), 2, at(20))
        .await
        .or_panic();
    let commit = async {
        world
            .until_one_waits_or("SELECT EXISTS (SELECT FROM document_decisions)")
            .await;
        changing.commit().await.expect("committed");
    };
    let (written, ()) = tokio::join!(world.store.record_decision(&decision), commit);
    assert_eq!(written.or_panic(), Written::Refused(Refusal::ProfileChanged));
}
