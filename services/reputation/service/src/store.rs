//! The ledger in PostgreSQL, and the scores that are materialised beside it.
//!
//! Invariant: whoever changes a member's ledger also brings the member's materialised score up to date, in the same
//! transaction, under a lock of that member's row. `ledger.rs` writes entries, `events.rs` reads them, `materialized.rs` has
//! the locked row, `sweep.rs` the one statement for many members.

mod assessments;
mod events;
mod ledger;
mod materialized;
mod sweep;
#[cfg(test)]
mod tests;

use mesh_runtime::Problem;
use sqlx::PgPool;

pub use events::{CounterReason, Event, EventFact, EventKey};
pub use ledger::{EvidenceBatch, NewActivity, NewCounter, insert_activity, insert_counter};

/// All SQL of the service.
#[derive(Clone)]
pub struct Store {
    pool: PgPool,
}

impl Store {
    /// A store over a database whose schema is up to date.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

/// What the table holds that this version does not know.
fn unknown(what: &str, value: impl std::fmt::Debug) -> Problem {
    Problem::internal(format!(
        "the ledger holds the {what} {value:?}, which this version does not know"
    ))
}
