//! What the tests of this service share.

use crate::Store;
use crate::store::{CounterReason, Event, NewActivity, NewCounter, insert_activity, insert_counter};
use mesh_proto::community::v1::{GetTrustResponse, NetworkPoints, Withheld};
use mesh_runtime::{Actor, Problem, clock};
use mesh_testkit::fixtures::fresh_database;
pub(crate) use mesh_testkit::fixtures::{OrPanic, at, member};
use mesh_types::{EventId, MemberId};
use reputation_workflows::policy::activity::Activity;
use sqlx::PgPool;

/// Who records and counters.
pub(crate) const STAFF: Actor = Actor::Person(1);

/// A day in seconds.
pub(crate) const DAY: i64 = 24 * 3600;

/// An empty database and the store over it.
pub(crate) async fn empty_ledger() -> (PgPool, Store) {
    let pool = fresh_database("reputation", &crate::MIGRATIONS).await;
    (pool.clone(), Store::new(pool))
}

/// An answer of the community service.
pub(crate) fn trust_points(points: i32, withheld: Withheld) -> GetTrustResponse {
    GetTrustResponse {
        network_points: Some(NetworkPoints {
            points,
            withheld: withheld.into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Hours that a member gave, at an instant in seconds.
pub(crate) fn hours(member_id: MemberId, hours: u32, seconds: i64) -> NewActivity {
    NewActivity {
        member_id,
        activity: Activity::VolunteerHours { minutes: 60 * hours },
        occurred_at: at(seconds),
    }
}

/// Records an activity under an id of its own, at an instant in seconds.
pub(crate) async fn record(pool: &PgPool, activity: NewActivity, seconds: i64) -> Event {
    record_as(pool, EventId::from(clock::new_uuid()), activity, seconds).await
}

/// Records an activity under an id.
pub(crate) async fn record_as(pool: &PgPool, event_id: EventId, activity: NewActivity, seconds: i64) -> Event {
    let mut transaction = pool.begin().await.expect("it answers");
    let event = insert_activity(&mut transaction, event_id, &activity, (&STAFF, at(seconds)))
        .await
        .or_panic();
    transaction.commit().await.expect("it answers");
    event
}

/// Counters an event under an id.
pub(crate) async fn counter_as(
    pool: &PgPool,
    counter_id: EventId,
    event_id: EventId,
    seconds: i64,
) -> Result<Event, Problem> {
    let mut transaction = pool.begin().await.expect("it answers");
    let counter = NewCounter {
        event_id,
        reason: CounterReason::Disputed,
    };
    let event = insert_counter(&mut transaction, counter_id, &counter, (&STAFF, at(seconds))).await?;
    transaction.commit().await.expect("it answers");
    Ok(event)
}

/// Counters an event, at an instant in seconds.
pub(crate) async fn counter(pool: &PgPool, event_id: EventId, seconds: i64) -> Result<Event, Problem> {
    counter_as(pool, EventId::from(clock::new_uuid()), event_id, seconds).await
}

pub(crate) async fn count(pool: &PgPool, select: &'static str) -> i64 {
    sqlx::query_scalar(select)
        .fetch_one(pool)
        .await
        .expect("it can be counted")
}
