//! `RegisterVerifier`: a person becomes a verifier.

use crate::api::{parse, render};
use crate::store::insert_verifier;
use jiff::Timestamp;
use mesh_keyring::Keyring;
use mesh_proto::in_person::v1::{RegisterVerifierRequest, RegisterVerifierResponse};
use mesh_runtime::Problem;
use mesh_runtime::idempotency::{IdempotencyStore, ResourceId};
use sqlx::PgConnection;

const RPC: &str = "voluntier.in_person.v1.InPersonService/RegisterVerifier";

/// Keeps a verifier, once for each request.
///
/// # Errors
/// `INVALID_REQUEST`, `VERIFIER_EXISTS`; those of [`IdempotencyStore::in_transaction`].
pub async fn register_verifier(
    (idempotency, keyring): (&IdempotencyStore, &Keyring),
    request: &RegisterVerifierRequest,
    now: Timestamp,
) -> Result<RegisterVerifierResponse, Problem> {
    let (request_id, verifier_id, profile, certification) = parse::register_verifier(keyring, request)?;
    let work = async |connection: &mut PgConnection, _: ResourceId| {
        let verifier = insert_verifier(connection, verifier_id, (&profile, &certification), now).await?;
        Ok(RegisterVerifierResponse {
            verifier: Some(render::verifier(verifier)),
        })
    };
    idempotency.in_transaction(RPC, request_id, request, now, work).await
}
