use super::*;
use crate::store::{CounterReason, EventFact, EvidenceBatch, counter_verification};
use crate::testing::{OrPanic, STAFF, at, counter, empty_ledger, hours, member, record};
use mesh_testkit::eventually;
use mesh_types::{EventId, Evidence, EvidenceId, EvidenceKind, Level, MemberId, Method, RuleVersion, Score};
use sqlx::PgPool;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// A verification with an accepted document of 30 points and an activity history.
async fn verified(store: &Store, member_id: MemberId, seconds: i64) -> VerificationId {
    use EvidenceKind::{ActivityHistory, DocumentAccepted, DocumentAgreesWithPrint, DocumentMachineReadable};
    let verification_id = VerificationId::from(clock::new_uuid());
    let new = |kind| Evidence {
        basis: (kind == ActivityHistory).then(|| Score::capped(100)),
        ..Evidence::new(EvidenceId::from(clock::new_uuid()), kind)
    };
    let batch = EvidenceBatch {
        member_id,
        verification_id,
        rules: RuleVersion::V2,
        occurred_at: at(seconds),
        evidence: [
            DocumentAccepted,
            DocumentMachineReadable,
            DocumentAgreesWithPrint,
            ActivityHistory,
        ]
        .map(new)
        .into(),
    };
    store.insert_evidence(&batch, at(seconds)).await.or_panic();
    verification_id
}

async fn entries(store: &Store, member_id: MemberId, method: Method) -> Vec<EventId> {
    let all = store.list_events(member_id, None, 100).await.or_panic().into_iter();
    let of_method =
        all.filter(|event| matches!(&event.fact, EventFact::Verification { method: found, .. } if *found == method));
    of_method.map(|event| event.event_id).collect()
}

async fn score(store: &Store, member_id: MemberId, seconds: i64) -> (i64, Level) {
    let reputation = store.reputation(member_id, at(seconds), None, 10).await.or_panic();
    let score = reputation.summary.score_at(seconds);
    (i64::from(score.score().get()), score.level())
}

async fn counter_document(pool: &PgPool, verification_id: VerificationId, seconds: i64) {
    let mut transaction = pool.begin().await.expect("it answers");
    let what = (verification_id, Method::Document);
    counter_verification(&mut transaction, what, (&STAFF, at(seconds)))
        .await
        .or_panic();
    transaction.commit().await.expect("it answers");
}

#[tokio::test]
async fn a_countered_entry_revokes_its_verification_once_and_an_activity_none() {
    let (pool, store) = empty_ledger().await;
    let verification_id = verified(&store, member(1), 100).await;
    let activity = record(&pool, hours(member(1), 8, 100), 100).await;
    counter(&pool, activity.event_id, 200).await.or_panic();
    assert_eq!(store.list_revocations(None, 10).await.or_panic(), []);
    for (method, seconds) in [(Method::Document, 300), (Method::Reputation, 400)] {
        for entry in entries(&store, member(1), method).await {
            counter(&pool, entry, seconds).await.or_panic();
        }
    }
    let listed = store.list_revocations(None, 10).await.or_panic();
    let listed: Vec<_> = listed
        .iter()
        .map(|one| (one.verification_id, one.reason, one.revoked_at))
        .collect();
    assert_eq!(
        listed,
        [(verification_id, RevocationReason::EvidenceCountered, at(300))]
    );
}

#[tokio::test]
async fn what_a_verification_earned_by_a_method_is_countered_once_and_nothing_else() {
    let (pool, store) = empty_ledger().await;
    let verification_id = verified(&store, member(1), 100).await;
    verified(&store, member(2), 100).await;
    assert_eq!(score(&store, member(1), 100).await, (30, Level::Bronze));
    for seconds in [200, 300] {
        counter_document(&pool, verification_id, seconds).await;
    }
    assert_eq!(score(&store, member(1), 300).await, (0, Level::None));
    assert_eq!(score(&store, member(2), 300).await, (30, Level::Bronze));
    let events = store.list_events(member(1), None, 100).await.or_panic();
    let counters = events.iter().filter(|event| {
        matches!(
            event.fact,
            EventFact::Counter {
                reason: Some(CounterReason::Revoked),
                ..
            }
        )
    });
    assert_eq!(counters.count(), 1);
    // One that earned nothing is fine.
    counter_document(&pool, VerificationId::from(clock::new_uuid()), 300).await;
}

#[tokio::test]
async fn an_entry_that_is_committed_late_is_not_left_out() {
    let (pool, store) = empty_ledger().await;
    let [late, early] = [(); 2].map(|()| VerificationId::from(clock::new_uuid()));
    let mut slow = pool.begin().await.expect("it answers");
    insert_revocation(&mut slow, late.uuid(), at(1)).await.or_panic();
    let quick = async {
        let mut transaction = pool.begin().await.expect("it answers");
        insert_revocation(&mut transaction, early.uuid(), at(2))
            .await
            .or_panic();
        transaction.commit().await.expect("it answers");
    };
    // Somebody who follows looks when the quick one is done, or waits for the slow one.
    let follower = async {
        let look = async || {
            let is_waiting = sqlx::query_scalar::<_, bool>(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'revocations'::regclass)",
            );
            let is_waiting = is_waiting.fetch_one(&pool).await.expect("it answers");
            let seen = store.list_revocations(None, 10).await.or_panic();
            (is_waiting || !seen.is_empty()).then_some(seen)
        };
        let seen = eventually(PATIENCE, "the quick one to wait or to be done", look)
            .await
            .or_panic();
        slow.commit().await.expect("it answers");
        seen
    };
    let (seen, ()) = tokio::join!(follower, quick);
    let after = seen.last().map(|last| last.revocation_id);
    let rest = store.list_revocations(after, 10).await.or_panic();
    let all: Vec<_> = seen.iter().chain(&rest).map(|one| one.verification_id).collect();
    assert_eq!(all, [late, early]);
}
