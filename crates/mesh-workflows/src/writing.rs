//! An activity that writes some rows, the cheapest way that outlives an outage.

use std::time::Duration;
use temporalio_common::data_converters::TemporalDeserializable;
use temporalio_common::error::ActivityExecutionError;
use temporalio_common::{ActivityCloseTimeouts, ActivityDefinition};
use temporalio_workflow::{
    ActivityOptions, LocalActivityOptions, RetryPolicy, WorkflowCancellationToken, WorkflowContext,
};

/// Some rows, and what a peer answers.
const START_TO_CLOSE: Duration = Duration::from_secs(30);
/// How long a local activity tries, before an ordinary one does.
const AT_ONCE_SCHEDULE_TO_CLOSE: Duration = Duration::from_secs(60);
/// How long an outage is waited for.
const OUTAGE_SCHEDULE_TO_CLOSE: Duration = Duration::from_secs(7 * 24 * 3600);
/// The longest pause between two attempts: somebody waits for the answer.
const MAXIMUM_INTERVAL: Duration = Duration::from_secs(10);

/// The usual options of [`write`], which `token` cancels; without one, what cancels the workflow does.
pub fn writing(token: Option<WorkflowCancellationToken>) -> (LocalActivityOptions, ActivityOptions) {
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

/// Runs an activity at once by a local one, which saves two events and a workflow task. One that retries for long would fill the
/// history, so where that fails, an ordinary one goes on. It has to be one that may be repeated.
///
/// # Errors
/// Those of the ordinary activity.
pub async fn write<W, A>(
    ctx: &WorkflowContext<W>,
    activity: impl Fn() -> A,
    input: A::Input,
    (at_once, later): (LocalActivityOptions, ActivityOptions),
) -> Result<A::Output, ActivityExecutionError>
where
    A: ActivityDefinition,
    A::Input: Clone,
    A::Output: TemporalDeserializable,
{
    match ctx.execute_local_activity(activity(), input.clone(), at_once).await {
        Ok(written) => Ok(written),
        Err(_) => ctx.execute_activity(activity(), input, later).await,
    }
}
