use super::*;
use crate::testing::{at, member};
use mesh_types::EvidenceKind;
use uuid::Uuid;

const START: i64 = 1_800_000_000;
const MINUTE: i64 = 60;
const END: i64 = START + 30 * MINUTE;

fn booked() -> Appointment {
    Appointment {
        appointment_id: Uuid::from_u128(1).into(),
        verification_id: Uuid::from_u128(2).into(),
        member_id: member(42),
        verifier_id: member(7),
        span: Span::new(at(START), at(END)).expect("a span"),
        until: at(START + 3 * 24 * 3600),
        time_zone: "Europe/Berlin".to_owned(),
        meeting_point: None,
        state: State::Booked,
        version: 4,
        reschedules: 0,
        code_key_id: "one".to_owned(),
        code_tries: 0,
        completion: None,
    }
}

/// Terms without notice.
fn at_once() -> Terms {
    Terms {
        notice: SignedDuration::ZERO,
        ..Terms::default()
    }
}

fn in_state(state: State) -> Appointment {
    Appointment { state, ..booked() }
}

fn found() -> Completion {
    Completion {
        is_confirmed: true,
        evidence: vec![Evidence::new(Uuid::from_u128(9).into(), EvidenceKind::InPersonMet)],
    }
}

fn became(result: Result<Appointment, Problem>) -> Result<(State, i64), Reason> {
    match result {
        Ok(becomes) => Ok((becomes.state, becomes.version)),
        Err(problem) => Err(problem.reason()),
    }
}

#[test]
fn each_change_has_its_time() {
    let terms = Terms::default();
    let it = booked();
    let outside = Err(Reason::OutsideOfAppointment);
    for (party, state) in [
        (Party::Member, State::CancelledByMember),
        (Party::Verifier, State::CancelledByVerifier),
        (Party::Staff, State::CancelledByStaff),
    ] {
        assert_eq!(became(it.cancelled(party, at(START - 1))), Ok((state, 5)));
        // Staff helps where nobody else can.
        let begun = match party {
            Party::Staff => Ok((state, 5)),
            Party::Member | Party::Verifier => outside,
        };
        assert_eq!(became(it.cancelled(party, at(START))), begun);
        let after_check_in = in_state(State::CheckedIn).cancelled(party, at(START - 1));
        assert_eq!(after_check_in.is_ok(), party == Party::Staff);
    }
    for (now, expected) in [
        (START - 15 * MINUTE - 1, outside),
        (START - 15 * MINUTE, Ok((State::CheckedIn, 5))),
        (END - 1, Ok((State::CheckedIn, 5))),
        (END, outside),
    ] {
        assert_eq!(became(it.checked_in(true, &terms, at(now))), expected, "{now}");
    }
    for (party, state) in [
        (Party::Member, State::NoShowOfMember),
        (Party::Verifier, State::NoShowOfVerifier),
    ] {
        assert_eq!(became(it.missed(party, &terms, at(START + 15 * MINUTE - 1))), outside);
        assert_eq!(
            became(it.missed(party, &terms, at(START + 15 * MINUTE))),
            Ok((state, 5))
        );
    }
}

#[test]
fn five_wrong_codes_lock_the_check_in_for_the_right_one_as_well() {
    let (terms, now) = (Terms::default(), at(START));
    let mut it = booked();
    for tries in 1..=MOST_CODE_TRIES {
        it = it.checked_in(false, &terms, now).expect("a try");
        assert_eq!((it.state, it.code_tries, it.version), (State::Booked, tries, 4));
    }
    for is_right in [true, false] {
        assert_eq!(became(it.checked_in(is_right, &terms, now)), Err(Reason::CheckInLocked));
    }
    // Another time has another code, with all its tries.
    let moved = it
        .moved_to(at(START + 3600), &at_once(), at(START - 1))
        .expect("it is moved");
    assert_eq!(moved.code_tries, 0);
    // It can still be said that somebody was not there.
    assert!(it.missed(Party::Member, &terms, at(END)).is_ok());
}

