//! What a week and a month are to scheduled runs: calendar spans in UTC, chosen by the instant that a run stands for.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use mesh_runtime::Problem;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Runs stand for instants from 2000-01-01 to 9999-01-01, in seconds since 1970-01-01 UTC.
const SECONDS: std::ops::Range<i64> = 946_684_800..253_370_764_800;

/// The instant that a run stands for.
///
/// # Errors
/// `INVALID_REQUEST`, which no retry mends, when it is before 2000-01-01 or from 9999-01-01.
pub fn instant(as_of_seconds: i64) -> Result<Timestamp, Problem> {
    let instant = SECONDS
        .contains(&as_of_seconds)
        .then(|| Timestamp::from_second(as_of_seconds).ok());
    instant.flatten().ok_or_else(|| {
        Problem::invalid_field(
            "as_of_seconds",
            "must be an instant from the year 2000 to the year 9998, in seconds since 1970",
        )
    })
}

/// A week in UTC, from Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Week(Date);

impl Week {
    /// The week of an instant.
    pub fn of(at: Timestamp) -> Self {
        let day = at.to_zoned(TimeZone::UTC).date();
        let since_monday = day.weekday().to_monday_zero_offset();
        Self(day.saturating_sub(i64::from(since_monday).days()))
    }

    /// The week that begins on a day; none unless it is a Monday.
    pub fn beginning(day: Date) -> Option<Self> {
        (day.weekday() == jiff::civil::Weekday::Monday).then_some(Self(day))
    }

    /// Its Monday.
    pub fn monday(self) -> Date {
        self.0
    }
}

/// As its Monday, YYYY-MM-DD.
impl From<Week> for String {
    fn from(week: Week) -> Self {
        week.0.to_string()
    }
}

impl TryFrom<String> for Week {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let monday = text.parse().ok().and_then(Self::beginning);
        monday.ok_or("must be a Monday as YYYY-MM-DD")
    }
}

/// A calendar month in UTC, from its first instant to that of the month after, which is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month(Date);

impl Month {
    /// The last month that was over at an instant.
    pub fn before(at: Timestamp) -> Self {
        let this = at.to_zoned(TimeZone::UTC).date().first_of_month();
        Self(this.saturating_sub(1.month()))
    }

    /// The month that begins on a day; none unless it is the first of a month.
    pub fn beginning(day: Date) -> Option<Self> {
        (day.day() == 1).then_some(Self(day))
    }

    /// Reads `YYYY-MM` of the years 1 to 9998.
    pub fn parse(text: &str) -> Option<Self> {
        let first: Date = format!("{text}-01").parse().ok()?;
        let month = Self(first);
        ((1..9999).contains(&first.year()) && month.to_string() == text).then_some(month)
    }

    /// Its first day.
    pub fn first_day(self) -> Date {
        self.0
    }

    /// Its first instant.
    ///
    /// # Errors
    /// Never for a month that was parsed, or is before an instant that was.
    pub fn start(self) -> Result<Timestamp, Problem> {
        midnight(self.0)
    }

    /// The first instant after it.
    ///
    /// # Errors
    /// As [`Month::start`].
    pub fn end(self) -> Result<Timestamp, Problem> {
        midnight(self.0.saturating_add(1.month()))
    }
}

fn midnight(day: Date) -> Result<Timestamp, Problem> {
    let midnight = day.to_zoned(TimeZone::UTC).map_err(Problem::internal)?;
    Ok(midnight.timestamp())
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

impl TryFrom<String> for Month {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("must be a month as YYYY-MM")
    }
}

/// As `YYYY-MM`.
impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_week_begins_on_monday_in_utc() {
        let table = [
            ("2026-11-23T00:00:00Z", "2026-11-23"),
            ("2026-11-23T09:00:00Z", "2026-11-23"),
            ("2026-11-29T23:59:59.999Z", "2026-11-23"),
            ("2026-11-30T00:00:00Z", "2026-11-30"),
            // Monday in Berlin, Sunday in UTC.
            ("2026-11-30T00:30:00+01:00", "2026-11-23"),
            ("2024-12-31T12:00:00Z", "2024-12-30"),
            ("2025-01-05T12:00:00Z", "2024-12-30"),
            ("2024-03-03T12:00:00Z", "2024-02-26"),
        ];
        for (instant, monday) in table {
            assert_eq!(Week::of(at(instant)).monday().to_string(), monday, "{instant}");
        }
    }

    #[test]
    fn the_month_before_is_the_last_that_is_over_in_utc() {
        let table = [
            ("2026-11-01T03:00:00Z", "2026-10"),
            ("2026-11-01T00:00:00Z", "2026-10"),
            ("2026-10-31T23:59:59Z", "2026-09"),
            ("2026-01-01T03:00:00Z", "2025-12"),
            ("2024-03-31T03:00:00Z", "2024-02"),
            // The first of November in Berlin, still October in UTC.
            ("2026-11-01T00:30:00+01:00", "2026-09"),
        ];
        for (instant, month) in table {
            assert_eq!(Month::before(at(instant)).to_string(), month, "{instant}");
        }
    }

    #[test]
    fn a_month_ends_where_the_next_begins() {
        let table = [
            ("2024-02", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
            ("2025-02", "2025-02-01T00:00:00Z", "2025-03-01T00:00:00Z"),
            ("2025-12", "2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            ("9998-12", "9998-12-01T00:00:00Z", "9999-01-01T00:00:00Z"),
        ];
        for (text, start, end) in table {
            let month = Month::parse(text).expect("a month");
            let span = (month.start().ok(), month.end().ok());
            assert_eq!(span, (Some(at(start)), Some(at(end))), "{text}");
        }
    }

    #[test]
    fn only_a_month_is_read_as_one() {
        for wrong in [
            "",
            "2026",
            "2026-13",
            "2026-00",
            "2026-1",
            "2026-10-01",
            "26-10",
            "0000-01",
            "9999-01",
            "-001-01",
            "2026-10 ",
        ] {
            assert_eq!(Month::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_run_stands_for_an_instant_that_a_calendar_has() {
        for wrong in [i64::MIN, -1, 946_684_799, 253_370_764_800, i64::MAX] {
            assert!(instant(wrong).is_err(), "{wrong}");
        }
        for right in [946_684_800, 253_370_764_799] {
            assert!(instant(right).is_ok(), "{right}");
        }
    }
}
