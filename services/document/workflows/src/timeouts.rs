//! How long each activity may take, named after what is waited for. No options are built anywhere else.
//!
//! | activity | one attempt | heartbeat | in all |
//! |---|---|---|---|
//! | `extract_document_data` | 5 min | 30 s | 3 attempts; those that an outage ends count as none for 7 days |
//! | `check_document_validity` | 30 s | none | attempts without end: it needs PostgreSQL and the orchestrator, which come back |
//! | `store_verification_evidence`, `close_document_review` | 30 s | none | 1 min by a local activity, then 7 days by an ordinary one: they need PostgreSQL |
//! | `request_document_review` | 1 h | none | 7 days, the time that a person has |

use crate::contract::{ExtractionLimits, OCR_TASK_QUEUE};
use mesh_workflows::outage_types;
use std::time::Duration;
use temporalio_common::ActivityCloseTimeouts;
use temporalio_workflow::{
    ActivityCancellationType, ActivityOptions, LocalActivityOptions, RetryPolicy, WorkflowCancellationToken,
};

/// Reads or writes some rows.
const DATABASE_START_TO_CLOSE: Duration = Duration::from_secs(30);
/// How long an outage of PostgreSQL or of the object store is waited for.
pub(crate) const OUTAGE_SCHEDULE_TO_CLOSE: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long a local activity tries, before an ordinary one does.
const AT_ONCE_SCHEDULE_TO_CLOSE: Duration = Duration::from_secs(60);
/// One attempt to hear of a person's decision. The next attempt looks first whether it is there, so a completion that got lost
/// costs no more than this.
const REVIEW_START_TO_CLOSE: Duration = Duration::from_secs(3600);
/// The longest pause between two attempts to ask a person.
const REVIEW_MAXIMUM_INTERVAL: Duration = Duration::from_secs(60);

pub(crate) fn extract_document_data(limits: &ExtractionLimits) -> ActivityOptions {
    let retry = RetryPolicy::builder()
        .initial_interval(Duration::from_secs(1))
        .maximum_attempts(limits.attempts)
        // The server would count them as attempts: the workflow waits instead, and asks anew.
        .non_retryable_error_types(outage_types());
    ActivityOptions::with_start_to_close_timeout(Duration::from_secs(limits.start_to_close_seconds))
        .task_queue(OCR_TASK_QUEUE.to_owned())
        .heartbeat_timeout(Duration::from_secs(limits.heartbeat_seconds))
        .cancellation_type(ActivityCancellationType::WaitCancellationCompleted)
        .retry_policy(retry.build())
        .build()
}

/// The pause before an extraction that an outage ended is asked for anew; `outages` counts those before, from 0. It doubles
/// from 1 s to 10 min, so that 7 days of outage stay far below the server's limit of 51,200 events.
pub(crate) fn outage_pause(outages: u32) -> Duration {
    const FIRST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(600);
    FIRST.saturating_mul(2_u32.saturating_pow(outages)).min(LONGEST)
}

pub(crate) fn check_document_validity() -> ActivityOptions {
    ActivityOptions::with_start_to_close_timeout(DATABASE_START_TO_CLOSE).build()
}

/// What a decision comes to, written by a local activity. One that retries for long would fill the history.
pub(crate) fn writing_at_once() -> LocalActivityOptions {
    LocalActivityOptions::builder()
        .start_to_close_timeout(DATABASE_START_TO_CLOSE)
        .schedule_to_close_timeout(AT_ONCE_SCHEDULE_TO_CLOSE)
        .build()
}

/// The same by an ordinary activity, which waits until the database is back.
pub(crate) fn writing() -> ActivityOptions {
    ActivityOptions::with_close_timeouts(writing_limits()).build()
}

/// [`writing_at_once`], also for a workflow that was cancelled.
pub(crate) fn uncancelled_writing_at_once() -> LocalActivityOptions {
    let mut options = writing_at_once();
    options.cancellation_token = Some(WorkflowCancellationToken::new());
    options
}

/// [`writing`], also for a workflow that was cancelled.
pub(crate) fn uncancelled_writing() -> ActivityOptions {
    ActivityOptions::with_close_timeouts(writing_limits())
        .cancellation_token(WorkflowCancellationToken::new())
        .build()
}

fn writing_limits() -> ActivityCloseTimeouts {
    ActivityCloseTimeouts::ScheduleAndStartToClose {
        schedule_to_close: OUTAGE_SCHEDULE_TO_CLOSE,
        start_to_close: DATABASE_START_TO_CLOSE,
    }
}

/// `review` is the time that a person has.
pub(crate) fn request_document_review(review: Duration) -> ActivityOptions {
    let limits = ActivityCloseTimeouts::ScheduleAndStartToClose {
        schedule_to_close: review,
        start_to_close: REVIEW_START_TO_CLOSE,
    };
    let retry = RetryPolicy::builder()
        .initial_interval(Duration::from_secs(1))
        .maximum_interval(REVIEW_MAXIMUM_INTERVAL);
    ActivityOptions::with_close_timeouts(limits)
        .retry_policy(retry.build())
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_ten_minutes() {
        let seconds = [0, 1, 2, 9, 10, u32::MAX].map(|outages| outage_pause(outages).as_secs());
        assert_eq!(seconds, [1, 2, 4, 512, 600, 600]);
    }

    #[test]
    fn an_outage_of_seven_days_leaves_the_history_small() {
        // An activity that fails, and a timer: 3 and 2 events, with 3 for the workflow task after each.
        const EVENTS_A_ROUND: usize = 11;
        let mut waited = Duration::ZERO;
        let pauses = (0..).map(outage_pause).take_while(|pause| {
            waited += *pause;
            waited <= OUTAGE_SCHEDULE_TO_CLOSE
        });
        assert!(pauses.count() * EVENTS_A_ROUND < 51_200 / 4);
    }
}
