use super::*;
use crate::identity::Identity;
use crate::store::{NewDecision, Written, block};
use crate::testing::{STAFF, World, at, new_verification, png};
use document_workflows::contract::Refusal;
use mesh_testkit::fixtures::OrPanic;
use mesh_types::{Decision, DocumentId, DocumentKind};

fn identity(number: &str) -> Identity {
    Identity::new("UTO", DocumentKind::Passport, number).expect("letters and digits")
}

/// Decides on a document of this number in a new verification.
async fn decided(
    world: &World,
    document_id: DocumentId,
    number: &str,
    decision: Decision,
) -> (VerificationId, Written) {
    let verification_id = new_verification();
    let decision = NewDecision {
        verification_id,
        document_id,
        decision,
        internal_reason: "ALL_CHECKS_PASSED".to_owned(),
        member_reason: String::new(),
        decided_at: at(10),
        identity: world.vault.identity_hashes(Some(&identity(number))),
        evidence: Vec::new(),
        retention_class: "while_verification_counts",
        recorded_at: at(11),
    };
    let written = world.store.record_decision(&decision).await.or_panic();
    (verification_id, written)
}

async fn accepted(world: &World, number: &str) -> (DocumentId, VerificationId) {
    let document_id = world.uploaded(&[png(1)]).await.document_id;
    let (verification_id, _) = decided(world, document_id, number, Decision::Accepted).await;
    (document_id, verification_id)
}

async fn blocked(world: &World, number: &str, seconds: i64) {
    let hashes = world.vault.identity_hashes(Some(&identity(number)));
    world.block(&hashes, at(seconds)).await;
}

async fn listed(world: &World) -> Vec<(VerificationId, RevocationReason, Timestamp)> {
    let all = world.store.list_revocations(None, 1_000).await.or_panic();
    let entries = all.iter().map(|one| (one.verification_id, one.reason, one.revoked_at));
    entries.collect()
}

#[tokio::test]
async fn a_block_revokes_every_verification_with_the_document_once() {
    let world = World::new().await;
    // The same physical document, uploaded for the first verification and for its renewal.
    let mut expected = Vec::new();
    for _ in 0..2 {
        let (_, verification_id) = accepted(&world, "L898902C3").await;
        expected.push((verification_id, RevocationReason::DocumentBlocked, at(20)));
    }
    let _of_another_number = accepted(&world, "AB1234567").await;
    let rejected = world.uploaded(&[png(1)]).await.document_id;
    decided(&world, rejected, "L898902C3", Decision::Rejected).await;

    for seconds in [20, 30] {
        blocked(&world, "L898902C3", seconds).await;
    }
    let mut found = listed(&world).await;
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn an_erasure_revokes_every_verification_that_accepted_the_document_once() {
    let world = World::new().await;
    let (document_id, first) = accepted(&world, "L898902C3").await;
    let (second, _) = decided(&world, document_id, "L898902C3", Decision::Accepted).await;
    decided(&world, document_id, "L898902C3", Decision::NeedsReview).await;
    let _another = accepted(&world, "L898902C3").await;
    for seconds in [20, 30] {
        world.vault.erase(document_id, &STAFF, at(seconds)).await.or_panic();
    }
    let mut found = listed(&world).await;
    found.sort();
    let mut expected = [first, second].map(|id| (id, RevocationReason::DocumentErased, at(20)));
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn an_acceptance_waits_for_a_block_that_is_under_way_and_is_refused() {
    let world = World::new().await;
    let document_id = world.uploaded(&[png(1)]).await.document_id;
    let hashes = world.vault.identity_hashes(Some(&identity("L898902C3")));
    let mut blocking = world.pool.begin().await.expect("a transaction");
    let blocked = block(&mut blocking, &hashes, (&STAFF, "REPORTED_STOLEN"), at(20)).await;
    blocked.or_panic();
    let commit = async {
        world
            .until_one_waits_or("SELECT EXISTS (SELECT FROM document_decisions)")
            .await;
        blocking.commit().await.expect("committed");
    };
    let ((_, written), ()) = tokio::join!(decided(&world, document_id, "L898902C3", Decision::Accepted), commit);
    assert_eq!(written, Written::Refused(Refusal::Blocklisted));
}

#[tokio::test]
async fn an_entry_that_is_committed_late_is_not_left_out() {
    let world = World::new().await;
    let (early, late) = (new_verification(), new_verification());
    let mut slow = world.pool.begin().await.expect("a transaction");
    insert_revocations(&mut slow, &[late.uuid()], RevocationReason::DocumentErased, at(1))
        .await
        .or_panic();
    let quick = async {
        let mut transaction = world.pool.begin().await.expect("a transaction");
        let ids = [early.uuid()];
        insert_revocations(&mut transaction, &ids, RevocationReason::DocumentErased, at(2))
            .await
            .or_panic();
        transaction.commit().await.expect("committed");
    };
    // Somebody who follows looks when the quick one is done, or waits for the slow one.
    let follower = async {
        world
            .until_one_waits_or("SELECT EXISTS (SELECT FROM revocations)")
            .await;
        let seen = world.store.list_revocations(None, 10).await.or_panic();
        slow.commit().await.expect("committed");
        seen
    };
    let (seen, ()) = tokio::join!(follower, quick);
    let after = seen.last().map(|last| last.revocation_id);
    let rest = world.store.list_revocations(after, 10).await.or_panic();
    let all: Vec<_> = seen.iter().chain(&rest).map(|one| one.verification_id).collect();
    assert_eq!(all, [late, early]);
}

#[tokio::test]
async fn the_list_begins_anew_after_an_entry_that_is_not_there() {
    let world = World::new().await;
    let ids = [new_verification().uuid(), new_verification().uuid()];
    let mut transaction = world.pool.begin().await.expect("a transaction");
    insert_revocations(&mut transaction, &ids, RevocationReason::DocumentErased, at(1))
        .await
        .or_panic();
    transaction.commit().await.expect("committed");
    let all = world.store.list_revocations(None, 10).await.or_panic();
    let after_the_first = world
        .store
        .list_revocations(Some(all[0].revocation_id), 10)
        .await
        .or_panic();
    assert_eq!(after_the_first, all[1..]);
    let after_one_of_another_time = world
        .store
        .list_revocations(Some(clock::new_uuid()), 10)
        .await
        .or_panic();
    assert_eq!(after_one_of_another_time, all);
}
