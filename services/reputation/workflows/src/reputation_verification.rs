//! One method of a verification: what the member has earned on the platform, and how far others trust them.

use crate::contract::{self, AssessmentRequest, ReputationVerificationRequest, ScoringActivities};
use crate::timeouts;
use mesh_types::MethodOutcome;
use mesh_workflows::seconds;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{WorkflowContext, WorkflowContextView, WorkflowResult};

/// Asks what counts, in the ledger and by the trust network, and ends.
#[workflow]
pub struct ReputationVerificationWorkflow {
    request: ReputationVerificationRequest,
}

#[workflow_methods]
impl ReputationVerificationWorkflow {
    #[init]
    fn new(_ctx: &WorkflowContextView, request: ReputationVerificationRequest) -> Self {
        Self { request }
    }

    #[run(name = contract::REPUTATION_VERIFICATION_WORKFLOW)]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<MethodOutcome> {
        let request = ctx.state(|state| AssessmentRequest {
            verification_id: state.request.verification_id,
            member_id: state.request.member_id,
            as_of_seconds: seconds(ctx.info().start_time()).unwrap_or_default(),
        });
        let found = ctx
            .execute_activity(
                ScoringActivities::assess_reputation,
                request,
                timeouts::assess_reputation(),
            )
            .await?;
        Ok(found.into())
    }
}
