//! `PauseSchedule`, `ResumeSchedule`, `TriggerSchedule` and `BackfillSchedule`: one change of a schedule in Temporal.

use crate::Workflows;
use jiff::Timestamp;
use mesh_runtime::Problem;
use mesh_runtime::idempotency::{Attempt, IdempotencyStore};
use mesh_runtime::schedule::ScheduleChange;
use mesh_types::{RequestId, Schedule};
use prost::Message;

/// Changes a schedule, once for each request. Temporal knows a request by its id too, so a try whose end got lost is not
/// made twice.
///
/// # Errors
/// `SCHEDULE_NOT_FOUND`, `TEMPORAL_UNAVAILABLE`; those of [`IdempotencyStore::under_lease`].
pub async fn change_schedule<A: Message + Default>(
    (idempotency, workflows): (&IdempotencyStore, &Workflows),
    (rpc, message): (&str, &impl Message),
    (request_id, schedule): (RequestId, Schedule),
    change: ScheduleChange,
    now: Timestamp,
) -> Result<A, Problem> {
    let work = async |_: Attempt| {
        workflows.change_schedule(request_id, schedule, change.clone()).await?;
        Ok(A::default())
    };
    idempotency.under_lease(rpc, request_id, message, now, work).await
}
