//! Durations as people write them.

use std::time::Duration;

/// Reads a duration as people write it: `30s`, `500ms`, `2m`, `1h 30m`; without a unit it is refused.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let duration: jiff::SignedDuration = text
        .parse()
        .map_err(|error| format!("{error} (write 30s, 500ms or 2m)"))?;
    duration.try_into().map_err(|_| "must not be negative".to_owned())
}
