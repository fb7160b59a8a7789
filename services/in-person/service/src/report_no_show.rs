//! `ReportNoShow`: one of the two was not there.

use crate::api::parse;
use crate::appointment::{Appointment, Party};
use crate::change_appointment::{Appointments, Asked, Telling, Whose};
use jiff::Timestamp;
use mesh_proto::in_person::v1::{ReportNoShowRequest, ReportNoShowResponse};
use mesh_runtime::{Access, Problem};

/// Notes who was not there, once for each request.
///
/// # Errors
/// `INVALID_REQUEST`, `OUTSIDE_OF_APPOINTMENT`, `APPOINTMENT_CHANGED`; those of [`Appointments::change`].
pub async fn report_no_show(
    appointments: &Appointments,
    access: &Access,
    request: &ReportNoShowRequest,
    now: Timestamp,
) -> Result<ReportNoShowResponse, Problem> {
    let (request_id, appointment_id, absent) = parse::report_no_show(request)?;
    let asked = Asked {
        rpc: "voluntier.in_person.v1.InPersonService/ReportNoShow",
        access,
        request,
        request_id,
        appointment_id,
        whose: Whose::Either,
        now,
    };
    let change = async |_: &mut sqlx::PgConnection, before: Appointment, party: Party| {
        if party == absent {
            let message = "must be the other one: nobody reports themselves";
            return Err(Problem::invalid_field("absent", message));
        }
        before.missed(absent, &appointments.terms, now)
    };
    let answer = |appointment, _: &_| ReportNoShowResponse {
        appointment: Some(appointment),
    };
    appointments.change(asked, Telling::Only, change, answer).await
}
