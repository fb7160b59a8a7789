//! What the tests of this service share.

use crate::Store;
use crate::store::{Event, NewEvent, NewFact, Recorded};
use jiff::Timestamp;
use mesh_runtime::{Problem, clock};
use mesh_testkit::Postgres;
use mesh_types::{EventId, MemberId, RequestId};
use reputation_workflows::policy::activity::Activity;
use sha2::{Digest, Sha256};
use sqlx::PgPool;

/// A day in seconds.
pub(crate) const DAY: i64 = 24 * 3600;

/// An empty database and the store over it.
pub(crate) async fn empty_ledger() -> (PgPool, Store) {
    let postgres = Postgres::shared().await.expect("PostgreSQL starts");
    let url = postgres
        .create_database("reputation")
        .await
        .expect("a database is made");
    let pool = PgPool::connect(&url).await.expect("it answers");
    crate::MIGRATIONS.run(&pool).await.expect("the schema is made");
    (pool.clone(), Store::new(pool))
}

/// The result, or a panic that says what the problem was.
pub(crate) trait OrPanic<T> {
    fn or_panic(self) -> T;
}

impl<T> OrPanic<T> for Result<T, Problem> {
    fn or_panic(self) -> T {
        self.unwrap_or_else(|problem| panic!("{problem:?}"))
    }
}

pub(crate) fn member(number: i64) -> MemberId {
    MemberId::try_from(number).expect("a positive number")
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("within jiff's years")
}

/// A new request to record a fact, as of an instant.
pub(crate) fn new_event(fact: NewFact, recorded_at: Timestamp) -> NewEvent {
    NewEvent {
        request_id: RequestId::from(clock::new_uuid()),
        event_id: EventId::from(clock::new_uuid()),
        fingerprint: Sha256::digest(format!("{fact:?}")).into(),
        fact,
        recorded_at,
    }
}

/// Hours that a member gave, at an instant in seconds.
pub(crate) fn hours(member_id: MemberId, hours: u32, seconds: i64) -> NewFact {
    NewFact::Activity {
        member_id,
        activity: Activity::VolunteerHours { minutes: 60 * hours },
        occurred_at: at(seconds),
    }
}

/// Records a fact when it happens.
pub(crate) async fn record(store: &Store, fact: NewFact, seconds: i64) -> Event {
    match store.record_event(&new_event(fact, at(seconds))).await.or_panic() {
        Recorded::Done(event) => *event,
        _ => panic!("it was refused"),
    }
}

pub(crate) async fn count(pool: &PgPool, select: &'static str) -> i64 {
    sqlx::query_scalar(select)
        .fetch_one(pool)
        .await
        .expect("it can be counted")
}
