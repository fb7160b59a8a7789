//! Each rule by name, on days for which the answer is known.

use in_person_availability::{
    Availability, Hours, LONGEST_SLOT, LONGEST_WINDOW, QueryError, SHORTEST_SLOT, Span, TimeOfDay, Weekly,
};
use jiff::civil::{Date, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// From the zones that are built in, so that every machine has the same.
fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).expect("a zone")
}

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// `start/end`, as a span is printed.
fn span(text: &str) -> Span {
    let (start, end) = text.split_once('/').expect("two instants");
    Span::new(instant(start), instant(end)).expect("a span")
}

/// `09:00–12:00 13:00–14:00`.
fn hours(text: &str) -> Vec<Hours> {
    let one = |text: &str| {
        let (from, until) = text.split_once('–').expect("two times");
        Hours::new(from.parse().expect("from"), until.parse().expect("until")).expect("hours")
    };
    text.split_whitespace().map(one).collect()
}

/// Free on these dates alone.
fn on(days: &[(&str, &str)]) -> Availability {
    let exception = |(date, text): &(&str, &str)| (date.parse::<Date>().expect("a date"), hours(text));
    Availability::new(Weekly::default(), days.iter().map(exception).collect()).expect("hours")
}

fn always() -> Availability {
    let mut weekly = Weekly::default();
    for weekday in Weekday::Monday.cycle_forward().take(7) {
        weekly.on_mut(weekday).extend(hours("00:00–24:00"));
    }
    Availability::new(weekly, vec![]).expect("hours")
}

fn printed(spans: Result<Vec<Span>, QueryError>) -> Vec<String> {
    spans.expect("an answer").iter().map(Span::to_string).collect()
}

/// The spans of hours on some dates, in a window of three days and more on both sides of the first.
fn spans_of(zone_name: &str, days: &[(&str, &str)]) -> Vec<String> {
    let noon = days[0].0.parse::<Date>().expect("a date").at(12, 0, 0, 0);
    let noon = noon.to_zoned(TimeZone::UTC).expect("noon").timestamp();
    let reach = SignedDuration::from_hours(90);
    let within = Span::new(noon - reach, noon + reach).expect("a window");
    printed(on(days).spans(&zone(zone_name), within))
}

