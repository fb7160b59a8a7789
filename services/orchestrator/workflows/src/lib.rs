//! The brain of the orchestrator: the parent workflow of a verification, and two that run by the clock.
//!
//! Deterministic: no clock, no IO, no chance. Start with [`VerificationWorkflow`], the story; [`policy`] holds what ends a
//! verification and how; [`contract`] every name and message that crosses a wire. The methods are child workflows on
//! their services' own task queues, typed by the services' own `*-workflows` crates.

#![expect(missing_docs, reason = "the Temporal macros make public items without comments")]

mod by_the_clock;
pub mod contract;
mod method;
pub mod policy;
mod verification;

pub use by_the_clock::{VerificationReminderWorkflow, VerificationReportWorkflow};
pub use contract::OrchestratorActivities;
pub use verification::VerificationWorkflow;
