//! The brain of the orchestrator: the parent workflow of a verification, and two scheduled workflows.
//!
//! Deterministic: no clock, no IO, no chance. Start with [`VerificationWorkflow`], the story; [`policy`] alone decides
//! what ends a verification and how; [`contract`] holds every name and message that crosses a wire; `timeouts` holds how
//! long each step may take. A method is a child workflow on its service's own task queue: `methods` has a file for each.

#![expect(missing_docs, reason = "the Temporal macros make public items without comments")]

pub mod contract;
pub mod methods;
pub mod policy;
mod reason;
mod scheduled;
mod timeouts;
mod verification;

pub use contract::OrchestratorActivities;
pub use reason::MethodReason;
pub use scheduled::{VerificationReminderWorkflow, VerificationReportWorkflow};
pub use verification::VerificationWorkflow;
