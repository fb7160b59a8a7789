//! The brain of the in-person service: a verifier is found and booked, and what comes of the appointments.
//!
//! Deterministic: no clock, no IO, no chance. Start with [`InPersonVerificationWorkflow`], the story on one screen; [`policy`]
//! holds every rule; [`contract`] every name and message that crosses a wire.

#![expect(missing_docs, reason = "the Temporal macros make public items without comments")]

pub mod contract;
mod in_person_verification;
pub mod policy;
mod timeouts;

pub use contract::InPersonActivities;
pub use in_person_verification::InPersonVerificationWorkflow;
