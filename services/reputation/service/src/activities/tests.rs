use super::*;
use crate::testing::{DAY, OrPanic, at, count, empty_ledger, hours, member, record};
use futures::future::join_all;
use mesh_types::{EvidenceKind, MemberId, VerificationId};
use reputation_workflows::contract::MethodEvidence;
use reputation_workflows::policy::standing::standing;
use sqlx::PgPool;
use std::time::Duration;

async fn activities() -> (PgPool, Store, Activities) {
    let (pool, store) = empty_ledger().await;
    let pace = Pace {
        shard_members: 10,
        between_shards: Duration::from_millis(1),
    };
    (pool, store.clone(), Activities::new(store, pace))
}

/// A verification by a document that proves everything, begun 1,700,000,000 s after 1970.
fn request(member_id: MemberId) -> ScoringRequest {
    let evidence = |kind| MethodEvidence {
        method: Method::Document,
        evidence: Evidence {
            evidence_id: EvidenceId::from(clock::new_uuid()),
            kind,
        },
    };
    ScoringRequest {
        verification_id: VerificationId::from(clock::new_uuid()),
        member_id,
        evidence: EvidenceKind::OF_DOCUMENTS.map(evidence).to_vec(),
        occurred_at_seconds: BEGUN,
    }
}

const BEGUN: i64 = 1_700_000_000;

async fn score_of(store: &Store, member_id: MemberId, seconds: i64) -> u8 {
    let ledger = store.list_ledger(member_id).await.or_panic();
    standing(&ledger, seconds).breakdown.score.get()
}

#[tokio::test]
async fn a_verification_scored_many_times_at_once_is_in_the_ledger_once() {
    let (pool, store, activities) = activities().await;
    let request = request(member(1));
    let all = join_all((0..20).map(|_| activities.score(RuleVersion::V2, request.clone()))).await;
    for scored in all {
        assert_eq!(scored.or_panic().breakdown.score.get(), 30);
    }
    assert_eq!(count(&pool, "SELECT count(*) FROM ledger_entries").await, 1);
    assert_eq!(count(&pool, "SELECT count(*) FROM ledger_lines").await, 3);
    assert_eq!(score_of(&store, member(1), BEGUN).await, 30);
}

#[tokio::test]
async fn a_later_verification_renews_points_and_the_ledger_keeps_both() {
    let (pool, store, activities) = activities().await;
    for year in 0..2 {
        let request = ScoringRequest {
            occurred_at_seconds: BEGUN + year * 365 * DAY,
            ..request(member(1))
        };
        activities.score(RuleVersion::V2, request).await.or_panic();
    }
    assert_eq!(count(&pool, "SELECT count(*) FROM ledger_entries").await, 2);
    assert_eq!(score_of(&store, member(1), BEGUN + 364 * DAY).await, 16, "30 × 0.95¹²");
    assert_eq!(score_of(&store, member(1), BEGUN + 365 * DAY).await, 30);
}

