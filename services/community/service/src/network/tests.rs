use super::*;
use crate::testing::{OrPanic, empty_store, member, set, set_one};
use mesh_testkit::fixtures::reason;
use sqlx::PgPool;

/// From, to, hundredths of strength.
type EdgeOf = (i64, i64, u8);

async fn network(seeds: &[i64]) -> (PgPool, Network) {
    let (pool, store) = empty_store().await;
    let seeds = seeds.iter().copied().map(member).collect();
    (pool, Network::new(store, seeds))
}

/// All connections that the network knows, and who passes.
async fn known(network: &Network) -> (Vec<EdgeOf>, Vec<i64>) {
    let read = |gate: &Gate| {
        let members: Vec<MemberId> = gate.network().members().collect();
        let made = members.iter().flat_map(|from| {
            let made = gate.network().connections_from(*from);
            made.map(|made| (from.get(), made.other.get(), made.strength.hundredths()))
        });
        let mut made: Vec<_> = made.collect();
        made.sort_unstable();
        let passing = members.iter().filter(|member| gate.passes(**member));
        let mut passing: Vec<_> = passing.map(|member| member.get()).collect();
        passing.sort_unstable();
        (made, passing)
    };
    network.read(read).await.or_panic()
}

async fn edges(network: &Network) -> Vec<EdgeOf> {
    known(network).await.0
}

#[tokio::test]
async fn nothing_is_answered_before_all_is_read_and_everything_after() {
    let (pool, network) = network(&[1]).await;
    set_one(&pool, (1, 2, 100), 100).await.or_panic();
    set_one(&pool, (3, 4, 100), 100).await.or_panic();
    assert_eq!(reason(network.read(|_| ()).await), Reason::TrustNetworkLoading);
    network.follow().await.or_panic();
    assert_eq!(known(&network).await, (vec![(1, 2, 100), (3, 4, 100)], vec![1, 2]));
}

#[tokio::test]
async fn a_reading_that_is_cut_goes_on_where_it_was() {
    let (pool, network) = network(&[]).await;
    let many = "INSERT INTO connections (from_member, to_member, strength, created_at, changed_at)
                SELECT 1 + n / 900, 1000 + n % 900, 50, now(), now() FROM generate_series(0, 17999) AS n";
    sqlx::query(many).execute(&pool).await.expect("it answers");
    let turn = async || network.following.clone().lock_owned().await;
    *turn().await = Following::Reading(Reading::after(0));
    let page = network.store.edges_after((0, 0), LOAD_BATCH).await.or_panic();
    drop(network.take_page(turn().await, page).await.or_panic());
    assert_eq!(reason(network.read(|_| ()).await), Reason::TrustNetworkLoading);
    // Whoever began anew would miss these.
    let read_before = "DELETE FROM connections WHERE from_member <= 3";
    sqlx::query(read_before).execute(&pool).await.expect("it answers");
    network.follow().await.or_panic();
    assert_eq!(edges(&network).await.len(), 18_000);
}

#[tokio::test]
async fn without_seeds_nobody_passes() {
    let (pool, network) = network(&[]).await;
    set_one(&pool, (1, 2, 100), 100).await.or_panic();
    network.follow().await.or_panic();
    assert_eq!(known(&network).await.1, Vec::<i64>::new());
}

#[tokio::test]
async fn what_is_added_changed_and_removed_is_followed() {
    let (pool, network) = network(&[1]).await;
    network.follow().await.or_panic();
    let steps: [(EdgeOf, &[EdgeOf]); 4] = [
        ((1, 2, 100), &[(1, 2, 100)]),
        ((2, 3, 50), &[(1, 2, 100), (2, 3, 50)]),
        ((1, 2, 40), &[(1, 2, 40), (2, 3, 50)]),
        ((1, 2, 0), &[(2, 3, 50)]),
    ];
    for (edge, expected) in steps {
        set_one(&pool, edge, 100).await.or_panic();
        network.follow().await.or_panic();
        assert_eq!(edges(&network).await, expected);
    }
    assert_eq!(known(&network).await.1, [1]);
}

#[tokio::test]
async fn more_changes_than_a_look_takes_are_all_followed() {
    let (pool, network) = network(&[]).await;
    network.follow().await.or_panic();
    let mut transaction = pool.begin().await.expect("it answers");
    for from in 1..=3 {
        for to in 10..510 {
            set(&mut transaction, (from, to, 50), 100).await.or_panic();
        }
    }
    transaction.commit().await.expect("it answers");
    network.follow().await.or_panic();
    assert_eq!(edges(&network).await.len(), 1_500);
}

