use super::connections::MOST_CONNECTIONS;
use super::*;
use crate::testing::{OrPanic, at, empty_store, member, new, set, set_one, strength};
use mesh_runtime::Actor;
use mesh_testkit::fixtures::reason;

/// From, to, old and new strength, by whom, at which second.
type Recorded = (i64, i64, Option<i16>, Option<i16>, String, i64);

async fn history(pool: &PgPool) -> Vec<Recorded> {
    let select = "SELECT from_member, to_member, old_strength, new_strength, changed_by,
                         extract(epoch FROM changed_at)::bigint FROM connection_changes ORDER BY sequence";
    sqlx::query_as(select).fetch_all(pool).await.expect("it answers")
}

fn others(connections: &[Connection], direction: Direction) -> Vec<(i64, u8)> {
    let other = |one: &Connection| match direction {
        Direction::MadeBy => one.to.get(),
        Direction::MadeTo => one.from.get(),
    };
    connections
        .iter()
        .map(|one| (other(one), one.strength.hundredths()))
        .collect()
}

#[tokio::test]
async fn each_change_is_in_the_history_with_who_and_when() {
    let (pool, store) = empty_store().await;
    for (edge, seconds) in [
        ((1, 2, 50), 100),
        ((1, 2, 50), 200),
        ((1, 2, 80), 300),
        ((1, 2, 0), 400),
    ] {
        set_one(&pool, edge, seconds).await.or_panic();
    }
    let staff = (&Actor::Person(9), at(500));
    let mut transaction = pool.begin().await.expect("it answers");
    let made = set_connection(&mut transaction, new(1, 2, 7), staff).await.or_panic();
    transaction.commit().await.expect("it answers");
    assert_eq!(
        (made.created_at, made.changed_at, made.strength),
        (at(500), at(500), strength(7))
    );
    let by = |person: &str| person.to_owned();
    assert_eq!(
        history(&pool).await,
        [
            (1, 2, None, Some(50), by("person:1"), 100),
            (1, 2, Some(50), Some(80), by("person:1"), 300),
            (1, 2, Some(80), None, by("person:1"), 400),
            (1, 2, None, Some(7), by("person:9"), 500),
        ]
    );
    let listed = store
        .list_connections((member(1), Direction::MadeBy), None, 10)
        .await
        .or_panic();
    assert_eq!(listed, [made]);
    for change in [
        "UPDATE connection_changes SET changed_by = 'x'",
        "DELETE FROM connection_changes",
    ] {
        assert!(sqlx::query(change).execute(&pool).await.is_err(), "{change}");
    }
}

#[tokio::test]
async fn a_change_of_strength_keeps_when_the_connection_was_made() {
    let (pool, store) = empty_store().await;
    for (hundredths, seconds) in [(50, 100), (60, 200), (60, 300)] {
        set_one(&pool, (1, 2, hundredths), seconds).await.or_panic();
    }
    let listed = store
        .list_connections((member(1), Direction::MadeBy), None, 10)
        .await
        .or_panic();
    let times: Vec<_> = listed.iter().map(|one| (one.created_at, one.changed_at)).collect();
    assert_eq!(times, [(at(100), at(200))]);
}

#[tokio::test]
async fn what_is_not_there_is_not_removed_and_leaves_no_trace() {
    let (pool, _) = empty_store().await;
    set_one(&pool, (1, 2, 50), 100).await.or_panic();
    let refused = set_one(&pool, (2, 1, 0), 200).await;
    assert_eq!(reason(refused), Reason::ConnectionNotFound);
    set_one(&pool, (1, 2, 0), 300).await.or_panic();
    assert_eq!(reason(set_one(&pool, (1, 2, 0), 400).await), Reason::ConnectionNotFound);
    assert_eq!(history(&pool).await.len(), 2);
}

