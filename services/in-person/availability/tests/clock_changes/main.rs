//! Properties of spans and slots around every change of clocks from 2024 to 2030 in ten zones, with any hours.

mod model;

use std::fmt::Debug;
use std::sync::LazyLock;

use in_person_availability::{Availability, Hours, Span, TimeOfDay, Weekly};
use jiff::civil::{Date, Weekday};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};

use model::{Change, changes, is_in, minute_of_day, minutes};

/// How many hours, windows and lengths are tried at each change.
const CASES: u32 = 12;

static CHANGES: LazyLock<Vec<Change>> = LazyLock::new(changes);

/// What is drawn for a change.
#[derive(Clone, Debug)]
struct Drawn {
    weekly: Vec<Vec<Hours>>,
    /// For the dates around the change.
    exceptions: Vec<Option<Vec<Hours>>>,
    /// Minutes from the change, start and end.
    windows: [(i64, i64); 2],
    /// Minutes.
    length: i64,
}

impl Drawn {
    fn availability(&self, change: &Change) -> Availability {
        let mut weekly = Weekly::default();
        for (weekday, hours) in Weekday::Monday.cycle_forward().zip(&self.weekly) {
            weekly.on_mut(weekday).clone_from(hours);
        }
        let exceptions = change.dates().into_iter().zip(&self.exceptions);
        let exceptions = exceptions.filter_map(|(date, hours)| Some((date, hours.clone()?)));
        Availability::new(weekly, exceptions.collect()).expect("hours")
    }

    fn windows(&self, change: &Change) -> [Span; 2] {
        self.windows.map(|(start, end)| change.span(start, end))
    }
}

/// Often at the ends of the day and in the small hours, where clocks change.
fn time_of_day() -> impl Strategy<Value = TimeOfDay> {
    let minutes = prop_oneof![
        0..=1440u16,
        0..=240u16,
        1320..=1440u16,
        (0..=8u16).prop_map(|halves| halves * 30)
    ];
    minutes.prop_map(|minutes| TimeOfDay::from_minutes(minutes).expect("a time"))
}

/// All hours of a day, in pieces.
fn partition() -> impl Strategy<Value = Vec<Hours>> {
    proptest::collection::vec(time_of_day(), 0..10).prop_map(|mut cuts| {
        cuts.extend([TimeOfDay::START_OF_DAY, TimeOfDay::END_OF_DAY]);
        cuts.sort_unstable();
        cuts.dedup();
        let pieces = cuts.windows(2).map(|pair| Hours::new(pair[0], pair[1]));
        pieces.collect::<Result<_, _>>().expect("hours")
    })
}

fn hours_of_day() -> impl Strategy<Value = Vec<Hours>> {
    let some = (partition(), any::<u16>()).prop_map(|(pieces, chosen)| {
        let chosen = pieces.into_iter().enumerate().filter(|(n, _)| chosen >> n & 1 == 1);
        chosen.map(|(_, hours)| hours).collect()
    });
    prop_oneof![4 => some, 2 => partition(), 1 => Just(vec![])]
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let window = || (-2500..2500i64, 1..3000i64).prop_map(|(start, length)| (start, (start + length).min(2501)));
    (
        proptest::collection::vec(hours_of_day(), 7),
        proptest::collection::vec(proptest::option::of(hours_of_day()), 4),
        [window(), window()],
        prop_oneof![1..=240i64, Just(30i64), Just(60i64), 1..=1440i64],
    )
        .prop_map(|(weekly, exceptions, windows, length)| Drawn {
            weekly,
            exceptions,
            windows,
            length,
        })
}

fn at_every_change<S>(strategy: S, test: impl Fn(&Change, S::Value) -> TestCaseResult)
where
    S: Strategy<Value: Debug>,
{
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    for change in CHANGES.iter() {
        let tried = TestRunner::new(config.clone()).run(&strategy, |drawn| test(change, drawn));
        tried.unwrap_or_else(|error| panic!("{}: {error}", change.name));
    }
}

#[test]
fn more_than_60_changes_of_clocks_are_tried() {
    let forward = CHANGES.iter().filter(|change| change.shown == change.reached).count();
    println!("{} changes of clocks, {forward} of them forward", CHANGES.len());
    assert!(CHANGES.len() > 60);
    assert!(forward > 30 && CHANGES.len() - forward > 30);
}

#[test]
fn no_partition_of_a_day_loses_a_minute_or_doubles_one() {
    at_every_change(partition(), |change, pieces| {
        for date in change.dates() {
            let on_date = |hours: &[Hours]| {
                let availability = Availability::new(Weekly::default(), vec![(date, hours.to_vec())]).expect("hours");
                availability.spans(&change.zone, change.whole()).expect("spans")
            };
            let spans: Vec<Span> = pieces.iter().flat_map(|piece| on_date(&[*piece])).collect();
            let length: i64 = spans.iter().map(|span| span.length().as_mins()).sum();
            let minutes_of_date = change.shown.iter().filter(|clock| clock.date() == date).count();
            prop_assert_eq!(length, minutes_of_date as i64, "{}", date);
            for pair in spans.windows(2) {
                prop_assert_eq!(pair[0].end(), pair[1].start(), "{}", date);
            }
            prop_assert_eq!(on_date(&pieces).len(), 1, "together they are one span of {}", date);
        }
        Ok(())
    });
}

