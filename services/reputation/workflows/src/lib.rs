//! The brain of the reputation service: what evidence is worth, and what a member has earned.
//!
//! Deterministic: no clock, no IO, no chance. Start with [`policy`], which holds every scoring rule; [`contract`] holds
//! every name and message that crosses a wire. The calculation itself is an activity, because it writes the ledger.

#![expect(missing_docs, reason = "the Temporal macros make public items without comments")]

pub mod contract;
pub mod policy;
mod reputation_verification;

pub use contract::ScoringActivities;
pub use reputation_verification::ReputationVerificationWorkflow;
