//! `CompleteAppointment`: what was checked when they met.

use crate::api::parse;
use crate::appointment::{Appointment, Completion};
use crate::change_appointment::{Appointments, Asked, Telling, Whose};
use crate::store::{VerifierMethod, certified_for, close_meeting};
use jiff::Timestamp;
use mesh_proto::in_person::v1::{CompleteAppointmentRequest, CompleteAppointmentResponse};
use mesh_runtime::{Access, Problem, clock};
use mesh_types::{Evidence, EvidenceId, EvidenceKind, Reason};

/// Completes an appointment, once for each request.
///
/// # Errors
/// `INVALID_REQUEST`, `NOT_CHECKED_IN`, `APPOINTMENT_CHANGED`, `NOT_CERTIFIED`; those of [`Appointments::change`].
pub async fn complete_appointment(
    appointments: &Appointments,
    access: &Access,
    request: &CompleteAppointmentRequest,
    now: Timestamp,
) -> Result<CompleteAppointmentResponse, Problem> {
    let (request_id, appointment_id, is_confirmed) = parse::complete_appointment(request)?;
    let asked = Asked {
        rpc: "voluntier.in_person.v1.InPersonService/CompleteAppointment",
        access,
        request,
        request_id,
        appointment_id,
        whose: Whose::Verifiers,
        now,
    };
    let change = async |connection: &mut sqlx::PgConnection, before: Appointment, _| {
        let completed = before.completed(Completion {
            is_confirmed,
            evidence: evidence(is_confirmed, request.original_document_seen),
        })?;
        // As of the appointment: who reports it a little later was certified when they met.
        let methods = certified_for(connection, before.verifier_id, before.span.start()).await?;
        let needed = [
            Some(VerifierMethod::Identity),
            request
                .original_document_seen
                .then_some(VerifierMethod::OriginalDocument),
        ];
        if !needed.into_iter().flatten().all(|method| methods.contains(&method)) {
            let message = "the verifier is not certified to check this";
            return Err(Problem::new(Reason::NotCertified, message));
        }
        close_meeting(connection, before.verification_id, now).await?;
        Ok(completed)
    };
    let answer = |appointment, _: &_| CompleteAppointmentResponse {
        appointment: Some(appointment),
    };
    appointments.change(asked, Telling::AndWait, change, answer).await
}

/// One piece for each thing that was checked.
fn evidence(is_confirmed: bool, original_document_seen: bool) -> Vec<Evidence> {
    let kinds = [
        is_confirmed.then_some(EvidenceKind::InPersonMet),
        (is_confirmed && original_document_seen).then_some(EvidenceKind::InPersonOriginalDocument),
    ];
    let kinds = kinds.into_iter().flatten();
    kinds
        .map(|kind| Evidence::new(EvidenceId::from(clock::new_uuid()), kind))
        .collect()
}
