//! All SQL of the service. Time and ids are arguments; each child file owns its table and the types of its rows.

mod members;
mod reports;
mod verifications;

pub use members::{ChangeRequest, Member, MemberChange, Profile};
pub use reports::{
    MethodCount, Reminder, ReminderFilter, ReminderPlace, ReminderRound, ReportFilter, VerificationReport,
};
pub use verifications::{InsertOutcome, NewVerification, StoredRequest, Verification, VerificationFilter};

use sqlx::PgPool;

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
}
