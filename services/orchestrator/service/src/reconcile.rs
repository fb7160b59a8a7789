//! Ends a verification in the read model whose workflow is closed, although the workflow's own activity did not: it was
//! terminated or lost, or the database was set back to an earlier backup. Otherwise it would be in progress for ever, and
//! its member could not start another one.

use crate::store::Verification;
use crate::temporal::{Close, Look, TO_RECORD_THE_END};
use crate::{Store, Workflows};
use jiff::{SignedDuration, Timestamp};
use mesh_runtime::Problem;
use mesh_types::{ScoreBreakdown, VerificationStatus};
use orchestrator_workflows::MethodReason;
use orchestrator_workflows::contract::{MethodState, MethodStatus, VerificationOutcome};

/// How long after its deadline a verification whose workflow Temporal does not know is given up: 8 days. Temporal itself ends
/// a workflow after [`TO_RECORD_THE_END`], so by then it was lost.
const LOST_AFTER: SignedDuration = SignedDuration::from_secs(TO_RECORD_THE_END.as_secs() as i64 + 24 * 3600);

/// Looks at the workflow of a verification that is in progress in the read model. Returns whether it is closed, as Temporal
/// says; then the verification has ended in the read model as well, by itself or by this call.
///
/// The end is written only while the row is in progress with the run that it named when it was read, so a look that is stale
/// ends nothing. Should an operator reset a workflow after it was found closed, the row has ended, and the new run is not heard.
///
/// # Errors
/// `DATABASE_UNAVAILABLE`, `TEMPORAL_UNAVAILABLE`; then nothing is written.
pub async fn reconcile(
    store: &Store,
    workflows: &Workflows,
    verification: &Verification,
    run_id: &str,
    now: Timestamp,
) -> Result<bool, Problem> {
    let close = match workflows.look_at(verification.verification_id).await? {
        Look::Closed(close) => close,
        Look::Unknown if now > verification.deadline() + LOST_AFTER => Close::FromOutside,
        Look::Open | Look::Unknown => return Ok(false),
    };
    let outcome = outcome_of(close, verification);
    store
        .reconcile_outcome(verification.verification_id, run_id, &outcome, now)
        .await?;
    Ok(true)
}

/// The workflow's own outcome where it has one; otherwise what its close amounts to.
fn outcome_of(close: Close, verification: &Verification) -> VerificationOutcome {
    let (status, method_status, reason) = match close {
        Close::Completed(outcome) => return outcome,
        Close::Cancelled => (
            VerificationStatus::Cancelled,
            MethodStatus::Cancelled,
            MethodReason::Cancelled,
        ),
        Close::TimedOut => (
            VerificationStatus::Timeout,
            MethodStatus::Cancelled,
            MethodReason::NotFinished,
        ),
        Close::FromOutside => (
            VerificationStatus::Failed,
            MethodStatus::Failed,
            MethodReason::WorkflowClosed,
        ),
    };
    let methods = verification.request.methods.iter();
    VerificationOutcome {
        status,
        methods: methods
            .map(|chosen| MethodState::ended(chosen.method(), method_status, reason.clone()))
            .collect(),
        breakdown: ScoreBreakdown::nothing(),
        next_steps: Vec::new(),
    }
}
