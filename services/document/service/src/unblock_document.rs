//! `UnblockDocument`: this physical document is off the blocklist.

use crate::api::parse;
use crate::store::unblock;
use crate::vault::Vault;
use jiff::Timestamp;
use mesh_proto::document::v1::{UnblockDocumentRequest, UnblockDocumentResponse};
use mesh_proto::fields;
use mesh_runtime::idempotency::{IdempotencyStore, ResourceId};
use mesh_runtime::{Actor, Problem};
use sqlx::PgConnection;

const RPC: &str = "voluntier.document.v1.DocumentService/UnblockDocument";

/// Takes a document off the blocklist, once for each request: a late retry does not undo a later block. Who did so
/// stays.
///
/// # Errors
/// `INVALID_REQUEST`; those of [`IdempotencyStore::in_transaction`].
pub async fn unblock_document(
    (vault, idempotency): (&Vault, &IdempotencyStore),
    actor: &Actor,
    message: &UnblockDocumentRequest,
    now: Timestamp,
) -> Result<UnblockDocumentResponse, Problem> {
    let request_id = fields::id("request_id", &message.request_id)?;
    let identity = parse::identity(
        message.document_type(),
        &message.issuing_state,
        &message.document_number,
    )?;
    let hashes = vault.identity_hashes(Some(&identity));
    let work = async |connection: &mut PgConnection, _: ResourceId| {
        unblock(connection, &hashes, actor, now).await?;
        Ok(UnblockDocumentResponse {})
    };
    idempotency.in_transaction(RPC, request_id, message, now, work).await
}
