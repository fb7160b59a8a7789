//! `UpdateVerifier`: what is known of a verifier becomes something else.

use crate::api::{parse, render};
use crate::store;
use jiff::Timestamp;
use mesh_keyring::Keyring;
use mesh_proto::in_person::v1::{UpdateVerifierRequest, UpdateVerifierResponse};
use mesh_runtime::idempotency::{IdempotencyStore, ResourceId};
use mesh_runtime::{Access, Problem};
use mesh_types::Reason;
use sqlx::PgConnection;

const RPC: &str = "voluntier.in_person.v1.InPersonService/UpdateVerifier";

/// Replaces a verifier's profile, and for staff their certification, once for each request.
///
/// # Errors
/// `INVALID_REQUEST`, `ROLE_NOT_ALLOWED`, `VERIFIER_NOT_FOUND`, `VERIFIER_CHANGED`; those of [`IdempotencyStore::in_transaction`].
pub async fn update_verifier(
    (idempotency, keyring): (&IdempotencyStore, &Keyring),
    access: &Access,
    request: &UpdateVerifierRequest,
    now: Timestamp,
) -> Result<UpdateVerifierResponse, Problem> {
    let update = parse::update_verifier(keyring, request)?;
    if !update.recertification.is_empty() && !access.may_be_anybodys() {
        let message = "what a verifier is certified for is for staff to say; leave certified_until and methods unset";
        return Err(Problem::new(Reason::RoleNotAllowed, message));
    }
    let which = (update.verifier_id, update.version);
    let becomes = (&update.profile, update.keeps_meeting_point, &update.recertification);
    let work = async |connection: &mut PgConnection, _: ResourceId| {
        let verifier = store::update_verifier(connection, which, becomes, now).await?;
        Ok(UpdateVerifierResponse {
            verifier: Some(render::verifier(verifier)),
        })
    };
    let id = update.request_id;
    idempotency.in_transaction(RPC, id, request, now, work).await
}
