//! `EraseDocument`: what a document shows is gone for ever; hash, decision and evidence stay.

use crate::vault::Vault;
use jiff::Timestamp;
use mesh_proto::document::v1::{EraseDocumentRequest, EraseDocumentResponse};
use mesh_proto::fields;
use mesh_runtime::idempotency::{Attempt, IdempotencyStore};
use mesh_runtime::{Actor, Problem};
use mesh_types::Reason;

const RPC: &str = "voluntier.document.v1.DocumentService/EraseDocument";

/// Erases a document, once for each request. Erasing changes nothing the second time, so an attempt that got lost is made
/// again.
///
/// # Errors
/// `INVALID_REQUEST`, `DOCUMENT_NOT_FOUND`; `OBJECT_STORE_UNAVAILABLE`, and then the key is gone already and a sweep will
/// delete the objects; those of [`IdempotencyStore::under_lease`].
pub async fn erase_document(
    (vault, idempotency): (&Vault, &IdempotencyStore),
    actor: &Actor,
    message: &EraseDocumentRequest,
    now: Timestamp,
) -> Result<EraseDocumentResponse, Problem> {
    let request_id = fields::id("request_id", &message.request_id)?;
    let document_id = fields::id("document_id", &message.document_id)?;
    let work = async |_: Attempt| {
        let erased_at = vault.erase(document_id, actor, now).await?;
        Ok(EraseDocumentResponse {
            erased_at: Some(fields::timestamp(erased_at.ok_or_else(no_document)?)),
        })
    };
    idempotency.under_lease(RPC, request_id, message, now, work).await
}

pub(crate) fn no_document() -> Problem {
    Problem::new(Reason::DocumentNotFound, "no document has this id")
}
