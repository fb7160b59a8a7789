//! One validation of a member by the community.

mod steps;

use crate::contract::{
    self, CommunityValidationRequest, Phase, Progress, ResponseTaken, ReviewDecision, ValidationEnd, ValidatorResponse,
    Vote,
};
use crate::policy::{self, Alarm, Ballot};
use crate::timeouts;
use mesh_types::{MethodOutcome, Reason};
use std::time::Duration;
use temporalio_common::data_converters::RawValue;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{
    SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult, WorkflowTermination, workflows,
};

type Refused = Box<dyn std::error::Error + Send + Sync>;

/// Invites validators, takes their answers until enough approve, enough cannot any more, or the time is over, and says what the
/// votes amount to. Where they look made up, a person decides.
#[workflow]
pub struct CommunityValidationWorkflow {
    request: CommunityValidationRequest,
    ballot: Ballot,
    phase: Phase,
    batches: u32,
    reminders: u32,
    signals_ignored: u32,
    decision: Option<ReviewDecision>,
}

#[workflow_methods]
impl CommunityValidationWorkflow {
    #[init]
    fn new(_ctx: &WorkflowContextView, request: CommunityValidationRequest) -> Self {
        Self {
            ballot: Ballot::new(&request.rules),
            phase: Phase::Collecting,
            batches: 0,
            reminders: 0,
            signals_ignored: 0,
            decision: None,
            request,
        }
    }

