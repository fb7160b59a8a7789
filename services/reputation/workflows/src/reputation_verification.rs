//! One method of a verification: what the member has earned on the platform.

use crate::contract::{self, AssessmentRequest, ReputationVerificationRequest, ScoringActivities};
use crate::seconds;
use mesh_types::MethodOutcome;
use std::time::Duration;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{ActivityOptions, WorkflowContext, WorkflowContextView, WorkflowResult};

/// Asks the ledger what counts, and ends.
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
            as_of_seconds: seconds(ctx.info().start_time()),
        });
        let options = ActivityOptions::with_start_to_close_timeout(Duration::from_secs(10)).build();
        let found = ctx
            .execute_activity(ScoringActivities::assess_reputation, request, options)
            .await?;
        Ok(found.into())
    }
}
