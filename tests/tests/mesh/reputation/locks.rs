//! A session that holds a lock and is stuck stops those who want the same row, and nobody else.

use super::ledger::hours;
use crate::support::*;
use futures::future::{join, join_all};
use sqlx::{Connection, PgConnection};
use std::time::{Duration, Instant};

/// More than the pool of the service has connections.
const AT_ONCE: usize = 50;
/// The longest that an answer about another member may take.
const MOST_TIME: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_stuck_session_that_holds_a_members_row_holds_up_no_other_member() {
    let mesh = shared_mesh().await;
    let caller = Caller::of(mesh);
    let member_id = new_member_id();
    let record = async |member_id: i64| caller.reputations.clone().record_activity(hours(member_id, 1)).await;
    record(member_id).await.expect("the row is made");
    let mut stuck = PgConnection::connect(&mesh.databases.reputation)
        .await
        .expect("a session");
    sqlx::query("BEGIN").execute(&mut stuck).await.expect("a transaction");
    let lock = sqlx::query("SELECT 1 FROM reputations WHERE member_id = $1 FOR UPDATE").bind(member_id);
    lock.execute(&mut stuck).await.expect("a lock");

    let of_the_locked = async {
        let answers = join_all((0..AT_ONCE).map(|_| record(member_id))).await;
        for status in answers.into_iter().map(|answer| answer.expect_err("the row is locked")) {
            let refused = refusal(&status);
            assert_eq!(
                (refused.reason.as_str(), refused.retry),
                ("DATABASE_UNAVAILABLE", true),
                "{status:?}"
            );
        }
    };
    let of_others = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..20 {
            let begun = Instant::now();
            let answers = join_all((0..5).map(|_| record(new_member_id()))).await;
            answers
                .into_iter()
                .for_each(|answer| drop(answer.expect("another member's row is free")));
            slowest = slowest.max(begun.elapsed());
        }
        slowest
    };
    let ((), slowest) = join(of_the_locked, of_others).await;
    println!("while {AT_ONCE} wait for a locked row, others are answered in at most {slowest:?}");
    assert!(slowest < MOST_TIME, "{slowest:?}");

    drop(stuck);
    record(member_id).await.expect("the row is free again");
}
