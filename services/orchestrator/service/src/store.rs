//! Members, verifications, and what runs by the clock writes of them, in PostgreSQL.

#[cfg(test)]
mod fixture;
mod members;
mod reports;
mod verifications;

pub use reports::{
    MethodCount, Reminder, ReminderFilter, ReminderPlace, ReminderRound, ReportFilter, VerificationReport,
};

use jiff::Timestamp;
use jiff::civil::Date;
use mesh_types::{MemberId, RequestId, VerificationId, VerificationStatus};
use orchestrator_workflows::contract::{VerificationRequest, VerificationState};
use sqlx::PgPool;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// All SQL of the service.
#[derive(Clone)]
pub struct Store {
    pool: PgPool,
    starts: Arc<Semaphore>,
}

/// Starts that hold a connection while Temporal is asked; the others of the pool stay free when Temporal is slow.
const STARTS_AT_ONCE: usize = 4;

impl Store {
    /// A store over a database whose schema is up to date.
    pub fn new(pool: PgPool) -> Self {
        Self {
            pool,
            starts: Arc::new(Semaphore::new(STARTS_AT_ONCE)),
        }
    }
}

/// What documents are compared with. Personal data.
pub struct Profile {
    /// Given names; never empty.
    pub given_names: String,
    /// Family name; empty for people with a single name.
    pub family_name: String,
    /// Birth date.
    pub birth_date: Date,
    /// E-mail address, if there is one.
    pub email: Option<String>,
}

/// A registered member.
pub struct Member {
    /// The member.
    pub member_id: MemberId,
    /// The profile.
    pub profile: Profile,
    /// When it was registered.
    pub registered_at: Timestamp,
}

/// How a change of a member came out.
pub enum MemberChange {
    /// It is done, now or by the same request before.
    Done(Member),
    /// The request id came before with other content.
    RequestIdReused,
    /// For a registration: another request registered this member.
    AlreadyRegistered,
    /// For an update: there is no such member.
    NotFound,
}

/// A verification in the read model.
pub struct Verification {
    /// What was asked for.
    pub request: VerificationRequest,
    /// How it stands.
    pub status: VerificationStatus,
    /// Its run in Temporal, once it is started there.
    pub run_id: Option<String>,
    /// Its end.
    pub state: Option<VerificationState>,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// How a verification was taken in.
pub enum Intake {
    /// It is there, now or by the same request before.
    Taken(Box<Verification>),
    /// The request id came before with other content.
    RequestIdReused,
    /// The member has another one in progress.
    InProgress(Box<Verification>),
}

/// Which verifications to list.
pub struct VerificationFilter {
    /// Only this member's.
    pub member_id: Option<MemberId>,
    /// Only with this status.
    pub status: Option<VerificationStatus>,
    /// Only older ones than this.
    pub before: Option<VerificationId>,
    /// How many at most.
    pub limit: i64,
}

/// Names the request that asks for a change.
pub struct ChangeRequest {
    /// The caller's id of it.
    pub request_id: RequestId,
    /// The member it changes.
    pub member_id: MemberId,
    /// SHA-256 over its content.
    pub fingerprint: [u8; 32],
    /// When it came.
    pub at: Timestamp,
}
