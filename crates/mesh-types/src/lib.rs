//! The words of the business, shared by all services.
//!
//! Plain data and total functions only: this crate has no clock, no randomness, no IO and no async, so workflows may use
//! all of it. Start with [`Method`] (how a member can be verified), [`Decision`] (what came of it), [`score`] (what it is
//! worth) and [`Reason`] (the one catalogue of everything that can be refused or fail).

mod check_reason;
mod document;
mod document_url;
mod evidence;
mod id;
mod invalid_field;
mod method;
mod open;
mod outcome;
mod reason;
mod revocation;
mod schedule;
mod score;
pub mod score_breakdown;
pub mod scoring;
mod verification_status;

pub use check_reason::CheckReason;
pub use document::{Check, CheckName, CheckResult, Decision, DocumentKind, MINIMUM_AGE_YEARS};
pub use document_url::{DocumentUrl, DocumentUrlError};
pub use evidence::{Evidence, KnownEvidence};
pub use id::{
    AppointmentId, DocumentId, EventId, EvidenceId, IdError, IntroductionId, MeetingPreferenceId, MemberId, RequestId,
    ReviewId, VerificationId,
};
pub use invalid_field::InvalidField;
pub use method::{Counting, EvidenceKind, Method};
pub use open::{Open, Word};
pub use outcome::MethodOutcome;
pub use reason::{Class, Reason};
pub use revocation::RevocationReason;
pub use schedule::Schedule;
pub use score::{Level, Score};
pub use score_breakdown::{Cap, Contribution, KnownContribution, NextStep, ScoreBreakdown};
pub use scoring::RuleVersion;
pub use verification_status::VerificationStatus;
