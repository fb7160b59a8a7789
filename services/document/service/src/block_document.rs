//! `BlockDocument`: nobody is accepted with this physical document any more.

use crate::api::parse;
use crate::store::block;
use crate::vault::Vault;
use jiff::Timestamp;
use mesh_proto::document::v1::{BlockDocumentRequest, BlockDocumentResponse};
use mesh_proto::fields;
use mesh_runtime::idempotency::{IdempotencyStore, ResourceId};
use mesh_runtime::{Actor, Problem};
use sqlx::PgConnection;

const RPC: &str = "voluntier.document.v1.DocumentService/BlockDocument";

/// Puts a document on the blocklist, once for each request; one that is there stays as it is.
///
/// # Errors
/// `INVALID_REQUEST`; those of [`IdempotencyStore::in_transaction`].
pub async fn block_document(
    (vault, idempotency): (&Vault, &IdempotencyStore),
    actor: &Actor,
    message: &BlockDocumentRequest,
    now: Timestamp,
) -> Result<BlockDocumentResponse, Problem> {
    let request_id = fields::id("request_id", &message.request_id)?;
    let identity = parse::identity(
        message.document_type(),
        &message.issuing_state,
        &message.document_number,
    )?;
    let hashes = vault.identity_hashes(Some(&identity));
    let work = async |connection: &mut PgConnection, _: ResourceId| {
        block(connection, &hashes, (actor, &message.reason_code), now).await?;
        Ok(BlockDocumentResponse {})
    };
    idempotency.in_transaction(RPC, request_id, message, now, work).await
}
