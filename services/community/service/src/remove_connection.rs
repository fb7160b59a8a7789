//! `RemoveConnection`: a member does not trust another one any more.

use crate::Store;
use crate::api::parse;
use crate::store::delete_connection;
use jiff::Timestamp;
use mesh_proto::community::v1::{RemoveConnectionRequest, RemoveConnectionResponse};
use mesh_proto::fields;
use mesh_runtime::idempotency::{IdempotencyStore, ResourceId};
use mesh_runtime::{Actor, Problem};
use sqlx::PgConnection;

const RPC: &str = "voluntier.community.v1.CommunityService/RemoveConnection";

/// Removes a connection, once for each request.
///
/// # Errors
/// `INVALID_REQUEST`, `CONNECTION_TO_ONESELF`, `CONNECTION_NOT_FOUND`; those of [`IdempotencyStore::in_transaction`].
pub async fn remove_connection(
    (store, idempotency): (&Store, &IdempotencyStore),
    actor: &Actor,
    request: &RemoveConnectionRequest,
    now: Timestamp,
) -> Result<RemoveConnectionResponse, Problem> {
    let (request_id, from, to) = parse::remove_connection(request)?;
    let _turn = store.turn(from).await?;
    let work = async |connection: &mut PgConnection, _: ResourceId| {
        delete_connection(connection, (from, to), (actor, now)).await?;
        Ok(RemoveConnectionResponse {
            removed_at: Some(fields::timestamp(now)),
        })
    };
    idempotency.in_transaction(RPC, request_id, request, now, work).await
}