#[tokio::test]
async fn what_is_in_the_ledger_can_be_neither_changed_nor_deleted() {
    let (pool, _, activities) = activities().await;
    activities.score(RuleVersion::V2, request(member(1))).await.or_panic();
    for change in [
        "UPDATE ledger_lines SET points = 100",
        "DELETE FROM ledger_entries",
        "UPDATE ledger_entries SET member_id = 2",
    ] {
        let refused = sqlx::query(change).execute(&pool).await.expect_err(change);
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
}

#[tokio::test]
async fn an_assessment_is_made_once_and_gives_points_by_how_active_the_member_was() {
    let (_, store, activities) = activities().await;
    let ask = |member_id, verification_id| AssessmentRequest {
        verification_id,
        member_id,
        as_of_seconds: Some(BEGUN),
    };
    let nothing = activities
        .assess(ask(member(1), VerificationId::from(clock::new_uuid())))
        .await
        .or_panic();
    assert_eq!(nothing.evidence, []);
    assert_eq!(
        nothing.reasons,
        ["TRUST_NETWORK_NOT_AVAILABLE", "ACTIVITY_HISTORY_TOO_SMALL"]
    );
    for day in 0..7 {
        record(&store, hours(member(2), 8, BEGUN - day * DAY), BEGUN).await;
    }
    let id = VerificationId::from(clock::new_uuid());
    let first = activities.assess(ask(member(2), id)).await.or_panic();
    assert_eq!(
        activities.assess(ask(member(2), id)).await.or_panic(),
        first,
        "the same evidence again"
    );
    assert_eq!(first.evidence.len(), 1);
    let request = ScoringRequest {
        verification_id: id,
        evidence: vec![MethodEvidence {
            method: Method::Reputation,
            evidence: first.evidence[0],
        }],
        ..request(member(2))
    };
    let scored = activities.score(RuleVersion::V2, request.clone()).await.or_panic();
    assert_eq!(scored.breakdown.score.get(), 15, "56 of activity: 10 + 46 × 10 / 90");
    let under_v1 = activities.score(RuleVersion::V1, request).await.or_panic();
    assert_eq!(under_v1.breakdown.score.get(), 0);
    assert_eq!(
        score_of(&store, member(2), BEGUN).await,
        56,
        "it does not count twice in the reputation"
    );
}

#[tokio::test]
async fn a_member_and_a_period_decay_once() {
    let (pool, store, activities) = activities().await;
    for day in 0..7 {
        record(&store, hours(member(1), 8, BEGUN - day * DAY), BEGUN).await;
    }
    let period = |period: u32| DecayPeriod {
        member_id: member(1),
        period,
        as_of_seconds: BEGUN + i64::from(period) * 30 * DAY,
    };
    for _ in 0..3 {
        let decayed = activities.decay(period(3)).await.or_panic();
        assert_eq!((decayed.score.get(), decayed.periods), (48, 3), "56 × 0.95³");
    }
    assert_eq!(count(&pool, "SELECT count(*) FROM level_falls").await, 1);
    let fell_at = "SELECT extract(epoch FROM fell_at)::bigint FROM level_falls";
    assert_eq!(count(&pool, fell_at).await, BEGUN + 90 * DAY, "56 → 53.2 → 50.5 → 48.0");
    let nobody = DecayPeriod {
        member_id: member(2),
        ..period(3)
    };
    assert_eq!(activities.decay(nobody).await.or_panic().score.get(), 0);
}

#[tokio::test]
async fn a_sweep_reads_ledgers_that_were_written_before_scores_were_kept() {
    let (pool, store, activities) = activities().await;
    for number in 1..=25 {
        record(&store, hours(member(number), 8, BEGUN), BEGUN).await;
    }
    for forget in [
        "UPDATE reputations SET nanopoints = NULL, periods = 0, anchor_seconds = 0 WHERE member_id % 2 = 0",
        "DELETE FROM reputations WHERE member_id % 4 = 0",
    ] {
        sqlx::query(forget).execute(&pool).await.expect("they are as before");
    }
    store.insert_unread().await.or_panic();
    let sweep = Sweep {
        as_of_seconds: BEGUN + 61 * DAY,
    };
    let mut progress = SweepProgress::default();
    while activities.sweep_once(sweep, &mut progress).await.or_panic() {}
    assert_eq!((progress.members, progress.shards), (25, 3));
    let right = "SELECT count(*) FROM reputations WHERE periods = 2 AND nanopoints = 7220000000";
    assert_eq!(count(&pool, right).await, 13, "8 × 0.95²");
    // Those that had to be read are up to date with all that is known, so at least as far.
    let read = "SELECT count(*) FROM reputations WHERE periods > 2 AND nanopoints = decayed(8000000000, periods)";
    assert_eq!(count(&pool, read).await, 12);
    let kept = store.advance(member(2), at(BEGUN), at(BEGUN)).await.or_panic();
    assert!(
        kept.is_some_and(|kept| kept.periods > 2),
        "an instant that has passed changes nothing"
    );
}
