use super::*;
use crate::store::InsertOutcome;
use crate::testing::{at, ended, insert, insert_span, member, new_verification, store};
use mesh_testkit::fixtures::OrPanic;
use mesh_types::{Score, VerificationStatus};

const SERVICE: &str = "document";

fn blocked(verification_id: VerificationId, instant: &str) -> Revocation {
    Revocation {
        verification_id,
        revoked: Revoked {
            reason: RevocationReason::DocumentBlocked,
            at: at(instant),
        },
        counter_due_at: Some(at(instant)),
    }
}

async fn apply(store: &Store, revocation: Revocation) {
    let from = store.next_page_of(SERVICE).await.or_panic();
    let next = format!("{from}+");
    let applied = store.apply_revocations(SERVICE, (&from, &next), &[revocation]).await;
    assert!(applied.or_panic(), "nobody else is at it");
}

/// Status, score and why it was revoked.
async fn row(store: &Store, id: VerificationId) -> (String, Option<i16>, Option<RevocationReason>) {
    let mut connection = store.connection().await.or_panic();
    let row = sqlx::query_as("SELECT status, score, revoked_reason FROM verifications WHERE verification_id = $1")
        .bind(id.uuid())
        .fetch_one(&mut *connection);
    let (status, score, reason): (String, _, Option<String>) = row.await.expect("a row");
    (status, score, reason.as_deref().map(RevocationReason::parse))
}

#[tokio::test]
async fn a_revocation_ends_what_was_completed_and_takes_the_score_of_any_end() {
    use VerificationStatus::{Cancelled, Completed, Failed, Timeout};
    let store = store().await;
    for (number, (status, shown)) in (1..).zip([
        (Completed, "revoked"),
        (Failed, "failed"),
        (Cancelled, "cancelled"),
        (Timeout, "timeout"),
    ]) {
        let end = Some(("2026-01-02T00:00:00Z", ended(status, 30, &[])));
        let id = insert_span(&store, number, "2026-01-01T00:00:00Z", end).await;
        apply(&store, blocked(id, "2026-02-01T00:00:00Z")).await;
        let expected = (shown.to_owned(), Some(0), Some(RevocationReason::DocumentBlocked));
        assert_eq!(row(&store, id).await, expected);
    }
}

#[tokio::test]
async fn a_revocation_that_comes_before_the_end_counts() {
    use VerificationStatus::{Completed, Failed};
    let store = store().await;
    for (number, (status, shown)) in (1..).zip([(Completed, "revoked"), (Failed, "failed")]) {
        let id = insert(&store, new_verification(member(&store, number).await)).await;
        apply(&store, blocked(id, "2026-02-01T00:00:00Z")).await;
        assert_eq!(row(&store, id).await.0, "in_progress");
        store
            .record_outcome(id, "the run", &ended(status, 30, &[]), at("2026-02-02T00:00:00Z"))
            .await
            .or_panic();
        let expected = (shown.to_owned(), Some(0), Some(RevocationReason::DocumentBlocked));
        assert_eq!(row(&store, id).await, expected);
    }
}

#[tokio::test]
async fn an_end_at_the_moment_of_a_revocation_is_revoked() {
    let store = store().await;
    for number in 1..=40 {
        let id = insert(&store, new_verification(member(&store, number).await)).await;
        let end = ended(VerificationStatus::Completed, 30, &[]);
        let (ended, ()) = tokio::join!(
            store.record_outcome(id, "the run", &end, at("2026-02-02T00:00:00Z")),
            apply(&store, blocked(id, "2026-02-02T00:00:00Z"))
        );
        ended.or_panic();
        assert_eq!(row(&store, id).await.0, "revoked", "{number}");
    }
}

#[tokio::test]
async fn a_revoked_verification_gives_no_score_and_does_not_lock_the_member_out() {
    let store = store().await;
    let end = Some(("2026-01-02T00:00:00Z", ended(VerificationStatus::Completed, 80, &[])));
    let id = insert_span(&store, 1, "2026-01-01T00:00:00Z", end).await;
    let found = store.find_verification(id).await.or_panic().expect("it is there");
    assert_eq!(store.last_score(found.member_id).await.or_panic(), Score::capped(80));
    apply(&store, blocked(id, "2026-02-01T00:00:00Z")).await;
    assert_eq!(store.last_score(found.member_id).await.or_panic(), Score::ZERO);
    let next = store
        .insert_verification(&new_verification(found.member_id))
        .await
        .or_panic();
    assert!(matches!(next, InsertOutcome::Inserted(_)));
}

