//! What every submission goes through.

use super::DocumentVerificationWorkflow;
use crate::contract::{
    DocumentActivities, DocumentOutcome, Extraction, ExtractionRequest, Phase, Ruling, RulingRecord, StoredEvidence,
    ValidityRequest,
};
use crate::{policy, timeouts};
use mesh_types::Check;
use mesh_workflows::{is_outage, seconds};
use std::time::Duration;
use temporalio_common::error::ActivityExecutionError;
use temporalio_workflow::{TimerResult, WorkflowContext, WorkflowResult};

impl DocumentVerificationWorkflow {
    /// Reads every page. An outage uses up no attempt: it is waited for, and the extraction asked for anew with all of them.
    pub(super) async fn extract(ctx: &WorkflowContext<Self>) -> WorkflowResult<Extraction> {
        let mut outages = 0;
        let mut waited = Duration::ZERO;
        loop {
            match Self::try_to_extract(ctx).await {
                Err(error) if is_outage(&error) && waited < timeouts::OUTAGE => {
                    let pause = timeouts::outage_pause(outages);
                    if ctx.timer(pause).await == TimerResult::Cancelled {
                        return Err(error.into());
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
        Ok(ctx
            .execute_activity(
                DocumentActivities::check_document_validity,
                input,
                timeouts::check_document_validity(),
            )
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
        let options = timeouts::store_verification_evidence();
        Ok(ctx
            .execute_local_activity(DocumentActivities::store_verification_evidence, record, options)
            .await?)
    }

    pub(super) fn now_seconds(ctx: &WorkflowContext<Self>) -> i64 {
        seconds(ctx.workflow_time()).unwrap_or_default()
    }
}
