//! `CancelVerification`: asks a verification to end; its own run, never another one of the member.

use crate::api::parse;
use crate::read_model::not_found;
use crate::store::Verification;
use crate::verifications::Verifications;
use jiff::Timestamp;
use mesh_proto::orchestrator::v1 as proto;
use mesh_runtime::Problem;
use mesh_runtime::idempotency::IdempotencyStore;
use mesh_types::{Reason, VerificationId, VerificationStatus};

const RPC: &str = "voluntier.orchestrator.v1.VerificationService/CancelVerification";

/// Asks a verification to end, once for each request. One that was cancelled stays as it is.
///
/// # Errors
/// `INVALID_REQUEST`, `VERIFICATION_NOT_FOUND`, `VERIFICATION_ENDED`, `REQUEST_ID_REUSED`; `REQUEST_IN_PROGRESS`,
/// `DATABASE_UNAVAILABLE` and `TEMPORAL_UNAVAILABLE`, after which the same request goes on.
pub async fn cancel_verification(
    verifications: &Verifications,
    idempotency: &IdempotencyStore,
    message: &proto::CancelVerificationRequest,
    now: Timestamp,
) -> Result<proto::CancelVerificationResponse, Problem> {
    let (request_id, id) = parse::cancel_verification(message)?;
    let work = idempotency.under_lease(RPC, request_id, message, now, async |_| {
        let mut found = find(verifications, id).await?;
        if found.status == VerificationStatus::InProgress && !verifications.cancel(&found, request_id, now).await? {
            found = find(verifications, id).await?;
        }
        let is_over = found.status != VerificationStatus::Cancelled && found.status != VerificationStatus::InProgress;
        if is_over {
            let message = format!("the verification ended as {}", found.status.as_str());
            return Err(Problem::new(Reason::VerificationEnded, message));
        }
        Ok(proto::CancelVerificationResponse {})
    });
    work.await
}

async fn find(verifications: &Verifications, id: VerificationId) -> Result<Verification, Problem> {
    let found = verifications.find(id).await?;
    found.ok_or_else(not_found)
}
