//! `RecordActivity`: what a member did on the platform goes into the ledger.

use crate::Store;
use crate::api::{parse, render};
use crate::store::insert_activity;
use jiff::Timestamp;
use mesh_proto::reputation::v1::{RecordActivityRequest, RecordActivityResponse};
use mesh_runtime::idempotency::{IdempotencyStore, ResourceId};
use mesh_runtime::{Actor, Problem};
use mesh_types::EventId;
use sqlx::PgConnection;

const RPC: &str = "voluntier.reputation.v1.ReputationService/RecordActivity";

/// Records an activity, once for each request. The event has the id that the request's work has.
///
/// # Errors
/// `INVALID_REQUEST`; those of [`IdempotencyStore::in_transaction`].
pub async fn record_activity(
    (store, idempotency): (&Store, &IdempotencyStore),
    actor: &Actor,
    request: &RecordActivityRequest,
    now: Timestamp,
) -> Result<RecordActivityResponse, Problem> {
    let (request_id, activity) = parse::record_activity(request, now)?;
    let _turn = store.turn(activity.member_id).await?;
    let work = async |connection: &mut PgConnection, id: ResourceId| {
        let event = insert_activity(connection, EventId::from(id.uuid()), &activity, (actor, now)).await?;
        Ok(RecordActivityResponse {
            event: Some(render::event(event)),
        })
    };
    idempotency.in_transaction(RPC, request_id, request, now, work).await
}
