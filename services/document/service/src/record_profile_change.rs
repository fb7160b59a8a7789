//! `RecordProfileChange`: what was compared with an earlier version of a member's profile counts no more.

use crate::store::record_profile_change as record;
use jiff::Timestamp;
use mesh_proto::document::v1::{RecordProfileChangeRequest, RecordProfileChangeResponse};
use mesh_proto::fields;
use mesh_runtime::Problem;
use mesh_runtime::idempotency::{IdempotencyStore, ResourceId};
use sqlx::PgConnection;

const RPC: &str = "voluntier.document.v1.DocumentService/RecordProfileChange";

/// Takes note of a changed profile, once for each request.
///
/// # Errors
/// `INVALID_REQUEST`; those of [`IdempotencyStore::in_transaction`].
pub async fn record_profile_change(
    idempotency: &IdempotencyStore,
    message: &RecordProfileChangeRequest,
    now: Timestamp,
) -> Result<RecordProfileChangeResponse, Problem> {
    let request_id = fields::id("request_id", &message.request_id)?;
    let member_id = fields::member_id("member_id", message.member_id)?;
    let work = async |connection: &mut PgConnection, _: ResourceId| {
        record(connection, member_id, message.profile_version, now).await?;
        Ok(RecordProfileChangeResponse {})
    };
    idempotency.in_transaction(RPC, request_id, message, now, work).await
}
