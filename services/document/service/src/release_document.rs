//! `ReleaseDocument`: the member who was accepted with a physical document holds it no more, and its owner can be accepted.

use crate::api::parse::{Meant, meant};
use crate::extraction::not_found;
use crate::store::release;
use jiff::Timestamp;
use mesh_proto::document::v1::{ReleaseDocumentRequest, ReleaseDocumentResponse};
use mesh_proto::fields;
use mesh_runtime::idempotency::{IdempotencyStore, ResourceId};
use mesh_runtime::{Actor, Problem};
use mesh_types::Reason;
use sqlx::PgConnection;

const RPC: &str = "voluntier.document.v1.DocumentService/ReleaseDocument";

/// Takes a document from the member who holds it, once for each request: a late retry takes nothing from who holds it then.
///
/// # Errors
/// `INVALID_REQUEST`, `DOCUMENT_NOT_FOUND`, `VERIFICATION_NOT_FOUND`; those of [`IdempotencyStore::in_transaction`].
pub async fn release_document(
    idempotency: &IdempotencyStore,
    actor: &Actor,
    message: &ReleaseDocumentRequest,
    now: Timestamp,
) -> Result<ReleaseDocumentResponse, Problem> {
    let request_id = fields::id("request_id", &message.request_id)?;
    let of = match meant(&message.document_id, &message.verification_id)? {
        Meant::Document(id) => (Some(id), None),
        Meant::Verification(id) => (None, Some(id)),
    };
    let unknown = if of.0.is_some() { not_found } else { no_verification };
    let work = async |connection: &mut PgConnection, _: ResourceId| {
        let released = release(connection, of, (actor, &message.reason_code), now).await?;
        let released = released.ok_or_else(unknown)?;
        Ok(ReleaseDocumentResponse {
            verification_ids: released.iter().map(ToString::to_string).collect(),
        })
    };
    idempotency.in_transaction(RPC, request_id, message, now, work).await
}

fn no_verification() -> Problem {
    Problem::new(
        Reason::VerificationNotFound,
        "no document was submitted to a verification of this id",
    )
}
