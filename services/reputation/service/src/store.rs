//! The ledger in PostgreSQL, and the scores that are kept beside it.
//!
//! Invariant: whatever changes what a member's ledger amounts to also brings the kept score up to date, in the same
//! transaction, under a lock of that member's row. Start with `ledger.rs`; `kept.rs` has the locked row, `sweep.rs` the
//! one statement for many members, `listing.rs` what is read by people.

mod kept;
mod ledger;
mod listing;
mod requests;
mod sweep;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use mesh_runtime::Problem;
use mesh_types::{Contribution, EventId, Level, MemberId, Method, RequestId, VerificationId};
use reputation_workflows::policy::activity::Activity;
use sqlx::PgPool;

pub use listing::EventPlace;
pub use requests::Claim;

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

/// What one method of a verification gave.
pub struct NewEntry {
    /// The entry's own id.
    pub event_id: EventId,
    /// The member.
    pub member_id: MemberId,
    /// The verification; with the method it is the entry's identity.
    pub verification_id: VerificationId,
    /// The method.
    pub method: Method,
    /// The version of the scoring rules.
    pub rule_version: u16,
    /// When it was earned, a whole second.
    pub occurred_at: Timestamp,
    /// What it is made of.
    pub lines: Vec<Contribution>,
}

/// An event that a caller records.
pub struct NewEvent {
    /// The caller's id of the request.
    pub request_id: RequestId,
    /// The id of the event, unless the request came before.
    pub event_id: EventId,
    /// SHA-256 over what the caller said: the same request id with another one is another request.
    pub fingerprint: [u8; 32],
    /// What happened.
    pub fact: NewFact,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}

/// What a caller records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewFact {
    /// A member did something on the platform.
    Activity {
        /// The member.
        member_id: MemberId,
        /// What.
        activity: Activity,
        /// When, a whole second.
        occurred_at: Timestamp,
    },
    /// An event does not count any more.
    Counter {
        /// Which one.
        event_id: EventId,
        /// Why.
        reason: CounterReason,
    },
}

/// Why an event does not count any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CounterReason {
    /// It was recorded by mistake.
    RecordedInError,
    /// It did not happen as it was told.
    Disputed,
    /// It was made up.
    Fraud,
}

impl CounterReason {
    /// Every reason.
    pub const ALL: [CounterReason; 3] = [Self::RecordedInError, Self::Disputed, Self::Fraud];

    /// The stable text in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RecordedInError => "recorded_in_error",
            Self::Disputed => "disputed",
            Self::Fraud => "fraud",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// How an event was taken.
pub enum Recorded {
    /// It is there, now or by the same request before.
    Done(Box<Event>),
    /// The request id came before with other content.
    RequestIdReused,
    /// Of a counter: there is no such event.
    NotFound,
    /// Of a counter: the event is countered already, or is a counter itself.
    NotCounterable,
}

/// An event of the ledger, or a fall below a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The event.
    pub event_id: EventId,
    /// The member.
    pub member_id: MemberId,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// What it is.
    pub fact: EventFact,
}

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventFact {
    /// A method of a verification found evidence.
    Verification {
        /// The verification.
        verification_id: VerificationId,
        /// The method.
        method: Method,
        /// Each piece of evidence and its points.
        lines: Vec<Contribution>,
    },
    /// The member did something on the platform.
    Activity {
        /// What.
        activity: Activity,
        /// What it gives.
        points: i32,
    },
    /// An event does not count any more.
    Counter {
        /// Which one.
        counters: EventId,
        /// Why.
        reason: CounterReason,
    },
    /// The member fell below a level.
    LevelFall {
        /// The level before.
        before: Level,
        /// The level since then.
        after: Level,
    },
}

/// What the table holds that this version does not know.
fn unknown(what: &str, value: impl std::fmt::Debug) -> Problem {
    Problem::internal(format!(
        "the ledger holds the {what} {value:?}, which this version does not know"
    ))
}
