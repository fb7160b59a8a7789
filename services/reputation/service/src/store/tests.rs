use super::*;
use crate::testing::{DAY, OrPanic, at, count, empty_ledger, hours, member, new_event, record};
use futures::future::join_all;
use jiff_sqlx::Timestamp as SqlTimestamp;
use reputation_workflows::policy::decay::{Nanopoints, PERIOD_SECONDS};
use reputation_workflows::policy::materialized::{LevelFall, Materialized};
use reputation_workflows::policy::standing::{LedgerEvent, standing};
use std::collections::BTreeMap;

const BEGUN: i64 = 1_700_000_000;

/// Numbers that look random and are the same each time (Knuth, The Art of Computer Programming 2, 3.3.4).
fn numbers() -> impl Iterator<Item = i64> {
    let next = |state: &u64| {
        Some(
            state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407),
        )
    };
    std::iter::successors(Some(1u64), next).map(|state| (state >> 33) as i64)
}

#[tokio::test]
async fn the_statements_know_the_same_rules_as_the_policy() {
    let (pool, _) = empty_ledger().await;
    let edges = [
        0,
        1,
        19,
        20,
        24_999_999_999,
        25_000_000_000,
        49_999_999_999,
        75_000_000_000,
        100_000_000_000,
    ];
    let drawn = numbers().map(|number| number * 47 % 100_000_000_001).take(300);
    for (amount, periods) in edges
        .into_iter()
        .chain(drawn)
        .zip(numbers().map(|number| (number % 60) as i32))
    {
        let decayed: i64 = sqlx::query_scalar("SELECT decayed($1, $2)")
            .bind(amount)
            .bind(periods)
            .fetch_one(&pool)
            .await
            .expect("it is a function");
        let score = Nanopoints::capped(amount);
        assert_eq!(decayed, score.after(periods as u32).get(), "{amount} after {periods}");
        let level: i16 = sqlx::query_scalar("SELECT level_of($1)")
            .bind(amount)
            .fetch_one(&pool)
            .await
            .expect("it is a function");
        assert_eq!(level, kept::number_of(score.level()), "{amount}");
        let falls: Vec<(i32, i16, i16)> =
            sqlx::query_as("SELECT period, level_before, level_after FROM falls_between($1, 3, 3 + $2)")
                .bind(amount)
                .bind(periods)
                .fetch_all(&pool)
                .await
                .expect("it is a function");
        let mut kept = Materialized {
            anchor_seconds: 0,
            periods: 3,
            score,
        };
        let expected = kept
            .advance(i64::from(3 + periods) * PERIOD_SECONDS)
            .into_iter()
            .map(|fall| {
                let period = (fall.fell_at_seconds / PERIOD_SECONDS) as i32;
                (period, kept::number_of(fall.before), kept::number_of(fall.after))
            });
        assert_eq!(falls, expected.collect::<Vec<_>>(), "{amount} over {periods}");
    }
}

type Rows = BTreeMap<i64, (i64, i32, i64)>;

async fn rows(pool: &PgPool) -> Rows {
    let rows: Vec<(i64, i64, i32, i64)> =
        sqlx::query_as("SELECT member_id, anchor_seconds, periods, nanopoints FROM reputations")
            .fetch_all(pool)
            .await
            .expect("there is a table");
    let row = |(member, anchor, periods, score): (i64, i64, i32, i64)| (member, (anchor, periods, score));
    rows.into_iter().map(row).collect()
}

/// Sweeps in the order given, each to its end.
async fn sweep(store: &Store, as_of: &[i64]) {
    for seconds in as_of {
        let mut after = 0;
        while let Some(shard) = store
            .sweep_shard(after, 100, at(*seconds), at(*seconds))
            .await
            .or_panic()
        {
            after = shard.last_member_id;
        }
    }
}

