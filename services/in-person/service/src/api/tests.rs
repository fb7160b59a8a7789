use super::{parse, render};
use crate::store::Verifier;
use crate::testing::{at, keyring, member};
use jiff::Timestamp;
use mesh_proto::fields::timestamp_of_seconds;
use mesh_proto::in_person::v1 as proto;
use mesh_runtime::{FieldRules, Problem, clock};

/// The fields that break a rule of the contract.
fn broken<M: prost::Message + prost::Name>(message: &M) -> Vec<String> {
    let rules = FieldRules::read(mesh_proto::FILE_DESCRIPTOR_SET, 1 << 20).expect("rules");
    paths(rules.check(message))
}

fn paths<T>(answer: Result<T, Problem>) -> Vec<String> {
    let problem = answer.err().expect("it is refused");
    problem.violations().iter().map(|(path, _)| path.clone()).collect()
}

fn hours(from: &str, until: &str) -> proto::Hours {
    proto::Hours {
        from: from.to_owned(),
        until: until.to_owned(),
    }
}

fn day(date: &str) -> proto::DayHours {
    proto::DayHours {
        date: date.to_owned(),
        hours: vec![],
    }
}

fn on(weekday: proto::Weekday, hours: &[proto::Hours]) -> proto::WeeklyHours {
    proto::WeeklyHours {
        weekday: weekday.into(),
        hours: hours.to_vec(),
    }
}

fn profile() -> proto::VerifierProfile {
    proto::VerifierProfile {
        location: Some(proto::Location {
            latitude_microdegrees: 52_520_008,
            longitude_microdegrees: 13_404_954,
        }),
        time_zone: "Europe/Berlin".to_owned(),
        weekly_hours: vec![
            on(
                proto::Weekday::Monday,
                &[hours("09:00", "12:00"), hours("13:00", "24:00")],
            ),
            on(proto::Weekday::Friday, &[hours("00:00", "24:00")]),
        ],
        exceptions: vec![day("2026-12-24")],
        is_paused: false,
        meeting_point: Some("The library, Karl-Marx-Allee 31".to_owned()),
    }
}

fn register(change: impl FnOnce(&mut proto::VerifierProfile)) -> proto::RegisterVerifierRequest {
    let mut profile = profile();
    change(&mut profile);
    proto::RegisterVerifierRequest {
        request_id: clock::new_uuid().to_string(),
        verifier_id: 7,
        profile: Some(profile),
        certified_until: Some(timestamp_of_seconds(4_000_000_000)),
        methods: vec![2, 1],
    }
}

fn search(change: impl FnOnce(&mut proto::SearchVerifiersRequest)) -> proto::SearchVerifiersRequest {
    let mut request = proto::SearchVerifiersRequest {
        location: Some(proto::Location::default()),
        ..Default::default()
    };
    change(&mut request);
    request
}

#[test]
fn a_verifier_reads_what_was_said_of_them_and_a_coarse_location() {
    let (_, verifier_id, read, certification) =
        parse::register_verifier(&keyring(), &register(|_| {})).expect("it is right");
    assert_eq!((verifier_id, certification.until), (member(7), at(4_000_000_000)));
    let shown = render::whole_verifier(
        &keyring(),
        Verifier {
            verifier_id,
            profile: read,
            certification,
            version: 3,
        },
    );
    let shown = shown.expect("it opens");
    let expected = proto::Verifier {
        verifier_id: 7,
        profile: Some(proto::VerifierProfile {
            location: Some(proto::Location {
                latitude_microdegrees: 52_520_000,
                longitude_microdegrees: 13_405_000,
            }),
            ..profile()
        }),
        certified_until: Some(timestamp_of_seconds(4_000_000_000)),
        methods: vec![1, 2],
        version: 3,
    };
    assert_eq!(shown, expected);
}

