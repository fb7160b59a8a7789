//! One document, from its pages to a ruling.

use crate::contract::{
    self, DocumentActivities, DocumentOutcome, DocumentVerificationRequest, Extraction, ExtractionRequest, Ruling,
    RulingRecord, StoredEvidence, ValidityRequest,
};
use crate::policy;
use mesh_types::Check;
use std::time::{Duration, UNIX_EPOCH};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{
    ActivityCancellationType, ActivityOptions, LocalActivityOptions, RetryPolicy, WorkflowContext, WorkflowContextView,
    WorkflowResult,
};

/// How long one attempt of a short activity may take.
const SHORT_ACTIVITY: Duration = Duration::from_secs(30);
/// How long the ruling is tried to be recorded while the database is away.
const RECORD_RULING: Duration = Duration::from_secs(7 * 24 * 3600);

/// Extracts, checks, rules, and stores the evidence.
#[workflow]
pub struct DocumentVerificationWorkflow {
    request: DocumentVerificationRequest,
}

#[workflow_methods]
impl DocumentVerificationWorkflow {
    #[init]
    fn new(_ctx: &WorkflowContextView, request: DocumentVerificationRequest) -> Self {
        Self { request }
    }

    #[run(name = contract::DOCUMENT_VERIFICATION_WORKFLOW)]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<DocumentOutcome> {
        let request = ctx.state(|state| state.request.clone());
        let extraction = Self::extract(ctx, &request).await?;
        let checks = Self::check(ctx, &request, &extraction).await?;
        let ruling = policy::decide(&checks);
        let stored = Self::store(ctx, &request, &extraction, ruling.clone()).await?;
        Ok(DocumentOutcome {
            decision: ruling.decision,
            member_reason: ruling.member_reason,
            internal_reason: ruling.internal_reason,
            evidence: stored.evidence,
        })
    }

    async fn extract(ctx: &WorkflowContext<Self>, request: &DocumentVerificationRequest) -> WorkflowResult<Extraction> {
        let limits = &request.limits;
        let retry = RetryPolicy::builder()
            .initial_interval(Duration::from_secs(1))
            .maximum_attempts(limits.attempts);
        let options = ActivityOptions::with_start_to_close_timeout(Duration::from_secs(limits.start_to_close_seconds))
            .heartbeat_timeout(Duration::from_secs(limits.heartbeat_seconds))
            .cancellation_type(ActivityCancellationType::WaitCancellationCompleted)
            .retry_policy(retry.build())
            .build();
        let input = ExtractionRequest {
            verification_id: request.verification_id,
            member_id: request.member_id,
            document_url: request.document_url.clone(),
            submission: 1,
        };
        Ok(ctx
            .execute_activity(DocumentActivities::extract_document_data, input, options)
            .await?)
    }

    async fn check(
        ctx: &WorkflowContext<Self>,
        request: &DocumentVerificationRequest,
        extraction: &Extraction,
    ) -> WorkflowResult<Vec<Check>> {
        let input = ValidityRequest {
            verification_id: request.verification_id,
            document_id: extraction.document_id,
            member_id: request.member_id,
            document_kind: request.document_kind,
            as_of_seconds: Self::now_seconds(ctx),
        };
        let options = ActivityOptions::with_start_to_close_timeout(SHORT_ACTIVITY).build();
        Ok(ctx
            .execute_activity(DocumentActivities::check_document_validity, input, options)
            .await?
            .checks)
    }

    async fn store(
        ctx: &WorkflowContext<Self>,
        request: &DocumentVerificationRequest,
        extraction: &Extraction,
        ruling: Ruling,
    ) -> WorkflowResult<StoredEvidence> {
        let record = RulingRecord {
            verification_id: request.verification_id,
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

    fn now_seconds(ctx: &WorkflowContext<Self>) -> i64 {
        let since = ctx
            .workflow_time()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        since.map_or(0, |since| since.as_secs() as i64)
    }
}
