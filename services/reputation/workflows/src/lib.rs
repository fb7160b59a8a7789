//! The brain of the reputation service: what evidence is worth, and what a member has earned.
//!
//! Deterministic: no clock, no IO, no chance. Start with [`policy`], which holds every rule; [`contract`] holds every
//! name and message that crosses a wire. Scores are calculated in activities, because they read and write the ledger. The
//! two workflows of decay only materialise scores. A member's score never depends on whether they ran.

#![expect(missing_docs, reason = "the Temporal macros make public items without comments")]

pub mod contract;
pub mod policy;
mod reputation_batch_update;
mod reputation_decay;
mod reputation_verification;
mod timeouts;

pub use contract::ScoringActivities;
pub use reputation_batch_update::ReputationBatchUpdateWorkflow;
pub use reputation_decay::ReputationDecayWorkflow;
pub use reputation_verification::ReputationVerificationWorkflow;

use std::time::{SystemTime, UNIX_EPOCH};

/// An instant of a workflow's context in seconds since 1970-01-01 UTC.
fn seconds(time: Option<SystemTime>) -> Option<i64> {
    let since = time?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}
