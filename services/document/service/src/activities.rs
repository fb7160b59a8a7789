//! What the workflow asks for, bound to the contract's names.

use crate::extraction::Extractor;
use crate::profile::Profiles;
use crate::store::{WaitingActivity, WorkflowRun};
use crate::vault::Vault;
use crate::{checking, review};
use document_workflows::contract::{
    DecisionRecord, Extraction, ExtractionProgress, ExtractionRequest, ReviewClosing, ReviewDecision, ReviewRequest,
    StoredEvidence, Validity, ValidityRequest, definitions,
};
use document_workflows::policy;
use mesh_runtime::Problem;
use std::sync::Arc;
use std::time::Duration;
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// How often an extraction says that it lives, between its pages too: while it waits for its turn or reads a large page.
/// A cancellation comes with the answer.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);

/// The reading of documents, apart from the rest because it has a task queue of its own. It may come twice, and the second
/// time reads nothing twice.
pub struct Extractions {
    extractor: Extractor,
}

/// The short activities. Each may come twice, and the second time changes nothing.
pub struct Activities {
    vault: Vault,
    profiles: Profiles,
}

impl Extractions {
    /// By a reader.
    pub fn new(extractor: Extractor) -> Self {
        Self { extractor }
    }
}

impl Activities {
    /// Over the tables and objects, and the orchestrator's profiles.
    pub fn new(vault: Vault, profiles: Profiles) -> Self {
        Self { vault, profiles }
    }
}

#[activities]
impl Extractions {
    /// Reads every page that was not read yet, with a heartbeat for each and at least one a second.
    #[activity(definition = definitions::ExtractDocumentData)]
    pub async fn extract_document_data(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: ExtractionRequest,
    ) -> Result<Extraction, ActivityError> {
        let (progress, mut reached) = watch::channel(ExtractionProgress::default());
        let run = run_of(&ctx)?;
        let mut extraction = Box::pin(self.extractor.extract(&request, run, &progress));
        let mut heartbeat = interval_at(Instant::now() + HEARTBEAT_INTERVAL, HEARTBEAT_INTERVAL);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // What is dropped with the loop takes its OCR process with it.
            tokio::select! {
                () = ctx.cancelled() => {
                    drop(extraction);
                    self.extractor.record_break(&request).await;
                    return Err(ActivityError::cancelled());
                }
                extracted = &mut extraction => {
                    if extracted.is_err() {
                        self.extractor.record_break(&request).await;
                    }
                    return Ok(extracted?);
                }
                Ok(()) = reached.changed() => {}
                _ = heartbeat.tick() => {}
            }
            let reached = *reached.borrow_and_update();
            ctx.record_heartbeat(reached).await.map_err(Problem::internal)?;
        }
    }
}

#[activities]
impl Activities {
    /// Checks what was read, also against the member's profile at the orchestrator.
    #[activity(definition = definitions::CheckDocumentValidity)]
    pub async fn check_document_validity(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: ValidityRequest,
    ) -> Result<Validity, ActivityError> {
        let profile = self.profiles.get(request.member_id);
        let checks = checking::check_document(&self.vault, &request, profile).await?;
        Ok(Validity {
            decided: policy::decide(&checks),
            rule_version: policy::RULE_VERSION,
            checks,
        })
    }

    /// Records the decision, its evidence and the member's claim in one transaction.
    #[activity(definition = definitions::StoreVerificationEvidence)]
    pub async fn store_verification_evidence(
        self: Arc<Self>,
        _ctx: ActivityContext,
        record: DecisionRecord,
    ) -> Result<StoredEvidence, ActivityError> {
        Ok(checking::record_decision(&self.vault, record).await?)
    }

    /// Asks for a person's look; `DecideReview` completes it, unless the decision is there already.
    #[activity(definition = definitions::RequestDocumentReview)]
    pub async fn request_document_review(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: ReviewRequest,
    ) -> Result<ReviewDecision, ActivityError> {
        let WorkflowRun { workflow_id, run_id } = run_of(&ctx)?;
        let waiting = WaitingActivity {
            workflow_id,
            run_id,
            activity_id: ctx.info().activity_id.clone(),
        };
        match review::request(&self.vault, request, waiting).await? {
            Some(decision) => Ok(decision),
            None => Err(ActivityError::WillCompleteAsync),
        }
    }

    /// Closes a review that nobody decided.
    #[activity(definition = definitions::CloseDocumentReview)]
    pub async fn close_document_review(
        self: Arc<Self>,
        _ctx: ActivityContext,
        closing: ReviewClosing,
    ) -> Result<Option<ReviewDecision>, ActivityError> {
        Ok(review::close(&self.vault, closing).await?)
    }
}

fn run_of(ctx: &ActivityContext) -> Result<WorkflowRun, Problem> {
    let info = ctx.info();
    let run = info.workflow_id.clone().zip(info.workflow_run_id.clone());
    let (workflow_id, run_id) = run.ok_or_else(|| Problem::internal("the activity was started by no workflow"))?;
    Ok(WorkflowRun { workflow_id, run_id })
}
