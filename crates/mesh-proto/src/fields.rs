//! Ids and times, from messages and into them, the same for every service.
//!
//! What reads a field takes the field's path and names it in the error.

use jiff::Timestamp;
use mesh_types::{IdError, InvalidField, MemberId};
use std::str::FromStr;
use std::time::Duration;

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, the range of `google.protobuf.Timestamp`, in seconds since 1970.
const TIMESTAMP_SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
const NANOS: std::ops::Range<i32> = 0..1_000_000_000;

/// Reads an id: a UUID in its hyphenated form.
///
/// # Errors
/// When it is none.
pub fn id<T: FromStr<Err = IdError>>(path: &str, text: &str) -> Result<T, InvalidField> {
    text.parse()
        .map_err(|error: IdError| InvalidField::new(path, error.to_string()))
}

/// Reads a member's id: a whole number from 1.
///
/// # Errors
/// When it is none.
pub fn member_id(path: &str, number: i64) -> Result<MemberId, InvalidField> {
    MemberId::try_from(number).map_err(|error| InvalidField::new(path, error.to_string()))
}

/// Takes a field that must be set.
///
/// # Errors
/// When it is not.
pub fn required<T>(path: &str, field: Option<T>) -> Result<T, InvalidField> {
    field.ok_or_else(|| InvalidField::new(path, "is required"))
}

/// Reads an instant.
///
/// # Errors
/// When it is not from year 1 to 9999.
pub fn instant(path: &str, at: prost_types::Timestamp) -> Result<Timestamp, InvalidField> {
    let instant = Timestamp::new(at.seconds, at.nanos)
        .ok()
        .filter(|_| TIMESTAMP_SECONDS.contains(&at.seconds) && NANOS.contains(&at.nanos));
    instant.ok_or_else(|| InvalidField::new(path, "must be an instant from year 1 to 9999"))
}

/// Reads a length of time.
///
/// # Errors
/// When it is negative or malformed.
pub fn duration(path: &str, length: prost_types::Duration) -> Result<Duration, InvalidField> {
    let seconds = u64::try_from(length.seconds).ok();
    let nanos = u32::try_from(length.nanos)
        .ok()
        .filter(|_| NANOS.contains(&length.nanos));
    match (seconds, nanos) {
        (Some(seconds), Some(nanos)) => Ok(Duration::new(seconds, nanos)),
        _ => Err(InvalidField::new(path, "must be a length of time, not a negative one")),
    }
}

/// Writes an instant.
pub fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    // jiff counts a fraction before 1970 backwards, protobuf never does.
    let (seconds, nanos) = (at.as_second(), at.subsec_nanosecond());
    match nanos {
        ..0 => prost_types::Timestamp {
            seconds: seconds - 1,
            nanos: nanos + NANOS.end,
        },
        _ => prost_types::Timestamp { seconds, nanos },
    }
}

/// Writes an instant that is kept in whole seconds since 1970-01-01 UTC.
pub fn timestamp_of_seconds(seconds: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds, nanos: 0 }
}

/// Writes a length of time; one of more than 292 thousand million years is cut.
pub fn proto_duration(length: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(length.as_secs()).unwrap_or(i64::MAX),
        // Below 1,000,000,000.
        nanos: length.subsec_nanos() as i32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_types::VerificationId;
    use proptest::prelude::*;

    #[test]
    fn a_field_that_cannot_be_right_is_named_by_its_path() {
        let paths = [
            id::<VerificationId>("a.id", "x").map(|_| ()),
            member_id("a.id", 0).map(|_| ()),
            required::<i32>("a.id", None).map(|_| ()),
            instant("a.id", prost_types::Timestamp { seconds: 0, nanos: -1 }).map(|_| ()),
            instant("a.id", timestamp_of_seconds(TIMESTAMP_SECONDS.end() + 1)).map(|_| ()),
            instant("a.id", timestamp_of_seconds(TIMESTAMP_SECONDS.start() - 1)).map(|_| ()),
            duration("a.id", prost_types::Duration { seconds: -1, nanos: 0 }).map(|_| ()),
            duration("a.id", prost_types::Duration { seconds: 1, nanos: -1 }).map(|_| ()),
        ];
        for (number, read) in paths.into_iter().enumerate() {
            assert_eq!(read.expect_err("it is refused").path, "a.id", "{number}");
        }
    }

    proptest! {
        #[test]
        fn an_instant_that_is_written_reads_back(seconds in TIMESTAMP_SECONDS, nanos in NANOS) {
            let message = prost_types::Timestamp { seconds, nanos };
            let read = instant("at", message);
            prop_assert_eq!(read.map(timestamp), Ok(message));
        }

        #[test]
        fn a_length_of_time_that_is_written_reads_back(seconds in 0..i64::MAX, nanos in NANOS) {
            let message = prost_types::Duration { seconds, nanos };
            prop_assert_eq!(duration("length", message).map(proto_duration), Ok(message));
        }
    }
}
