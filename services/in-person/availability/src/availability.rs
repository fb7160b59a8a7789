//! The hours that a verifier states, checked.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::{Date, Weekday};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::Hours;

/// How many entries one weekday or one exception may have.
pub const MOST_HOURS_A_DAY: usize = 24;
/// How many exceptions there may be: one for each day of a year.
pub const MOST_EXCEPTIONS: usize = 366;

/// The hours of each weekday, in any order. A day without any is not free.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "a weekday says all")]
pub struct Weekly {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub monday: Vec<Hours>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tuesday: Vec<Hours>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wednesday: Vec<Hours>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub thursday: Vec<Hours>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub friday: Vec<Hours>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub saturday: Vec<Hours>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sunday: Vec<Hours>,
}

impl Weekly {
    /// The hours of a weekday.
    pub fn on(&self, weekday: Weekday) -> &[Hours] {
        match weekday {
            Weekday::Monday => &self.monday,
            Weekday::Tuesday => &self.tuesday,
            Weekday::Wednesday => &self.wednesday,
            Weekday::Thursday => &self.thursday,
            Weekday::Friday => &self.friday,
            Weekday::Saturday => &self.saturday,
            Weekday::Sunday => &self.sunday,
        }
    }

    /// The hours of a weekday, to change them.
    pub fn on_mut(&mut self, weekday: Weekday) -> &mut Vec<Hours> {
        match weekday {
            Weekday::Monday => &mut self.monday,
            Weekday::Tuesday => &mut self.tuesday,
            Weekday::Wednesday => &mut self.wednesday,
            Weekday::Thursday => &mut self.thursday,
            Weekday::Friday => &mut self.friday,
            Weekday::Saturday => &mut self.saturday,
            Weekday::Sunday => &mut self.sunday,
        }
    }
}

/// When a verifier is free by their own hours: weekly hours, and exceptions that replace the weekly hours of a date. The
/// zone is not part of it.
///
/// JSON: `{"weekly": {"monday": [{"from": "09:00", "until": "12:30"}]}, "exceptions": {"2026-12-24": []}}`. It is checked
/// while it is read. What is missing is empty; an unknown key is an error, since hours without it would be misread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedAvailability")]
pub struct Availability {
    weekly: Weekly,
    exceptions: BTreeMap<Date, Vec<Hours>>,
}

impl Availability {
    /// Checks hours, which may come in any order. An exception without hours is a day that is not free at all. Hours may
    /// touch (`09:00–12:00` and `12:00–13:00`); they stay two entries here and are one span in an answer.
    ///
    /// # Errors
    /// The first thing that is wrong, weekdays from Monday on before exceptions.
    pub fn new(mut weekly: Weekly, exceptions: Vec<(Date, Vec<Hours>)>) -> Result<Self, AvailabilityError> {
        for weekday in Weekday::Monday.cycle_forward().take(7) {
            check_day(Day::Weekday(weekday), weekly.on_mut(weekday))?;
        }
        if exceptions.len() > MOST_EXCEPTIONS {
            let count = exceptions.len();
            return Err(AvailabilityError::TooManyExceptions { count });
        }
        let mut by_date = BTreeMap::new();
        for (date, mut hours) in exceptions {
            check_day(Day::Date(date), &mut hours)?;
            if by_date.insert(date, hours).is_some() {
                return Err(AvailabilityError::ExceptionTwice { date });
            }
        }
        Ok(Self {
            weekly,
            exceptions: by_date,
        })
    }

    /// The weekly hours, each day's in order.
    pub fn weekly(&self) -> &Weekly {
        &self.weekly
    }

    /// The exceptions by date, each day's hours in order.
    pub fn exceptions(&self) -> &BTreeMap<Date, Vec<Hours>> {
        &self.exceptions
    }

    /// The hours of a date in order: those of its exception, or else those of its weekday.
    pub fn hours_on(&self, date: Date) -> &[Hours] {
        match self.exceptions.get(&date) {
            Some(hours) => hours,
            None => self.weekly.on(date.weekday()),
        }
    }
}

/// Puts the hours of a day in order.
fn check_day(day: Day, hours: &mut [Hours]) -> Result<(), AvailabilityError> {
    if hours.len() > MOST_HOURS_A_DAY {
        let count = hours.len();
        return Err(AvailabilityError::TooManyHours { day, count });
    }
    hours.sort_unstable();
    for pair in hours.windows(2) {
        let (first, second) = (pair[0], pair[1]);
        if second.from() < first.until() {
            return Err(AvailabilityError::Overlap { day, first, second });
        }
    }
    Ok(())
}

