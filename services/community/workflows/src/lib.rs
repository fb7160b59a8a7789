//! The brain of the community service: who is asked to vouch, which answers are taken, and what they amount to.
//!
//! Deterministic: no clock, no IO, no chance. Start with [`CommunityValidationWorkflow`], the story on one screen; [`policy`]
//! holds every rule; [`contract`] every name and message that crosses a wire.

#![expect(missing_docs, reason = "the Temporal macros make public items without comments")]

mod community_validation;
pub mod contract;
pub mod policy;
mod timeouts;

pub use community_validation::CommunityValidationWorkflow;
pub use contract::CommunityActivities;