#[tokio::test]
async fn sweeps_in_any_order_come_to_what_the_policy_says() {
    let (pool, store) = empty_ledger().await;
    let mut numbers = numbers();
    let mut draw = |below: i64| numbers.next().expect("they never end") % below;
    let mut expected: BTreeMap<i64, Materialized> = BTreeMap::new();
    for number in 1..=350 {
        let kept = Materialized {
            anchor_seconds: BEGUN + draw(900 * DAY),
            periods: 0,
            score: Nanopoints::capped(draw(101) * Nanopoints::ONE_POINT),
        };
        expected.insert(number, kept);
        sqlx::query("INSERT INTO reputations (member_id, anchor_seconds, periods, nanopoints) VALUES ($1, $2, 0, $3)")
            .bind(number)
            .bind(kept.anchor_seconds)
            .bind(kept.score.get())
            .execute(&pool)
            .await
            .expect("it is a row");
    }
    // Late, doubled, back-filled, with gaps; the last one last.
    let mut days: Vec<i64> = (0..40).map(|_| draw(1000)).collect();
    days.extend([days[3], days[3], 1100]);
    let runs: Vec<i64> = days.into_iter().map(|day| BEGUN + day * DAY).collect();
    sweep(&store, &runs).await;
    let mut falls: BTreeMap<(i64, i64), LevelFall> = BTreeMap::new();
    for (number, kept) in &mut expected {
        let fell = kept.advance(BEGUN + 1100 * DAY);
        falls.extend(fell.into_iter().map(|fall| ((*number, fall.fell_at_seconds), fall)));
    }
    for (number, (anchor, periods, score)) in rows(&pool).await {
        let kept = expected[&number];
        assert_eq!(anchor, kept.anchor_seconds, "{number}");
        assert_eq!(score, kept.score.get(), "{number}");
        assert!(periods == kept.periods as i32 || score == 0, "{number}");
    }
    let recorded: Vec<(i64, SqlTimestamp, i16, i16)> =
        sqlx::query_as("SELECT member_id, fell_at, level_before, level_after FROM level_falls")
            .fetch_all(&pool)
            .await
            .expect("there is a table");
    assert_eq!(recorded.len(), falls.len());
    for (number, fell_at, before, after) in recorded {
        let fall = falls[&(number, fell_at.to_jiff().as_second())];
        assert_eq!(
            (before, after),
            (kept::number_of(fall.before), kept::number_of(fall.after))
        );
    }
}

async fn falls(pool: &PgPool) -> Vec<(SqlTimestamp, i16, i16, uuid::Uuid)> {
    let select =
        "SELECT fell_at, level_before, level_after, event_id FROM level_falls ORDER BY fell_at, level_before DESC";
    sqlx::query_as(select).fetch_all(pool).await.expect("there is a table")
}

/// One member in two databases: the same events, some known later than they happened, some countered; only one database is
/// ever swept.
#[tokio::test]
async fn scores_and_falls_are_the_same_whether_or_not_a_sweep_ran() {
    let ((swept_pool, swept), (other_pool, other)) = (empty_ledger().await, empty_ledger().await);
    let mut numbers = numbers();
    let mut draw = |below: i64| numbers.next().expect("they never end") % below;
    let mut now = BEGUN;
    let mut counterable: Vec<NewEvent> = Vec::new();
    for step in 0..150 {
        // Busy weeks, and now and then a year in which nothing happens.
        let lull = if draw(12) == 0 { 500 * DAY } else { 8 * DAY };
        now += draw(lull);
        sweep(&swept, &[now]).await;
        let fact = match draw(8) {
            0 if !counterable.is_empty() => NewFact::Counter {
                event_id: counterable
                    .swap_remove(draw(counterable.len() as i64) as usize)
                    .event_id,
                reason: CounterReason::Disputed,
            },
            1 | 2 => hours(member(1), 1 + draw(8) as u32, now - draw(100 * DAY)),
            3 => {
                sweep(&swept, &[now - draw(200 * DAY), now]).await;
                continue;
            }
            _ => hours(member(1), 1 + draw(8) as u32, now),
        };
        let event = new_event(fact, at(now));
        for store in [&swept, &other] {
            assert!(matches!(store.record_event(&event).await.or_panic(), Recorded::Done(_)));
        }
        if matches!(fact, NewFact::Activity { .. }) {
            counterable.push(event);
        }
        let truth = standing(&other.list_ledger(member(1)).await.or_panic(), now).now.get();
        for store in [&swept, &other] {
            let kept = store.advance(member(1), at(now), at(now)).await.or_panic();
            assert_eq!(kept.map_or(0, |kept| kept.score.get()), truth, "after step {step}");
        }
        assert_eq!(falls(&swept_pool).await, falls(&other_pool).await, "after step {step}");
    }
    assert!(
        count(
            &other_pool,
            "SELECT count(*) FROM ledger_entries WHERE kind = 'counter'"
        )
        .await
            > 5
    );
    assert!(falls(&other_pool).await.len() > 5, "some levels were lost");
}

