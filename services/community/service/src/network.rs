//! The trust network in memory.
//!
//! An instance reads all connections once, and then follows the history of their changes: every [`FOLLOW_INTERVAL`], and before
//! an answer when the last look is older than [`FRESH`]. So an answer knows every change that was committed [`FRESH`] before
//! it, or is refused. [`Cursor`] says why no change is left out.
//!
//! Nothing is worked out on the threads that serve RPCs. An answer holds the network for microseconds to milliseconds, a change
//! for less than a second in the worst network of 100,000 members, and between two changes others get their turn. Only one look
//! at the history is under way at a time.

mod cursor;
#[cfg(test)]
mod tests;

use crate::Store;
use crate::store::{Change, Edge, Look};
use community_trust::{Gate, GateSettings, TrustNetwork};
use cursor::Cursor;
use mesh_runtime::{BATCH, Problem};
use mesh_types::{MemberId, Reason};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;

/// How often the history is looked at.
pub const FOLLOW_INTERVAL: Duration = Duration::from_millis(250);
/// How old the last look may be for an answer.
const FRESH: Duration = Duration::from_millis(500);
/// How long an answer waits for a look.
const LOOK_TIMEOUT: Duration = Duration::from_secs(3);
/// Connections that are read at once at the start.
const LOAD_BATCH: i64 = 5_000;

/// The network, as this instance knows it. Clones share it.
#[derive(Clone)]
pub struct Network {
    store: Store,
    seeds: Arc<[MemberId]>,
    /// Held for as long as something is worked out, so only by threads that may wait.
    gate: Arc<RwLock<Gate>>,
    /// Up to when the gate is right.
    age: Arc<std::sync::Mutex<Age>>,
    following: Arc<Mutex<Following>>,
}

/// Up to when the network is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    /// It is not.
    Unknown,
    /// All connections were read, but not what changed meanwhile.
    Read,
    /// All that was committed before is known.
    KnownAt(Instant),
}

/// Where the history was followed to.
enum Following {
    /// Nothing was read.
    Nothing,
    /// Some pages of the connections were read.
    Reading(Reading),
    /// All of them were.
    At(Cursor),
}
type Turn = OwnedMutexGuard<Following>;

/// Connections as they are read, page by page. What changes meanwhile has a number after `settled`, and is taken over by the
/// looks that follow, whether or not a page has it already.
struct Reading {
    began: Instant,
    settled: i64,
    network: TrustNetwork,
    /// The last connection that was read.
    last: (i64, i64),
}

impl Network {
    /// A network of which nothing is known yet.
    pub fn new(store: Store, seeds: Vec<MemberId>) -> Self {
        Self {
            store,
            seeds: seeds.into(),
            gate: Arc::new(RwLock::new(Gate::new(GateSettings::default()))),
            age: Arc::new(std::sync::Mutex::new(Age::Unknown)),
            following: Arc::new(Mutex::new(Following::Nothing)),
        }
    }

    /// The members whom trust flows from.
    pub fn seeds(&self) -> Arc<[MemberId]> {
        self.seeds.clone()
    }

