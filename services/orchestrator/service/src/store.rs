//! All SQL of the service. Time and ids are arguments; each child file owns its table and the types of its rows.

mod members;
mod reminders;
mod reports;
mod revocations;
mod verifications;

pub use members::{Member, Profile, insert_member, update_member};
pub use reminders::{Reminder, ReminderFilter, ReminderKey, ReminderRound};
pub(crate) use reports::no_report;
pub use reports::{MethodCount, VerificationReport};
pub use revocations::{Revocation, Revoked, ToCounter};
pub use verifications::{
    InsertOutcome, NewVerification, StoredMethod, StoredRequest, Verification, VerificationFilter,
};

use sqlx::PgPool;
use std::time::Duration;

/// How long a statement of scheduled work over many rows may take: less than one attempt of its activity.
const SCHEDULED_STATEMENT_TIMEOUT: Duration = Duration::from_secs(240);

/// Members, verifications, reminders and reports in PostgreSQL.
#[derive(Clone)]
pub struct Store {
    pool: PgPool,
}

impl Store {
    /// A store over a database whose schema is up to date.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// A connection, for the fixtures of tests.
    #[cfg(test)]
    pub(crate) async fn connection(&self) -> Result<sqlx::pool::PoolConnection<sqlx::Postgres>, mesh_runtime::Problem> {
        Ok(self.pool.acquire().await?)
    }
}
