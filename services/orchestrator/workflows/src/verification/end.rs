//! The end of a verification: in its search attributes, and in the read model.

use super::{Slot, VerificationWorkflow};
use crate::contract::{self, OrchestratorActivities, OutcomeRecord, VerificationOutcome};
use crate::policy::Ending;
use crate::timeouts;
use temporalio_workflow::{WorkflowContext, WorkflowResult};

impl VerificationWorkflow {
    /// Writes the end down; nothing cancels that. A local activity does it at once, which is the cheapest; where the
    /// database is away for longer, an ordinary activity waits for it.
    pub(super) async fn record(ctx: &WorkflowContext<Self>, ending: Ending) -> WorkflowResult<VerificationOutcome> {
        let outcome = ctx.state_mut(|state| {
            state.ending = Some(ending);
            state.outcome(ending)
        });
        if ctx.state(|state| state.input.search_attributes) {
            ctx.upsert_search_attributes([
                contract::STATUS_ATTRIBUTE.value_set(outcome.status.as_str().to_owned()),
                contract::SCORE_ATTRIBUTE.value_set(i64::from(outcome.breakdown.score.get())),
                contract::LEVEL_ATTRIBUTE.value_set(outcome.breakdown.level().as_str().to_owned()),
            ]);
        }
        let record = OutcomeRecord {
            verification_id: ctx.state(|state| state.input.verification_id),
            outcome: outcome.clone(),
            ended_at_seconds: mesh_workflows::seconds(ctx.workflow_time()).unwrap_or_default(),
        };
        let at_once = ctx.execute_local_activity(
            OrchestratorActivities::record_verification_outcome_local,
            record.clone(),
            timeouts::recording_at_once(),
        );
        if at_once.await.is_err() {
            ctx.execute_activity(
                OrchestratorActivities::record_verification_outcome,
                record,
                timeouts::recording(),
            )
            .await?;
        }
        Ok(outcome)
    }

    fn outcome(&self, ending: Ending) -> VerificationOutcome {
        let (breakdown, next_steps) = self.score_so_far();
        VerificationOutcome {
            status: ending.status(),
            methods: self.slots.iter().filter_map(Slot::ended).collect(),
            breakdown,
            next_steps,
        }
    }
}