#[tokio::test]
async fn connections_are_listed_both_ways_in_the_order_of_the_other_and_page_by_page() {
    let (pool, store) = empty_store().await;
    for edge in [(1, 5, 50), (1, 3, 30), (1, 4, 40), (5, 1, 15), (2, 1, 12), (2, 3, 23)] {
        set_one(&pool, edge, 100).await.or_panic();
    }
    let list = async |direction, after: Option<i64>, limit| {
        let after = after.map(member);
        let listed = store
            .list_connections((member(1), direction), after, limit)
            .await
            .or_panic();
        others(&listed, direction)
    };
    assert_eq!(list(Direction::MadeBy, None, 2).await, [(3, 30), (4, 40)]);
    assert_eq!(list(Direction::MadeBy, Some(4), 2).await, [(5, 50)]);
    assert_eq!(list(Direction::MadeTo, None, 9).await, [(2, 12), (5, 15)]);
}

#[tokio::test]
async fn a_member_makes_a_thousand_connections_and_no_more_but_changes_them() {
    let (pool, _) = empty_store().await;
    let mut transaction = pool.begin().await.expect("it answers");
    for other in 2..=MOST_CONNECTIONS + 1 {
        set(&mut transaction, (1, other, 50), 100).await.or_panic();
    }
    transaction.commit().await.expect("it answers");
    let one_more = set_one(&pool, (1, MOST_CONNECTIONS + 2, 50), 200).await;
    assert_eq!(reason(one_more), Reason::TooManyConnections);
    set_one(&pool, (1, 2, 60), 200).await.or_panic();
    set_one(&pool, (1, 2, 0), 300).await.or_panic();
    set_one(&pool, (1, MOST_CONNECTIONS + 2, 50), 400).await.or_panic();
}

#[tokio::test]
async fn changes_of_one_connection_at_once_make_one_unbroken_history() {
    let (pool, _) = empty_store().await;
    let changes = (1..=20_u8).map(|hundredths| set_one(&pool, (1, 2, hundredths), 100));
    for changed in futures::future::join_all(changes).await {
        changed.or_panic();
    }
    let history = history(&pool).await;
    assert_eq!(history.len(), 20);
    let mut before = None;
    for (_, _, old, new, ..) in history {
        assert_eq!(old, before);
        before = new;
    }
}

#[tokio::test]
async fn a_start_waits_for_changes_under_way_and_gives_up_on_slow_ones() {
    let (pool, store) = empty_store().await;
    set_one(&pool, (1, 2, 50), 100).await.or_panic();
    let mut slow = pool.begin().await.expect("it answers");
    set(&mut slow, (3, 4, 50), 100).await.or_panic();
    assert_eq!(reason(store.settled_sequence().await), Reason::DatabaseUnavailable);
    // Others change theirs meanwhile.
    set_one(&pool, (5, 6, 50), 100).await.or_panic();
    let settled = async { store.settled_sequence().await.or_panic() };
    let end = async { slow.commit().await.expect("it answers") };
    let (settled, ()) = tokio::join!(settled, end);
    let look = store.look(settled, &[], 10).await.or_panic();
    assert_eq!((settled, look.changes.len(), look.goes_on), (3, 0, true));
}

#[tokio::test]
async fn a_look_shows_what_is_new_and_what_came_late_and_whether_the_history_goes_on() {
    let (pool, store) = empty_store().await;
    let mut slow = pool.begin().await.expect("it answers");
    set(&mut slow, (1, 2, 50), 100).await.or_panic();
    for other in [4, 5] {
        set_one(&pool, (3, other, 50), 100).await.or_panic();
    }
    let numbers = |look: &Look| look.changes.iter().map(|change| change.sequence).collect::<Vec<_>>();
    let mark = store.transaction_id().await.or_panic();
    let first = store.look(0, &[], 1).await.or_panic();
    assert_eq!(numbers(&first), [2]);
    assert!(first.oldest_running < mark, "the slow one has a lower id");
    slow.commit().await.expect("it answers");
    let second = store.look(2, &[1], 10).await.or_panic();
    assert_eq!(numbers(&second), [1, 3]);
    let none = store.look(3, &[], 10).await.or_panic();
    assert!(none.goes_on && none.changes.is_empty());
    assert!(!store.look(4, &[], 10).await.or_panic().goes_on);
}
