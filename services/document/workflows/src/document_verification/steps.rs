//! What every submission goes through.

use super::DocumentVerificationWorkflow;
use crate::contract::{
    self, DocumentActivities, DocumentOutcome, Extraction, ExtractionRequest, Phase, Ruling, RulingRecord,
    StoredEvidence, ValidityRequest,
};
use crate::policy;
use mesh_types::Check;
use std::time::{Duration, UNIX_EPOCH};
use temporalio_workflow::{
    ActivityCancellationType, ActivityOptions, LocalActivityOptions, RetryPolicy, WorkflowContext, WorkflowResult,
};

/// How long one attempt of a short activity may take.
pub(super) const SHORT_ACTIVITY: Duration = Duration::from_secs(30);
/// How long the ruling is tried to be recorded while the database is away.
pub(super) const RECORD_RULING: Duration = Duration::from_secs(7 * 24 * 3600);

impl DocumentVerificationWorkflow {
    pub(super) async fn extract(ctx: &WorkflowContext<Self>) -> WorkflowResult<Extraction> {
        let limits = ctx.state(|state| state.request.limits.clone());
        let retry = RetryPolicy::builder()
            .initial_interval(Duration::from_secs(1))
            .maximum_attempts(limits.attempts);
        let options = ActivityOptions::with_start_to_close_timeout(Duration::from_secs(limits.start_to_close_seconds))
            .task_queue(contract::OCR_TASK_QUEUE.to_owned())
            .heartbeat_timeout(Duration::from_secs(limits.heartbeat_seconds))
            .cancellation_type(ActivityCancellationType::WaitCancellationCompleted)
            .retry_policy(retry.build())
            .build();
        let input = ctx.state(|state| ExtractionRequest {
            verification_id: state.request.verification_id,
            member_id: state.request.member_id,
            document_url: state.document.document_url.clone(),
            submission: state.submission,
        });
        Ok(ctx
            .execute_activity(DocumentActivities::extract_document_data, input, options)
            .await?)
    }

    pub(super) async fn check(ctx: &WorkflowContext<Self>, extraction: &Extraction) -> WorkflowResult<Vec<Check>> {
        Self::enter(ctx, Phase::Checking);
        let as_of_seconds = Self::now_seconds(ctx);
        let input = ctx.state(|state| ValidityRequest {
            verification_id: state.request.verification_id,
            document_id: extraction.document_id,
            member_id: state.request.member_id,
            document_kind: state.document.document_kind,
            as_of_seconds,
        });
        let options = ActivityOptions::with_start_to_close_timeout(SHORT_ACTIVITY).build();
        Ok(ctx
            .execute_activity(DocumentActivities::check_document_validity, input, options)
            .await?
            .checks)
    }

    /// Records what was ruled. Between the checks and here another member may have been accepted with the same document,
    /// so an acceptance can be refused; then what that amounts to is recorded instead.
    pub(super) async fn record(
        ctx: &WorkflowContext<Self>,
        extraction: &Extraction,
        ruling: Ruling,
    ) -> WorkflowResult<DocumentOutcome> {
        let stored = Self::store(ctx, extraction, ruling.clone()).await?;
        let (ruling, stored) = match stored.refused {
            None => (ruling, stored),
            Some(refusal) => {
                let ruling = policy::refused(refusal);
                let stored = Self::store(ctx, extraction, ruling.clone()).await?;
                (ruling, stored)
            }
        };
        Ok(DocumentOutcome {
            decision: ruling.decision,
            member_reason: ruling.member_reason,
            internal_reason: ruling.internal_reason,
            evidence: stored.evidence,
        })
    }

    pub(super) async fn store(
        ctx: &WorkflowContext<Self>,
        extraction: &Extraction,
        ruling: Ruling,
    ) -> WorkflowResult<StoredEvidence> {
        let record = RulingRecord {
            verification_id: ctx.state(|state| state.request.verification_id),
            document_id: extraction.document_id,
            ruling,
            decided_at_seconds: Self::now_seconds(ctx),
        };
        let options = LocalActivityOptions::builder()
            .start_to_close_timeout(SHORT_ACTIVITY)
            .schedule_to_close_timeout(RECORD_RULING)
            .build();
        Ok(ctx
            .execute_local_activity(DocumentActivities::store_verification_evidence, record, options)
            .await?)
    }

    pub(super) fn now_seconds(ctx: &WorkflowContext<Self>) -> i64 {
        let since = ctx
            .workflow_time()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        since.map_or(0, |since| since.as_secs() as i64)
    }
}
