//! Three verifiers: where they meet members, who of them is near one, and how one meets a member.

use super::calls::Calls;
use super::member::Member;
use crate::screen::row;
use anyhow::Context;
use mesh_proto::fields;
use mesh_proto::in_person::v1 as in_person;
use mesh_proto::in_person::v1::in_person_service_client::InPersonServiceClient;
use mesh_proto::in_person::v1::{Appointment, Location, MeetingResult, VerifierMethod};
use mesh_proto::orchestrator::v1::InPersonMethod;
use mesh_proto::orchestrator::v1::method_request::Method;
use mesh_testkit::new_uuid;

/// Somebody who meets members. No verifier is connected with a member: one who is would not be booked.
struct Verifier {
    id: i64,
    name: &'static str,
    location: Location,
    meeting_point: &'static str,
}

const VERIFIERS: [Verifier; 3] = [
    Verifier {
        id: 201,
        name: "Noor",
        location: place(11),
        meeting_point: "the reading room of the library",
    },
    Verifier {
        id: 202,
        name: "Emil",
        location: place(34),
        meeting_point: "the waiting room of the station",
    },
    Verifier {
        id: 203,
        name: "Vera",
        location: place(71),
        meeting_point: "the first desk of the town hall",
    },
];

/// A place of the demo's town, so many thousandths of a degree north of its south end: 111 metres each.
pub const fn place(north: i32) -> Location {
    Location {
        latitude_microdegrees: 50_000_000 + 1_000 * north,
        longitude_microdegrees: 10_000_000,
    }
}

/// The platform's staff makes them verifiers: free at any hour, and certified for a year.
///
/// # Errors
/// When a call fails.
pub async fn register(calls: &Calls<'_>) -> anyhow::Result<()> {
    let mut staff = InPersonServiceClient::new(calls.as_operator("in-person")?);
    for verifier in &VERIFIERS {
        let request = in_person::RegisterVerifierRequest {
            request_id: new_uuid().to_string(),
            verifier_id: verifier.id,
            profile: Some(verifier.profile()),
            certified_until: Some(fields::timestamp(in_a_year())),
            methods: vec![VerifierMethod::Identity.into(), VerifierMethod::OriginalDocument.into()],
        };
        staff
            .register_verifier(calls.traced(request)?)
            .await
            .context("RegisterVerifier")?;
    }
    Ok(())
}

/// The platform's staff looks who is near a place and certified for all that is to be checked. Prints them, and returns the
/// nearest.
///
/// # Errors
/// When the call fails, or nobody is near.
pub async fn search(calls: &Calls<'_>, home: Location, checks: &[VerifierMethod]) -> anyhow::Result<i64> {
    let request = in_person::SearchVerifiersRequest {
        location: Some(home),
        methods: checks.iter().map(|check| i32::from(*check)).collect(),
        ..Default::default()
    };
    let mut staff = InPersonServiceClient::new(calls.as_operator("in-person")?);
    let answer = staff.search_verifiers(calls.traced(request)?).await;
    let found = answer.context("SearchVerifiers")?.into_inner().verifiers;
    let shown = found.iter().map(|one| {
        let kilometres = f64::from(one.distance_metres) / 1_000.0;
        format!("{} within {kilometres:.1} km", name_of(one.verifier_id))
    });
    println!("{}", row("verifiers", shown.collect::<Vec<_>>().join(", ")));
    let nearest = found.first().context("no verifier is near the member")?;
    Ok(nearest.verifier_id)
}

/// The member says where a verifier can meet them, at any time; the method by it.
///
/// # Errors
/// When the call fails.
pub async fn prefer(member: &Member<'_>, home: Location, checks: &[VerifierMethod]) -> anyhow::Result<Method> {
    let request = in_person::CreateMeetingPreferenceRequest {
        request_id: new_uuid().to_string(),
        member_id: member.id,
        location: Some(home),
        free_times: Vec::new(),
        brings_original_document: checks.contains(&VerifierMethod::OriginalDocument),
    };
    let kept = InPersonServiceClient::new(member.calls.as_member(member.id, "in-person")?)
        .create_meeting_preference(member.calls.traced(request)?)
        .await
        .context("CreateMeetingPreference")?;
    let meeting_preference_id = kept.into_inner().meeting_preference_id;
    Ok(Method::InPerson(InPersonMethod { meeting_preference_id }))
}

