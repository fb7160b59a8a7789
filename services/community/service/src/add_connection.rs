//! `AddConnection`: a member trusts another one, this much.

use crate::Store;
use crate::api::{parse, render};
use crate::store::set_connection;
use jiff::Timestamp;
use mesh_proto::community::v1::{AddConnectionRequest, AddConnectionResponse};
use mesh_runtime::idempotency::{IdempotencyStore, ResourceId};
use mesh_runtime::{Actor, Problem};
use sqlx::PgConnection;

const RPC: &str = "voluntier.community.v1.CommunityService/AddConnection";

/// Makes a connection, or changes its strength, once for each request.
///
/// # Errors
/// `INVALID_REQUEST`, `CONNECTION_TO_ONESELF`, `TOO_MANY_CONNECTIONS`; those of [`IdempotencyStore::in_transaction`].
pub async fn add_connection(
    (store, idempotency): (&Store, &IdempotencyStore),
    actor: &Actor,
    request: &AddConnectionRequest,
    now: Timestamp,
) -> Result<AddConnectionResponse, Problem> {
    let (request_id, new) = parse::add_connection(request)?;
    let _turn = store.turn(new.from).await?;
    let work = async |connection: &mut PgConnection, _: ResourceId| {
        let made = set_connection(connection, new, (actor, now)).await?;
        Ok(AddConnectionResponse {
            connection: Some(render::connection(made)),
        })
    };
    idempotency.in_transaction(RPC, request_id, request, now, work).await
}
