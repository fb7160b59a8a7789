//! The score of what the methods find.

use super::VerificationWorkflow;
use crate::contract::{SCORING_ALGORITHM_V2, VerificationState};
use crate::timeouts;
use mesh_types::{NextStep, ScoreBreakdown};
use reputation_workflows::contract::{ScoringActivities, ScoringRequest};
use temporalio_workflow::{WorkflowCancellationToken, WorkflowContext, WorkflowResult, workflows};

impl VerificationWorkflow {
    /// Scores whenever there is evidence that was not scored, until the verification ends and nothing more can come. A
    /// cancellation of the verification does not stop it: the ledger may have the points already.
    pub(super) async fn score_what_is_found(ctx: &WorkflowContext<Self>, cancellation: WorkflowCancellationToken) {
        loop {
            let is_due = |state: &Self| state.has_unscored_evidence() || state.nothing_more_can_come();
            // Nothing cancels this wait.
            let _ = ctx
                .wait_condition_with_options(is_due, timeouts::uncancelled_wait())
                .await;
            if !ctx.state(Self::has_unscored_evidence) {
                break;
            }
            if Self::score(ctx, cancellation.clone()).await.is_err() {
                // Attempts have no limit, so the end could not wait any longer, or it is a fault that no retry mends.
                ctx.state_mut(|state| state.scoring_is_broken = true);
                break;
            }
        }
        ctx.state_mut(|state| state.scoring_has_ended = true);
    }

    /// Lets the end wait for the scoring of evidence that is there, but not for ever.
    pub(super) async fn limit_scoring_at_the_end(ctx: &WorkflowContext<Self>, cancellation: WorkflowCancellationToken) {
        let is_awaited =
            |state: &Self| state.scoring_has_ended || (state.ending.is_some() && state.has_unscored_evidence());
        // Nothing cancels these waits.
        let _ = ctx
            .wait_condition_with_options(is_awaited, timeouts::uncancelled_wait())
            .await;
        if ctx.state(|state| state.scoring_has_ended) {
            return;
        }
        workflows::select! {
            _ = ctx.wait_condition_with_options(|state| state.scoring_has_ended, timeouts::uncancelled_wait()) => {}
            _ = ctx.timer(timeouts::scoring_at_the_end()) => cancellation.cancel(),
        }
    }

    fn nothing_more_can_come(&self) -> bool {
        self.ending.is_some() && !self.slots.iter().any(super::Slot::is_running)
    }

    async fn score(ctx: &WorkflowContext<Self>, cancellation: WorkflowCancellationToken) -> WorkflowResult<()> {
        let occurred_at_seconds = mesh_workflows::seconds(ctx.workflow_time())
            .unwrap_or_else(|| ctx.state(|state| state.input.started_at_seconds));
        let request = ctx.state(|state| ScoringRequest {
            verification_id: state.input.verification_id,
            member_id: state.input.member_id,
            evidence: state.evidence.clone(),
            // Only evidence that the ledger does not have yet takes it.
            occurred_at_seconds,
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