/// The member reads the appointment that the mesh has made for a verification. Prints it, and returns it.
///
/// # Errors
/// When the call fails, or somebody else than the nearest was booked.
pub async fn read_appointment(member: &Member<'_>, verification_id: &str, nearest: i64) -> anyhow::Result<Appointment> {
    let request = in_person::GetAppointmentRequest {
        verification_id: verification_id.to_owned(),
        ..Default::default()
    };
    let answer = InPersonServiceClient::new(member.calls.as_member(member.id, "in-person")?)
        .get_appointment(member.calls.traced(request)?)
        .await
        .context("GetAppointment")?;
    let appointment = answer.into_inner().appointment.context("no appointment")?;
    let (name, place) = (name_of(appointment.verifier_id), &appointment.meeting_point);
    let is_nearest = appointment.verifier_id == nearest;
    anyhow::ensure!(is_nearest, "{name} was booked, who is not the nearest");
    let start = appointment.start.as_ref().context("an appointment without a begin")?;
    let at = jiff::Timestamp::from_second(start.seconds)?
        .strftime("%H:%M")
        .to_string();
    let text = format!("with {name}, the nearest, at {at} UTC: {place}");
    println!("{}", row("appointment", text));
    Ok(appointment)
}

/// The two meet: the member shows the code, the verifier enters it, and says what they checked.
///
/// # Errors
/// When a call fails, or the code is not taken.
pub async fn meet(member: &Member<'_>, appointment: &Appointment, checks: &[VerifierMethod]) -> anyhow::Result<()> {
    let (calls, name) = (member.calls, name_of(appointment.verifier_id));
    let mut verifier = InPersonServiceClient::new(calls.as_verifier(appointment.verifier_id, "in-person")?);
    let check_in = in_person::CheckInRequest {
        request_id: new_uuid().to_string(),
        appointment_id: appointment.appointment_id.clone(),
        code: appointment.check_in_code.clone(),
    };
    let answer = verifier.check_in(calls.traced(check_in)?).await.context("CheckIn")?;
    anyhow::ensure!(answer.into_inner().is_code_right, "the member's code was not taken");
    let code = &appointment.check_in_code;
    let text = format!("from 15 minutes before; the member shows the code {code}, {name} enters it");
    println!("\n{}", row("check-in", text));
    let original_document_seen = checks.contains(&VerifierMethod::OriginalDocument);
    let complete = in_person::CompleteAppointmentRequest {
        request_id: new_uuid().to_string(),
        appointment_id: appointment.appointment_id.clone(),
        result: MeetingResult::Confirmed.into(),
        original_document_seen,
    };
    verifier
        .complete_appointment(calls.traced(complete)?)
        .await
        .context("CompleteAppointment")?;
    let what = match original_document_seen {
        true => "the member, and the passport itself",
        false => "the member, and no document",
    };
    println!("{}", row("meeting", format!("{name} has seen {what}")));
    Ok(())
}

impl Verifier {
    fn profile(&self) -> in_person::VerifierProfile {
        let all_day = in_person::Hours {
            from: "00:00".to_owned(),
            until: "24:00".to_owned(),
        };
        let weekly_hours = (1..=7).map(|weekday| in_person::WeeklyHours {
            weekday,
            hours: vec![all_day.clone()],
        });
        in_person::VerifierProfile {
            location: Some(self.location),
            time_zone: "UTC".to_owned(),
            weekly_hours: weekly_hours.collect(),
            meeting_point: Some(self.meeting_point.to_owned()),
            ..Default::default()
        }
    }
}

fn name_of(verifier_id: i64) -> &'static str {
    let found = VERIFIERS.iter().find(|verifier| verifier.id == verifier_id);
    found.map_or("somebody", |verifier| verifier.name)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the end of a certification is an instant, and there is no kit to ask"
)]
fn in_a_year() -> jiff::Timestamp {
    jiff::Timestamp::now() + jiff::SignedDuration::from_hours(365 * 24)
}
