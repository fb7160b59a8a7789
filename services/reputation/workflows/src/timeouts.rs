//! How long each activity may take, named after what is waited for. No options are built anywhere else.
//!
//! | activity | one attempt | heartbeat | attempts |
//! |---|---|---|---|
//! | `assess_reputation` | 10 s | none | without end |
//! | `decay_reputation_score` | 10 s | none | without end, until the clock is cancelled |
//! | `sweep_reputation_scores` | 6 h | 30 s | for 22 h, so that a sweep that cannot end is no hindrance to the next day's |
//!
//! Each activity needs PostgreSQL, and `assess_reputation` the community service too. Both come back.

use std::time::Duration;
use temporalio_workflow::{
    ActivityCancellationType, ActivityCloseTimeouts, ActivityOptions, WorkflowCancellationToken,
};

/// Reads the ledger of one member; `assess_reputation` also waits for the community service, for 5 s at most.
const ONE_MEMBER: Duration = Duration::from_secs(10);
/// Goes through all members; a million take minutes.
const ALL_MEMBERS: Duration = Duration::from_secs(6 * 3600);
/// The next sweep is due after 24 h.
const ALL_ATTEMPTS: Duration = Duration::from_secs(22 * 3600);
/// A shard takes well below a second. A worker that is silent for so long is gone, and another goes on after its last shard.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) fn assess_reputation() -> ActivityOptions {
    ActivityOptions::with_start_to_close_timeout(ONE_MEMBER).build()
}

/// A cancelled update is not waited for.
pub(crate) fn decay_reputation_score(token: WorkflowCancellationToken) -> ActivityOptions {
    ActivityOptions::with_start_to_close_timeout(ONE_MEMBER)
        .cancellation_type(ActivityCancellationType::TryCancel)
        .cancellation_token(token)
        .build()
}

pub(crate) fn sweep_reputation_scores() -> ActivityOptions {
    ActivityOptions::with_close_timeouts(ActivityCloseTimeouts::ScheduleAndStartToClose {
        start_to_close: ALL_MEMBERS,
        schedule_to_close: ALL_ATTEMPTS,
    })
    .heartbeat_timeout(HEARTBEAT_TIMEOUT)
    .build()
}
