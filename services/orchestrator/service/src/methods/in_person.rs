//! The method in person. The in-person service knows the appointment.

use mesh_proto::fields;
use mesh_proto::in_person::v1::in_person_service_client::InPersonServiceClient;
use mesh_proto::in_person::v1::{Appointment, GetAppointmentRequest};
use mesh_proto::orchestrator::v1 as proto;
use mesh_runtime::{PeerChannel, Problem};
use mesh_types::VerificationId;
use orchestrator_workflows::methods::InPersonRequest;
use std::time::Duration;

/// A caller of the in-person service.
pub type Client = InPersonServiceClient<PeerChannel>;

/// How long an answer waits for the in-person service.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) fn parse(path: &str, request: &proto::InPersonMethod) -> Result<InPersonRequest, Problem> {
    let path = format!("{path}.in_person.meeting_preference_id");
    Ok(InPersonRequest {
        meeting_preference_id: fields::id(&path, &request.meeting_preference_id)?,
    })
}

/// The verification's latest appointment; none before the first is made, or when the in-person service is away.
pub(super) async fn look_up(in_person: &Client, id: VerificationId) -> Option<Appointment> {
    let mut request = tonic::Request::new(GetAppointmentRequest {
        appointment_id: String::new(),
        verification_id: id.to_string(),
    });
    request.set_timeout(LOOK_UP_TIMEOUT);
    let answer = in_person.clone().get_appointment(request).await;
    answer.ok()?.into_inner().appointment
}

/// Adds the appointment to the method as its workflow says it stands. The workflow alone says the status: a meeting that is over
/// has ended the method only when it is scored.
pub(super) fn show(shown: proto::MethodState, in_person: Option<Appointment>) -> proto::MethodState {
    proto::MethodState { in_person, ..shown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_types::Reason;

    const ID: &str = "018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d";

    #[test]
    fn a_meeting_preference_that_is_no_id_is_refused_by_its_path() {
        let preferring = |id: &str| {
            let meeting_preference_id = id.to_owned();
            parse("methods[1]", &proto::InPersonMethod { meeting_preference_id })
        };
        let request = preferring(ID).expect("an id is taken");
        assert_eq!(request.meeting_preference_id.to_string(), ID);
        for wrong in ["", "42", "018f3c6e7d1a7bb29c550f1f2a3b4c5d"] {
            let problem = preferring(wrong).expect_err("must be refused");
            let refused = problem.violations().first().map(|violation| violation.0.as_str());
            let expected = (
                Reason::InvalidRequest,
                Some("methods[1].in_person.meeting_preference_id"),
            );
            assert_eq!((problem.reason(), refused), expected, "{wrong:?}");
        }
    }

    #[test]
    fn the_appointment_is_shown_and_the_workflow_says_how_the_method_stands() {
        use proto::MethodStatus as M;
        let appointment = Appointment {
            appointment_id: ID.to_owned(),
            ..Default::default()
        };
        for status in [M::InProgress, M::Accepted, M::Rejected, M::Failed, M::Cancelled] {
            let state = proto::MethodState {
                method: proto::Method::InPerson.into(),
                status: status.into(),
                internal_reason: "OF_THE_WORKFLOW".to_owned(),
                member_reason: "The workflow's sentence.".to_owned(),
                ..Default::default()
            };
            assert_eq!(show(state.clone(), None), state, "{status:?}");
            let shown = show(state.clone(), Some(appointment.clone()));
            let expected = proto::MethodState {
                in_person: Some(appointment.clone()),
                ..state
            };
            assert_eq!(shown, expected, "{status:?}");
        }
    }
}
