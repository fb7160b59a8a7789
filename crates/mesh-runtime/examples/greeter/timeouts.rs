//! How long each step of a workflow may take, named after what is waited for.

use std::time::Duration;
use temporalio_sdk::ActivityOptions;

/// A greeting to be stored. Attempts have no end: the database comes back some time.
pub fn greeting_stored() -> ActivityOptions {
    ActivityOptions::with_start_to_close_timeout(Duration::from_secs(30))
        .heartbeat_timeout(Duration::from_secs(5))
        .build()
}
