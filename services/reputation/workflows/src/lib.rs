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
