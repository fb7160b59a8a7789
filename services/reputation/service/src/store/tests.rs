use super::events::number_of;
use super::*;
use crate::testing::{DAY, OrPanic, at, count, counter, counter_as, empty_ledger, hours, member, record, record_as};
use jiff_sqlx::Timestamp as SqlTimestamp;
use mesh_types::{EventId, Level, Reason};
use reputation_workflows::policy::decay::{Nanopoints, PERIOD_SECONDS};
use reputation_workflows::policy::ledger_fold::{LedgerEvent, fold};
use reputation_workflows::policy::materialized::{LevelFall, Materialized};
use std::collections::BTreeMap;

const BEGUN: i64 = 1_700_000_000;

/// Numbers that look random and are the same each time (Knuth, The Art of Computer Programming 2, 3.3.4).
pub(super) fn numbers() -> impl Iterator<Item = i64> {
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
        assert_eq!(level, number_of(score.level()), "{amount}");
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
                (period, number_of(fall.before), number_of(fall.after))
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
        assert_eq!((before, after), (number_of(fall.before), number_of(fall.after)));
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
    let mut counterable: Vec<EventId> = Vec::new();
    for step in 0..150 {
        // Busy weeks, and now and then a year in which nothing happens.
        let lull = if draw(12) == 0 { 500 * DAY } else { 8 * DAY };
        now += draw(lull);
        sweep(&swept, &[now]).await;
        let event_id = EventId::from(mesh_runtime::clock::new_uuid());
        let activity = match draw(8) {
            0 if !counterable.is_empty() => {
                let countered = counterable.swap_remove(draw(counterable.len() as i64) as usize);
                for pool in [&swept_pool, &other_pool] {
                    counter_as(pool, event_id, countered, now).await.or_panic();
                }
                None
            }
            1 | 2 => Some(hours(member(1), 1 + draw(8) as u32, now - draw(100 * DAY))),
            3 => {
                sweep(&swept, &[now - draw(200 * DAY), now]).await;
                continue;
            }
            _ => Some(hours(member(1), 1 + draw(8) as u32, now)),
        };
        if let Some(activity) = activity {
            for pool in [&swept_pool, &other_pool] {
                record_as(pool, event_id, activity, now).await;
            }
            counterable.push(event_id);
        }
        let truth = fold(&other.list_ledger(member(1)).await.or_panic(), now).now.get();
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
        record(&pool, hours(member(1), given, BEGUN + day * DAY), BEGUN + day * DAY).await;
    }
    let ledger = store.list_ledger(member(1)).await.or_panic();
    let late = |event: &LedgerEvent| event.occurred_at_seconds > BEGUN;
    let countered = BEGUN + 40 * DAY;
    for event in ledger.into_iter().filter(late) {
        counter(&pool, event.event_id, countered).await.or_panic();
    }
    let now: Vec<(i16, i16)> = falls(&pool).await.into_iter().map(|fall| (fall.1, fall.2)).collect();
    assert_eq!(
        now,
        [(2, 1), (1, 0)],
        "56 → 26 × 0.95, step by step as the counters came, and nothing at day 30"
    );
    let instants = "SELECT count(*) FROM level_falls WHERE extract(epoch FROM fell_at) <> 1700000000 + 40 * 86400";
    assert_eq!(count(&pool, instants).await, 0);

    let store = Store::new(pool.clone());
    assert_eq!(
        store.delete_falls(at(countered), 10).await.or_panic(),
        0,
        "they are not old"
    );
    assert_eq!(store.delete_falls(at(countered + 1), 1).await.or_panic(), 1);
    assert_eq!(falls(&pool).await.len(), 1);
}

#[tokio::test]
async fn an_event_is_countered_once_and_a_counter_never() {
    let (pool, _) = empty_ledger().await;
    let event = record(&pool, hours(member(1), 8, BEGUN), BEGUN).await;
    let first = counter(&pool, event.event_id, BEGUN + DAY).await.or_panic();
    assert_eq!(
        first.fact,
        EventFact::Counter {
            counters: event.event_id,
            reason: Some(CounterReason::Disputed)
        }
    );
    let refused = async |event_id| {
        let answer = counter(&pool, event_id, BEGUN + 2 * DAY).await;
        answer.expect_err("it is refused").reason()
    };
    for event_id in [event.event_id, first.event_id] {
        assert_eq!(refused(event_id).await, Reason::EventNotCounterable);
    }
    let unknown = EventId::from(mesh_runtime::clock::new_uuid());
    assert_eq!(refused(unknown).await, Reason::EventNotFound);
}

#[tokio::test]
async fn events_are_listed_page_by_page_with_the_falls_among_them() {
    let (pool, store) = empty_ledger().await;
    for day in 0..4 {
        record(&pool, hours(member(1), 8, BEGUN + day * DAY), BEGUN + day * DAY).await;
    }
    // 32 points fall below 25 after five periods.
    sweep(&store, &[BEGUN + 200 * DAY]).await;
    let mut seen: Vec<Event> = Vec::new();
    loop {
        let before = seen.last().map(Event::key);
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
async fn a_writer_whose_clock_is_behind_leaves_no_event_out() {
    let (pool, store) = empty_ledger().await;
    for _ in 0..3 {
        record(&pool, hours(member(1), 8, BEGUN), BEGUN).await;
    }
    // This one happened, and was recorded, ten seconds ahead of the next.
    record(&pool, hours(member(1), 8, BEGUN + 10), BEGUN + 10).await;
    record(&pool, hours(member(1), 1, BEGUN + 5), BEGUN + 5).await;
    let kept = store
        .advance(member(1), at(BEGUN + 10), at(BEGUN + 10))
        .await
        .or_panic();
    assert_eq!(kept.map(|kept| kept.score.score().get()), Some(33));
    assert_eq!(falls(&pool).await, [], "nobody fell");
}

#[tokio::test]
async fn who_recorded_an_activity_and_who_countered_it_stands_beside_it() {
    let (pool, _) = empty_ledger().await;
    let event = record(&pool, hours(member(1), 2, 0), 1).await;
    counter(&pool, event.event_id, 2).await.or_panic();
    let again = counter(&pool, event.event_id, 3).await;
    assert_eq!(
        again.map(drop).map_err(|problem| problem.reason()),
        Err(Reason::EventNotCounterable)
    );
    let rows = sqlx::query_as::<_, (String, Option<String>, Option<String>)>(
        "SELECT kind, recorded_by, countered_by FROM ledger_entries ORDER BY recorded_at",
    );
    let staff = || Some("person:1".to_owned());
    let expected = [
        ("activity".to_owned(), staff(), None),
        ("counter".to_owned(), None, staff()),
    ];
    assert_eq!(rows.fetch_all(&pool).await.expect("the rows"), expected);
}
