//! Whether an activity failed because something that it needs is away, which is no fault of its work.

use mesh_types::Reason;
use temporalio_common::error::{ActivityExecutionError, IncomingError};

/// What the SDK's worker says of an activity that it hands back because it shuts down.
const WORKER_SHUTDOWN: &str = "WorkerShutdown";

/// The types of failures that are no fault of the work: [`Reason::OUTAGES`], and a worker that shuts down.
pub fn outage_types() -> impl Iterator<Item = &'static str> {
    Reason::OUTAGES.into_iter().map(Reason::as_str).chain([WORKER_SHUTDOWN])
}

/// Whether an activity's last attempt ended by one of [`outage_types`].
pub fn is_outage(error: &ActivityExecutionError) -> bool {
    match error.reason() {
        Some(IncomingError::Application(failure)) => failure.type_name().is_some_and(names_an_outage),
        _ => false,
    }
}

fn names_an_outage(type_name: &str) -> bool {
    outage_types().any(|outage| outage == type_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_from_a_failure_of_the_work() {
        for (reason, expected) in [
            (Reason::DatabaseUnavailable, true),
            (Reason::ObjectStoreUnavailable, true),
            (Reason::PeerUnavailable, true),
            (Reason::OcrFailed, false),
            (Reason::Internal, false),
        ] {
            assert_eq!(names_an_outage(reason.as_str()), expected, "{reason}");
        }
        assert!(names_an_outage(WORKER_SHUTDOWN));
        assert!(!names_an_outage(""));
    }
}