#[tokio::test]
async fn a_change_that_is_committed_late_is_not_left_out() {
    let (pool, network) = network(&[]).await;
    network.follow().await.or_panic();
    let mut late = pool.begin().await.expect("it answers");
    set(&mut late, (1, 2, 50), 100).await.or_panic();
    let mut never = pool.begin().await.expect("it answers");
    set(&mut never, (3, 4, 50), 100).await.or_panic();
    set_one(&pool, (5, 6, 50), 100).await.or_panic();
    for _ in 0..3 {
        network.follow().await.or_panic();
        assert_eq!(edges(&network).await, [(5, 6, 50)]);
    }
    never.rollback().await.expect("it answers");
    // Nobody else has a transaction while the number of the late one is still waited for.
    network.follow().await.or_panic();
    late.commit().await.expect("it answers");
    network.follow().await.or_panic();
    assert_eq!(edges(&network).await, [(1, 2, 50), (5, 6, 50)]);
    let missing = async || {
        network.follow().await.or_panic();
        match &*network.following.lock().await {
            Following::At(cursor) => cursor.missing().is_empty().then_some(()),
            _ => None,
        }
    };
    // Other tests of this cluster have transactions too.
    let given_up = mesh_testkit::eventually(Duration::from_secs(20), "the rolled back one to be given up", missing);
    given_up.await.or_panic();
}

#[tokio::test]
async fn what_changes_while_the_network_is_read_comes_out_right() {
    let (pool, network) = network(&[]).await;
    let mut slow = pool.begin().await.expect("it answers");
    set(&mut slow, (1, 2, 50), 100).await.or_panic();
    // A change is under way, so it is not known what is settled.
    assert_eq!(reason(network.follow().await), Reason::DatabaseUnavailable);
    assert_eq!(reason(network.read(|_| ()).await), Reason::TrustNetworkLoading);
    let changes = async {
        slow.commit().await.expect("it answers");
        for hundredths in 1..=30 {
            set_one(&pool, (1, 2, hundredths), 100).await.or_panic();
            set_one(&pool, (3, 4, hundredths), 100).await.or_panic();
            set_one(&pool, (3, 4, 0), 100).await.or_panic();
        }
    };
    let follow = async {
        for _ in 0..10 {
            network.follow().await.or_panic();
        }
    };
    tokio::join!(changes, follow);
    network.follow().await.or_panic();
    assert_eq!(edges(&network).await, [(1, 2, 30)]);
}

#[tokio::test]
async fn an_answer_looks_itself_when_nobody_has_looked_for_long_and_is_refused_when_it_cannot() {
    let (pool, network) = network(&[]).await;
    network.follow().await.or_panic();
    set_one(&pool, (1, 2, 50), 100).await.or_panic();
    let old = || async { matches!(network.age(), Age::KnownAt(at) if at.elapsed() > FRESH).then_some(()) };
    mesh_testkit::eventually(Duration::from_secs(20), "the look to be old", old)
        .await
        .or_panic();
    assert_eq!(edges(&network).await, [(1, 2, 50)]);
    pool.close().await;
    mesh_testkit::eventually(Duration::from_secs(20), "the look to be old", old)
        .await
        .or_panic();
    assert_eq!(reason(network.read(|_| ()).await), Reason::DatabaseUnavailable);
}

#[tokio::test]
async fn a_history_that_does_not_go_on_is_read_anew() {
    let (pool, network) = network(&[]).await;
    for other in [2, 3, 4] {
        set_one(&pool, (1, other, 50), 100).await.or_panic();
    }
    network.follow().await.or_panic();
    // As a database is that was restored to a time before the last change.
    for statement in [
        "ALTER TABLE connection_changes DISABLE TRIGGER USER",
        "DELETE FROM connection_changes WHERE sequence = 3",
        "DELETE FROM connections WHERE to_member = 4",
        "ALTER TABLE connection_changes ALTER COLUMN sequence RESTART WITH 3",
    ] {
        sqlx::query(statement).execute(&pool).await.expect("it is done");
    }
    network.follow().await.or_panic();
    assert_eq!(edges(&network).await, [(1, 2, 50), (1, 3, 50)]);
    // Numbers that were set by hand.
    sqlx::query("ALTER TABLE connection_changes ALTER COLUMN sequence RESTART WITH 1000000")
        .execute(&pool)
        .await
        .expect("it is done");
    set_one(&pool, (1, 5, 50), 100).await.or_panic();
    network.follow().await.or_panic();
    assert_eq!(edges(&network).await, [(1, 2, 50), (1, 3, 50), (1, 5, 50)]);
}

#[tokio::test]
async fn a_network_that_a_failure_left_half_changed_is_read_anew() {
    let (pool, network) = network(&[]).await;
    set_one(&pool, (1, 2, 50), 100).await.or_panic();
    network.follow().await.or_panic();
    let gate = network.gate.clone();
    let failed = tokio::task::spawn_blocking(move || {
        let _changing = gate.write();
        panic!("in the middle of a change");
    });
    assert!(failed.await.is_err());
    match network.read(|_| ()).await {
        Err(problem) => assert_eq!(problem.reason(), Reason::TrustNetworkLoading),
        // On a busy machine the last look was too old for the answer, which has read the network anew itself.
        Ok(()) => assert!(!network.gate.is_poisoned()),
    }
    network.follow().await.or_panic();
    assert_eq!(edges(&network).await, [(1, 2, 50)]);
}
