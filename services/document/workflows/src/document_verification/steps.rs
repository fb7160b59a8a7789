//! What every submission goes through.

use super::DocumentVerificationWorkflow;
use crate::contract::{
    DecisionRecord, DocumentActivities, DocumentDecision, DocumentOutcome, Extraction, ExtractionRequest, Phase,
    StoredEvidence, Validity, ValidityRequest,
};
use crate::{policy, timeouts};
use mesh_types::DocumentId;
use mesh_workflows::{is_outage, seconds};
use std::time::Duration;
use temporalio_common::error::{ActivityExecutionError, IncomingError};
use temporalio_workflow::{TimerResult, WorkflowContext, WorkflowResult, WorkflowTermination};

/// Why a document has no checks.
pub(super) enum NotRead {
    /// The document is at fault, so another one helps.
    AskAgain(DocumentDecision),
    /// The workflow ends.
    Ended(WorkflowTermination),
}

impl From<ActivityExecutionError> for NotRead {
    fn from(error: ActivityExecutionError) -> Self {
        let failure_type = match error.reason() {
            Some(IncomingError::Application(failure)) => failure.type_name(),
            _ => None,
        };
        match failure_type.and_then(policy::unread) {
            Some(decided) => Self::AskAgain(decided),
            None => Self::Ended(error.into()),
        }
    }
}

impl DocumentVerificationWorkflow {
    /// Reads every page. An outage uses up no attempt: it is waited for, and the extraction asked for anew with all of them.
    pub(super) async fn extract(ctx: &WorkflowContext<Self>) -> Result<Extraction, NotRead> {
        let mut outages = 0;
        let mut waited = Duration::ZERO;
        loop {
            match Self::try_to_extract(ctx).await {
                Err(error) if is_outage(&error) && waited < timeouts::OUTAGE_SCHEDULE_TO_CLOSE => {
                    let pause = timeouts::outage_pause(outages);
                    if ctx.timer(pause).await == TimerResult::Cancelled {
                        return Err(NotRead::Ended(WorkflowTermination::cancelled()));
                    }
                    outages += 1;
                    waited += pause;
                }
                result => return Ok(result?),
            }
        }
    }

    async fn try_to_extract(ctx: &WorkflowContext<Self>) -> Result<Extraction, ActivityExecutionError> {
        let options = ctx.state(|state| timeouts::extract_document_data(&state.request.limits));
        let input = ctx.state(|state| ExtractionRequest {
            verification_id: state.request.verification_id,
            member_id: state.request.member_id,
            document_url: state.document.document_url.clone(),
            submission: state.submission,
        });
        ctx.execute_activity(DocumentActivities::extract_document_data, input, options)
            .await
    }

    pub(super) async fn check(ctx: &WorkflowContext<Self>, document_id: DocumentId) -> Result<Validity, NotRead> {
        Self::enter(ctx, Phase::Checking);
        let as_of_seconds = Self::now_seconds(ctx);
        let input = ctx.state(|state| ValidityRequest {
            verification_id: state.request.verification_id,
            document_id,
            member_id: state.request.member_id,
            document_kind: state.document.document_kind,
            as_of_seconds,
        });
        Ok(ctx
            .execute_activity(
                DocumentActivities::check_document_validity,
                input,
                timeouts::check_document_validity(),
            )
            .await?)
    }

    /// Records what was decided. Between the checks and here another member may have been accepted with the same document,
    /// so an acceptance can be refused; then what that amounts to is recorded instead.
    pub(super) async fn record(
        ctx: &WorkflowContext<Self>,
        document_id: DocumentId,
        decided: DocumentDecision,
    ) -> WorkflowResult<DocumentOutcome> {
        let stored = Self::store(ctx, document_id, decided.clone()).await?;
        let (decided, stored) = match stored.refused {
            None => (decided, stored),
            Some(refusal) => {
                let decided = policy::refused(refusal);
                let stored = Self::store(ctx, document_id, decided.clone()).await?;
                (decided, stored)
            }
        };
        // After an operator's reset the same document may have been decided before.
        let decided = stored.stands.unwrap_or(decided);
        Ok(DocumentOutcome {
            decision: decided.decision,
            member_reason: decided.member_reason,
            internal_reason: decided.internal_reason,
            evidence: stored.evidence,
        })
    }

    pub(super) async fn store(
        ctx: &WorkflowContext<Self>,
        document_id: DocumentId,
        decided: DocumentDecision,
    ) -> WorkflowResult<StoredEvidence> {
        let record = DecisionRecord {
            verification_id: ctx.state(|state| state.request.verification_id),
            document_id,
            decided,
            decided_at_seconds: Self::now_seconds(ctx),
        };
        // A local activity is the cheapest; where the database is away for longer, an ordinary one waits for it.
        let at_once = ctx.execute_local_activity(
            DocumentActivities::store_verification_evidence,
            record.clone(),
            timeouts::writing_at_once(),
        );
        match at_once.await {
            Ok(stored) => Ok(stored),
            Err(_) => Ok(ctx
                .execute_activity(
                    DocumentActivities::store_verification_evidence,
                    record,
                    timeouts::writing(),
                )
                .await?),
        }
    }

    pub(super) fn now_seconds(ctx: &WorkflowContext<Self>) -> i64 {
        seconds(ctx.workflow_time()).unwrap_or_default()
    }
}
