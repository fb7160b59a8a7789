//! How long each step of this crate's workflows may take. No options of a step are made anywhere else.
//!
//! | step | one attempt | all attempts | attempts |
//! |---|---|---|---|
//! | [`look_up`] | 1 s | 1 s | 1: what is found helps, and nothing waits for it |
//! | [`scoring`] | 10 s | until 30 min after the verification's end is due | no limit: an outage of the reputation service waits |
//! | [`recording_at_once`] | 5 s | 1 min | no limit: a local activity that retries for long fills the history |
//! | [`recording`] | 10 s | 7 days after the deadline | no limit: the end must reach the read model |
//! | [`scheduled_write`] | 5 min | 6 days | no limit: an outage waits, and what cannot be done is no hindrance to the next run |
//! | [`trust_network`] | 5 min, heartbeat 1 min | 6 days | the same: the community service counts it, and needs PostgreSQL |
//! | [`method`] | by [`ChildLimits`] | by [`ChildLimits`] | by [`ChildLimits`], each a child of its own |
//!
//! A child's time limit is longer than any outage that it should survive: the activities inside it wait, and the
//! verification's own deadline ends it in any case.

use std::time::Duration;
use temporalio_workflow::{
    ActivityCloseTimeouts, ActivityOptions, ChildWorkflowCancellationType, ChildWorkflowOptions, LocalActivityOptions,
    ParentClosePolicy, RetryPolicy, TimerOptions, WaitConditionOptions, WorkflowCancellationToken,
};

/// A timer waits for some time, however little is left.
pub(crate) const SHORTEST_TIMER: Duration = Duration::from_millis(1);

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// One of the four look-ups about the member.
pub(crate) fn look_up() -> LocalActivityOptions {
    LocalActivityOptions::builder()
        .start_to_close_timeout(SECOND)
        .schedule_to_close_timeout(SECOND)
        .retry_policy(RetryPolicy::builder().maximum_attempts(1).build())
        .build()
}

/// How long an end that is due waits for evidence to be scored. The reputation service may have written its points already, so
/// an end without them would contradict the ledger. Nothing cancels this wait.
pub(crate) fn scoring_at_the_end() -> TimerOptions {
    TimerOptions::builder(30 * MINUTE)
        .cancellation_token(WorkflowCancellationToken::new())
        .build()
}

/// A wait for something that happens within the workflow. Nothing cancels it.
pub(crate) fn uncancelled_wait() -> WaitConditionOptions {
    WaitConditionOptions::builder()
        .cancellation_token(WorkflowCancellationToken::new())
        .build()
}

/// The scoring of the evidence so far, by the reputation service.
pub(crate) fn scoring(cancellation: WorkflowCancellationToken) -> ActivityOptions {
    ActivityOptions::with_start_to_close_timeout(10 * SECOND)
        .task_queue(reputation_workflows::contract::TASK_QUEUE.to_owned())
        .cancellation_token(cancellation)
        .build()
}

/// The end, written into the read model at once. Nothing cancels it.
pub(crate) fn recording_at_once() -> LocalActivityOptions {
    LocalActivityOptions::builder()
        .start_to_close_timeout(5 * SECOND)
        .schedule_to_close_timeout(MINUTE)
        .cancellation_token(WorkflowCancellationToken::new())
        .build()
}

/// The end, written into the read model when the database is back. Nothing cancels it.
pub(crate) fn recording() -> ActivityOptions {
    ActivityOptions::with_start_to_close_timeout(10 * SECOND)
        .retry_policy(RetryPolicy::builder().maximum_interval(MINUTE).build())
        .cancellation_token(WorkflowCancellationToken::new())
        .build()
}

/// What a scheduled run writes.
pub(crate) fn scheduled_write() -> ActivityOptions {
    ActivityOptions::with_close_timeouts(ActivityCloseTimeouts::ScheduleAndStartToClose {
        start_to_close: 5 * MINUTE,
        schedule_to_close: 6 * DAY,
    })
    .retry_policy(RetryPolicy::builder().maximum_interval(5 * MINUTE).build())
    .build()
}

/// The trust network of a month, counted by the community service.
pub(crate) fn trust_network() -> ActivityOptions {
    let mut options = scheduled_write();
    options.task_queue = Some(community_workflows::contract::TASK_QUEUE.to_owned());
    options.heartbeat_timeout = Some(MINUTE);
    options
}

/// Where a method's child workflow runs, for how long, and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChildLimits {
    /// The task queue of the method's service.
    pub task_queue: &'static str,
    /// The longest that one child may run.
    pub time_limit: Duration,
    /// How many children there are for one request when each fails and another may succeed; from 1.
    pub attempts: u32,
}

/// A method's child workflow.
pub(crate) fn method(
    limits: ChildLimits,
    workflow_id: String,
    cancellation: WorkflowCancellationToken,
) -> ChildWorkflowOptions {
    ChildWorkflowOptions::builder()
        .workflow_id(workflow_id)
        .task_queue(limits.task_queue.to_owned())
        .execution_timeout(limits.time_limit)
        .parent_close_policy(ParentClosePolicy::RequestCancel)
        .cancel_type(ChildWorkflowCancellationType::TryCancel)
        .cancellation_token(cancellation)
        .build()
}
