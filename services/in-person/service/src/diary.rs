//! What a verifier has to do: which times are taken, and how much there is on a day.

use in_person_availability::Span;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Appointments of a verifier on one day of their zone, at most.
pub const MOST_A_DAY: usize = 5;

/// One appointment in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub span: Span,
    /// Whether the time is held.
    pub is_held: bool,
}

/// A verifier's appointments that were not called off, in any order.
#[derive(Clone, Debug, Default)]
pub struct Diary(Vec<Entry>);

impl Diary {
    /// With one more.
    pub fn add(&mut self, entry: Entry) {
        self.0.push(entry);
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one more can be held then.
    pub fn admits(&self, span: Span, zone: &TimeZone) -> bool {
        let is_free = self
            .0
            .iter()
            .all(|entry| !entry.is_held || entry.span.end() <= span.start() || span.end() <= entry.span.start());
        is_free && self.count_on(span.start(), zone) < MOST_A_DAY
    }

    /// How many there are on the day that an instant is of.
    pub fn count_on(&self, at: Timestamp, zone: &TimeZone) -> usize {
        let day = day_of(at, zone);
        let same = self.0.iter().filter(|entry| day_of(entry.span.start(), zone) == day);
        same.count()
    }
}

fn day_of(at: Timestamp, zone: &TimeZone) -> Date {
    at.to_zoned(zone.clone()).date()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    const HOUR: i64 = 3_600;

    fn span(start: i64, end: i64) -> Span {
        Span::new(at(start), at(end)).expect("a span")
    }

    fn entry(start: i64, is_held: bool) -> Entry {
        Entry {
            span: span(start, start + HOUR),
            is_held,
        }
    }

    #[test]
    fn a_time_that_is_held_is_not_free_and_one_beside_it_is() {
        let mut diary = Diary::default();
        diary.add(entry(10 * HOUR, true));
        let admits = |start: i64, end: i64| diary.admits(span(start, end), &TimeZone::UTC);
        assert!(admits(9 * HOUR, 10 * HOUR) && admits(11 * HOUR, 12 * HOUR));
        for (start, end) in [(9, 11), (10, 11), (9, 12)] {
            assert!(!admits(start * HOUR, end * HOUR), "{start} to {end}");
        }
        assert!(!admits(10 * HOUR + 1, 10 * HOUR + 2));
    }

    #[test]
    fn a_day_of_the_zone_has_five() {
        let zone = TimeZone::get("Pacific/Auckland").expect("a zone");
        let mut diary = Diary::default();
        // 1970-01-02 there is from 12:00 on 1970-01-01 UTC.
        for hour in [12, 14, 16, 18, 20] {
            diary.add(entry(hour * HOUR, hour % 4 == 0));
        }
        assert_eq!(diary.count_on(at(12 * HOUR), &zone), 5);
        assert!(!diary.admits(span(30 * HOUR, 31 * HOUR), &zone), "the same day there");
        assert!(diary.admits(span(37 * HOUR, 38 * HOUR), &zone), "the next day there");
        assert!(diary.admits(span(10 * HOUR, 11 * HOUR), &zone), "the day before there");
    }
}
