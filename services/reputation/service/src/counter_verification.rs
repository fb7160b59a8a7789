//! `CounterVerification`: what a verification earned by a method does not count any more.

use crate::Store;
use crate::api::parse;
use crate::store::counter_verification as counter;
use jiff::Timestamp;
use mesh_proto::reputation::v1::{CounterVerificationRequest, CounterVerificationResponse};
use mesh_runtime::idempotency::{IdempotencyStore, ResourceId};
use mesh_runtime::{Actor, Problem};
use sqlx::PgConnection;

const RPC: &str = "voluntier.reputation.v1.ReputationService/CounterVerification";

/// Counters what a verification earned by a method, once for each request. Entries that are countered already stay so, and a
/// verification that earned nothing is fine.
///
/// # Errors
/// `INVALID_REQUEST`; those of [`IdempotencyStore::in_transaction`].
pub async fn counter_verification(
    (store, idempotency): (&Store, &IdempotencyStore),
    actor: &Actor,
    request: &CounterVerificationRequest,
    now: Timestamp,
) -> Result<CounterVerificationResponse, Problem> {
    let (request_id, verification_id, method) = parse::counter_verification(request)?;
    let _turn = match store.find_member_of(verification_id).await? {
        Some(member_id) => Some(store.turn(member_id).await?),
        None => None,
    };
    let work = async |connection: &mut PgConnection, _: ResourceId| {
        counter(connection, (verification_id, method), (actor, now)).await?;
        Ok(CounterVerificationResponse {})
    };
    idempotency.in_transaction(RPC, request_id, request, now, work).await
}
