//! A person's decision, and what happens without one.

use super::DocumentVerificationWorkflow;
use crate::contract::{
    DocumentActivities, DocumentDecision, Phase, Refusal, ReviewClosing, ReviewDecision, ReviewEnd, ReviewRequest,
};
use crate::{policy, timeouts};
use mesh_types::{Check, DocumentId, Reason};
use std::time::Duration;
use temporalio_common::error::{ActivityExecutionError, IncomingError, RetryState};
use temporalio_workflow::{WorkflowContext, WorkflowResult, WorkflowTermination};

impl DocumentVerificationWorkflow {
    /// Records that a person has to look, waits for the decision, and rules by it.
    pub(super) async fn ask_a_person(
        ctx: &WorkflowContext<Self>,
        document_id: DocumentId,
        doubt: DocumentDecision,
        checks: &[Check],
    ) -> WorkflowResult<DocumentDecision> {
        Self::enter(ctx, Phase::InReview);
        let internal_reason = doubt.internal_reason.clone();
        let stored = Self::store(ctx, document_id, doubt).await?;
        if let Some(stands) = stored.stands {
            return Ok(stands);
        }
        let decided = Self::request_review(ctx, document_id, internal_reason).await;
        match decided {
            Ok(decision) => Ok(policy::after_review(&decision, checks)),
            Err(ActivityExecutionError::Cancelled(_)) => {
                Self::close_review(ctx, document_id, ReviewEnd::Withdrawn).await?;
                Err(WorkflowTermination::cancelled())
            }
            Err(error) if ran_out_of_time(&error) => {
                let late = Self::close_review(ctx, document_id, ReviewEnd::Expired).await?;
                Ok(late.map_or_else(policy::review_expired, |decision| {
                    policy::after_review(&decision, checks)
                }))
            }
            Err(error) if failed_with(&error, Reason::DocumentErased) => Ok(policy::refused(Refusal::Erased)),
            // The same document again, after a review of it that nobody decided.
            Err(error) if failed_with(&error, Reason::ReviewOver) => Ok(policy::review_expired()),
            Err(error) => Err(error.into()),
        }
    }

    async fn request_review(
        ctx: &WorkflowContext<Self>,
        document_id: DocumentId,
        internal_reason: String,
    ) -> Result<ReviewDecision, ActivityExecutionError> {
        let review_seconds = ctx.state(|state| state.request.submission_limits.review_seconds);
        let requested_at_seconds = Self::now_seconds(ctx);
        let request = ReviewRequest {
            verification_id: ctx.state(|state| state.request.verification_id),
            document_id,
            internal_reason,
            requested_at_seconds,
            expires_at_seconds: requested_at_seconds.saturating_add_unsigned(review_seconds),
        };
        let options = timeouts::request_document_review(Duration::from_secs(review_seconds));
        ctx.execute_activity(DocumentActivities::request_document_review, request, options)
            .await
    }

    /// Closes the review, also when the workflow is cancelled; the decision, if one came just before.
    async fn close_review(
        ctx: &WorkflowContext<Self>,
        document_id: DocumentId,
        ended: ReviewEnd,
    ) -> WorkflowResult<Option<ReviewDecision>> {
        let closing = ReviewClosing {
            verification_id: ctx.state(|state| state.request.verification_id),
            document_id,
            ended,
            ended_at_seconds: Self::now_seconds(ctx),
        };
        let at_once = ctx.execute_local_activity(
            DocumentActivities::close_document_review,
            closing.clone(),
            timeouts::uncancelled_writing_at_once(),
        );
        match at_once.await {
            Ok(late) => Ok(late),
            Err(_) => Ok(ctx
                .execute_activity(
                    DocumentActivities::close_document_review,
                    closing,
                    timeouts::uncancelled_writing(),
                )
                .await?),
        }
    }
}

/// Whether the time for a review passed: in the middle of an attempt, or between two of which the last one failed.
fn ran_out_of_time(error: &ActivityExecutionError) -> bool {
    let between_attempts =
        matches!(error, ActivityExecutionError::Failed(failed) if failed.retry_state() == RetryState::Timeout);
    between_attempts || error.as_timeout().is_some()
}

/// Whether an activity failed for a reason.
fn failed_with(error: &ActivityExecutionError, reason: Reason) -> bool {
    match error.reason() {
        Some(IncomingError::Application(failure)) => failure.type_name() == Some(reason.as_str()),
        _ => false,
    }
}
