//! The questions that hours answer.

use std::iter::successors;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::local_day::LocalDay;
use crate::span::push_merged;
use crate::{Availability, Span};

/// The longest window that can be asked for: 400 times 24 hours. An answer is as long as its window.
pub const LONGEST_WINDOW: SignedDuration = SignedDuration::from_hours(400 * 24);
/// The shortest appointment: 1 minute. It bounds how many there can be in a window.
pub const SHORTEST_SLOT: SignedDuration = SignedDuration::from_mins(1);
/// The longest appointment: 24 hours.
pub const LONGEST_SLOT: SignedDuration = SignedDuration::from_hours(24);

/// How much of a window is looked at together for the first slot.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// How many days before a window a grid may start that reaches into it. It is the day before: a grid that came from a day
/// further back would go through a whole day, and there it starts anew. One more is for a day that a zone skips.
const DAYS_BEFORE_WINDOW: i64 = 2;

/// Why a question is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The window is longer than [`LONGEST_WINDOW`].
    #[error("a window has at most {} seconds, and this one has {}", LONGEST_WINDOW.as_secs(), .length.as_secs())]
    WindowTooLong {
        /// How long the window is.
        length: SignedDuration,
    },
    /// An appointment is not from [`SHORTEST_SLOT`] to [`LONGEST_SLOT`] long.
    #[error("an appointment lasts from 1 minute to 24 hours, not {} seconds", .length.as_secs())]
    SlotLength {
        /// How long the appointment would be.
        length: SignedDuration,
    },
}

impl Availability {
    /// When the verifier is free within a window: in order, disjoint, cut to the window. Hours that touch are one span,
    /// also over midnight and over times that the clock skips.
    ///
    /// # Errors
    /// [`QueryError::WindowTooLong`].
    pub fn spans(&self, zone: &TimeZone, within: Span) -> Result<Vec<Span>, QueryError> {
        check_window(within)?;
        let mut spans = Vec::new();
        for day in self.local_days(zone, local_date(zone, within), within.end()) {
            for span in day.free.iter().filter_map(|span| span.cut_to(within)) {
                push_merged(&mut spans, span);
            }
        }
        Ok(spans)
    }

    /// The appointments of a length that could begin, whole within the window and within the hours: in order, disjoint.
    ///
    /// They follow each other without a pause on a grid. The grid starts where a span of merged hours starts, and anew at
    /// the start of each local day that is free throughout, so no slot goes on into such a day. It does not depend on the
    /// window: any two windows agree on the slots that lie whole in both. Other hours move a slot only if they are hours of
    /// the same day or of the day before.
    ///
    /// # Errors
    /// [`QueryError::WindowTooLong`], [`QueryError::SlotLength`].
    pub fn slots(&self, zone: &TimeZone, within: Span, length: SignedDuration) -> Result<Vec<Span>, QueryError> {
        check_window(within)?;
        if length < SHORTEST_SLOT || length > LONGEST_SLOT {
            return Err(QueryError::SlotLength { length });
        }
        let first = local_date(zone, within);
        let first = first.checked_sub(DAYS_BEFORE_WINDOW.days()).unwrap_or(Date::MIN);
        let mut grids = Vec::new();
        for day in self.local_days(zone, first, within.end()) {
            if day.is_free_throughout() {
                grids.extend(day.free);
            } else {
                day.free.into_iter().for_each(|span| push_merged(&mut grids, span));
            }
        }
        let slots = grids.into_iter().flat_map(|grid| slots_of(grid, length));
        Ok(slots.filter(|slot| within.contains(*slot)).collect())
    }

    /// The first of the [`Availability::slots`] of a window, which is worked out a day at a time.
    ///
    /// # Errors
    /// Those of [`Availability::slots`].
    pub fn first_slot(
        &self,
        zone: &TimeZone,
        within: Span,
        length: SignedDuration,
    ) -> Result<Option<Span>, QueryError> {
        check_window(within)?;
        let mut start = within.start();
        loop {
            let tomorrow = start.saturating_add(DAY).unwrap_or(Timestamp::MAX);
            // Every slot that begins within the day is whole in this part; one that begins later may be as well.
            let end = tomorrow
                .saturating_add(length)
                .unwrap_or(Timestamp::MAX)
                .min(within.end());
            if let Ok(part) = Span::new(start, end)
                && let Some(first) = self.slots(zone, part, length)?.into_iter().next()
            {
                return Ok(Some(first));
            }
            if tomorrow >= within.end() {
                return Ok(None);
            }
            start = tomorrow;
        }
    }

    /// Whether the verifier is free for the whole of a span. None that is longer than [`LONGEST_WINDOW`] is covered.
    pub fn covers(&self, zone: &TimeZone, span: Span) -> bool {
        self.spans(zone, span).is_ok_and(|spans| spans == [span])
    }

    /// The days from a date on that start before `end`.
    fn local_days(&self, zone: &TimeZone, first: Date, end: Timestamp) -> impl Iterator<Item = LocalDay> {
        successors(Some(first), |date| date.tomorrow().ok())
            .map(move |date| LocalDay::new(zone, date, self.hours_on(date)))
            .take_while(move |day| day.start < end)
    }
}

fn check_window(within: Span) -> Result<(), QueryError> {
    let length = within.length();
    if length > LONGEST_WINDOW {
        return Err(QueryError::WindowTooLong { length });
    }
    Ok(())
}

/// The date on the local calendar when a window begins. The hours of no earlier date reach into it.
fn local_date(zone: &TimeZone, within: Span) -> Date {
    zone.to_datetime(within.start()).date()
}

fn slots_of(grid: Span, length: SignedDuration) -> impl Iterator<Item = Span> {
    successors(Some(grid.start()), move |start| start.checked_add(length).ok())
        .map_while(move |start| Span::between(start, start.checked_add(length).ok()?))
        .take_while(move |slot| grid.contains(*slot))
}
