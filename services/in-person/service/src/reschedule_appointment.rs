//! `RescheduleAppointment`: another time with the same verifier.

use crate::api::parse;
use crate::appointment::Party;
use crate::change_appointment::{Appointments, Asked, Telling, Whose};
use crate::store::{ensure_member_has_time, ensure_verifier_has_time};
use jiff::Timestamp;
use mesh_proto::in_person::v1::{RescheduleAppointmentRequest, RescheduleAppointmentResponse};
use mesh_runtime::{Access, Problem};

/// Moves an appointment, once for each request.
///
/// # Errors
/// `INVALID_REQUEST`, `TOO_MANY_RESCHEDULES`, `OUTSIDE_OF_APPOINTMENT`, `APPOINTMENT_CHANGED`, `SLOT_NOT_FREE`; those of
/// [`Appointments::change`].
pub async fn reschedule_appointment(
    appointments: &Appointments,
    access: &Access,
    request: &RescheduleAppointmentRequest,
    now: Timestamp,
) -> Result<RescheduleAppointmentResponse, Problem> {
    let (request_id, appointment_id, start) = parse::reschedule_appointment(request)?;
    let asked = Asked {
        rpc: "voluntier.in_person.v1.InPersonService/RescheduleAppointment",
        access,
        request,
        request_id,
        appointment_id,
        whose: Whose::Either,
        now,
    };
    let change = async |connection: &mut sqlx::PgConnection, before: crate::Appointment, party| {
        before.ensure_version(request.version)?;
        let moved = before.moved_to(start, &appointments.terms, now)?;
        ensure_verifier_has_time(connection, &moved).await?;
        if party == Party::Verifier {
            // The member does not have to be asked, where they have said so.
            ensure_member_has_time(connection, &moved).await?;
        }
        Ok(moved)
    };
    let answer = |appointment, _: &_| RescheduleAppointmentResponse {
        appointment: Some(appointment),
    };
    appointments.change(asked, Telling::Only, change, answer).await
}