#[tokio::test]
async fn a_counter_is_one_fall_now_and_rewrites_no_past() {
    let (pool, store) = empty_ledger().await;
    for (day, given) in [(0, 8), (0, 8), (0, 8), (0, 2), (20, 8), (20, 8), (20, 8), (20, 6)] {
        record(&store, hours(member(1), given, BEGUN + day * DAY), BEGUN + day * DAY).await;
    }
    let ledger = store.list_ledger(member(1)).await.or_panic();
    let late = |event: &LedgerEvent| event.occurred_at_seconds > BEGUN;
    let countered = BEGUN + 40 * DAY;
    for event in ledger.into_iter().filter(late) {
        let reason = CounterReason::Fraud;
        record(
            &store,
            NewFact::Counter {
                event_id: event.event_id,
                reason,
            },
            countered,
        )
        .await;
    }
    let now: Vec<(i16, i16)> = falls(&pool).await.into_iter().map(|fall| (fall.1, fall.2)).collect();
    assert_eq!(
        now,
        [(2, 1), (1, 0)],
        "56 → 26 × 0.95, step by step as the counters came, and nothing at day 30"
    );
    let instants = "SELECT count(*) FROM level_falls WHERE extract(epoch FROM fell_at) <> 1700000000 + 40 * 86400";
    assert_eq!(count(&pool, instants).await, 0);
}