#[test]
fn spans_are_those_of_a_walk_over_every_minute() {
    at_every_change(drawn(), |change, drawn| {
        let availability = drawn.availability(change);
        let free = change.free(&availability);
        for within in drawn.windows(change) {
            let spans = availability.spans(&change.zone, within).expect("spans");
            prop_assert_eq!(spans, change.spans(&free, within));
        }
        Ok(())
    });
}

#[test]
fn slots_are_those_of_a_walk_over_every_minute() {
    at_every_change(drawn(), |change, drawn| {
        let availability = drawn.availability(change);
        let free = change.free(&availability);
        let within = drawn.windows(change)[0];
        let slots = availability
            .slots(&change.zone, within, minutes(drawn.length))
            .expect("slots");
        prop_assert_eq!(slots, change.slots(&free, within, drawn.length as usize));
        Ok(())
    });
}

#[test]
fn slots_are_whole_and_never_overlap() {
    at_every_change(drawn(), |change, drawn| {
        let availability = drawn.availability(change);
        for within in drawn.windows(change) {
            let slots = availability
                .slots(&change.zone, within, minutes(drawn.length))
                .expect("slots");
            for slot in &slots {
                prop_assert_eq!(slot.length(), minutes(drawn.length));
                prop_assert!(within.contains(*slot), "{}", slot);
                prop_assert!(availability.covers(&change.zone, *slot), "{}", slot);
            }
            prop_assert!(slots.windows(2).all(|pair| pair[0].end() <= pair[1].start()));
            let first = availability.first_slot(&change.zone, within, minutes(drawn.length));
            prop_assert_eq!(first.expect("a question"), slots.first().copied());
        }
        Ok(())
    });
}

/// But for hours that begin or end within a repeated stretch, whose second pass counts as the last moment of the first.
#[test]
fn the_clock_on_the_wall_shows_a_time_in_the_hours_when_a_slot_starts() {
    at_every_change(drawn(), |change, drawn| {
        let availability = drawn.availability(change);
        for slot in availability
            .slots(&change.zone, drawn.windows(change)[0], minutes(drawn.length))
            .expect("slots")
        {
            let minute = change.minute(slot.start());
            let (shown, reached) = (change.shown[minute], change.reached[minute]);
            let is_free = |clock: jiff::civil::DateTime| {
                availability
                    .hours_on(clock.date())
                    .iter()
                    .any(|hours| is_in(*hours, clock))
            };
            prop_assert!(is_free(reached), "{} {}", slot, reached);
            if !is_cut_in_repeated_stretch(change, &availability, shown.date()) {
                prop_assert!(is_free(shown), "{} {}", slot, shown);
            }
        }
        Ok(())
    });
}

fn is_cut_in_repeated_stretch(change: &Change, availability: &Availability, date: Date) -> bool {
    let at = change.minute(change.at);
    let (first, last) = (change.shown[at], change.shown[at - 1]);
    let inside = |time: TimeOfDay| (minute_of_day(first) + 1..=minute_of_day(last)).contains(&time.minutes());
    let hours = availability.hours_on(date);
    date == first.date() && hours.iter().any(|hours| inside(hours.from()) || inside(hours.until()))
}

#[test]
fn two_windows_agree_on_the_slots_that_lie_whole_in_both() {
    at_every_change(drawn(), |change, drawn| {
        let availability = drawn.availability(change);
        let [one, other] = drawn.windows(change);
        let slots = |within| {
            availability
                .slots(&change.zone, within, minutes(drawn.length))
                .expect("slots")
        };
        let whole_in = |mut slots: Vec<Span>, within: Span| {
            slots.retain(|slot| within.contains(*slot));
            slots
        };
        prop_assert_eq!(whole_in(slots(one), other), whole_in(slots(other), one));
        prop_assert_eq!(whole_in(slots(change.whole()), one), slots(one));
        Ok(())
    });
}

#[test]
fn a_span_is_covered_if_it_lies_in_one_of_the_spans() {
    at_every_change(drawn(), |change, drawn| {
        let availability = drawn.availability(change);
        let spans = availability.spans(&change.zone, change.whole()).expect("spans");
        let [one, other] = drawn.windows(change);
        let long = minutes(drawn.length);
        let of_drawn_length = Span::new(one.start(), one.start() + long).expect("a span");
        let free: Vec<Span> = spans
            .iter()
            .copied()
            .filter(|span| change.whole().start() < span.start())
            .collect();
        for span in free.iter().copied().chain([one, other, of_drawn_length]) {
            let expected = spans.iter().any(|free| free.contains(span));
            prop_assert_eq!(availability.covers(&change.zone, span), expected, "{}", span);
        }
        for span in free.iter().filter(|span| span.end() < change.whole().end()) {
            for longer in [
                Span::new(span.start() - minutes(1), span.end()),
                Span::new(span.start(), span.end() + minutes(1)),
            ] {
                prop_assert!(!availability.covers(&change.zone, longer.expect("a span")), "{}", span);
            }
        }
        Ok(())
    });
}