#[tokio::test]
async fn a_second_revocation_and_a_repeat_keep_the_first_reason() {
    let store = store().await;
    let end = Some(("2026-01-02T00:00:00Z", ended(VerificationStatus::Completed, 30, &[])));
    let id = insert_span(&store, 1, "2026-01-01T00:00:00Z", end).await;
    let first = blocked(id, "2026-02-01T00:00:00Z");
    let mut second = blocked(id, "2026-03-01T00:00:00Z");
    second.revoked.reason = RevocationReason::EvidenceCountered;
    for revocation in [first, second, first] {
        apply(&store, revocation).await;
    }
    let found = store.find_verification(id).await.or_panic().expect("it is there");
    assert_eq!(found.revoked, Some(first.revoked));
}

#[tokio::test]
async fn a_page_is_applied_by_one_and_only_together_with_its_place() {
    let store = store().await;
    let end = Some(("2026-01-02T00:00:00Z", ended(VerificationStatus::Completed, 30, &[])));
    let id = insert_span(&store, 1, "2026-01-01T00:00:00Z", end).await;
    apply(
        &store,
        blocked(
            VerificationId::from(mesh_runtime::clock::new_uuid()),
            "2026-01-01T00:00:00Z",
        ),
    )
    .await;
    // Somebody who read the list before moves nothing back.
    let stale = [blocked(id, "2026-02-01T00:00:00Z")];
    let applied = store.apply_revocations(SERVICE, ("", "another place"), &stale).await;
    assert!(!applied.or_panic());
    assert_eq!(store.next_page_of(SERVICE).await.or_panic(), "+");
    assert_eq!(row(&store, id).await.0, "completed");
    // Each service has a place of its own.
    assert_eq!(store.next_page_of("reputation").await.or_panic(), "");
}

#[tokio::test]
async fn points_are_countered_until_nothing_can_be_added_to_them() {
    let store = store().await;
    let id = insert(&store, new_verification(member(&store, 1).await)).await;
    let due = async |instant| {
        let due = store.claim_to_counter(at(instant), 10).await.or_panic();
        due.into_iter()
            .map(|due| (due.verification_id, due.is_settled))
            .collect::<Vec<_>>()
    };
    apply(&store, blocked(id, "2026-02-01T00:00:00Z")).await;
    assert_eq!(due("2026-02-01T00:00:00Z").await, [(id, false)]);
    // While it is in progress it is due again in an hour, and at its end.
    store.record_countered(id).await.or_panic();
    assert_eq!(due("2026-02-01T00:59:59Z").await, []);
    assert_eq!(due("2026-02-01T01:00:00Z").await, [(id, false)]);
    let end = ended(VerificationStatus::Completed, 30, &[]);
    store
        .record_outcome(id, "the run", &end, at("2026-02-01T01:10:00Z"))
        .await
        .or_panic();
    assert_eq!(due("2026-02-01T01:10:01Z").await, [(id, false)]);
    // A while after its end nothing is added any more.
    assert_eq!(due("2026-02-01T01:10:15Z").await, []);
    assert_eq!(due("2026-02-01T01:10:16Z").await, [(id, true)]);
    store.record_countered(id).await.or_panic();
    assert_eq!(due("2026-03-01T00:00:00Z").await, []);
}

#[tokio::test]
async fn what_is_not_revoked_or_countered_by_its_service_is_not_to_be_countered() {
    let store = store().await;
    let end = || Some(("2026-01-02T00:00:00Z", ended(VerificationStatus::Completed, 30, &[])));
    insert_span(&store, 1, "2026-01-01T00:00:00Z", end()).await;
    let id = insert_span(&store, 2, "2026-01-01T00:00:00Z", end()).await;
    let countered = Revocation {
        counter_due_at: None,
        ..blocked(id, "2026-02-01T00:00:00Z")
    };
    apply(&store, countered).await;
    let due = store.claim_to_counter(at("2027-01-01T00:00:00Z"), 10).await.or_panic();
    assert_eq!(due, []);
}
