//! `StartVerification`: starts a verification, one at a time for a member.

use crate::api::parse;
use crate::verifications::Verifications;
use jiff::Timestamp;
use mesh_proto::orchestrator::v1 as proto;
use mesh_runtime::Problem;
use mesh_runtime::idempotency::IdempotencyStore;
use mesh_types::VerificationId;
use orchestrator_workflows::contract::workflow_id;

const RPC: &str = "voluntier.orchestrator.v1.VerificationService/StartVerification";

/// Starts a verification, once for each request.
///
/// # Errors
/// `INVALID_REQUEST`, `DOCUMENT_OF_ANOTHER_MEMBER`, `MEMBER_NOT_FOUND`, `VERIFICATION_IN_PROGRESS`, `REQUEST_ID_REUSED`;
/// `REQUEST_IN_PROGRESS`, `DATABASE_UNAVAILABLE` and `TEMPORAL_UNAVAILABLE`, after which the same request goes on.
pub async fn start_verification(
    verifications: &Verifications,
    idempotency: &IdempotencyStore,
    message: &proto::StartVerificationRequest,
    now: Timestamp,
) -> Result<proto::StartVerificationResponse, Problem> {
    let asked = parse::start_verification(message)?;
    let work = idempotency.under_lease(RPC, asked.request_id, message, now, async |attempt| {
        let id = VerificationId::from(attempt.resource_id.uuid());
        let run_id = verifications.start(id, asked, now).await?;
        Ok(proto::StartVerificationResponse {
            verification_id: id.to_string(),
            workflow_id: workflow_id(id),
            run_id,
        })
    });
    work.await
}