    /// Takes over all changes up to now; the first time all connections. It may be dropped at any point: the next call goes on
    /// from there.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    pub async fn follow(&self) -> Result<(), Problem> {
        let wanted = Instant::now();
        let mut turn = self.following.clone().lock_owned().await;
        if self.gate.is_poisoned() {
            // A change was taken over in part. Nobody knows what it left behind.
            self.gate.clear_poison();
            self.forget(&mut turn);
        }
        if matches!(self.age(), Age::KnownAt(at) if at >= wanted) {
            // Whoever had the turn before looked meanwhile.
            return Ok(());
        }
        loop {
            match &*turn {
                Following::Nothing => {
                    let settled = self.store.settled_sequence().await?;
                    *turn = Following::Reading(Reading::after(settled));
                }
                Following::Reading(reading) => {
                    let page = self.store.edges_after(reading.last, LOAD_BATCH).await?;
                    turn = self.take_page(turn, page).await?;
                }
                Following::At(cursor) => {
                    let looked_at = Instant::now();
                    let look = self.store.look(cursor.last(), &cursor.missing(), BATCH).await?;
                    if !look.goes_on || cursor.is_torn_by(&look) {
                        tracing::warn!("the history of connections does not go on where it was; all are read anew");
                        self.forget(&mut turn);
                        continue;
                    }
                    let is_all = look.changes.len() < BATCH.unsigned_abs() as usize;
                    turn = self.take_look(turn, look).await?;
                    if is_all {
                        self.set_age(Age::KnownAt(looked_at));
                    }
                    self.mark_missing(&mut turn).await?;
                    if is_all {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Works something out from a network that is at most a second old, on a thread of its own.
    ///
    /// # Errors
    /// `TRUST_NETWORK_LOADING` before all connections were read; `DATABASE_UNAVAILABLE` when the changes since the last look can't
    /// be known.
    pub async fn read<T: Send + 'static>(&self, what: impl FnOnce(&Gate) -> T + Send + 'static) -> Result<T, Problem> {
        match self.age() {
            Age::Unknown => return Err(loading()),
            Age::KnownAt(at) if at.elapsed() <= FRESH => {}
            Age::Read | Age::KnownAt(_) => self.follow_in_time().await?,
        }
        self.work_out(what).await
    }

    /// The same from a network that knows every change that was committed before the call: whoever has just connected with others
    /// expects them to be asked.
    ///
    /// # Errors
    /// Those of [`Self::read`].
    pub async fn read_latest<T: Send + 'static>(
        &self,
        what: impl FnOnce(&Gate) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        if self.age() == Age::Unknown {
            return Err(loading());
        }
        self.follow_in_time().await?;
        self.work_out(what).await
    }

    async fn follow_in_time(&self) -> Result<(), Problem> {
        let followed = tokio::time::timeout(LOOK_TIMEOUT, self.follow()).await;
        followed.unwrap_or_else(|_| Err(too_slow()))
    }

    async fn work_out<T: Send + 'static>(&self, what: impl FnOnce(&Gate) -> T + Send + 'static) -> Result<T, Problem> {
        let gate = self.gate.clone();
        let read = tokio::task::spawn_blocking(move || gate.read().ok().map(|gate| what(&gate)));
        read.await.map_err(Problem::internal)?.ok_or_else(loading)
    }

    /// The turn goes with the work, here and below, so that it ends before the next look even if nobody waits for it any more.
    async fn take_page(&self, mut turn: Turn, page: Vec<Edge>) -> Result<Turn, Problem> {
        let network = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            let Following::Reading(reading) = &mut *turn else {
                return Ok(turn);
            };
            reading.take(&page)?;
            if page.len() as i64 == LOAD_BATCH {
                return Ok(turn);
            }
            let read = std::mem::take(&mut reading.network);
            let (connections, settled, began) = (read.connection_count(), reading.settled, reading.began);
            let gate = Gate::compute(read, GateSettings::default(), network.seeds.iter().copied());
            let passing = gate.passing_count();
            drop(std::mem::replace(&mut *changing(&network.gate), gate));
            *turn = Following::At(Cursor::at(settled));
            network.set_age(Age::Read);
            tracing::info!(connections, passing, took = ?began.elapsed(), "the trust network was read");
            Ok(turn)
        });
        work.await.map_err(Problem::internal)?
    }

    async fn take_look(&self, mut turn: Turn, look: Look) -> Result<Turn, Problem> {
        let gate = self.gate.clone();
        let work = tokio::task::spawn_blocking(move || {
            for Change { edge, .. } in &look.changes {
                let Edge { from, to, strength } = *edge;
                let changed = changing(&gate).set_connection(from, to, strength);
                changed.map_err(Problem::internal)?;
            }
            if let Following::At(cursor) = &mut *turn {
                cursor.take(&look);
            }
            Ok(turn)
        });
        work.await.map_err(Problem::internal)?
    }

    /// Numbers were left out by now: what may still bring them has a lower transaction id than a new one.
    async fn mark_missing(&self, turn: &mut Turn) -> Result<(), Problem> {
        if let Following::At(cursor) = &mut **turn
            && cursor.has_unmarked()
        {
            cursor.mark(self.store.transaction_id().await?);
        }
        Ok(())
    }

    fn forget(&self, following: &mut Following) {
        self.set_age(Age::Unknown);
        *following = Following::Nothing;
    }

    fn age(&self) -> Age {
        *self.age.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_age(&self, age: Age) {
        *self.age.lock().unwrap_or_else(PoisonError::into_inner) = age;
    }
}

impl Reading {
    fn after(settled: i64) -> Self {
        Self {
            began: Instant::now(),
            settled,
            network: TrustNetwork::new(),
            last: (0, 0),
        }
    }

    fn take(&mut self, page: &[Edge]) -> Result<(), Problem> {
        for Edge { from, to, strength } in page.iter().copied() {
            let made = self.network.set_connection(from, to, strength);
            made.map_err(Problem::internal)?;
            self.last = (from.get(), to.get());
        }
        Ok(())
    }
}

/// For one who has the turn, and so has looked whether it is poisoned.
fn changing(gate: &RwLock<Gate>) -> RwLockWriteGuard<'_, Gate> {
    gate.write().unwrap_or_else(PoisonError::into_inner)
}

fn loading() -> Problem {
    let message = "this instance reads the trust network; try again in some seconds";
    Problem::new(Reason::TrustNetworkLoading, message)
}

fn too_slow() -> Problem {
    let message = "the changes of the trust network can't be read in time; try again";
    Problem::new(Reason::DatabaseUnavailable, message)
}