#[test]
fn an_hour_that_the_clock_skips_is_in_no_span() {
    let cases: [(&str, &[&str]); 7] = [
        ("02:00–03:00", &[]),
        ("02:10–02:50", &[]),
        ("01:30–02:30", &["2026-03-29T00:30:00Z/2026-03-29T01:00:00Z"]),
        ("02:30–03:30", &["2026-03-29T01:00:00Z/2026-03-29T01:30:00Z"]),
        ("01:00–04:00", &["2026-03-29T00:00:00Z/2026-03-29T02:00:00Z"]),
        ("03:00–04:00", &["2026-03-29T01:00:00Z/2026-03-29T02:00:00Z"]),
        (
            "01:00–02:00 03:00–04:00",
            &["2026-03-29T00:00:00Z/2026-03-29T02:00:00Z"],
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(spans_of("Europe/Berlin", &[("2026-03-29", text)]), expected, "{text}");
    }
}

#[test]
fn an_hour_that_the_clock_repeats_belongs_to_the_hours_that_contain_its_last_moment() {
    let cases: [(&str, &[&str]); 6] = [
        ("02:00–03:00", &["2026-10-25T00:00:00Z/2026-10-25T02:00:00Z"]),
        ("01:00–02:00", &["2026-10-24T23:00:00Z/2026-10-25T00:00:00Z"]),
        ("01:30–02:30", &["2026-10-24T23:30:00Z/2026-10-25T00:30:00Z"]),
        ("02:30–03:30", &["2026-10-25T00:30:00Z/2026-10-25T02:30:00Z"]),
        ("03:00–04:00", &["2026-10-25T02:00:00Z/2026-10-25T03:00:00Z"]),
        (
            "02:00–02:15 02:45–03:00",
            &[
                "2026-10-25T00:00:00Z/2026-10-25T00:15:00Z",
                "2026-10-25T00:45:00Z/2026-10-25T02:00:00Z",
            ],
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(spans_of("Europe/Berlin", &[("2026-10-25", text)]), expected, "{text}");
    }
}

#[test]
fn a_whole_day_is_as_long_as_its_zone_makes_it() {
    let cases = [
        ("Asia/Kathmandu", "2026-03-29", 1440),
        ("Europe/Berlin", "2026-03-29", 1380),
        ("Europe/Berlin", "2026-10-25", 1500),
        ("Antarctica/Troll", "2026-03-29", 1320),
        ("Antarctica/Troll", "2026-10-25", 1560),
        ("Australia/Lord_Howe", "2026-04-05", 1470),
        ("Australia/Lord_Howe", "2026-10-04", 1410),
        ("Pacific/Chatham", "2026-04-05", 1500),
        ("Pacific/Chatham", "2026-09-27", 1380),
        ("America/St_Johns", "2026-03-08", 1380),
        ("America/St_Johns", "2026-11-01", 1500),
        ("Africa/Casablanca", "2026-02-15", 1500),
        ("Africa/Casablanca", "2026-03-22", 1380),
        ("America/Santiago", "2026-04-04", 1500),
        ("America/Santiago", "2026-04-05", 1440),
        ("America/Santiago", "2026-09-05", 1440),
        ("America/Santiago", "2026-09-06", 1380),
        ("Africa/Cairo", "2026-04-24", 1380),
        ("Africa/Cairo", "2026-10-29", 1500),
        ("Asia/Beirut", "2026-03-29", 1380),
        ("Asia/Beirut", "2026-10-24", 1500),
    ];
    for (zone_name, date, minutes) in cases {
        let spans = spans_of(zone_name, &[(date, "00:00–24:00")]);
        let lengths: Vec<_> = spans.iter().map(|text| span(text).length().as_mins()).collect();
        assert_eq!(lengths, [minutes], "{zone_name} {date}");
    }
}

#[test]
fn evening_and_morning_touch_over_a_midnight_that_the_clock_skips() {
    let nights = [("2026-04-23", "22:00–24:00"), ("2026-04-24", "00:00–02:00")];
    assert_eq!(
        spans_of("Africa/Cairo", &nights),
        ["2026-04-23T20:00:00Z/2026-04-23T23:00:00Z"]
    );
    let without_the_skipped_hour = [("2026-04-23", "22:00–24:00"), ("2026-04-24", "01:00–02:00")];
    assert_eq!(
        spans_of("Africa/Cairo", &nights),
        spans_of("Africa/Cairo", &without_the_skipped_hour)
    );
    assert_eq!(spans_of("Africa/Cairo", &[("2026-04-24", "00:00–01:00")]), [""; 0]);
}

#[test]
fn the_last_hour_of_a_day_is_its_own_both_times() {
    let evening = [("2026-04-04", "22:00–24:00")];
    assert_eq!(
        spans_of("America/Santiago", &evening),
        ["2026-04-05T01:00:00Z/2026-04-05T04:00:00Z"]
    );
    let morning = [("2026-04-05", "00:00–01:00")];
    assert_eq!(
        spans_of("America/Santiago", &morning),
        ["2026-04-05T04:00:00Z/2026-04-05T05:00:00Z"]
    );
}

#[test]
fn a_clock_put_back_to_the_day_before_stays_in_the_new_day() {
    // Until 2011 the clock of Newfoundland went from 00:01 on Sunday to 23:01 on Saturday.
    let (saturday, sunday) = (("2010-11-06", "23:00–24:00"), ("2010-11-07", "00:00–00:01"));
    assert_eq!(
        spans_of("America/St_Johns", &[saturday]),
        ["2010-11-07T01:30:00Z/2010-11-07T02:30:00Z"]
    );
    assert_eq!(
        spans_of("America/St_Johns", &[sunday]),
        ["2010-11-07T02:30:00Z/2010-11-07T03:31:00Z"]
    );
    let in_second_pass = "2010-11-07T02:45:00Z/2010-11-07T02:50:00Z";
    let within = span(in_second_pass);
    assert_eq!(
        printed(on(&[sunday]).spans(&zone("America/St_Johns"), within)),
        [in_second_pass]
    );
    assert_eq!(
        printed(on(&[saturday]).spans(&zone("America/St_Johns"), within)),
        [""; 0]
    );
}

#[test]
fn a_day_that_the_zone_skips_is_never_free() {
    let (thursday, friday, saturday) = (
        ("2011-12-29", "23:30–24:00"),
        ("2011-12-30", "00:00–24:00"),
        ("2011-12-31", "00:00–00:30"),
    );
    assert_eq!(spans_of("Pacific/Apia", &[friday]), [""; 0]);
    let around = ["2011-12-30T09:30:00Z/2011-12-30T10:30:00Z"];
    assert_eq!(spans_of("Pacific/Apia", &[thursday, saturday]), around);
    assert_eq!(spans_of("Pacific/Apia", &[thursday, friday, saturday]), around);
    let availability = on(&[thursday, friday, saturday]);
    let within = span("2011-12-30T09:30:00Z/2012-01-01T00:00:00Z");
    assert_eq!(
        printed(availability.slots(&zone("Pacific/Apia"), within, MINUTE * 60)),
        around
    );
}

#[test]
fn a_grid_goes_on_over_a_day_that_the_zone_skips() {
    let days = [("2011-12-29", "23:30–24:00"), ("2011-12-31", "00:00–01:00")];
    for (within, expected) in [
        (
            "2011-12-30T09:00:00Z/2011-12-30T12:00:00Z",
            &["2011-12-30T09:30:00Z/2011-12-30T10:30:00Z"][..],
        ),
        ("2011-12-30T10:00:00Z/2011-12-30T12:00:00Z", &[]),
    ] {
        let slots = on(&days).slots(&zone("Pacific/Apia"), span(within), MINUTE * 60);
        assert_eq!(printed(slots), expected, "{within}");
    }
}

#[test]
fn hours_over_midnight_are_one_span_and_have_one_grid() {
    let days = [("2026-06-05", "22:30–24:00"), ("2026-06-06", "00:00–02:00 09:00–09:40")];
    assert_eq!(
        spans_of("UTC", &days),
        [
            "2026-06-05T22:30:00Z/2026-06-06T02:00:00Z",
            "2026-06-06T09:00:00Z/2026-06-06T09:40:00Z"
        ]
    );
    let slots = |within: &str, minutes| printed(on(&days).slots(&TimeZone::UTC, span(within), MINUTE * minutes));
    let whole = "2026-06-05T00:00:00Z/2026-06-07T00:00:00Z";
    assert_eq!(
        slots(whole, 60),
        [
            "2026-06-05T22:30:00Z/2026-06-05T23:30:00Z",
            "2026-06-05T23:30:00Z/2026-06-06T00:30:00Z",
            "2026-06-06T00:30:00Z/2026-06-06T01:30:00Z",
        ]
    );
    assert_eq!(
        slots("2026-06-06T00:00:00Z/2026-06-06T12:00:00Z", 60),
        ["2026-06-06T00:30:00Z/2026-06-06T01:30:00Z"],
        "a window does not move the grid"
    );
    assert_eq!(
        slots(whole, 210),
        ["2026-06-05T22:30:00Z/2026-06-06T02:00:00Z"],
        "as long as the hours"
    );
    assert_eq!(slots(whole, 211), [""; 0], "longer than all hours");
}

#[test]
fn a_day_that_is_free_throughout_starts_its_own_grid() {
    let days = [
        ("2026-06-05", "22:30–24:00"),
        ("2026-06-06", "00:00–24:00"),
        ("2026-06-07", "00:00–10:00"),
    ];
    let within = span("2026-06-05T12:00:00Z/2026-06-07T12:00:00Z");
    let starts = printed(on(&days).slots(&TimeZone::UTC, within, MINUTE * 7 * 60));
    assert_eq!(
        starts,
        [
            "2026-06-06T00:00:00Z/2026-06-06T07:00:00Z",
            "2026-06-06T07:00:00Z/2026-06-06T14:00:00Z",
            "2026-06-06T14:00:00Z/2026-06-06T21:00:00Z",
            "2026-06-06T21:00:00Z/2026-06-07T04:00:00Z",
        ]
    );
}

#[test]
fn slots_of_one_who_is_always_free_start_at_each_local_midnight() {
    let berlin = zone("Europe/Berlin");
    let within = span("2026-03-27T12:00:00Z/2026-03-31T12:00:00Z");
    let slots = always().slots(&berlin, within, MINUTE * 100).expect("slots");
    let first_of_day = |date: &str| {
        let mut starts = slots.iter().map(|slot| berlin.to_datetime(slot.start()));
        starts.find(|start| start.date().to_string() == date).expect("a slot")
    };
    for date in ["2026-03-28", "2026-03-29", "2026-03-30", "2026-03-31"] {
        assert_eq!(first_of_day(date).to_string(), format!("{date}T00:00:00"));
    }
    let on_the_short_day = slots
        .iter()
        .filter(|slot| berlin.to_datetime(slot.start()).date() == "2026-03-29".parse().expect("a date"));
    assert_eq!(on_the_short_day.count(), 13, "23 hours of 100 minutes each");
    assert_eq!(
        always().spans(&berlin, within).expect("spans"),
        [within],
        "yet one span"
    );
}

#[test]
fn the_first_slot_after_skipped_times_starts_with_the_change() {
    let slots = |text| {
        let within = span("2026-03-28T12:00:00Z/2026-03-29T12:00:00Z");
        printed(on(&[("2026-03-29", text)]).slots(&zone("Europe/Berlin"), within, MINUTE * 30))
    };
    assert_eq!(slots("02:00–03:00"), [""; 0]);
    assert_eq!(slots("02:15–03:45"), ["2026-03-29T01:00:00Z/2026-03-29T01:30:00Z"]);
}

#[test]
fn an_appointment_is_covered_only_as_a_whole() {
    let availability = on(&[("2026-10-25", "02:30–04:00"), ("2026-10-26", "00:00–01:00")]);
    let cases = [
        ("2026-10-25T00:30:00Z/2026-10-25T03:00:00Z", true),
        ("2026-10-25T00:29:00Z/2026-10-25T03:00:00Z", false),
        ("2026-10-25T01:00:00Z/2026-10-25T01:30:00Z", true),
        ("2026-10-25T02:30:00Z/2026-10-25T03:00:01Z", false),
        ("2026-10-25T02:00:00Z/2026-10-25T23:30:00Z", false),
        ("2026-10-25T23:00:00Z/2026-10-26T00:00:00Z", true),
        ("2027-10-25T00:30:00Z/2027-10-25T03:00:00Z", false),
    ];
    for (text, covered) in cases {
        assert_eq!(
            availability.covers(&zone("Europe/Berlin"), span(text)),
            covered,
            "{text}"
        );
    }
}

#[test]
fn a_window_of_more_than_400_days_is_refused() {
    let start = instant("2026-01-01T00:00:00Z");
    let longest = Span::new(start, start + LONGEST_WINDOW).expect("a window");
    assert_eq!(always().spans(&TimeZone::UTC, longest), Ok(vec![longest]));
    assert_eq!(
        always()
            .slots(&TimeZone::UTC, longest, LONGEST_SLOT)
            .map(|slots| slots.len()),
        Ok(400)
    );
    assert!(always().covers(&TimeZone::UTC, longest));
    let length = LONGEST_WINDOW + SignedDuration::from_secs(1);
    let longer = Span::new(start, start + length).expect("a window");
    assert_eq!(
        always().spans(&TimeZone::UTC, longer),
        Err(QueryError::WindowTooLong { length })
    );
    assert_eq!(
        always().slots(&TimeZone::UTC, longer, MINUTE),
        Err(QueryError::WindowTooLong { length })
    );
    assert!(!always().covers(&TimeZone::UTC, longer));
}

#[test]
fn an_appointment_lasts_from_a_minute_to_a_day() {
    let within = span("2026-01-01T00:00:00Z/2026-01-03T00:00:00Z");
    let count = |length| always().slots(&TimeZone::UTC, within, length).map(|slots| slots.len());
    assert_eq!(count(SHORTEST_SLOT), Ok(2880));
    assert_eq!(count(LONGEST_SLOT), Ok(2));
    let nanosecond = SignedDuration::from_nanos(1);
    for length in [
        SignedDuration::ZERO,
        -MINUTE,
        SHORTEST_SLOT - nanosecond,
        LONGEST_SLOT + nanosecond,
    ] {
        assert_eq!(count(length), Err(QueryError::SlotLength { length }), "{length}");
    }
}

#[test]
fn the_first_and_last_instants_of_all_have_answers() {
    let (first, last) = (Timestamp::MIN, Timestamp::MAX);
    let day = LONGEST_SLOT;
    for zone_name in ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Berlin"] {
        for within in [Span::new(first, first + day), Span::new(last - day, last)] {
            let within = within.expect("a window");
            assert_eq!(
                always().spans(&zone(zone_name), within),
                Ok(vec![within]),
                "{zone_name} {within}"
            );
            let slots = always().slots(&zone(zone_name), within, MINUTE * 60).expect("slots");
            assert!(slots.len() >= 22, "{zone_name} {within}: {}", slots.len());
        }
    }
}

#[test]
fn a_span_holds_at_least_an_instant() {
    let at = instant("2026-01-01T00:00:00Z");
    assert!(Span::new(at, at).is_err());
    let error = Span::new(at, at - MINUTE).expect_err("backwards");
    assert_eq!(
        error.to_string(),
        "a span must end after it starts, but 2025-12-31T23:59:00Z is not after 2026-01-01T00:00:00Z"
    );
    assert_eq!(TimeOfDay::END_OF_DAY.minutes(), 1440);
}
