//! How long each step may take, named after what is waited for. No options are built anywhere else.
//!
//! | step | one attempt | attempts |
//! |---|---|---|
//! | `find_available_verifiers`, `look_at_verification_appointment` | 30 s | 1 min by a local activity, then 7 days by an ordinary one: they need PostgreSQL, the search also the community service |
//! | `schedule_verification_appointment`, `close_verification_appointment` | 30 s | the same, also when the workflow is cancelled: what is held must be known to be freed |

use std::time::Duration;
use temporalio_workflow::{ActivityOptions, LocalActivityOptions, TimerOptions, WorkflowCancellationToken};

/// What a cancellation ends.
pub(crate) fn reading() -> (LocalActivityOptions, ActivityOptions) {
    mesh_workflows::writing(None)
}

/// What nothing cancels.
pub(crate) fn uncancelled_writing() -> (LocalActivityOptions, ActivityOptions) {
    mesh_workflows::writing(Some(WorkflowCancellationToken::new()))
}

/// A timer that `token` ends.
pub(crate) fn alarm(after: Duration, token: WorkflowCancellationToken) -> TimerOptions {
    TimerOptions::builder(after).cancellation_token(token).build()
}
