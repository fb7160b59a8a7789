//! The brain of the document service: how a document is verified and what its checks amount to.
//!
//! Deterministic: no clock, no IO, no chance; and blind: names, dates and numbers of a document never come here, only
//! which checks passed. Start with [`DocumentVerificationWorkflow`], the story on one screen; [`policy`] holds every rule;
//! [`contract`] every name and message that crosses a wire.

#![expect(missing_docs, reason = "the Temporal macros make public items without comments")]

pub mod contract;
mod document_verification;
pub mod policy;
mod timeouts;

pub use contract::DocumentActivities;
pub use document_verification::DocumentVerificationWorkflow;
