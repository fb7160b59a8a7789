//! The same answers by another way: a walk over all minutes around a change of clocks, with a look at the clock in each.

use std::ops::Range;

use in_person_availability::{Availability, Hours, Span};
use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

/// Changes by an hour, half an hour and two hours; at 02:00, 02:45, 03:00 and midnight; to both sides of the equator; by the
/// moon; with offsets of 3:30 and 12:45 hours.
const ZONES: [&str; 10] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Pacific/Chatham",
    "Africa/Casablanca",
    "America/St_Johns",
    "Africa/Cairo",
    "Asia/Beirut",
    "Antarctica/Troll",
];
/// How far the walk goes to each side.
const REACH: i64 = 4 * 24 * 60;

/// A change of clocks, and each minute from four days before it until four days after it.
pub struct Change {
    pub name: String,
    pub zone: TimeZone,
    pub at: Timestamp,
    /// What the clock shows in each minute.
    pub shown: Vec<DateTime>,
    /// The latest that the clock has shown up to each minute: a clock that is put back counts as if it stood still.
    pub reached: Vec<DateTime>,
}

/// All changes of clocks from 2024 to 2030.
pub fn changes() -> Vec<Change> {
    let (first, end) = ("2024-01-01T00:00:00Z", "2031-01-01T00:00:00Z");
    let (first, end): (Timestamp, Timestamp) = (first.parse().expect("an instant"), end.parse().expect("an instant"));
    let mut changes = Vec::new();
    for name in ZONES {
        let zone = TimeZoneDatabase::bundled().get(name).expect("a zone");
        let all = zone.following(first).take_while(|change| change.timestamp() < end);
        let of_clocks = all.filter(|change| zone.to_offset(change.timestamp() - minutes(1)) != change.offset());
        changes.extend(of_clocks.map(|change| Change::new(name, &zone, change.timestamp())));
    }
    changes
}

pub fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

impl Change {
    fn new(name: &str, zone: &TimeZone, at: Timestamp) -> Self {
        assert_eq!(at.as_second() % 60, 0, "{name} {at}: the walk is in whole minutes");
        let shown: Vec<_> = (-REACH..REACH)
            .map(|minute| zone.to_datetime(at + minutes(minute)))
            .collect();
        let mut reached = shown.clone();
        for minute in 1..reached.len() {
            reached[minute] = reached[minute].max(reached[minute - 1]);
        }
        Self {
            name: format!("{name} {at}"),
            zone: zone.clone(),
            at,
            shown,
            reached,
        }
    }

    /// The dates of the minutes next to the change, and the date before and the date after.
    pub fn dates(&self) -> Vec<Date> {
        let (before, after) = (self.shown[REACH as usize - 1].date(), self.shown[REACH as usize].date());
        let yesterday = before.min(after).yesterday().expect("a date");
        let dates = yesterday.series(jiff::ToSpan::days(1));
        dates
            .take_while(|date| *date <= before.max(after).tomorrow().expect("a date"))
            .collect()
    }

    /// The span of some minutes, counted from the change.
    pub fn span(&self, start: i64, end: i64) -> Span {
        Span::new(self.at + minutes(start), self.at + minutes(end)).expect("a span")
    }

    /// All minutes of the walk.
    pub fn whole(&self) -> Span {
        self.span(-REACH, REACH)
    }

    /// The place of an instant in the walk.
    pub fn minute(&self, at: Timestamp) -> usize {
        let minute = at.duration_since(self.at).as_mins() + REACH;
        usize::try_from(minute).expect("within the walk")
    }

    /// Whether each minute lies in the hours, by the latest that the clock has shown.
    pub fn free(&self, availability: &Availability) -> Vec<bool> {
        let days = self.reached.chunk_by(|a, b| a.date() == b.date());
        days.flat_map(|day| {
            let hours = availability.hours_on(day[0].date());
            day.iter().map(|clock| hours.iter().any(|hours| is_in(*hours, *clock)))
        })
        .collect()
    }

    /// Runs of free minutes within a window.
    pub fn spans(&self, free: &[bool], within: Span) -> Vec<Span> {
        let minutes = self.minute(within.start())..self.minute(within.end());
        let mut runs: Vec<Range<usize>> = Vec::new();
        for minute in minutes.filter(|minute| free[*minute]) {
            match runs.last_mut() {
                Some(run) if run.end == minute => run.end += 1,
                _ => runs.push(minute..minute + 1),
            }
        }
        runs.into_iter().map(|run| self.span_of(run)).collect()
    }

    /// Slots whole within a window: minute by minute, each begins where a grid does or where the slot before it ends.
    pub fn slots(&self, free: &[bool], within: Span, length: usize) -> Vec<Span> {
        let starts_grid: Vec<bool> = (0..free.len()).map(|minute| self.starts_grid(free, minute)).collect();
        let mut slots = Vec::new();
        let mut next = None;
        for minute in 0..free.len().saturating_sub(length) {
            if starts_grid[minute] {
                next = Some(minute);
            }
            if next != Some(minute) {
                continue;
            }
            let slot = minute..minute + length;
            let is_free = !free[slot.clone()].contains(&false);
            if is_free && !starts_grid[minute + 1..slot.end].contains(&true) {
                next = Some(slot.end);
                slots.push(self.span_of(slot));
            }
        }
        slots.retain(|slot| within.start() <= slot.start() && slot.end() <= within.end());
        slots
    }

    fn starts_grid(&self, free: &[bool], minute: usize) -> bool {
        if minute == 0 || !free[minute] || !free[minute - 1] {
            return free[minute];
        }
        let date = self.reached[minute].date();
        let is_first_of_date = self.reached[minute - 1].date() < date;
        let mut of_date = (minute..free.len()).take_while(|minute| self.reached[*minute].date() == date);
        is_first_of_date && of_date.all(|minute| free[minute])
    }

    fn span_of(&self, minutes: Range<usize>) -> Span {
        self.span(minutes.start as i64 - REACH, minutes.end as i64 - REACH)
    }
}

/// Whether a clock that shows this is in the hours of its day.
pub fn is_in(hours: Hours, clock: DateTime) -> bool {
    (hours.from().minutes()..hours.until().minutes()).contains(&minute_of_day(clock))
}

pub fn minute_of_day(clock: DateTime) -> u16 {
    u16::try_from(i32::from(clock.hour()) * 60 + i32::from(clock.minute())).expect("a minute of the day")
}