#[test]
fn it_is_moved_three_times_and_never_after_its_begin_or_beyond_the_end_of_all() {
    let now = at(START - MINUTE);
    let mut it = booked();
    for count in 1..=MOST_RESCHEDULES {
        let start = at(START + i64::from(count) * 3600);
        it = it.moved_to(start, &at_once(), now).expect("it is moved");
        assert_eq!((it.span.start(), it.reschedules), (start, count));
        assert_eq!(it.span.length(), booked().span.length());
    }
    assert_eq!(
        became(it.moved_to(at(START), &at_once(), now)),
        Err(Reason::TooManyReschedules)
    );
    let last = booked().until.as_second() - 30 * MINUTE;
    for (start, expected) in [
        (last, Ok((State::Booked, 5))),
        (last + 1, Err(Reason::InvalidRequest)),
        (START - MINUTE, Ok((State::Booked, 5))),
        (START - MINUTE - 1, Err(Reason::InvalidRequest)),
    ] {
        assert_eq!(
            became(booked().moved_to(at(start), &at_once(), now)),
            expected,
            "{start}"
        );
    }
    // A move needs as much notice as a booking.
    let soon = |start: i64| booked().moved_to(at(start), &Terms::default(), now);
    assert_eq!(became(soon(START - MINUTE + 2 * 3600 - 1)), Err(Reason::InvalidRequest));
    assert!(soon(START - MINUTE + 2 * 3600).is_ok());
    let begun = booked().moved_to(at(START + 3600), &at_once(), at(START));
    assert_eq!(became(begun), Err(Reason::OutsideOfAppointment));
}

#[test]
fn a_code_of_another_time_is_another_one() {
    let moved = booked()
        .moved_to(at(START + 3600), &at_once(), at(START - 1))
        .expect("it is moved");
    assert_ne!(moved.code_text(), booked().code_text());
}

#[test]
fn they_meet_after_the_check_in_only() {
    assert_eq!(became(booked().completed(found())), Err(Reason::NotCheckedIn));
    let met = in_state(State::CheckedIn).completed(found()).expect("they met");
    assert_eq!((met.state, met.completion), (State::Completed, Some(found())));
}

#[test]
fn what_has_moved_on_is_refused_with_how_it_stands() {
    let terms = Terms::default();
    for state in State::ALL.into_iter().filter(|state| *state != State::Booked) {
        let it = in_state(state);
        let now = at(START - 1);
        let refused = [
            it.cancelled(Party::Member, now),
            it.moved_to(at(START + 3600), &at_once(), now),
            it.checked_in(true, &terms, at(START)),
            it.missed(Party::Member, &terms, at(END)),
        ];
        for refused in refused {
            let problem = refused.expect_err("it is refused");
            assert_eq!(problem.reason(), Reason::AppointmentChanged, "{state:?}");
            let details = problem.metadata();
            assert_eq!(details.get("state").map(String::as_str), Some(state.as_str()));
            assert_eq!(details.get("version").map(String::as_str), Some("4"));
        }
        if state != State::CheckedIn {
            assert_eq!(became(it.completed(found())), Err(Reason::AppointmentChanged));
        }
    }
    assert!(booked().ensure_version(4).is_ok());
    let stale = booked().ensure_version(3).expect_err("another version");
    assert_eq!(stale.reason(), Reason::AppointmentChanged);
}

#[test]
fn the_workflow_closes_what_is_open_and_nothing_else() {
    for state in State::ALL {
        let closed = in_state(state).closed_as(State::Withdrawn);
        assert_eq!(closed.is_some(), state.is_open(), "{state:?}");
        assert_eq!(State::parse(state.as_str()), Some(state));
    }
    assert_eq!(State::parse("somewhere"), None);
}