#[test]
fn a_profile_that_cannot_be_right_is_refused_by_its_field() {
    use proto::Weekday::{Monday, Tuesday};
    type Change = fn(&mut proto::VerifierProfile);
    let by_a_rule: [(Change, &str); 6] = [
        (|profile| profile.location = None, "profile.location"),
        (
            |profile| {
                profile.location = Some(proto::Location {
                    latitude_microdegrees: 90_000_001,
                    longitude_microdegrees: 0,
                })
            },
            "profile.location.latitude_microdegrees",
        ),
        (|profile| profile.time_zone.clear(), "profile.time_zone"),
        (
            |profile| profile.weekly_hours = vec![on(proto::Weekday::Unspecified, &[])],
            "profile.weekly_hours[0].weekday",
        ),
        (
            |profile| profile.weekly_hours = vec![on(Monday, &[hours("24:00", "24:00")])],
            "profile.weekly_hours[0].hours[0].from",
        ),
        (
            |profile| profile.exceptions = vec![day("24.12.2026")],
            "profile.exceptions[0].date",
        ),
    ];
    for (change, path) in by_a_rule {
        assert_eq!(broken(&register(change)), [path]);
        assert!(
            parse::register_verifier(&keyring(), &register(change)).is_err(),
            "{path}"
        );
    }
    let by_the_rest: [(Change, &str); 8] = [
        (
            |profile| profile.time_zone = "Etc/Unknown".to_owned(),
            "profile.time_zone",
        ),
        (
            |profile| profile.time_zone = "Europe/Atlantis".to_owned(),
            "profile.time_zone",
        ),
        (
            |profile| profile.time_zone = "CET-1CEST".to_owned(),
            "profile.time_zone",
        ),
        (
            |profile| profile.weekly_hours = vec![on(Monday, &[hours("12:00", "12:00")])],
            "profile.weekly_hours[0].hours[0].until",
        ),
        (
            |profile| {
                profile.weekly_hours = vec![
                    on(Tuesday, &[]),
                    on(Monday, &[hours("09:00", "12:00"), hours("11:00", "13:00")]),
                ]
            },
            "profile.weekly_hours[1]",
        ),
        (
            |profile| profile.weekly_hours = vec![on(Monday, &[]), on(Monday, &[])],
            "profile.weekly_hours[1].weekday",
        ),
        (
            |profile| profile.exceptions = vec![day("2026-02-29")],
            "profile.exceptions[0].date",
        ),
        (
            |profile| profile.exceptions = vec![day("2026-12-24"), day("2026-12-24")],
            "profile.exceptions[1]",
        ),
    ];
    for (change, path) in by_the_rest {
        assert_eq!(paths(parse::register_verifier(&keyring(), &register(change))), [path]);
    }
}

#[test]
fn a_zone_is_kept_as_it_is_written_in_the_database() {
    let request = register(|profile| profile.time_zone = "europe/BERLIN".to_owned());
    let (_, _, read, _) = parse::register_verifier(&keyring(), &request).expect("it is right");
    assert_eq!(read.time_zone, "Europe/Berlin");
}

#[test]
fn a_certification_is_for_something() {
    let of_nothing = proto::RegisterVerifierRequest {
        methods: vec![],
        ..register(|_| {})
    };
    assert_eq!(broken(&of_nothing), ["methods"]);
    assert_eq!(paths(parse::register_verifier(&keyring(), &of_nothing)), ["methods"]);
    let of_what = proto::RegisterVerifierRequest {
        methods: vec![1, 0],
        ..register(|_| {})
    };
    assert_eq!(broken(&of_what), ["methods[1]"]);
}

#[test]
fn an_update_says_which_version_it_was_made_for_and_may_leave_the_certification() {
    let request = proto::UpdateVerifierRequest {
        request_id: clock::new_uuid().to_string(),
        verifier_id: 7,
        profile: Some(profile()),
        version: 4,
        ..Default::default()
    };
    let update = parse::update_verifier(&keyring(), &request).expect("it is right");
    assert_eq!((update.verifier_id, update.version), (member(7), 4));
    assert!(update.recertification.is_empty());
    let without_a_version = proto::UpdateVerifierRequest {
        version: 0,
        ..request.clone()
    };
    assert_eq!(broken(&without_a_version), ["version"]);
    let of_documents = proto::UpdateVerifierRequest {
        methods: vec![2],
        ..request
    };
    assert!(
        !parse::update_verifier(&keyring(), &of_documents)
            .expect("it is right")
            .recertification
            .is_empty()
    );
}

