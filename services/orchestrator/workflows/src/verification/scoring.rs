//! The score of what the methods find.

use super::VerificationWorkflow;
use crate::contract::{SCORING_ALGORITHM_V2, VerificationState};
use crate::timeouts;
use mesh_types::{NextStep, ScoreBreakdown};
use reputation_workflows::contract::{ScoringActivities, ScoringRequest};
use temporalio_workflow::{WorkflowCancellationToken, WorkflowContext, WorkflowResult};

impl VerificationWorkflow {
    /// Scores whenever there is evidence that was not scored, until the verification ends.
    pub(super) async fn score_what_is_found(ctx: &WorkflowContext<Self>, cancellation: WorkflowCancellationToken) {
        loop {
            let waited = ctx.wait_condition(|state| state.ending.is_some() || state.has_unscored_evidence());
            if waited.await.is_err() || ctx.state(|state| state.ending.is_some()) {
                return;
            }
            if Self::score(ctx, cancellation.clone()).await.is_err() {
                // Attempts have no limit, so this is the verification's end or a fault that no retry mends.
                return ctx.state_mut(|state| state.scoring_is_broken = true);
            }
        }
    }

    async fn score(ctx: &WorkflowContext<Self>, cancellation: WorkflowCancellationToken) -> WorkflowResult<()> {
        let request = ctx.state(|state| ScoringRequest {
            verification_id: state.input.verification_id,
            member_id: state.input.member_id,
            evidence: state.evidence.clone(),
            occurred_at_seconds: state.input.started_at_seconds,
        });
        let count = request.evidence.len();
        let options = timeouts::scoring(cancellation);
        let scored = if ctx.patched(SCORING_ALGORITHM_V2) {
            ctx.execute_activity(ScoringActivities::calculate_verification_score_v2, request, options)
                .await?
        } else {
            ctx.execute_activity(ScoringActivities::calculate_verification_score, request, options)
                .await?
        };
        ctx.state_mut(|state| {
            state.scored_evidence = count;
            state.scored = Some(scored);
        });
        Ok(())
    }

    pub(super) fn has_unscored_evidence(&self) -> bool {
        self.evidence.len() > self.scored_evidence
    }

    /// How the verification stands.
    pub(super) fn snapshot(&self) -> VerificationState {
        let (breakdown, next_steps) = self.score_so_far();
        VerificationState {
            methods: self.slots.iter().filter_map(super::Slot::shown).collect(),
            breakdown,
            next_steps,
        }
    }

    /// The score, and what could add to it.
    pub(super) fn score_so_far(&self) -> (ScoreBreakdown, Vec<NextStep>) {
        match &self.scored {
            Some(scored) => (scored.breakdown.clone(), scored.next_steps.clone()),
            None => {
                let nothing = ScoreBreakdown::nothing();
                let next_steps = reputation_workflows::policy::next_steps(&nothing);
                (nothing, next_steps)
            }
        }
    }
}
