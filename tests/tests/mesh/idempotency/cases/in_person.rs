//! The in-person service.

use super::{Sent, changed};
use crate::appointments::support::{Meeting, Place, set_back};
use crate::support::*;
use crate::verifiers;
use mesh_proto::in_person::v1 as proto;

pub(super) async fn cases(caller: &Caller, method: &str) -> Option<Sent> {
    let register = verifiers::registration(new_member_id());
    let sent = match method {
        "RegisterVerifier" => changed(caller, register, |other| other.verifier_id = new_member_id()),
        "UpdateVerifier" => {
            let registered = until_answered("what comes before", async || {
                caller.verifiers.clone().register_verifier(register.clone()).await
            })
            .await;
            registered.expect("they become a verifier");
            let request = proto::UpdateVerifierRequest {
                request_id: new_request_id(),
                verifier_id: register.verifier_id,
                profile: register.profile,
                version: 1,
                ..Default::default()
            };
            changed(caller, request, |other| other.version = 2)
        }
        "CreateMeetingPreference" => {
            let member_id = new_member_id();
            let request = proto::CreateMeetingPreferenceRequest {
                request_id: new_request_id(),
                member_id,
                location: Some(proto::Location::default()),
                ..Default::default()
            };
            let own = caller.acting_as(member_id, &["member"]);
            changed(&own, request, |other| other.brings_original_document = true)
        }
        _ => return of_appointments(caller, method).await,
    };
    Some(sent)
}

/// Each changes an appointment of its own.
async fn of_appointments(caller: &Caller, method: &str) -> Option<Sent> {
    let place = Place::new();
    place.verifier(caller, 1).await;
    let meeting = Meeting::begin(caller, &place, 30).await;
    let appointment = meeting.appointment().await;
    let verifier = caller.acting_as(appointment.verifier_id, &["verifier"]);
    let (request_id, appointment_id, version) = (
        new_request_id(),
        appointment.appointment_id.clone(),
        appointment.version,
    );
    let sent = match method {
        "RescheduleAppointment" => {
            let first = appointment.start.expect("a begin");
            let start = Some(prost_types::Timestamp {
                seconds: first.seconds + 3_600,
                nanos: 0,
            });
            let request = proto::RescheduleAppointmentRequest {
                request_id,
                appointment_id,
                version,
                start,
            };
            changed(&verifier, request, |other| other.version += 1)
        }
        "CancelAppointment" => {
            let request = proto::CancelAppointmentRequest {
                request_id,
                appointment_id,
                version,
            };
            changed(&verifier, request, |other| other.version += 1)
        }
        "CheckIn" => {
            // A wrong code: the same again uses up no other try.
            let code = if appointment.check_in_code == "000000" {
                "000001"
            } else {
                "000000"
            };
            let request = proto::CheckInRequest {
                request_id,
                appointment_id,
                code: code.to_owned(),
            };
            changed(&verifier, request, |other| other.code = "999999".to_owned())
        }
        "CompleteAppointment" => {
            let checked_in = meeting.check_in(&appointment.check_in_code).await;
            assert!(checked_in.expect("it is taken").is_code_right);
            let request = proto::CompleteAppointmentRequest {
                request_id,
                appointment_id,
                result: proto::MeetingResult::Confirmed.into(),
                original_document_seen: false,
            };
            changed(&verifier, request, |other| other.original_document_seen = true)
        }
        "ReportNoShow" => {
            set_back(&appointment_id, "20 minutes").await;
            let request = proto::ReportNoShowRequest {
                request_id,
                appointment_id,
                absent: proto::AbsentParty::Member.into(),
            };
            changed(&verifier, request, |other| {
                other.set_absent(proto::AbsentParty::Verifier)
            })
        }
        _ => return None,
    };
    Some(sent)
}