#[test]
fn what_is_refused_does_not_say_when_somebody_is_free() {
    let request = register(|profile| {
        profile.weekly_hours = vec![on(
            proto::Weekday::Monday,
            &[hours("09:17", "12:01"), hours("11:43", "13:09")],
        )];
    });
    let problem = parse::register_verifier(&keyring(), &request).expect_err("they overlap");
    let said = format!("{problem}");
    assert!(
        said.contains("profile.weekly_hours[0]") && !said.contains(":1"),
        "{said}"
    );
}

#[test]
fn a_search_without_more_is_for_50_km_at_any_time() {
    let now: Timestamp = at(500);
    let (plain, page) = parse::search_verifiers(&search(|_| {}), now).expect("it is right");
    assert_eq!((plain.near.within_metres, plain.near.certified_after), (50_000.0, now));
    assert!(plain.window.is_none() && plain.near.methods.is_empty() && page.after().is_none());
    let in_a_window = search(|request| {
        request.free_from = Some(timestamp_of_seconds(1_000));
        request.free_until = Some(timestamp_of_seconds(9_000));
    });
    for (now, start) in [(500, 1_000), (2_000, 2_000)] {
        let (search, _) = parse::search_verifiers(&in_a_window, at(now)).expect("it is right");
        let window = search.window.expect("a window");
        assert_eq!((window.slot.as_mins(), window.span.end()), (30, at(9_000)));
        assert_eq!(
            (window.span.start(), search.near.certified_after),
            (at(start), at(start)),
            "what is left"
        );
    }
    assert_eq!(
        paths(parse::search_verifiers(&in_a_window, at(9_000))),
        ["free_until"],
        "it is over"
    );
}

#[test]
fn a_window_has_two_ends_in_order_and_not_too_far_apart() {
    let ends = |from: Option<i64>, until: Option<i64>| {
        search(|request| {
            request.free_from = from.map(timestamp_of_seconds);
            request.free_until = until.map(timestamp_of_seconds);
        })
    };
    const DAY: i64 = 24 * 3600;
    let table = [
        (ends(Some(0), None), "free_until"),
        (ends(None, Some(0)), "free_from"),
        (ends(Some(5), Some(5)), "free_until"),
        (ends(Some(6), Some(5)), "free_until"),
        (ends(Some(0), Some(31 * DAY + 1)), "free_until"),
        (search(|request| request.slot_minutes = 4), "slot_minutes"),
    ];
    for (request, path) in table {
        assert_eq!(paths(parse::search_verifiers(&request, at(0))), [path]);
    }
    assert!(parse::search_verifiers(&ends(Some(0), Some(31 * DAY)), at(0)).is_ok());
    let too_far = search(|request| request.within_metres = 20_037_509);
    assert_eq!(broken(&too_far), ["within_metres"]);
}

#[test]
fn a_page_of_another_search_is_none_of_this_one() {
    let (_, first) = parse::search_verifiers(&search(|_| {}), at(0)).expect("it is right");
    let (_, token) = first.page([(1.5, 1), (2.5, 2)].repeat(30), |last| (f64::to_bits(last.0), last.1));
    let next = search(|request| request.page_token.clone_from(&token));
    let (_, page) = parse::search_verifiers(&next, at(9)).expect("time goes on between two pages");
    assert_eq!(
        page.after().map(|(bits, id)| (f64::from_bits(*bits), *id)),
        Some((2.5, 2))
    );
    let elsewhere = search(|request| {
        request.page_token = token;
        request.within_metres = 1;
    });
    assert_eq!(paths(parse::search_verifiers(&elsewhere, at(9))), ["page_token"]);
}
