//! From typed values to messages.

use crate::appointment::{Appointment, MOST_CODE_TRIES, State};
use crate::check_in_code::code;
use crate::notify::place_of_meeting_point;
use crate::search_verifiers::Match;
use crate::store::{Verifier, VerifierMethod, VerifierProfile};
use in_person_availability::{Availability, Hours};
use jiff::civil::Weekday;
use mesh_keyring::{Keyring, Sealed};
use mesh_proto::fields;
use mesh_proto::in_person::v1 as proto;
use mesh_runtime::{Access, Actor, Problem};
use mesh_types::MemberId;

/// A verifier without the meeting point, as an answer that is kept may have it.
pub(crate) fn verifier(verifier: Verifier) -> proto::Verifier {
    proto::Verifier {
        verifier_id: verifier.verifier_id.get(),
        profile: Some(profile(verifier.profile)),
        certified_until: Some(fields::timestamp(verifier.certification.until)),
        methods: verifier
            .certification
            .methods
            .into_iter()
            .map(|one| method(one).into())
            .collect(),
        version: verifier.version,
    }
}

/// The same with the meeting point, for who reads it.
///
/// # Errors
/// `KEY_UNAVAILABLE` when the keyring lacks its key.
pub(super) fn whole_verifier(keyring: &Keyring, of: Verifier) -> Result<proto::Verifier, Problem> {
    let sealed = of.profile.meeting_point.as_ref();
    let words = sealed.map(|sealed| meeting_point(keyring, of.verifier_id, sealed));
    let words = words.transpose()?;
    let mut shown = verifier(of);
    if let Some(profile) = &mut shown.profile {
        profile.meeting_point = words;
    }
    Ok(shown)
}

fn meeting_point(keyring: &Keyring, verifier_id: MemberId, sealed: &Sealed) -> Result<String, Problem> {
    keyring.open_text(&place_of_meeting_point(verifier_id), sealed)
}

/// An appointment without what is kept encrypted or not at all, as an answer that is kept may have it.
pub(crate) fn appointment(appointment: &Appointment) -> proto::Appointment {
    proto::Appointment {
        appointment_id: appointment.appointment_id.to_string(),
        verification_id: appointment.verification_id.to_string(),
        member_id: appointment.member_id.get(),
        verifier_id: appointment.verifier_id.get(),
        state: state(appointment.state).into(),
        start: Some(fields::timestamp(appointment.span.start())),
        end: Some(fields::timestamp(appointment.span.end())),
        time_zone: appointment.time_zone.clone(),
        version: appointment.version,
        reschedules: appointment.reschedules,
        meeting_point: String::new(),
        check_in_code: String::new(),
        check_in_tries_left: MOST_CODE_TRIES - appointment.code_tries,
    }
}

/// The same for who reads it: a person learns where they meet, and the member the code. A service learns neither.
///
/// # Errors
/// `KEY_UNAVAILABLE` when the keyring lacks a key.
pub(super) fn appointment_for(
    access: &Access,
    keyring: &Keyring,
    of: &Appointment,
) -> Result<proto::Appointment, Problem> {
    let mut shown = appointment(of);
    if let Actor::Person(person) = access.actor() {
        // It is forgotten some time after the end.
        if let Some(sealed) = &of.meeting_point {
            shown.meeting_point = meeting_point(keyring, of.verifier_id, sealed)?;
        }
        if *person == of.member_id.get() && of.state == State::Booked {
            shown.check_in_code = code(keyring, of)?;
        }
    }
    Ok(shown)
}

fn state(state: State) -> proto::AppointmentState {
    match state {
        State::Booked => proto::AppointmentState::Booked,
        State::CheckedIn => proto::AppointmentState::CheckedIn,
        State::Completed => proto::AppointmentState::Completed,
        State::CancelledByMember => proto::AppointmentState::CancelledByMember,
        State::CancelledByVerifier => proto::AppointmentState::CancelledByVerifier,
        State::CancelledByStaff => proto::AppointmentState::CancelledByStaff,
        State::NoShowOfMember => proto::AppointmentState::NoShowOfMember,
        State::NoShowOfVerifier => proto::AppointmentState::NoShowOfVerifier,
        State::Unattended => proto::AppointmentState::Unattended,
        State::Withdrawn => proto::AppointmentState::Withdrawn,
    }
}

fn profile(profile: VerifierProfile) -> proto::VerifierProfile {
    let exceptions = profile.availability.exceptions().iter();
    proto::VerifierProfile {
        location: Some(proto::Location {
            latitude_microdegrees: profile.location.latitude_microdegrees(),
            longitude_microdegrees: profile.location.longitude_microdegrees(),
        }),
        weekly_hours: weekly_hours(&profile.availability),
        exceptions: exceptions
            .map(|(date, on_that_day)| proto::DayHours {
                date: date.to_string(),
                hours: hours(on_that_day),
            })
            .collect(),
        is_paused: profile.is_paused,
        time_zone: profile.time_zone,
        meeting_point: None,
    }
}

/// Days without hours are left out.
fn weekly_hours(availability: &Availability) -> Vec<proto::WeeklyHours> {
    use proto::Weekday as Wire;
    let days = [
        (Weekday::Monday, Wire::Monday),
        (Weekday::Tuesday, Wire::Tuesday),
        (Weekday::Wednesday, Wire::Wednesday),
        (Weekday::Thursday, Wire::Thursday),
        (Weekday::Friday, Wire::Friday),
        (Weekday::Saturday, Wire::Saturday),
        (Weekday::Sunday, Wire::Sunday),
    ];
    let of_day = |(day, wire): (Weekday, Wire)| proto::WeeklyHours {
        weekday: wire.into(),
        hours: hours(availability.weekly().on(day)),
    };
    let days = days.into_iter().map(of_day);
    days.filter(|day| !day.hours.is_empty()).collect()
}

fn hours(hours: &[Hours]) -> Vec<proto::Hours> {
    let one = |hours: &Hours| proto::Hours {
        from: hours.from().to_string(),
        until: hours.until().to_string(),
    };
    hours.iter().map(one).collect()
}

fn method(method: VerifierMethod) -> proto::VerifierMethod {
    match method {
        VerifierMethod::Identity => proto::VerifierMethod::Identity,
        VerifierMethod::OriginalDocument => proto::VerifierMethod::OriginalDocument,
    }
}

/// Metres to the next 500, so that three searches do not show where somebody is. Half the earth's circumference is far below what the
/// type holds.
fn rough(metres: f64) -> i32 {
    const STEP: f64 = 500.0;
    ((metres / STEP).ceil() * STEP) as i32
}

/// A verifier who was found. Where they are is left out.
pub(super) fn found(one: Match) -> proto::FoundVerifier {
    proto::FoundVerifier {
        verifier_id: one.found.verifier_id.get(),
        distance_metres: rough(one.found.distance),
        first_slot: one.first_slot.map(|slot| proto::Slot {
            start: Some(fields::timestamp(slot.start())),
            end: Some(fields::timestamp(slot.end())),
        }),
        time_zone: one.found.time_zone,
    }
}
