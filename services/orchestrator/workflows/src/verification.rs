//! The parent workflow of one verification.

mod end;
mod scoring;
mod slot;

use crate::contract::{
    self, MemberLookUp, OrchestratorActivities, UserScore, VerificationInput, VerificationOutcome, VerificationState,
};
use crate::methods::Subject;
use crate::policy::{self, Ending, Facts};
use crate::timeouts;
use mesh_types::{Evidence, VerificationStatus};
use reputation_workflows::contract::Scored;
use slot::Slot;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{
    WorkflowCancellationToken, WorkflowContext, WorkflowContextView, WorkflowResult, WorkflowTermination, workflows,
};

/// Looks the member up, runs every chosen method as a child of its own, scores what they find, and records the end.
#[workflow]
pub struct VerificationWorkflow {
    input: VerificationInput,
    slots: Vec<Slot>,
    evidence: Vec<Evidence>,
    scored_evidence: usize,
    scored: Option<Scored>,
    is_cancelled: bool,
    is_overdue: bool,
    member_is_gone: bool,
    scoring_is_broken: bool,
    scoring_has_ended: bool,
    ending: Option<Ending>,
}

#[workflow_methods]
impl VerificationWorkflow {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: VerificationInput) -> Self {
        Self {
            slots: slot::all(&input.methods),
            evidence: Vec::new(),
            scored_evidence: 0,
            scored: None,
            is_cancelled: false,
            is_overdue: false,
            member_is_gone: false,
            scoring_is_broken: false,
            scoring_has_ended: false,
            ending: None,
            input,
        }
    }

    #[run(name = contract::VERIFICATION_WORKFLOW)]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<VerificationOutcome> {
        Self::look_up_member(ctx).await;
        let ending = match ctx.state(Self::due_ending) {
            Some(ending) => ending,
            None => Self::run_methods(ctx).await,
        };
        Self::wait_for_handlers(ctx).await;
        let outcome = Self::record(ctx, ending).await?;
        match outcome.status {
            VerificationStatus::Cancelled => Err(WorkflowTermination::cancelled()),
            _ => Ok(outcome),
        }
    }

    /// How the verification stands now.
    #[query(name = contract::VERIFICATION_STATE)]
    pub fn verification_state(&self, _ctx: &WorkflowContextView) -> VerificationState {
        self.snapshot()
    }

    /// The four look-ups, joined within one workflow task. One that fails is as good as not made, but a member who is
    /// known to be gone ends the verification.
    async fn look_up_member(ctx: &WorkflowContext<Self>) {
        let member = ctx.state(|state| MemberLookUp {
            member_id: state.input.member_id,
        });
        let (exists, email, score, reputation) = workflows::join!(
            ctx.execute_local_activity(
                OrchestratorActivities::check_user_exists_local,
                member,
                timeouts::look_up()
            ),
            ctx.execute_local_activity(
                OrchestratorActivities::get_user_email_local,
                member,
                timeouts::look_up()
            ),
            ctx.execute_local_activity(
                OrchestratorActivities::get_user_verification_score_local,
                member,
                timeouts::look_up()
            ),
            ctx.execute_local_activity(
                OrchestratorActivities::get_user_reputation_local,
                member,
                timeouts::look_up()
            ),
        );
        let number = |found: Result<UserScore, _>| found.map_or("unknown".to_owned(), |found| found.score.to_string());
        ctx.set_current_details(format!(
            "At the start: verification score {}, reputation {}, e-mail {}",
            number(score),
            number(reputation),
            email.map_or("unknown", |email| if email.known { "known" } else { "none" }),
        ));
        ctx.state_mut(|state| state.member_is_gone = exists.is_ok_and(|answer| !answer.exists));
    }

    /// Runs all methods side by side and scores what they find, until the policy says that the verification ends; whatever
    /// still runs then is cancelled.
    async fn run_methods(ctx: &WorkflowContext<Self>) -> Ending {
        let count = ctx.state(|state| state.slots.len());
        let scoring = WorkflowCancellationToken::new();
        let (_, (), (), ending) = workflows::join!(
            workflows::join_all((0..count).map(|at| Self::run_slot(ctx, at))),
            Self::score_what_is_found(ctx, scoring.clone()),
            Self::limit_scoring_at_the_end(ctx, scoring),
            Self::wait_for_the_end(ctx)
        );
        ending
    }

    /// Waits for the end. The slots cancel what still runs in them.
    async fn wait_for_the_end(ctx: &WorkflowContext<Self>) -> Ending {
        let deadline = ctx.state(|state| state.input.deadline_at_seconds);
        let time_left = policy::time_left(deadline, ctx.workflow_time()).max(timeouts::SHORTEST_TIMER);
        workflows::select! {
            _ = ctx.cancelled() => ctx.state_mut(|state| state.is_cancelled = true),
            _ = ctx.wait_condition(|state| state.due_ending().is_some()) => {}
            _ = ctx.timer(time_left) => ctx.state_mut(|state| state.is_overdue = true),
        }
        // Each branch makes one due; a wait that broke off was cancelled.
        let ending = ctx.state(Self::due_ending).unwrap_or(Ending::Cancelled);
        ctx.state_mut(|state| state.ending = Some(ending));
        ending
    }

    /// Lets the handlers of messages finish, so that what they change is part of the end.
    async fn wait_for_handlers(ctx: &WorkflowContext<Self>) {
        let handlers = ctx.clone();
        let finished =
            ctx.wait_condition_with_options(move |_| handlers.all_handlers_finished(), timeouts::uncancelled_wait());
        // Nothing cancels this wait.
        let _ = finished.await;
    }

    fn due_ending(&self) -> Option<Ending> {
        policy::ending(&Facts {
            is_cancelled: self.is_cancelled,
            is_overdue: self.is_overdue,
            member_is_gone: self.member_is_gone,
            scoring_is_broken: self.scoring_is_broken,
            evidence_is_unscored: self.has_unscored_evidence(),
            methods_are_open: self.slots.iter().any(Slot::is_open),
            score: self.scored.as_ref().map(|scored| scored.breakdown.score),
            target_score: self.input.target_score,
        })
    }

    fn subject(&self) -> Subject {
        Subject {
            verification_id: self.input.verification_id,
            member_id: self.input.member_id,
        }
    }
}
