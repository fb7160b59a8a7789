//! `CheckIn`: the verifier enters the code that the member shows, which proves that both are there.

use crate::api::parse;
use crate::appointment::{Appointment, State};
use crate::change_appointment::{Appointments, Asked, Telling, Whose};
use crate::check_in_code::code;
use jiff::Timestamp;
use mesh_proto::in_person::v1::{CheckInRequest, CheckInResponse};
use mesh_runtime::{Access, Problem};

/// Takes a code, once for each request.
///
/// # Errors
/// `INVALID_REQUEST`, `OUTSIDE_OF_APPOINTMENT`, `APPOINTMENT_CHANGED`, `CHECK_IN_LOCKED`, `KEY_UNAVAILABLE`; those of
/// [`Appointments::change`].
pub async fn check_in(
    appointments: &Appointments,
    access: &Access,
    request: &CheckInRequest,
    now: Timestamp,
) -> Result<CheckInResponse, Problem> {
    let (request_id, appointment_id) = parse::appointment(&request.request_id, &request.appointment_id)?;
    let asked = Asked {
        rpc: "voluntier.in_person.v1.InPersonService/CheckIn",
        access,
        request,
        request_id,
        appointment_id,
        whose: Whose::Verifiers,
        now,
    };
    let change = async |_: &mut sqlx::PgConnection, before: Appointment, _| {
        let is_right = code(&appointments.keyring, &before)? == request.code;
        before.checked_in(is_right, &appointments.terms, now)
    };
    let answer = |appointment, becomes: &Appointment| CheckInResponse {
        appointment: Some(appointment),
        is_code_right: becomes.state == State::CheckedIn,
    };
    appointments.change(asked, Telling::Only, change, answer).await
}
