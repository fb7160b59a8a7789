//! Requests that come twice, over a real PostgreSQL. Each test has its own database.

use jiff::{SignedDuration, Timestamp};
use mesh_runtime::Problem;
use mesh_runtime::idempotency::{Attempt, IdempotencyStore, LEASE, RETENTION, ResourceId};
use mesh_testkit::fixtures::{OrPanic, fresh_database, reason};
use mesh_types::{Reason, RequestId};
use prost::Message;
use sqlx::migrate::Migrator;
use sqlx::{PgConnection, PgPool};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

static MIGRATIONS: Migrator = sqlx::migrate!("examples/greeter/migrations");

const GREET: &str = "test.greeter.v1.GreeterService/Greet";
const PART: &str = "test.greeter.v1.GreeterService/Part";

/// What is asked and answered.
#[derive(Clone, PartialEq, Message)]
struct Words {
    #[prost(string, tag = "1")]
    text: String,
}

fn words(text: impl Into<String>) -> Words {
    Words { text: text.into() }
}

fn new_request() -> RequestId {
    RequestId::from(mesh_runtime::clock::new_uuid())
}

fn noon() -> Timestamp {
    "2026-05-01T12:00:00Z".parse().expect("an instant")
}

async fn fresh() -> (PgPool, IdempotencyStore) {
    let pool = fresh_database("requests", &MIGRATIONS).await;
    let requests = open(&pool).await;
    (pool, requests)
}

/// What another instance of the service holds.
async fn open(pool: &PgPool) -> IdempotencyStore {
    IdempotencyStore::open(pool.clone()).await.or_panic()
}

async fn insert(connection: &mut PgConnection, text: &str) -> Result<(), Problem> {
    sqlx::query("INSERT INTO greetings (greeting_id, text, stored_at) VALUES (gen_random_uuid(), $1, now())")
        .bind(text)
        .execute(connection)
        .await?;
    Ok(())
}

async fn count(pool: &PgPool, select: &'static str) -> i64 {
    sqlx::query_scalar(select).fetch_one(pool).await.expect("a count")
}

async fn greetings(pool: &PgPool) -> i64 {
    count(pool, "SELECT count(*) FROM greetings").await
}

/// Greets within a transaction; the answer holds the work id, so that two answers of two works differ.
async fn greet(requests: &IdempotencyStore, rpc: &str, id: RequestId, text: &str) -> Result<String, Problem> {
    let work = async |connection: &mut PgConnection, resource_id: ResourceId| {
        insert(connection, text).await?;
        Ok(words(format!("{text} {resource_id}")))
    };
    let answer = requests.in_transaction(rpc, id, &words(text), noon(), work).await?;
    Ok(answer.text)
}

#[tokio::test]
async fn a_repeat_in_a_transaction_gets_the_first_answer() {
    let (pool, requests) = fresh().await;
    let id = new_request();
    let first = greet(&requests, GREET, id, "hello").await.expect("it is done");
    assert_eq!(greet(&requests, GREET, id, "hello").await.ok(), Some(first.clone()));
    // Another instance has nothing in memory.
    assert_eq!(greet(&open(&pool).await, GREET, id, "hello").await.ok(), Some(first));
    assert_eq!(greetings(&pool).await, 1);
}

#[tokio::test]
async fn other_content_and_another_rpc_under_the_same_id_are_refused() {
    let (pool, requests) = fresh().await;
    let id = new_request();
    greet(&requests, GREET, id, "hello").await.expect("it is done");
    assert_eq!(
        reason(greet(&requests, GREET, id, "good bye").await),
        Reason::RequestIdReused
    );
    assert_eq!(
        reason(greet(&requests, PART, id, "hello").await),
        Reason::RequestIdReused
    );
    let work = async |_: Attempt| Ok(words("never"));
    let under_lease = requests.under_lease(PART, id, &words("hello"), noon(), work).await;
    assert_eq!(reason(under_lease), Reason::RequestIdReused);
    assert_eq!(greetings(&pool).await, 1);
}

#[tokio::test]
async fn two_instances_at_once_do_it_once() {
    let (pool, requests) = fresh().await;
    let other = open(&pool).await;
    for _ in 0..20 {
        let id = new_request();
        // Both are past their own queue before either has committed.
        let both = Barrier::new(2);
        let at_once = async |requests: &IdempotencyStore| {
            both.wait().await;
            greet(requests, GREET, id, "hello").await.expect("it is done")
        };
        let (one, another) = tokio::join!(at_once(&requests), at_once(&other));
        assert_eq!(one, another);
    }
    assert_eq!(greetings(&pool).await, 20);
}

