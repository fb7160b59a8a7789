//! From typed values to messages.

use crate::search_verifiers::Match;
use crate::store::{Verifier, VerifierMethod, VerifierProfile};
use in_person_availability::{Availability, Hours};
use jiff::civil::Weekday;
use mesh_proto::fields;
use mesh_proto::in_person::v1 as proto;

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
