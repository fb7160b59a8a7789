//! `CancelDecay`: stops a member's own clock.

use crate::Workflows;
use crate::api::parse;
use jiff::Timestamp;
use mesh_proto::reputation::v1::{CancelDecayRequest, CancelDecayResponse};
use mesh_runtime::Problem;
use mesh_runtime::idempotency::{Attempt, IdempotencyStore};
use mesh_types::Reason;

const RPC: &str = "voluntier.reputation.v1.ReputationService/CancelDecay";

/// Stops a member's clock, once for each request.
///
/// # Errors
/// `INVALID_REQUEST`, `DECAY_NOT_RUNNING`, `TEMPORAL_UNAVAILABLE`; those of [`IdempotencyStore::under_lease`].
pub async fn cancel_decay(
    idempotency: &IdempotencyStore,
    workflows: &Workflows,
    request: &CancelDecayRequest,
    now: Timestamp,
) -> Result<CancelDecayResponse, Problem> {
    let (request_id, member_id) = parse::decay(&request.request_id, request.member_id)?;
    let work = async |attempt: Attempt| match workflows.cancel_decay(member_id, request_id).await {
        // An earlier try of this request stopped it.
        Err(problem) if attempt.repeated && problem.reason() == Reason::DecayNotRunning => Ok(CancelDecayResponse {}),
        done => done.map(|()| CancelDecayResponse {}),
    };
    idempotency.under_lease(RPC, request_id, request, now, work).await
}
