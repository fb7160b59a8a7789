use super::*;
use crate::testing::{DAY, OrPanic, count, empty_ledger, hours, member, record, trust_points};
use futures::future::join_all;
use mesh_proto::community::v1::Withheld;
use mesh_types::{Cap, Evidence, EvidenceKind, MemberId, Method, Open, Reason, VerificationId};
use reputation_workflows::policy::ledger_fold::fold;
use sqlx::PgPool;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;
use tonic::Status;

async fn activities() -> (PgPool, Store, Activities) {
    let (pool, store) = empty_ledger().await;
    let nobody_passes = Trust::answered_by(async |_| Ok(trust_points(0, Withheld::DoesNotPassGate)));
    let activities = over(store.clone(), nobody_passes);
    (pool, store, activities)
}

fn over(store: Store, trust: Trust) -> Activities {
    let pace = Pace {
        shard_members: 10,
        between_shards: Duration::from_millis(1),
    };
    Activities::new((store, trust), pace, ServiceMetrics::default())
}

/// A verification by a document that proves everything, begun 1,700,000,000 s after 1970.
fn request(member_id: MemberId) -> ScoringRequest {
    let evidence = |kind| Evidence::new(EvidenceId::from(clock::new_uuid()), kind);
    ScoringRequest {
        verification_id: VerificationId::from(clock::new_uuid()),
        member_id,
        evidence: EvidenceKind::of_method(Method::Document).map(evidence).collect(),
        occurred_at_seconds: BEGUN,
    }
}

const BEGUN: i64 = 1_700_000_000;