    #[run(name = contract::COMMUNITY_VALIDATION_WORKFLOW)]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<MethodOutcome> {
        let collected = Self::collect(ctx).await;
        ctx.state_mut(|state| {
            state.ballot.close();
            state.phase = Phase::Counting;
        });
        Self::wait_for_answers_under_way(ctx).await;
        let ended = match collected {
            // What was under way may have made it enough.
            Ok(end) => Ok(ctx.state(|state| state.ballot.verdict()).unwrap_or(end)),
            Err(termination) => Err(termination),
        };
        let end = ended.as_ref().map_or(ValidationEnd::Withdrawn, Clone::clone);
        let mut aggregate = Self::aggregate(ctx, end).await?;
        ended?;
        if aggregate.needs_review() {
            let reviewed = Self::wait_for_review(ctx).await;
            let end = reviewed.as_ref().map_or(ValidationEnd::Withdrawn, Clone::clone);
            aggregate = Self::aggregate(ctx, end).await?;
            reviewed?;
        }
        ctx.state_mut(|state| state.phase = Phase::Ended);
        Ok(aggregate.outcome)
    }

    /// Takes a validator's answer, and says whether it counts once it is recorded.
    #[update(name = contract::SUBMIT_VALIDATION)]
    pub async fn submit_validation(ctx: &mut WorkflowContext<Self>, response: ValidatorResponse) -> ResponseTaken {
        Self::take(ctx, response).await
    }

    /// Refuses an answer that can't count; the message is the reason.
    #[update_validator(submit_validation)]
    fn may_answer(&self, _ctx: &WorkflowContextView, response: &ValidatorResponse) -> Result<(), Refused> {
        match self.ballot.admit(response) {
            Ok(_) => Ok(()),
            Err(Reason::ValidationAnswered) if self.ballot.is_recording(response.validator_id) => Ok(()),
            Err(reason) => Err(reason.as_str().into()),
        }
    }

    /// Takes a validator's answer that came as a signal. Nobody is told what became of it, and fields that are not known are left
    /// alone; whatever is no answer is counted and ignored, because a signal that can't be read would stop the workflow.
    #[signal(name = contract::VALIDATOR_RESPONSE)]
    pub async fn validator_response(ctx: &mut WorkflowContext<Self>, message: RawValue) {
        let taken = match contract::read_response(&message) {
            Some(response) => Self::take(ctx, response).await,
            None => ResponseTaken::Refused {
                reason: Reason::InvalidRequest.as_str().to_owned(),
            },
        };
        if taken != ResponseTaken::Counted {
            ctx.state_mut(|state| state.signals_ignored = state.signals_ignored.saturating_add(1));
        }
    }

    /// Takes the decision of a person on a validation that looks made up.
    #[update(name = contract::DECIDE_VALIDATION)]
    pub fn decide_validation(&mut self, _ctx: &mut SyncWorkflowContext<Self>, decision: ReviewDecision) -> bool {
        self.decision.get_or_insert(decision).is_accepted
    }

    /// Refuses a decision that nobody waits for, or that was made already.
    #[update_validator(decide_validation)]
    fn may_be_decided(&self, _ctx: &WorkflowContextView, _decision: &ReviewDecision) -> Result<(), Refused> {
        match policy::may_be_decided(self.phase) && self.decision.is_none() {
            true => Ok(()),
            false => Err(Reason::ValidationNotInReview.as_str().into()),
        }
    }

    /// How the validation stands now.
    #[query(name = contract::PROGRESS)]
    pub fn progress(&self, _ctx: &WorkflowContextView) -> Progress {
        self.ballot.progress(self.phase, self.signals_ignored)
    }

    /// Who was invited, and how each of them answered.
    #[query(name = contract::VOTES)]
    pub fn votes(&self, _ctx: &WorkflowContextView) -> Vec<Vote> {
        self.ballot.votes()
    }

    /// Invites validators, and others for those who abstain; reminds the silent; until it is over.
    async fn collect(ctx: &WorkflowContext<Self>) -> WorkflowResult<ValidationEnd> {
        let first = ctx.state(|state| state.request.rules.validators);
        Self::invite(ctx, first).await?;
        loop {
            if let Some(end) = ctx.state(|state| state.ballot.verdict()) {
                return Ok(end);
            }
            let vacant = ctx.state(|state| state.ballot.seats_to_fill());
            if vacant > 0 {
                Self::invite(ctx, vacant).await?;
                continue;
            }
            match Self::wait(ctx).await? {
                None => {}
                Some(Alarm::Reminder(number)) => Self::remind(ctx, number).await?,
                Some(Alarm::Deadline) => return Ok(ValidationEnd::TimedOut),
            }
        }
    }

    /// Waits for the next alarm, or for answers that change what is to be done.
    async fn wait(ctx: &WorkflowContext<Self>) -> WorkflowResult<Option<Alarm>> {
        let elapsed = Self::elapsed(ctx);
        let (alarm, after) = ctx.state(|state| policy::next_alarm(&state.request.rules, elapsed, state.reminders));
        let timer = ctx.cancellation_token().child_token();
        let changed = workflows::select! {
            changed = ctx.wait_condition(|state| state.ballot.verdict().is_some() || state.ballot.seats_to_fill() > 0) => {
                changed?;
                true
            }
            _ = ctx.timer(timeouts::alarm(after, timer.clone())) => false,
        };
        timer.cancel();
        match ctx.cancellation_token().is_cancelled() {
            true => Err(WorkflowTermination::cancelled()),
            false => Ok((!changed).then_some(alarm)),
        }
    }

    /// Answers that were taken before the end are recorded, and their validators hear of it; nothing cancels that.
    async fn wait_for_answers_under_way(ctx: &WorkflowContext<Self>) {
        let handlers = ctx.clone();
        let finished =
            ctx.wait_condition_with_options(move |_| handlers.all_handlers_finished(), timeouts::uncancelled_wait());
        // Nothing cancels this wait.
        let _ = finished.await;
    }

    async fn wait_for_review(ctx: &WorkflowContext<Self>) -> WorkflowResult<ValidationEnd> {
        let seconds = ctx.state_mut(|state| {
            state.phase = Phase::InReview;
            state.request.rules.review_seconds
        });
        let timer = ctx.cancellation_token().child_token();
        workflows::select! {
            decided = ctx.wait_condition(|state| state.decision.is_some()) => decided?,
            _ = ctx.timer(timeouts::alarm(Duration::from_secs(seconds), timer.clone())) => {}
        }
        timer.cancel();
        if ctx.cancellation_token().is_cancelled() {
            return Err(WorkflowTermination::cancelled());
        }
        let decision = ctx.state_mut(|state| {
            state.phase = Phase::Counting;
            state.decision.clone()
        });
        Ok(decision.map_or(ValidationEnd::ReviewExpired, ValidationEnd::Reviewed))
    }
}
