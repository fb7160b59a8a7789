//! The daily sweep over all members.

use crate::contract::{self, BatchUpdateRequest, ScoringActivities, Sweep, SweepProgress};
use crate::timeouts;
use mesh_workflows::as_of_seconds;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{WorkflowContext, WorkflowContextView, WorkflowResult};

/// Brings every materialised score up to the instant that the schedule planned this run for. Run late, twice or for a day that has
/// passed, it comes to the same.
#[workflow]
pub struct ReputationBatchUpdateWorkflow {
    request: BatchUpdateRequest,
}

#[workflow_methods]
impl ReputationBatchUpdateWorkflow {
    #[init]
    fn new(_ctx: &WorkflowContextView, request: BatchUpdateRequest) -> Self {
        Self { request }
    }

    #[run(name = contract::REPUTATION_BATCH_UPDATE_WORKFLOW)]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<SweepProgress> {
        let asked = ctx.state(|state| state.request.as_of_seconds);
        let sweep = Sweep {
            as_of_seconds: as_of_seconds(&ctx.info(), asked),
        };
        Ok(ctx
            .execute_activity(
                ScoringActivities::sweep_reputation_scores,
                sweep,
                timeouts::sweep_reputation_scores(),
            )
            .await?)
    }
}
