//! The daily sweep over all members.

use crate::contract::{self, BatchUpdateRequest, SCHEDULED_START_TIME, ScoringActivities, Sweep, SweepProgress};
use crate::{seconds, timeouts};
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
        let planned = ctx
            .search_attributes()
            .get(&SCHEDULED_START_TIME)
            .map(|at| at.seconds());
        let started = seconds(ctx.info().start_time()).unwrap_or_default();
        let sweep = Sweep {
            // Nobody knows the future yet.
            as_of_seconds: asked.or(planned).unwrap_or(started).clamp(0, started),
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
