//! Ends a verification in the read model whose workflow was closed from outside, for example by an operator's `terminate`.
//! Otherwise it would be in progress for ever, and its member could not start another one.

use crate::store::Verification;
use crate::{Store, Workflows};
use mesh_runtime::{Problem, clock};
use mesh_types::{ScoreBreakdown, VerificationStatus};
use orchestrator_workflows::MethodReason;
use orchestrator_workflows::contract::{MethodState, MethodStatus, VerificationOutcome};

/// Looks at one run of a verification that is in progress in the read model. Returns whether Temporal says that this run is
/// closed; then the verification has ended in the read model as well, by itself or by this call.
///
/// The end is written only while the row is in progress with the very run that was looked at, so a look that is stale ends
/// nothing.
pub async fn reconcile(
    store: &Store,
    workflows: &Workflows,
    verification: &Verification,
    run_id: &str,
) -> Result<bool, Problem> {
    if !workflows.is_closed(verification.verification_id, run_id).await? {
        return Ok(false);
    }
    let outcome = closed_from_outside(verification);
    store
        .record_outcome(verification.verification_id, run_id, &outcome, clock::now())
        .await?;
    Ok(true)
}

fn closed_from_outside(verification: &Verification) -> VerificationOutcome {
    let methods = verification.request.methods.iter();
    let failed =
        methods.map(|chosen| MethodState::ended(chosen.method(), MethodStatus::Failed, MethodReason::WorkflowClosed));
    VerificationOutcome {
        status: VerificationStatus::Failed,
        methods: failed.collect(),
        breakdown: ScoreBreakdown::nothing(),
        next_steps: Vec::new(),
    }
}