/// A day that has hours of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Day {
    /// Each week.
    Weekday(Weekday),
    /// An exception.
    Date(Date),
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weekday(weekday) => write!(f, "{weekday:?}"),
            Self::Date(date) => write!(f, "{date}"),
        }
    }
}

/// Why hours cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AvailabilityError {
    /// Two entries of a day have time in common.
    #[error("{day}: {first} and {second} overlap")]
    Overlap {
        /// The day.
        day: Day,
        /// The entry that begins first.
        first: Hours,
        /// The entry that begins before that ends.
        second: Hours,
    },
    /// A day has more than [`MOST_HOURS_A_DAY`] entries.
    #[error("{day}: {count} entries, and at most {MOST_HOURS_A_DAY} are possible")]
    TooManyHours {
        /// The day.
        day: Day,
        /// How many entries it has.
        count: usize,
    },
    /// There are more than [`MOST_EXCEPTIONS`] exceptions.
    #[error("{count} exceptions, and at most {MOST_EXCEPTIONS} are possible")]
    TooManyExceptions {
        /// How many there are.
        count: usize,
    },
    /// Two exceptions are for the same date.
    #[error("{date}: two exceptions")]
    ExceptionTwice {
        /// The date.
        date: Date,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedAvailability {
    #[serde(default)]
    weekly: Weekly,
    #[serde(default, deserialize_with = "read_exceptions")]
    exceptions: Vec<(Date, Vec<Hours>)>,
}

impl TryFrom<UncheckedAvailability> for Availability {
    type Error = AvailabilityError;

    fn try_from(unchecked: UncheckedAvailability) -> Result<Self, AvailabilityError> {
        Self::new(unchecked.weekly, unchecked.exceptions)
    }
}

/// Reads a map as its entries, so that a date which is there twice is seen.
fn read_exceptions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(Date, Vec<Hours>)>, D::Error> {
    struct Entries;

    impl<'de> Visitor<'de> for Entries {
        type Value = Vec<(Date, Vec<Hours>)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("hours by date")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = map.next_entry()? {
                entries.push(entry);
            }
            Ok(entries)
        }
    }

    deserializer.deserialize_map(Entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn hours(from: u16, until: u16) -> Hours {
        let time = |minutes| crate::TimeOfDay::from_minutes(minutes).expect("a time");
        Hours::new(time(from), time(until)).expect("hours")
    }

    fn mondays(monday: Vec<Hours>) -> Weekly {
        Weekly {
            monday,
            ..Weekly::default()
        }
    }

    fn refused(weekly: Weekly, exceptions: Vec<(Date, Vec<Hours>)>) -> String {
        let error = Availability::new(weekly, exceptions).expect_err("refused");
        error.to_string()
    }

    #[test]
    fn hours_of_one_day_do_not_overlap() {
        let overlapping = vec![hours(720, 800), hours(540, 721)];
        let christmas = vec![(date(2026, 12, 24), overlapping.clone())];
        assert_eq!(
            refused(mondays(overlapping), vec![]),
            "Monday: 09:00–12:01 and 12:00–13:20 overlap"
        );
        assert_eq!(
            refused(Weekly::default(), christmas),
            "2026-12-24: 09:00–12:01 and 12:00–13:20 overlap"
        );
        assert_eq!(
            refused(mondays(vec![hours(0, 60), hours(0, 60)]), vec![]),
            "Monday: 00:00–01:00 and 00:00–01:00 overlap"
        );
    }

    #[test]
    fn hours_may_touch_and_come_in_any_order() {
        let touching = Availability::new(mondays(vec![hours(720, 780), hours(540, 720)]), vec![]).expect("fine");
        assert_eq!(touching.weekly().monday, [hours(540, 720), hours(720, 780)]);
    }

    #[test]
    fn a_day_has_at_most_24_entries() {
        let entries = |count| (0..count).map(|n| hours(n * 10, n * 10 + 5)).collect::<Vec<_>>();
        assert!(Availability::new(mondays(entries(24)), vec![]).is_ok());
        assert_eq!(
            refused(mondays(entries(25)), vec![]),
            "Monday: 25 entries, and at most 24 are possible"
        );
        let exception = vec![(date(2026, 1, 1), entries(25))];
        assert_eq!(
            refused(Weekly::default(), exception),
            "2026-01-01: 25 entries, and at most 24 are possible"
        );
    }

    #[test]
    fn there_are_at_most_366_exceptions_each_of_its_own_date() {
        let days = |count| {
            let days = date(2028, 1, 1).series(jiff::ToSpan::days(1)).take(count);
            days.map(|day| (day, vec![])).collect::<Vec<_>>()
        };
        assert!(Availability::new(Weekly::default(), days(366)).is_ok());
        assert_eq!(
            refused(Weekly::default(), days(367)),
            "367 exceptions, and at most 366 are possible"
        );
        assert_eq!(
            refused(Weekly::default(), [days(2), days(1)].concat()),
            "2028-01-01: two exceptions"
        );
    }

    #[test]
    fn an_exception_replaces_the_hours_of_its_weekday() {
        let exceptions = vec![(date(2026, 12, 21), vec![]), (date(2026, 12, 23), vec![hours(0, 1)])];
        let availability = Availability::new(mondays(vec![hours(540, 600)]), exceptions).expect("fine");
        let cases: [(Date, &[Hours]); 5] = [
            (date(2026, 12, 14), &[hours(540, 600)]),
            (date(2026, 12, 21), &[]),
            (date(2026, 12, 22), &[]),
            (date(2026, 12, 23), &[hours(0, 1)]),
            (date(2026, 12, 28), &[hours(540, 600)]),
        ];
        for (day, expected) in cases {
            assert_eq!(availability.hours_on(day), expected, "{day}");
        }
    }

    #[test]
    fn every_weekday_has_its_own_hours() {
        let mut weekly = Weekly::default();
        for (n, weekday) in (1..).zip(Weekday::Monday.cycle_forward().take(7)) {
            *weekly.on_mut(weekday) = vec![hours(0, n)];
        }
        assert_eq!((weekly.monday[0], weekly.sunday[0]), (hours(0, 1), hours(0, 7)));
        for (n, weekday) in (1..).zip(Weekday::Monday.cycle_forward().take(7)) {
            assert_eq!(weekly.on(weekday), [hours(0, n)]);
        }
    }

    #[test]
    fn json_is_readable_and_comes_back_the_same() {
        let json = r#"{"weekly":{"monday":[{"from":"09:00","until":"12:30"},{"from":"13:00","until":"24:00"}]},"exceptions":{"2026-12-24":[]}}"#;
        let availability: Availability = serde_json::from_str(json).expect("readable");
        assert_eq!(availability.weekly().monday, [hours(540, 750), hours(780, 1440)]);
        assert_eq!(availability.hours_on(date(2026, 12, 24)), []);
        assert_eq!(serde_json::to_string(&availability).expect("writable"), json);
        let never: Availability = serde_json::from_str("{}").expect("readable");
        assert_eq!(never, Availability::new(Weekly::default(), vec![]).expect("fine"));
    }

    #[test]
    fn json_is_checked_while_it_is_read() {
        let cases = [
            (
                r#"{"weekly":{"monday":[{"from":"09:00","until":"09:00"}]}}"#,
                "must end later that day",
            ),
            (
                r#"{"weekly":{"monday":[{"from":"9:00","until":"10:00"}]}}"#,
                "written HH:MM",
            ),
            (
                r#"{"weekly":{"monday":[{"from":"09:00","until":"24:01"}]}}"#,
                "1440 minutes",
            ),
            (r#"{"weekly":{"mondays":[]}}"#, "unknown field"),
            (
                r#"{"weekly":{"monday":[{"from":"09:00","until":"10:00","biweekly":true}]}}"#,
                "unknown field",
            ),
            (r#"{"zone":"UTC"}"#, "unknown field"),
            (r#"{"weekly":{"monday":[],"monday":[]}}"#, "duplicate field"),
            (
                r#"{"exceptions":{"2026-12-24":[],"2026-12-24":[]}}"#,
                "2026-12-24: two exceptions",
            ),
            (
                r#"{"exceptions":{"2026-12-24":[],"20261224":[]}}"#,
                "2026-12-24: two exceptions",
            ),
            (r#"{"exceptions":{"2026-02-29":[]}}"#, "date is not valid"),
            (
                r#"{"weekly":{"sunday":[{"from":"00:00","until":"01:00"},{"from":"00:59","until":"02:00"}]}}"#,
                "Sunday: 00:00–01:00 and 00:59–02:00 overlap",
            ),
        ];
        for (json, expected) in cases {
            let error = serde_json::from_str::<Availability>(json).expect_err(json).to_string();
            assert!(error.contains(expected), "{json}: {error}");
        }
    }
}
