//! The SQL of the service: the trust network and its history, and the validations.
//!
//! `connections.rs` changes and lists, `history.rs` reads what an instance needs to have the network in memory. The rest are
//! validations: `introductions.rs`, `invitations.rs`, `votes.rs`, and `validations.rs` for how they stand and end.

mod connections;
mod history;
mod introductions;
mod invitations;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod validation_tests;
mod validations;
mod votes;

use mesh_runtime::Problem;
use mesh_runtime::keyed_mutex::{KeyedGuard, KeyedMutex};
use mesh_types::{MemberId, Reason};
use sqlx::PgPool;
use std::time::Duration;

pub use connections::{Connection, Direction, NewConnection, delete_connection, set_connection};
pub use history::{Change, Edge, Look, PastChange};
pub use introductions::{NewIntroduction, insert_introduction};
pub use invitations::{Considered, KnownOf, WorkflowRun};
pub(crate) use validations::no_validation;
pub use validations::{OpenRequest, Validation};
pub use votes::{RecordedVote, Voting};

/// How long a change of a member's connections waits for those of the same member before it.
const TURN_TIMEOUT: Duration = Duration::from_secs(3);

/// The SQL of the service. Clones share everything.
#[derive(Clone)]
pub struct Store {
    pool: PgPool,
    turns: KeyedMutex<MemberId>,
}

/// Nobody else of this process changes the member's connections while it is held.
pub type Turn = KeyedGuard<MemberId, ()>;

impl Store {
    /// A store over a database whose schema is up to date.
    pub fn new(pool: PgPool) -> Self {
        Self {
            pool,
            turns: KeyedMutex::default(),
        }
    }

    /// Waits until nobody else of this process changes a member's connections. Take it before a connection to the database: of
    /// those who wait for one member's lock, one then holds a connection, and the rest of the pool serves others.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when the turn does not come within 3 s.
    pub async fn turn(&self, member_id: MemberId) -> Result<Turn, Problem> {
        let turn = self.turns.lock(member_id, TURN_TIMEOUT).await;
        turn.ok_or_else(|| {
            let message = "too many changes of this member's connections wait for each other; try again";
            Problem::new(Reason::DatabaseUnavailable, message)
        })
    }
}

/// An id that the tables hold.
fn member(number: i64) -> Result<MemberId, Problem> {
    MemberId::try_from(number).map_err(Problem::internal)
}

/// A strength that the tables hold.
fn strength(hundredths: i16) -> Result<community_trust::Strength, Problem> {
    let hundredths = u8::try_from(hundredths).map_err(Problem::internal)?;
    community_trust::Strength::try_from(hundredths).map_err(Problem::internal)
}
