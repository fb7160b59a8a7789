//! The ledger in PostgreSQL, and the scores that are materialised beside it.
//!
//! Invariant: whoever changes a member's ledger also brings the member's materialised score up to date, in the same
//! transaction, under a lock of that member's row. `ledger.rs` writes entries, `events.rs` reads them, `materialized.rs` has
//! the locked row, `summaries.rs` what the ledger comes to, `sweep.rs` the one statement for many members.

mod assessments;
mod events;
mod ledger;
mod materialized;
mod revocations;
mod summaries;
mod sweep;
#[cfg(test)]
mod tests;

use mesh_runtime::Problem;
use mesh_runtime::keyed_mutex::{KeyedGuard, KeyedMutex};
use mesh_types::{MemberId, Reason};
use sqlx::PgPool;
use std::time::Duration;

pub use assessments::Assessed;
pub use events::{CounterReason, Event, EventFact, EventKey};
pub use ledger::{EvidenceBatch, NewActivity, NewCounter, counter_verification, insert_activity, insert_counter};
pub use revocations::Revocation;
pub use summaries::{LineKey, Reputation};

/// How long a change of a member's ledger waits for those of the same member before it.
const TURN_TIMEOUT: Duration = Duration::from_secs(3);

/// All SQL of the service.
#[derive(Clone)]
pub struct Store {
    pool: PgPool,
    turns: KeyedMutex<MemberId>,
}

/// The right to change a member's ledger from this process.
pub type Turn = KeyedGuard<MemberId, ()>;

impl Store {
    /// A store over a database whose schema is up to date.
    pub fn new(pool: PgPool) -> Self {
        Self {
            pool,
            turns: KeyedMutex::default(),
        }
    }

    /// Waits until nobody else of this process changes a member's ledger. Take it before a connection: of those who wait
    /// for a row that a stuck session has locked, one then holds a connection, and the rest of the pool serves others.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when the turn does not come within 3 s.
    pub async fn turn(&self, member_id: MemberId) -> Result<Turn, Problem> {
        let turn = self.turns.lock(member_id, TURN_TIMEOUT).await;
        turn.ok_or_else(|| {
            let message = "too many changes of this member's ledger wait for each other; try again";
            Problem::new(Reason::DatabaseUnavailable, message)
        })
    }
}

/// What the table holds and no version writes.
fn unknown(what: &str, value: impl std::fmt::Debug) -> Problem {
    Problem::internal(format!(
        "the ledger holds the {what} {value:?}, which no version writes"
    ))
}

/// What the table holds that this version does not know. Without it no score would be right.
pub(crate) fn newer(what: &str, value: &str) -> Problem {
    tracing::warn!(what, value, "the ledger holds something that a newer version wrote");
    let message = "a newer version wrote what this depends on; it is being rolled out, so try again";
    Problem::new(Reason::NewerVersionNeeded, message)
}