#[tokio::test]
async fn a_request_that_another_instance_has_not_committed_is_waited_for() {
    let (pool, requests) = fresh().await;
    let other = open(&pool).await;
    let (id, hello) = (new_request(), words("hello"));
    let inside = Barrier::new(2);
    let slow = requests.in_transaction(GREET, id, &hello, noon(), async |connection, resource_id| {
        insert(connection, "hello").await?;
        // The other one is let go only now, so it meets a row that is not committed.
        inside.wait().await;
        sqlx::query("SELECT pg_sleep(0.2)").execute(connection).await?;
        Ok(words(format!("hello {resource_id}")))
    });
    let repeat = async {
        inside.wait().await;
        greet(&other, GREET, id, "hello").await
    };
    let (first, repeat) = tokio::join!(slow, repeat);
    assert_eq!(repeat.ok(), first.ok().map(|answer| answer.text));
    assert_eq!(greetings(&pool).await, 1);
}

#[tokio::test]
async fn a_thousand_equal_requests_at_once_have_one_effect_and_one_answer() {
    let (pool, requests) = fresh().await;
    let instances = [requests, open(&pool).await, open(&pool).await];
    let id = new_request();
    let mut callers = JoinSet::new();
    for number in 0..1_000 {
        let requests = instances[number % instances.len()].clone();
        callers.spawn(async move { greet(&requests, GREET, id, "hello").await });
    }
    let answers = callers.join_all().await;
    let first = answers[0].as_ref().expect("it is done").clone();
    for answer in answers {
        assert_eq!(answer.expect("it is done"), first);
    }
    assert_eq!(greetings(&pool).await, 1);
}

