//! A request that comes twice does its work once, and both callers get the same answer.
//!
//! A caller chooses a `request_id` and sends it again when it does not know how the first try ended. Here is what happens:
//! * the same RPC with the same message from the same actor ([`crate::Actor`]) gets the first answer, byte for byte;
//! * another RPC, message or actor under the same id is refused with `REQUEST_ID_REUSED`;
//! * a request that another instance works on at this moment is waited for, briefly, and then refused with
//!   `REQUEST_IN_PROGRESS`, which a caller may retry;
//! * a refusal is not remembered: the next try does the work anew and may succeed.
//!
//! [`IdempotencyStore::in_transaction`] is for work that is one database transaction; [`IdempotencyStore::under_lease`] is for work in
//! Temporal or at a peer, which no transaction can hold.
//!
//! Rows are kept for [`RETENTION`]; a later repeat is a new request. [`IdempotencyStore::sweep`] deletes older ones, and the kit
//! calls it every hour. An answer is kept as it was given, so it must not hold what has to be erased sooner.
//!
//! The key of the fingerprints is random and belongs to the database: the migration that makes the table makes it. Every
//! instance sees the same key, and nobody has to hand one out or rotate it. It protects an excerpt of the table, in a log
//! or a report, against guessing what was said. Whoever has the whole database has the requests' own data as well.

mod rows;
mod single_flight;

use crate::{Problem, access};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use mesh_types::{Reason, RequestId};
use prost::Message;
use rows::ClaimOutcome;
use sha2::Sha256;
use single_flight::SingleFlight;
use sqlx::{PgConnection, PgPool};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};
use uuid::Uuid;

/// How long a request is remembered.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long an attempt at work in Temporal has the request to itself. Whoever comes later takes it over.
pub const LEASE: SignedDuration = SignedDuration::from_secs(10);

/// The longest attempt at work in Temporal. It is shorter than [`LEASE`], so that two attempts do not run at once.
const WORK_TIMEOUT: Duration = Duration::from_secs(8);

/// How long a repeat waits for the one that works.
const WAIT_TIMEOUT: Duration = Duration::from_secs(3);

/// How often a repeat looks whether another instance has answered.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Rows that one statement of the sweep deletes.
const SWEEP_BATCH: i64 = 1_000;

/// The id of what a request makes (UUIDv7), the same at every attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId(Uuid);

impl ResourceId {
    /// The UUID itself; make the typed id of the new thing from it.
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for ResourceId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// One attempt at work that no transaction holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The id of what is made.
    pub resource_id: ResourceId,
    /// Whether an earlier attempt may have done the work, wholly or in part.
    pub repeated: bool,
}

/// What one request says.
struct RequestKey<'a> {
    request_id: RequestId,
    rpc: &'a str,
    fingerprint: [u8; 32],
}

/// The requests that a service remembers. Clones share everything.
#[derive(Clone)]
pub struct IdempotencyStore {
    pool: PgPool,
    key: Arc<[u8; 32]>,
    flights: SingleFlight,
}

impl IdempotencyStore {
    /// Opens the requests of a database that the kit's migrations ran on ([`crate::migrate`]). A service takes them from
    /// [`crate::ServiceContext`]; a test opens its own.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away, `INTERNAL` when the tables are missing.
    pub async fn open(pool: PgPool) -> Result<Self, Problem> {
        let key = rows::find_key(&pool).await?;
        let key = key.ok_or_else(|| Problem::internal("the key of the requests is missing"))?;
        Ok(Self {
            pool,
            key: Arc::new(key),
            flights: SingleFlight::default(),
        })
    }

