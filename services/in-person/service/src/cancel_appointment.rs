//! `CancelAppointment`: it is called off.

use crate::api::parse;
use crate::change_appointment::{Appointments, Asked, Telling, Whose};
use jiff::Timestamp;
use mesh_proto::in_person::v1::{CancelAppointmentRequest, CancelAppointmentResponse};
use mesh_runtime::{Access, Problem};

/// Calls an appointment off, once for each request.
///
/// # Errors
/// `INVALID_REQUEST`, `OUTSIDE_OF_APPOINTMENT`, `APPOINTMENT_CHANGED`; those of [`Appointments::change`].
pub async fn cancel_appointment(
    appointments: &Appointments,
    access: &Access,
    request: &CancelAppointmentRequest,
    now: Timestamp,
) -> Result<CancelAppointmentResponse, Problem> {
    let (request_id, appointment_id) = parse::appointment(&request.request_id, &request.appointment_id)?;
    let asked = Asked {
        rpc: "voluntier.in_person.v1.InPersonService/CancelAppointment",
        access,
        request,
        request_id,
        appointment_id,
        whose: Whose::Either,
        now,
    };
    let change = async |_: &mut sqlx::PgConnection, before: crate::Appointment, party| {
        before.ensure_version(request.version)?;
        before.cancelled(party, now)
    };
    let answer = |appointment, _: &_| CancelAppointmentResponse {
        appointment: Some(appointment),
    };
    appointments.change(asked, Telling::Only, change, answer).await
}
