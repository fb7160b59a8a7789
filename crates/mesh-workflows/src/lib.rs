//! What the workflows of several services need: the instant that a scheduled run stands for, whether a failure is an outage, and
//! writing that outlives one.
//!
//! Deterministic: no clock, no IO, no chance. Time comes from the workflow's context.

pub mod contract;
mod outage;
mod writing;

pub use outage::{is_outage, outage_types};
pub use writing::{write, writing};

use std::time::{SystemTime, UNIX_EPOCH};
use temporalio_common::{SearchAttributeKey, Timestamp};
use temporalio_workflow::WorkflowContextView;

/// The search attribute by which Temporal tells a scheduled run for which instant it is, also a back-filled one.
pub const SCHEDULED_START_TIME: SearchAttributeKey<Timestamp> =
    SearchAttributeKey::datetime("TemporalScheduledStartTime");

/// The instant that a scheduled run works as of, in seconds since 1970-01-01 UTC: what a person asked for, otherwise the
/// instant that the schedule planned it for, otherwise its start.
///
/// A run that is late, repeated or back-filled writes what a run on time would have written.
pub fn as_of_seconds(start: &WorkflowContextView, asked: Option<i64>) -> i64 {
    let planned = start
        .search_attributes()
        .and_then(|attributes| attributes.get(&SCHEDULED_START_TIME))
        .map(|at| at.seconds());
    as_of(asked, planned, seconds(start.start_time()).unwrap_or_default())
}

/// An instant of a workflow's context in seconds since 1970-01-01 UTC; none when the context doesn't know it.
pub fn seconds(time: Option<SystemTime>) -> Option<i64> {
    let since = time?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

/// Nobody may ask for the future, because it is not known yet; nor for a time before 1970.
fn as_of(asked: Option<i64>, planned: Option<i64>, started: i64) -> i64 {
    match asked {
        Some(asked) => asked.clamp(0, started),
        // Two machines' clocks: a run may start a moment before it is planned.
        None => planned.unwrap_or(started),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_run_stands_for_what_was_asked_then_for_when_it_was_planned_then_for_its_start() {
        let table = [
            (None, None, 1000, 1000),
            (None, Some(400), 1000, 400),
            (None, Some(1001), 1000, 1001),
            (Some(300), Some(400), 1000, 300),
            (Some(300), None, 1000, 300),
            (Some(2000), None, 1000, 1000),
            (Some(-1), Some(400), 1000, 0),
        ];
        for (asked, planned, started, expected) in table {
            assert_eq!(as_of(asked, planned, started), expected, "{asked:?}, {planned:?}");
        }
    }

    #[test]
    fn seconds_are_whole_and_from_1970() {
        assert_eq!(seconds(None), None);
        assert_eq!(seconds(Some(UNIX_EPOCH - Duration::from_secs(1))), None);
        assert_eq!(seconds(Some(UNIX_EPOCH + Duration::from_millis(1999))), Some(1));
    }
}
