//! How long each step may take, named after what is waited for. No options are built anywhere else.
//!
//! | step | one attempt | attempts |
//! |---|---|---|
//! | `request_community_validators`, `remind_community_validators` | 30 s | 1 min by a local activity, then 7 days by an ordinary one: they need PostgreSQL and the reputation service |
//! | `record_validator_vote`, `aggregate_validation_scores` | 30 s | the same, also when the workflow is cancelled |
//!
//! A vote that was taken is recorded however long an outage lasts, so the end waits for it.

use std::time::Duration;
use temporalio_workflow::{
    ActivityOptions, LocalActivityOptions, TimerOptions, WaitConditionOptions, WorkflowCancellationToken,
};

/// What a cancellation ends.
pub(crate) fn writing() -> (LocalActivityOptions, ActivityOptions) {
    mesh_workflows::writing(None)
}

/// What nothing cancels.
pub(crate) fn uncancelled_writing() -> (LocalActivityOptions, ActivityOptions) {
    mesh_workflows::writing(Some(WorkflowCancellationToken::new()))
}

/// A wait for something that happens within the workflow. Nothing cancels it.
pub(crate) fn uncancelled_wait() -> WaitConditionOptions {
    WaitConditionOptions::builder()
        .cancellation_token(WorkflowCancellationToken::new())
        .build()
}

/// A timer that `token` ends.
pub(crate) fn alarm(after: Duration, token: WorkflowCancellationToken) -> TimerOptions {
    TimerOptions::builder(after).cancellation_token(token).build()
}
