//! A day of the local calendar in instants.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::span::push_merged;
use crate::{Hours, Span, TimeOfDay};

/// A local day with its hours. A day that the zone skips starts where it ends.
pub(crate) struct LocalDay {
    pub(crate) start: Timestamp,
    end: Timestamp,
    /// In order, disjoint, touching ones merged.
    pub(crate) free: Vec<Span>,
}

impl LocalDay {
    /// The day with `hours`, which are in order and do not overlap.
    pub(crate) fn new(zone: &TimeZone, date: Date, hours: &[Hours]) -> Self {
        let mut free = Vec::new();
        for hours in hours {
            let start = first_instant(zone, date, hours.from());
            let end = first_instant(zone, date, hours.until());
            if let Some(span) = Span::between(start, end) {
                push_merged(&mut free, span);
            }
        }
        Self {
            start: first_instant(zone, date, TimeOfDay::START_OF_DAY),
            end: first_instant(zone, date, TimeOfDay::END_OF_DAY),
            free,
        }
    }

    /// Free from its first instant to its last.
    pub(crate) fn is_free_throughout(&self) -> bool {
        matches!(self.free[..], [span] if span.start() == self.start && span.end() == self.end)
    }
}

/// The first instant at which the zone's clock shows this time of this date, or a later time. Where that is beyond the
/// instants that jiff knows (the years -9999 and 9999), it is the nearest of them.
fn first_instant(zone: &TimeZone, date: Date, time: TimeOfDay) -> Timestamp {
    let past_midnight = SignedDuration::from_mins(i64::from(time.minutes()));
    match date
        .to_datetime(jiff::civil::Time::midnight())
        .checked_add(past_midnight)
    {
        Ok(local) => first_instant_of(zone, local),
        Err(_) => Timestamp::MAX,
    }
}

fn first_instant_of(zone: &TimeZone, local: DateTime) -> Timestamp {
    let instant = match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local),
        // A skipped time, taken with the offset after the gap, lies less than the length of the gap before the change.
        AmbiguousOffset::Gap { after, .. } => after.to_timestamp(local).map(|earlier| {
            let change = zone.following(earlier).find(|change| change.offset() == after);
            change.map_or(earlier, |change| change.timestamp())
        }),
    };
    let nearest = if local.year() < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    instant.unwrap_or(nearest)
}
