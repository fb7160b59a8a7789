//! How long each step may take, named after what is waited for. No options are built anywhere else.
//!
//! | step | one attempt | attempts |
//! |---|---|---|
//! | `request_community_validators`, `remind_community_validators` | 30 s | 1 min by a local activity, then 7 days by an ordinary one: they need PostgreSQL and the reputation service |
//! | `record_validator_vote`, `aggregate_validation_scores` | 30 s | the same, also when the workflow is cancelled |
//!
//! A vote that was taken is recorded however long an outage lasts, so the end waits for it.

use std::time::Duration;
use temporalio_common::ActivityCloseTimeouts;
use temporalio_workflow::{
    ActivityOptions, LocalActivityOptions, RetryPolicy, TimerOptions, WaitConditionOptions, WorkflowCancellationToken,
};

/// Some rows, and the scores of up to 100 members.
const START_TO_CLOSE: Duration = Duration::from_secs(30);
/// How long a local activity tries, before an ordinary one does.
const AT_ONCE_SCHEDULE_TO_CLOSE: Duration = Duration::from_secs(60);
/// How long an outage is waited for.
const OUTAGE_SCHEDULE_TO_CLOSE: Duration = Duration::from_secs(7 * 24 * 3600);
/// The longest pause between two attempts: a validator waits for the answer.
const MAXIMUM_INTERVAL: Duration = Duration::from_secs(10);

/// What a cancellation ends.
pub(crate) fn writing() -> (LocalActivityOptions, ActivityOptions) {
    options(None)
}

/// What nothing cancels.
pub(crate) fn uncancelled_writing() -> (LocalActivityOptions, ActivityOptions) {
    options(Some(WorkflowCancellationToken::new()))
}

fn options(token: Option<WorkflowCancellationToken>) -> (LocalActivityOptions, ActivityOptions) {
    let retry = RetryPolicy::builder()
        .initial_interval(Duration::from_millis(200))
        .maximum_interval(MAXIMUM_INTERVAL)
        .build();
    let mut at_once = LocalActivityOptions::builder()
        .start_to_close_timeout(START_TO_CLOSE)
        .schedule_to_close_timeout(AT_ONCE_SCHEDULE_TO_CLOSE)
        .retry_policy(retry.clone())
        .build();
    at_once.cancellation_token = token.clone();
    let mut later = ActivityOptions::with_close_timeouts(ActivityCloseTimeouts::ScheduleAndStartToClose {
        schedule_to_close: OUTAGE_SCHEDULE_TO_CLOSE,
        start_to_close: START_TO_CLOSE,
    })
    .retry_policy(retry)
    .build();
    later.cancellation_token = token;
    (at_once, later)
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