#[tokio::test]
async fn a_thousand_equal_requests_in_temporal_have_one_effect_and_one_answer() {
    let (pool, requests) = fresh().await;
    let instances = [requests, open(&pool).await];
    let (id, started) = (new_request(), Arc::new(AtomicU32::new(0)));
    let mut callers = JoinSet::new();
    for number in 0..1_000 {
        let (requests, started) = (instances[number % 2].clone(), started.clone());
        callers.spawn(async move {
            let work = async |attempt: Attempt| {
                started.fetch_add(1, Ordering::Relaxed);
                Ok(words(attempt.resource_id.to_string()))
            };
            requests.under_lease(GREET, id, &words("hello"), noon(), work).await
        });
    }
    let answers = callers.join_all().await;
    let first = answers[0].as_ref().expect("it is done").clone();
    for answer in answers {
        assert_eq!(answer.expect("it is done"), first);
    }
    assert_eq!(started.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_refusal_is_rolled_back_and_forgotten() {
    let (pool, requests) = fresh().await;
    let id = new_request();
    let refuse = async |connection: &mut PgConnection, _: ResourceId| {
        insert(connection, "half").await?;
        Err::<Words, _>(Problem::invalid_field("text", "must be kind"))
    };
    let refused = requests
        .in_transaction(GREET, id, &words("hello"), noon(), refuse)
        .await;
    assert_eq!(reason(refused), Reason::InvalidRequest);
    assert_eq!(
        (
            greetings(&pool).await,
            count(&pool, "SELECT count(*) FROM mesh_idempotency_records").await
        ),
        (0, 0)
    );
    // Nothing was done under the id, so it is free for other content as well.
    greet(&requests, GREET, id, "good bye").await.expect("it is done");
    assert_eq!(greetings(&pool).await, 1);
}

#[tokio::test]
async fn a_refusal_of_temporals_is_forgotten_and_a_failure_keeps_the_work_id() {
    let (pool, requests) = fresh().await;
    let (id, hello) = (new_request(), words("hello"));
    let refuse = async |_: Attempt| Err::<Words, _>(Problem::new(Reason::EventNotFound, "there is none"));
    let refused = requests.under_lease(GREET, id, &hello, noon(), refuse).await;
    assert_eq!(reason(refused), Reason::EventNotFound);
    assert_eq!(count(&pool, "SELECT count(*) FROM mesh_idempotency_records").await, 0);

    let mut attempts = Vec::new();
    let fail = async |attempt: Attempt| {
        attempts.push(attempt);
        Err::<Words, _>(Problem::new(Reason::TemporalUnavailable, "it is away"))
    };
    let failed = requests.under_lease(GREET, id, &hello, noon(), fail).await;
    assert_eq!(reason(failed), Reason::TemporalUnavailable);
    // What failed may have been done: its id can't be used for anything else.
    let other = async |_: Attempt| Ok(words("never"));
    let reused = requests.under_lease(GREET, id, &words("other"), noon(), other).await;
    assert_eq!(reason(reused), Reason::RequestIdReused);
    // A failed attempt has given its lease back, so the next need not wait.
    let work = async |attempt: Attempt| {
        attempts.push(attempt);
        Ok(words("done"))
    };
    let done = requests.under_lease(GREET, id, &hello, noon(), work).await;
    assert_eq!(done.ok(), Some(words("done")));
    assert_eq!(attempts[0].resource_id, attempts[1].resource_id);
    assert_eq!((attempts[0].repeated, attempts[1].repeated), (false, true));
}

#[tokio::test]
async fn a_lost_attempt_is_taken_over_after_its_lease_and_the_first_answer_stays() {
    let (pool, requests) = fresh().await;
    let (id, hello) = (new_request(), words("hello"));
    let lost = requests.under_lease(GREET, id, &hello, noon(), async |attempt| {
        claim_is_committed(&pool, attempt).await;
        std::future::pending::<Result<Words, Problem>>().await
    });
    // Dropped in the middle, as a crash or a caller that went away leaves it.
    let lost = tokio::time::timeout(Duration::from_millis(300), lost).await;
    assert!(lost.is_err());

    let other = open(&pool).await;
    let early = other.under_lease(GREET, id, &hello, noon(), async |_| Ok(words("early")));
    assert_eq!(reason(early.await), Reason::RequestInProgress);

    let mut attempt = None;
    let late = noon() + LEASE + SignedDuration::from_secs(1);
    let taken = other.under_lease(GREET, id, &hello, late, async |taken| {
        attempt = Some(taken);
        Ok(words("late"))
    });
    assert_eq!(taken.await.ok(), Some(words("late")));
    let attempt = attempt.expect("it was taken over");
    assert!(attempt.repeated);
    let kept: uuid::Uuid = sqlx::query_scalar("SELECT resource_id FROM mesh_idempotency_records")
        .fetch_one(&pool)
        .await
        .expect("one row");
    assert_eq!(attempt.resource_id.uuid(), kept);
    let again = requests.under_lease(GREET, id, &hello, late, async |_| Ok(words("again")));
    assert_eq!(again.await.ok(), Some(words("late")));
}

/// The claim of an attempt is committed before its work begins.
async fn claim_is_committed(pool: &PgPool, attempt: Attempt) {
    let kept: uuid::Uuid = sqlx::query_scalar("SELECT resource_id FROM mesh_idempotency_records WHERE answer IS NULL")
        .fetch_one(pool)
        .await
        .expect("one row");
    assert_eq!(attempt.resource_id.uuid(), kept);
}

#[tokio::test]
async fn the_sweep_forgets_what_is_older_than_30_days_and_nothing_else() {
    let (pool, requests) = fresh().await;
    // More than two batches.
    let old = "INSERT INTO mesh_idempotency_records (request_id, rpc, fingerprint, resource_id, attempt, claimed_at, leased_until)
               SELECT gen_random_uuid(), 'x', sha256('x'), gen_random_uuid(), 1, $1, $1 FROM generate_series(1, 2500)";
    sqlx::query(old)
        .bind(jiff_sqlx::ToSqlx::to_sqlx(noon() - SignedDuration::from_secs(1)))
        .execute(&pool)
        .await
        .expect("old rows");
    let id = new_request();
    let first = greet(&requests, GREET, id, "hello").await.expect("it is done");
    let (none, all) = tokio::join!(
        requests.sweep(noon() + RETENTION - SignedDuration::from_secs(1)),
        requests.sweep(noon() + RETENTION)
    );
    assert_eq!((none.ok(), all.ok()), (Some(0), Some(2500)));
    assert_eq!(greet(&requests, GREET, id, "hello").await.ok(), Some(first.clone()));

    assert_eq!(
        requests
            .sweep(noon() + RETENTION + SignedDuration::from_secs(1))
            .await
            .ok(),
        Some(1)
    );
    // A repeat after that is a new request.
    assert_ne!(greet(&requests, GREET, id, "hello").await.ok(), Some(first));
    assert_eq!(greetings(&pool).await, 2);
}

#[tokio::test]
async fn the_key_is_of_the_database_and_two_databases_have_two() {
    let ((one, _), (other, _)) = (fresh().await, fresh().await);
    let key = "SELECT key FROM mesh_idempotency_key";
    let read = async |pool: &PgPool| -> Vec<u8> { sqlx::query_scalar(key).fetch_one(pool).await.expect("a key") };
    let before = read(&one).await;
    mesh_runtime::migrate(&one, &MIGRATIONS)
        .await
        .expect("nothing is left to do");
    assert_eq!(read(&one).await, before);
    assert_ne!(read(&other).await, before);
}
