//! `StartDecay`: a member's own clock, which materialises the score every 30 days.

use crate::Workflows;
use crate::api::parse;
use jiff::Timestamp;
use mesh_proto::reputation::v1::{StartDecayRequest, StartDecayResponse};
use mesh_runtime::Problem;
use mesh_runtime::idempotency::{Attempt, IdempotencyStore};
use reputation_workflows::contract::decay_workflow_id;

const RPC: &str = "voluntier.reputation.v1.ReputationService/StartDecay";

/// Starts a member's clock, once for each request; a clock that runs already is returned. One case is left: when the answer of
/// a start is lost and the clock is stopped before the retry, the retry starts another clock.
///
/// # Errors
/// `INVALID_REQUEST`, `TEMPORAL_UNAVAILABLE`; those of [`IdempotencyStore::under_lease`].
pub async fn start_decay(
    idempotency: &IdempotencyStore,
    workflows: &Workflows,
    request: &StartDecayRequest,
    now: Timestamp,
) -> Result<StartDecayResponse, Problem> {
    let (request_id, member_id) = parse::decay(&request.request_id, request.member_id)?;
    let work = async |_: Attempt| {
        Ok(StartDecayResponse {
            workflow_id: decay_workflow_id(member_id),
            run_id: workflows.start_decay(member_id).await?,
        })
    };
    idempotency.under_lease(RPC, request_id, request, now, work).await
}