    /// Does `work` within one transaction, once. The claim, the work and the answer are committed together or not at all,
    /// so a refusal leaves no trace. The work uses the connection that it is given and no other of the pool: work that holds
    /// one and waits for a second can wait for itself.
    ///
    /// `rpc` is the RPC's full name, such as `test.greeter.v1.GreeterService/Greet`, with or without a `/` before it.
    ///
    /// # Errors
    /// What `work` returns; `REQUEST_ID_REUSED`, `REQUEST_IN_PROGRESS`; `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    pub async fn in_transaction<Q: Message, A: Message + Default>(
        &self,
        rpc: &str,
        request_id: RequestId,
        message: &Q,
        now: Timestamp,
        work: impl AsyncFnOnce(&mut PgConnection, ResourceId) -> Result<A, Problem>,
    ) -> Result<A, Problem> {
        let asked = self.asked(rpc, request_id, message)?;
        let mut turn = self
            .flights
            .wait(request_id, WAIT_TIMEOUT)
            .await
            .ok_or_else(in_progress)?;
        if let Some(answer) = turn.answer(asked.fingerprint)? {
            return decode(answer);
        }
        let mut transaction = rows::begin(&self.pool).await?;
        let answer = match rows::claim(&mut transaction, &asked, now).await? {
            ClaimOutcome::Reused => return Err(reused()),
            ClaimOutcome::InProgress => return Err(in_progress()),
            ClaimOutcome::Answered(answer) => answer,
            ClaimOutcome::Mine { resource_id, .. } => {
                rows::end_lock_timeout(&mut transaction).await?;
                let answer = work(&mut transaction, resource_id).await?.encode_to_vec();
                rows::keep_answer(&mut transaction, request_id, &answer, now).await?;
                transaction.commit().await?;
                answer
            }
        };
        turn.end(asked.fingerprint, answer.clone());
        decode(&answer)
    }

    /// Does `work` that no transaction can hold, such as the start of a workflow. The claim is committed first. When an
    /// attempt fails or gets lost, the next one gets the same [`Attempt::resource_id`]: what is created under that id is found
    /// again, not made twice.
    ///
    /// An attempt may take 8 s. One that got lost, with its process, is taken over after [`LEASE`].
    ///
    /// # Errors
    /// What `work` returns; `REQUEST_ID_REUSED`, `REQUEST_IN_PROGRESS`; `DEADLINE_EXCEEDED` when the attempt took too long;
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    pub async fn under_lease<Q: Message, A: Message + Default>(
        &self,
        rpc: &str,
        request_id: RequestId,
        message: &Q,
        now: Timestamp,
        work: impl AsyncFnOnce(Attempt) -> Result<A, Problem>,
    ) -> Result<A, Problem> {
        let asked = self.asked(rpc, request_id, message)?;
        let mut turn = self
            .flights
            .wait(request_id, WAIT_TIMEOUT)
            .await
            .ok_or_else(in_progress)?;
        if let Some(answer) = turn.answer(asked.fingerprint)? {
            return decode(answer);
        }
        let answer = match self.claim_or_wait(&asked, now).await? {
            ClaimOutcome::Reused => return Err(reused()),
            ClaimOutcome::InProgress => return Err(in_progress()),
            ClaimOutcome::Answered(answer) => answer,
            ClaimOutcome::Mine { resource_id, attempt } => {
                let repeated = attempt > 1;
                let working = tokio::time::timeout(WORK_TIMEOUT, work(Attempt { resource_id, repeated }));
                match working.await.unwrap_or_else(|_| Err(too_slow())) {
                    Ok(answer) => self.keep_first(request_id, answer.encode_to_vec(), now).await?,
                    Err(problem) => {
                        self.release(request_id, attempt, &problem, now).await;
                        return Err(problem);
                    }
                }
            }
        };
        turn.end(asked.fingerprint, answer.clone());
        decode(&answer)
    }

    /// The first answer to a request that was answered already, for work that is dear to prepare.
    ///
    /// # Errors
    /// `REQUEST_ID_REUSED`; `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    pub async fn find_answer<Q: Message, A: Message + Default>(
        &self,
        rpc: &str,
        request_id: RequestId,
        message: &Q,
    ) -> Result<Option<A>, Problem> {
        let asked = self.asked(rpc, request_id, message)?;
        let mut connection = self.pool.acquire().await?;
        match rows::find_request(&mut connection, request_id).await? {
            Some((fingerprint, _)) if fingerprint != asked.fingerprint => Err(reused()),
            Some((_, Some(answer))) => decode(&answer).map(Some),
            Some((_, None)) | None => Ok(None),
        }
    }

    /// Deletes what is older than [`RETENTION`] at `now`; returns how many requests that were.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    pub async fn sweep(&self, now: Timestamp) -> Result<u64, Problem> {
        let mut deleted = 0;
        loop {
            let batch = rows::delete_older(&self.pool, now - RETENTION, SWEEP_BATCH).await?;
            deleted += batch;
            if batch < SWEEP_BATCH.unsigned_abs() {
                return Ok(deleted);
            }
        }
    }

    /// Sweeps as of now, and says so.
    pub(crate) async fn forget_old(self) -> Result<(), Problem> {
        match self.sweep(crate::clock::now()).await? {
            0 => {}
            deleted => tracing::info!(deleted, "old requests were forgotten"),
        }
        Ok(())
    }

    /// # Errors
    /// `INTERNAL` within an RPC whose handler has not yet said whose the object is: nothing is done or told before that.
    fn asked<'a>(
        &self,
        rpc: &'a str,
        request_id: RequestId,
        message: &impl Message,
    ) -> Result<RequestKey<'a>, Problem> {
        let access = access::current();
        if access.as_ref().is_some_and(|access| !access.is_settled()) {
            let what = format!("the handler of {rpc} began before it said whose the object is");
            return Err(Problem::internal(what));
        }
        let rpc = rpc.trim_start_matches('/');
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.key).expect("HMAC takes a key of any length");
        mac.update(&(rpc.len() as u64).to_be_bytes());
        mac.update(rpc.as_bytes());
        // Another caller's request with the same id is another request.
        if let Some(access) = access {
            let actor = access.actor().to_string();
            mac.update(&(actor.len() as u64).to_be_bytes());
            mac.update(actor.as_bytes());
        }
        mac.update(&message.encode_to_vec());
        Ok(RequestKey {
            request_id,
            rpc,
            fingerprint: mac.finalize().into_bytes().into(),
        })
    }

    /// Claims a request; while another instance works on it, looks again until the wait is over.
    async fn claim_or_wait(&self, asked: &RequestKey<'_>, now: Timestamp) -> Result<ClaimOutcome, Problem> {
        let began = Instant::now();
        let mut looks = tokio::time::interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let waited = began.elapsed();
            let at = now + SignedDuration::try_from(waited).map_err(Problem::internal)?;
            // The connection goes back before the next wait.
            let claim = rows::claim(&mut *self.pool.acquire().await?, asked, at).await?;
            if !matches!(claim, ClaimOutcome::InProgress) || waited >= WAIT_TIMEOUT {
                return Ok(claim);
            }
        }
    }

    /// Keeps an answer, unless an attempt that was taken for lost has given one meanwhile; returns the one that is kept.
    async fn keep_first(&self, request_id: RequestId, answer: Vec<u8>, now: Timestamp) -> Result<Vec<u8>, Problem> {
        let mut connection = self.pool.acquire().await?;
        if rows::keep_answer(&mut connection, request_id, &answer, now).await? {
            return Ok(answer);
        }
        Ok(rows::find_answer(&mut connection, request_id).await?.unwrap_or(answer))
    }

    /// Ends the lease, so that the next try need not wait for it. A first attempt that was refused did nothing, so it is
    /// forgotten; every other one may have done something, so its work id stays.
    async fn release(&self, request_id: RequestId, attempt: i32, problem: &Problem, now: Timestamp) {
        let is_refusal = !problem.reason().class().is_retryable();
        let release = match attempt {
            1 if is_refusal => rows::forget(&self.pool, request_id, attempt).await,
            _ => rows::end_lease(&self.pool, request_id, attempt, now).await,
        };
        if let Err(problem) = release {
            tracing::warn!(%problem, "a request stays claimed until its lease ends");
        }
    }
}

fn decode<A: Message + Default>(answer: &[u8]) -> Result<A, Problem> {
    A::decode(answer).map_err(|_| Problem::internal("a kept answer does not decode"))
}

fn reused() -> Problem {
    let message = "this request_id was used for something else; choose a new one";
    Problem::new(Reason::RequestIdReused, message)
}

fn in_progress() -> Problem {
    let message = "the same request is being worked on; ask again for its answer";
    Problem::new(Reason::RequestInProgress, message)
}

fn too_slow() -> Problem {
    Problem::new(
        Reason::DeadlineExceeded,
        "the work took too long; ask again for its answer",
    )
}

#[cfg(test)]
mod tests;
