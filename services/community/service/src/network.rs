//! The trust network in memory.
//!
//! An instance reads all connections once, and then follows the history of their changes: every [`FOLLOW_INTERVAL`], and before
//! an answer when the last look is older than [`FRESH`]. So an answer knows every change that was committed [`FRESH`] before
//! it, or is refused. [`Cursor`] says why no change is left out.
//!
//! No computation runs on the threads that serve RPCs. An answer holds the network for microseconds to milliseconds, a change
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
    known: Arc<RwLock<Option<Known>>>,
    following: Arc<Mutex<Following>>,
}

/// What is known, once all connections were read.
struct Known {
    gate: Gate,
    /// All that was committed before is known; `None` before the first look at what changed while it was read.
    as_of: Option<Instant>,
}

/// Where the history was followed to; `None` before the connections were read.
type Following = Option<Cursor>;
type Turn = OwnedMutexGuard<Following>;

impl Network {
    /// A network of which nothing is known yet.
    pub fn new(store: Store, seeds: Vec<MemberId>) -> Self {
        Self {
            store,
            seeds: seeds.into(),
            known: Arc::default(),
            following: Arc::default(),
        }
    }

    /// Takes over all changes up to now; the first time all connections. It may be dropped at any point and called again.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; the next call goes on from there.
    pub async fn follow(&self) -> Result<(), Problem> {
        let wanted = Instant::now();
        let mut turn = self.following.clone().lock_owned().await;
        if self.known.is_poisoned() {
            // A change was taken over in part. Nobody knows what it left behind.
            self.known.clear_poison();
            self.forget(&mut turn);
        }
        if self.as_of().flatten().is_some_and(|as_of| as_of >= wanted) {
            // Whoever had the turn before looked meanwhile.
            return Ok(());
        }
        loop {
            let Some(cursor) = turn.as_ref() else {
                turn = self.load(turn).await?;
                continue;
            };
            let looked_at = Instant::now();
            let look = self.store.look(cursor.last(), &cursor.missing(), BATCH).await?;
            if !look.goes_on || cursor.is_torn_by(&look) {
                tracing::warn!("the history of connections does not go on where it was; all connections are read anew");
                self.forget(&mut turn);
                continue;
            }
            let is_all = look.changes.len() < BATCH.unsigned_abs() as usize;
            turn = self.apply(turn, look, is_all.then_some(looked_at)).await?;
            if turn.as_ref().is_some_and(Cursor::has_unmarked) {
                // Numbers were left out by now. What may still bring them has a lower id than this.
                let id = self.store.transaction_id().await?;
                if let Some(cursor) = turn.as_mut() {
                    cursor.mark(id);
                }
            }
            if is_all {
                return Ok(());
            }
        }
    }

    /// Works something out from a network that is at most a second old, on a thread of its own.
    ///
    /// # Errors
    /// `TRUST_NETWORK_LOADING` before all connections were read; `DATABASE_UNAVAILABLE` when the changes since the last look can't
    /// be known.
    pub async fn read<T: Send + 'static>(&self, what: impl FnOnce(&Gate) -> T + Send + 'static) -> Result<T, Problem> {
        let as_of = self.as_of().ok_or_else(loading)?;
        if as_of.is_none_or(|as_of| as_of.elapsed() > FRESH) {
            let followed = tokio::time::timeout(LOOK_TIMEOUT, self.follow()).await;
            followed.unwrap_or_else(|_| Err(too_slow()))?;
        }
        let known = self.known.clone();
        let read = tokio::task::spawn_blocking(move || {
            let known = known.read().ok()?;
            known.as_ref().map(|known| what(&known.gate))
        });
        read.await.map_err(Problem::internal)?.ok_or_else(loading)
    }

    /// `None` while the network is not known.
    fn as_of(&self) -> Option<Option<Instant>> {
        let known = self.known.read().ok()?;
        known.as_ref().map(|known| known.as_of)
    }

    /// Reads all connections, page by page. What changes meanwhile has a number after the cursor's, and is taken over by the
    /// looks that follow, whether or not a page has it already.
    async fn load(&self, mut turn: Turn) -> Result<Turn, Problem> {
        let began = Instant::now();
        let settled = self.store.settled_sequence().await?;
        let (mut network, mut after) = (TrustNetwork::new(), (0, 0));
        loop {
            let page = self.store.edges_after(after, LOAD_BATCH).await?;
            for edge in &page {
                let Edge { from, to, strength } = *edge;
                network.set_connection(from, to, strength).map_err(Problem::internal)?;
            }
            match page.last() {
                Some(last) if page.len() as i64 == LOAD_BATCH => after = (last.from.get(), last.to.get()),
                _ => break,
            }
        }
        let (known, seeds) = (self.known.clone(), self.seeds.clone());
        let compute = tokio::task::spawn_blocking(move || {
            let connections = network.connection_count();
            let gate = Gate::compute(network, GateSettings::default(), seeds.iter().copied());
            let passing = gate.passing_count();
            *locked(&known) = Some(Known { gate, as_of: None });
            *turn = Some(Cursor::at(settled));
            tracing::info!(connections, passing, took = ?began.elapsed(), "the trust network was read");
            turn
        });
        compute.await.map_err(Problem::internal)
    }

    /// Takes over what a look shows. The turn goes with the work, so that it ends before the next look even if nobody waits for
    /// it any more.
    async fn apply(&self, mut turn: Turn, look: Look, as_of: Option<Instant>) -> Result<Turn, Problem> {
        let known = self.known.clone();
        let apply = tokio::task::spawn_blocking(move || {
            for Change { edge, .. } in &look.changes {
                set(&known, edge)?;
            }
            if let Some(cursor) = turn.as_mut() {
                cursor.take(&look);
            }
            if let (Some(as_of), Some(known)) = (as_of, locked(&known).as_mut()) {
                known.as_of = Some(as_of);
            }
            Ok(turn)
        });
        apply.await.map_err(Problem::internal)?
    }

    fn forget(&self, following: &mut Following) {
        *locked(&self.known) = None;
        *following = None;
    }
}

/// For one who has the turn, and so has looked whether it is poisoned.
fn locked(known: &RwLock<Option<Known>>) -> RwLockWriteGuard<'_, Option<Known>> {
    known.write().unwrap_or_else(PoisonError::into_inner)
}

fn set(known: &RwLock<Option<Known>>, edge: &Edge) -> Result<(), Problem> {
    if let Some(Known { gate, .. }) = locked(known).as_mut() {
        let Edge { from, to, strength } = *edge;
        gate.set_connection(from, to, strength).map_err(Problem::internal)?;
    }
    Ok(())
}

fn loading() -> Problem {
    let message = "this instance reads the trust network; try again in some seconds";
    Problem::new(Reason::TrustNetworkLoading, message)
}

fn too_slow() -> Problem {
    let message = "the changes of the trust network can't be read in time; try again";
    Problem::new(Reason::DatabaseUnavailable, message)
}
