//! What a validation has done by activities.

use super::CommunityValidationWorkflow;
use crate::contract::{
    Aggregate, AggregationRequest, CommunityActivities, InvitationRequest, ReminderRequest, ResponseTaken,
    ValidationEnd, ValidatorResponse, VoteRequest,
};
use crate::policy::Admission;
use crate::timeouts;
use mesh_types::Reason;
use mesh_workflows::{seconds, write};
use std::time::Duration;
use temporalio_workflow::{WorkflowContext, WorkflowResult};

impl CommunityValidationWorkflow {
    /// Invites up to `count` validators.
    pub(super) async fn invite(ctx: &WorkflowContext<Self>, count: u32) -> WorkflowResult<()> {
        let invited_at_seconds = Self::now_seconds(ctx);
        let started_at_seconds = seconds(ctx.info().start_time()).unwrap_or_default();
        let request = ctx.state_mut(|state| {
            state.batches += 1;
            InvitationRequest {
                verification_id: state.request.verification_id,
                member_id: state.request.member_id,
                introduction_id: state.request.introduction_id,
                batch: state.batches,
                count,
                approvals_needed: state.request.rules.approvals,
                invited_at_seconds,
                deadline_seconds: started_at_seconds.saturating_add_unsigned(state.request.rules.answer_seconds),
            }
        });
        let activity = || CommunityActivities::request_community_validators;
        let invited = write(ctx, activity, request, timeouts::writing()).await?;
        ctx.state_mut(|state| state.ballot.invite(&invited.validators, count));
        Ok(())
    }

    /// Takes an answer: whether it comes by update or by signal, it is judged here.
    pub(super) async fn take(ctx: &WorkflowContext<Self>, response: ValidatorResponse) -> ResponseTaken {
        let refused = |reason: String| ResponseTaken::Refused { reason };
        // Which of two answers stands is known when the first one is recorded: after a crash it may be this one.
        let is_recorded = ctx.wait_condition_with_options(
            |state| !state.ballot.is_recording(response.validator_id),
            timeouts::uncancelled_wait(),
        );
        // Nothing cancels this wait.
        let _ = is_recorded.await;
        match ctx.state_mut(|state| state.ballot.take(&response)) {
            Ok(Admission::New) => {}
            Ok(Admission::Repeat) => return ResponseTaken::Counted,
            Err(reason) => return refused(reason.as_str().to_owned()),
        }
        let voted_at_seconds = Self::now_seconds(ctx);
        let vote = ctx.state(|state| VoteRequest {
            verification_id: state.request.verification_id,
            member_id: state.request.member_id,
            response: response.clone(),
            voted_at_seconds,
        });
        let activity = || CommunityActivities::record_validator_vote;
        match write(ctx, activity, vote, timeouts::uncancelled_writing()).await {
            Ok(recorded) => match ctx.state_mut(|state| state.ballot.recorded(&response, &recorded)) {
                Ok(()) => ResponseTaken::Counted,
                Err(reason) => refused(reason),
            },
            Err(_) => {
                ctx.state_mut(|state| state.ballot.not_recorded(response.validator_id));
                refused(Reason::Internal.as_str().to_owned())
            }
        }
    }

    /// Reminds whoever is silent.
    pub(super) async fn remind(ctx: &WorkflowContext<Self>, reminder: u32) -> WorkflowResult<()> {
        let reminded_at_seconds = Self::now_seconds(ctx);
        let request = ctx.state_mut(|state| {
            state.reminders = reminder;
            ReminderRequest {
                verification_id: state.request.verification_id,
                reminder,
                reminded_at_seconds,
            }
        });
        let activity = || CommunityActivities::remind_community_validators;
        Ok(write(ctx, activity, request, timeouts::writing()).await?)
    }

    /// Has the votes counted and the end recorded. Nothing cancels that.
    pub(super) async fn aggregate(ctx: &WorkflowContext<Self>, end: ValidationEnd) -> WorkflowResult<Aggregate> {
        let ended_at_seconds = Self::now_seconds(ctx);
        let request = ctx.state(|state| AggregationRequest {
            verification_id: state.request.verification_id,
            end,
            ended_at_seconds,
            review_until_seconds: ended_at_seconds.saturating_add_unsigned(state.request.rules.review_seconds),
        });
        let activity = || CommunityActivities::aggregate_validation_scores;
        Ok(write(ctx, activity, request, timeouts::uncancelled_writing()).await?)
    }

    /// How long the validation has lasted.
    pub(super) fn elapsed(ctx: &WorkflowContext<Self>) -> Duration {
        let lasted = ctx.workflow_time().zip(ctx.info().start_time());
        let lasted = lasted.and_then(|(now, started)| now.duration_since(started).ok());
        lasted.unwrap_or_default()
    }

    fn now_seconds(ctx: &WorkflowContext<Self>) -> i64 {
        seconds(ctx.workflow_time()).unwrap_or_default()
    }
}
