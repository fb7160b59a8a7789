//! `PauseSchedule`, `ResumeSchedule`, `TriggerSchedule` and `BackfillSchedule`: one change of a schedule in Temporal.

use crate::Workflows;
use jiff::Timestamp;
use mesh_runtime::Problem;
use mesh_runtime::idempotency::{Attempt, Requests};
use mesh_runtime::schedule::ScheduleChange;
use mesh_types::{RequestId, Schedule};
use prost::Message;

/// Changes a schedule, once for each request. Temporal knows a request by its id too, so a try whose end got lost is not
/// made twice.
///
/// # Errors
/// `SCHEDULE_NOT_FOUND`, `TEMPORAL_UNAVAILABLE`; those of [`Requests::in_temporal`].
pub async fn change_schedule<A: Message + Default>(
    (requests, workflows): (&Requests, &Workflows),
    (rpc, message): (&str, &impl Message),
    (request_id, schedule): (RequestId, Schedule),
    change: ScheduleChange,
    now: Timestamp,
) -> Result<A, Problem> {
    let work = async |_: Attempt| {
        workflows.change_schedule(request_id, schedule, change.clone()).await?;
        Ok(A::default())
    };
    requests.in_temporal(rpc, request_id, message, now, work).await
}