async fn score_of(store: &Store, member_id: MemberId, seconds: i64) -> u8 {
    let ledger = store.list_ledger(member_id).await.or_panic();
    fold(&ledger, seconds).breakdown.score.get()
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

/// What the method asks of a verification that began at [`BEGUN`].
fn ask(member_id: MemberId, verification_id: VerificationId) -> AssessmentRequest {
    AssessmentRequest {
        verification_id,
        member_id,
        as_of_seconds: BEGUN,
    }
}

#[tokio::test]
async fn an_assessment_is_made_once_and_gives_points_by_how_active_the_member_was() {
    let (pool, store, activities) = activities().await;
    let nothing = activities
        .assess(ask(member(1), VerificationId::from(clock::new_uuid())))
        .await
        .or_panic();
    assert_eq!(nothing.evidence, []);
    assert_eq!(
        nothing.reasons,
        ["TRUST_NETWORK_DOES_NOT_PASS_GATE", "ACTIVITY_HISTORY_TOO_SMALL"]
    );
    for day in 0..7 {
        record(&pool, hours(member(2), 8, BEGUN - day * DAY), BEGUN).await;
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
        evidence: first.evidence.clone(),
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
async fn the_trust_network_is_a_line_of_its_own_beside_activity_and_in_the_ledger() {
    let (pool, store) = empty_ledger().await;
    let points = Arc::new(AtomicI32::new(12));
    let of_now = points.clone();
    let trust = Trust::answered_by(move |_| {
        let points = of_now.load(Ordering::Relaxed);
        std::future::ready(Ok(trust_points(points, Withheld::Unspecified)))
    });
    let activities = over(store.clone(), trust);
    for day in 0..7 {
        record(&pool, hours(member(1), 8, BEGUN - day * DAY), BEGUN).await;
    }
    let id = VerificationId::from(clock::new_uuid());
    let first = activities.assess(ask(member(1), id)).await.or_panic();
    assert_eq!(first.reasons, Vec::<String>::new());
    // What changes between two attempts changes no answer.
    points.store(6, Ordering::Relaxed);
    record(&pool, hours(member(1), 8, BEGUN), BEGUN).await;
    assert_eq!(activities.assess(ask(member(1), id)).await.or_panic(), first);

    let request = ScoringRequest {
        verification_id: id,
        evidence: first.evidence,
        ..request(member(1))
    };
    let scored = activities
        .score(RuleVersion::V2, request.clone())
        .await
        .or_panic()
        .breakdown;
    let lines: Vec<_> = scored
        .contributions
        .iter()
        .map(|line| (line.kind.as_str(), line.points))
        .collect();
    assert_eq!(lines, [("activity_history", 15), ("trust_network", 12)]);
    assert_eq!((scored.score.get(), scored.caps), (27, vec![]));
    assert_ne!(scored.contributions[0].evidence_id, scored.contributions[1].evidence_id);
    let kept = "SELECT count(*) FROM ledger_lines WHERE kind = 'trust_network' AND points = 12 AND basis = 12";
    assert_eq!(count(&pool, kept).await, 1);
    assert_eq!(
        score_of(&store, member(1), BEGUN).await,
        64,
        "neither counts in the reputation"
    );
    let under_v1 = activities.score(RuleVersion::V1, request).await.or_panic();
    assert_eq!(under_v1.breakdown.score.get(), 0);
}

#[tokio::test]
async fn while_the_community_service_is_away_nothing_is_assessed() {
    let (pool, store) = empty_ledger().await;
    let away = Trust::answered_by(async |_| Err(Status::unavailable("nobody is there")));
    let id = VerificationId::from(clock::new_uuid());
    let refused = over(store.clone(), away).assess(ask(member(1), id)).await;
    let refused = refused.expect_err("it can't be known");
    assert_eq!(refused.reason(), Reason::PeerUnavailable);
    assert_eq!(count(&pool, "SELECT count(*) FROM assessments").await, 0);

    let back = Trust::answered_by(async |_| Ok(trust_points(5, Withheld::Unspecified)));
    let found = over(store, back).assess(ask(member(1), id)).await.or_panic();
    let evidence: Vec<_> = found
        .evidence
        .iter()
        .map(|one| (one.kind.as_str(), one.basis))
        .collect();
    assert_eq!(evidence, [("trust_network", Some(Score::capped(5)))]);
    assert_eq!(found.reasons, ["ACTIVITY_HISTORY_TOO_SMALL"]);
}

#[tokio::test]
async fn a_member_and_a_period_decay_once() {
    let (pool, _, activities) = activities().await;
    for day in 0..7 {
        record(&pool, hours(member(1), 8, BEGUN - day * DAY), BEGUN).await;
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

/// A vouch by somebody of the highest reputation: 25 points.
fn vouch() -> Evidence {
    Evidence {
        basis: Some(Score::MAX),
        ..Evidence::new(EvidenceId::from(clock::new_uuid()), EvidenceKind::CommunityVouch)
    }
}

#[tokio::test]
async fn three_vouches_in_two_batches_are_three_lines_in_answer_and_ledger_and_the_cap_is_its_own() {
    let (pool, store, activities) = activities().await;
    let mut request = ScoringRequest {
        evidence: vec![vouch(), vouch()],
        ..request(member(1))
    };
    let first = activities.score(RuleVersion::V2, request.clone()).await.or_panic();
    assert_eq!((first.breakdown.score.get(), first.breakdown.caps), (50, vec![]));
    request.evidence.push(vouch());
    let cap = Cap {
        method: Some(Method::Community.into()),
        points: -25,
    };
    // The second batch names the first one's evidence again, and comes twice.
    for _ in 0..2 {
        let scored = activities.score(RuleVersion::V2, request.clone()).await.or_panic();
        let answered: Vec<_> = scored
            .breakdown
            .contributions
            .iter()
            .map(|line| line.evidence_id)
            .collect();
        let asked: Vec<_> = request.evidence.iter().map(|evidence| evidence.evidence_id).collect();
        assert_eq!(answered, asked);
        assert_eq!(
            (scored.breakdown.score.get(), &scored.breakdown.caps),
            (50, &vec![cap.clone()])
        );
    }
    assert_eq!(count(&pool, "SELECT count(*) FROM ledger_entries").await, 2);
    let lines = "SELECT count(*) FROM ledger_lines WHERE kind = 'community_vouch' AND points = 25 AND basis = 100";
    assert_eq!(count(&pool, lines).await, 3);
    let ledger = store.list_ledger(member(1)).await.or_panic();
    let folded = fold(&ledger, BEGUN).breakdown;
    assert_eq!(folded.contributions.len(), 3);
    assert_eq!((folded.score.get(), folded.caps), (50, vec![cap]));
    let listed = store.list_events(member(1), None, 10).await.or_panic();
    assert_eq!(listed.len(), 2, "each batch is an event");
}

#[tokio::test]
async fn a_row_that_somebody_holds_is_skipped_counted_and_made_up_for() {
    let (pool, _, _) = activities().await;
    let rows = "INSERT INTO reputations (member_id, anchor_seconds, periods, nanopoints)
                SELECT n, $1, 0, 50000000000 FROM generate_series(1, 35) n";
    sqlx::query(rows).bind(BEGUN).execute(&pool).await.expect("members");
    let impatient = (*pool.connect_options()).clone().options([("lock_timeout", "50ms")]);
    let swept = sqlx::PgPool::connect_with(impatient).await.expect("it answers");
    let pace = Pace {
        shard_members: 10,
        between_shards: Duration::from_millis(1),
    };
    let nobody_asks = Trust::answered_by(|_| std::future::pending());
    let activities = Activities::new((Store::new(swept), nobody_asks), pace, ServiceMetrics::default());
    let sweep = Sweep {
        as_of_seconds: BEGUN + 31 * DAY,
    };
    let run = async |held_for_both_passes: bool| {
        let mut holder = pool.begin().await.expect("it answers");
        let hold = sqlx::query("SELECT 1 FROM reputations WHERE member_id IN (15, 16) FOR UPDATE");
        hold.execute(&mut *holder).await.expect("two rows");
        let (mut holder, mut progress) = (Some(holder), SweepProgress::default());
        while activities.sweep_once(sweep, &mut progress).await.or_panic() {
            if progress.is_second_pass && !held_for_both_passes {
                holder = None;
            }
        }
        drop(holder);
        progress
    };
    let behind = "SELECT count(*) FROM reputations WHERE periods = 0";
    let first = run(true).await;
    assert_eq!((first.members, first.changed, first.skipped), (35, 33, 2));
    assert_eq!(count(&pool, behind).await, 2, "all others were swept");
    let second = run(false).await;
    assert_eq!(
        (second.changed, second.skipped),
        (2, 0),
        "made up for in the second pass"
    );
    assert_eq!(count(&pool, behind).await, 0);
    assert_eq!(count(&pool, "SELECT count(*) FROM level_falls").await, 35);
}

#[tokio::test]
async fn evidence_of_a_newer_version_waits_for_one_that_can_score_it() {
    let (pool, _, activities) = activities().await;
    let mut request = request(member(1));
    request.evidence[0].kind = Open::of_text("meeting_held");
    let refused = activities
        .score(RuleVersion::V2, request)
        .await
        .expect_err("it is not scored");
    assert_eq!(refused.reason(), Reason::NewerVersionNeeded);
    assert!(refused.reason().class().is_retryable());
    assert_eq!(count(&pool, "SELECT count(*) FROM ledger_entries").await, 0);
}