#[tokio::test]
async fn of_many_equal_requests_at_once_one_counts_and_all_are_answered_with_it() {
    let (pool, store) = empty_ledger().await;
    let fact = hours(member(1), 8, BEGUN);
    let request = new_event(fact, at(BEGUN));
    let again = || NewEvent {
        event_id: EventId::from(mesh_runtime::clock::new_uuid()),
        ..new_event(fact, at(BEGUN))
    };
    let all = join_all((0..100).map(|_| async {
        let repeat = NewEvent {
            request_id: request.request_id,
            ..again()
        };
        store.record_event(&repeat).await.or_panic()
    }));
    let mut ids: Vec<EventId> = Vec::new();
    for recorded in all.await {
        let Recorded::Done(event) = recorded else {
            panic!("refused")
        };
        ids.push(event.event_id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(count(&pool, "SELECT count(*) FROM ledger_entries").await, 1);
    assert_eq!(count(&pool, "SELECT count(*) FROM ledger_lines").await, 1);
    let other = NewEvent {
        request_id: request.request_id,
        ..new_event(hours(member(1), 7, BEGUN), at(BEGUN))
    };
    assert!(matches!(
        store.record_event(&other).await.or_panic(),
        Recorded::RequestIdReused
    ));
}

#[tokio::test]
async fn an_event_is_countered_once_and_a_counter_never() {
    let (_, store) = empty_ledger().await;
    let event = record(&store, hours(member(1), 8, BEGUN), BEGUN).await;
    let counter = |event_id| NewFact::Counter {
        event_id,
        reason: CounterReason::RecordedInError,
    };
    let first = record(&store, counter(event.event_id), BEGUN + DAY).await;
    assert_eq!(
        first.fact,
        EventFact::Counter {
            counters: event.event_id,
            reason: CounterReason::RecordedInError
        }
    );
    for event_id in [event.event_id, first.event_id] {
        let refused = store
            .record_event(&new_event(counter(event_id), at(BEGUN + 2 * DAY)))
            .await
            .or_panic();
        assert!(matches!(refused, Recorded::NotCounterable));
    }
    let unknown = counter(EventId::from(mesh_runtime::clock::new_uuid()));
    assert!(matches!(
        store.record_event(&new_event(unknown, at(BEGUN))).await.or_panic(),
        Recorded::NotFound
    ));
}

#[tokio::test]
async fn events_are_listed_page_by_page_with_the_falls_among_them() {
    let (_, store) = empty_ledger().await;
    for day in 0..4 {
        record(&store, hours(member(1), 8, BEGUN + day * DAY), BEGUN + day * DAY).await;
    }
    // 32 points fall below 25 after five periods.
    sweep(&store, &[BEGUN + 200 * DAY]).await;
    let mut seen: Vec<Event> = Vec::new();
    loop {
        let before = seen.last().map(|last| EventPlace {
            occurred_at: last.occurred_at,
            event_id: last.event_id,
        });
        let page = store.list_events(member(1), before, 2).await.or_panic();
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted_by(|a, b| (a.occurred_at, a.event_id) > (b.occurred_at, b.event_id)));
    let fall = EventFact::LevelFall {
        before: Level::Bronze,
        after: Level::None,
    };
    assert_eq!(
        (&seen[0].fact, seen[0].occurred_at),
        (&fall, at(BEGUN + 3 * DAY + 5 * PERIOD_SECONDS))
    );
    assert_eq!(seen[0].event_id.uuid().get_version_num(), 7);
}

#[tokio::test]
async fn a_request_is_one_callers_at_a_time_and_answered_once() {
    let (_, store) = empty_ledger().await;
    let id = RequestId::from(mesh_runtime::clock::new_uuid());
    let claim = async |seconds| store.claim_request(id, [1; 32], at(BEGUN + seconds)).await.or_panic();
    assert_eq!(claim(0).await, Claim::New);
    assert_eq!(claim(1).await, Claim::InProgress, "the first caller is at work");
    assert_eq!(claim(60).await, Claim::Begun, "nobody knows what became of it");
    assert_eq!(claim(61).await, Claim::InProgress, "the next caller is at work");
    store.release_request(id, at(BEGUN)).await.or_panic();
    assert_eq!(
        claim(62).await,
        Claim::InProgress,
        "the first caller has no claim any more"
    );
    assert_eq!(
        store.claim_request(id, [2; 32], at(BEGUN + 63)).await.or_panic(),
        Claim::Reused
    );
    for answer in ["first", "second"] {
        store.settle_request(id, answer).await.or_panic();
    }
    assert_eq!(claim(64).await, Claim::Done("first".to_owned()));

    let refused = RequestId::from(mesh_runtime::clock::new_uuid());
    let claim = async |seconds| {
        store
            .claim_request(refused, [1; 32], at(BEGUN + seconds))
            .await
            .or_panic()
    };
    assert_eq!(claim(0).await, Claim::New);
    store.release_request(refused, at(BEGUN)).await.or_panic();
    assert_eq!(claim(1).await, Claim::New, "it is refused again, not taken for done");
}

#[tokio::test]
async fn a_writer_whose_clock_is_behind_leaves_no_event_out() {
    let (pool, store) = empty_ledger().await;
    for _ in 0..3 {
        record(&store, hours(member(1), 8, BEGUN), BEGUN).await;
    }
    // This one happened, and was recorded, ten seconds ahead of the next.
    record(&store, hours(member(1), 8, BEGUN + 10), BEGUN + 10).await;
    record(&store, hours(member(1), 1, BEGUN + 5), BEGUN + 5).await;
    let kept = store
        .advance(member(1), at(BEGUN + 10), at(BEGUN + 10))
        .await
        .or_panic();
    assert_eq!(kept.map(|kept| kept.score.score().get()), Some(33));
    assert_eq!(falls(&pool).await, [], "nobody fell");
}
