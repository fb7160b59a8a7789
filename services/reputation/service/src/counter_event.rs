//! `CounterReputationEvent`: an event of the ledger does not count any more. The event itself stays.

use crate::Store;
use crate::api::{parse, render};
use crate::store::insert_counter;
use jiff::Timestamp;
use mesh_proto::reputation::v1::{CounterReputationEventRequest, CounterReputationEventResponse};
use mesh_runtime::idempotency::{IdempotencyStore, ResourceId};
use mesh_runtime::{Actor, Problem};
use mesh_types::EventId;
use sqlx::PgConnection;

const RPC: &str = "voluntier.reputation.v1.ReputationService/CounterReputationEvent";

/// Counters an event, once for each request.
///
/// # Errors
/// `INVALID_REQUEST`, `EVENT_NOT_FOUND`, `EVENT_NOT_COUNTERABLE`; those of [`IdempotencyStore::in_transaction`].
pub async fn counter_event(
    (store, idempotency): (&Store, &IdempotencyStore),
    actor: &Actor,
    request: &CounterReputationEventRequest,
    now: Timestamp,
) -> Result<CounterReputationEventResponse, Problem> {
    let (request_id, counter) = parse::counter(request)?;
    let _turn = store.turn(store.member_of(counter.event_id).await?).await?;
    let work = async |connection: &mut PgConnection, id: ResourceId| {
        let event = insert_counter(connection, EventId::from(id.uuid()), &counter, (actor, now)).await?;
        Ok(CounterReputationEventResponse {
            event: Some(render::event(event)),
        })
    };
    idempotency.in_transaction(RPC, request_id, request, now, work).await
}
