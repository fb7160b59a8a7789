//! One verification by document, alone or as a method of a member's verification, and what a caller and a reviewer do to it.

use super::fakes::{Course, Script};
use super::support::{
    Clock, DEADLINE, Stack, Verification, document_url, event_types, history_of, queue_named, start_of,
};
use anyhow::{Context, ensure};
use document_workflows::DocumentVerificationWorkflow;
use document_workflows::contract::{
    DOCUMENT_VERIFICATION_WORKFLOW, DocumentOutcome, DocumentState, DocumentVerificationRequest, ExtractionLimits,
    Phase, Submission, SubmissionLimits, SubmissionTaken, TASK_QUEUE,
};
use mesh_testkit::eventually;
use mesh_types::{Decision, DocumentKind, Method};
use orchestrator_workflows::contract::method_workflow_id;
use std::sync::Arc;
use temporalio_client::errors::{WorkflowGetResultError, WorkflowUpdateError};
use temporalio_client::{
    ActivityIdentifier, Client, RpcOptions, WorkflowCancelOptions, WorkflowExecuteUpdateOptions,
    WorkflowGetResultOptions, WorkflowHandle, WorkflowQueryOptions,
};
use temporalio_common::protos::TaskToken;
use temporalio_common::protos::temporal::api::history::v1::History;
use temporalio_common::protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;

/// What a test asks for; the rest is [`DocumentPlan::default`].
pub struct DocumentPlan {
    /// What happens.
    pub course: Course,
    /// How its time passes.
    pub clock: Clock,
    /// The queue of the workflow.
    pub task_queue: &'static str,
}

impl Default for DocumentPlan {
    fn default() -> Self {
        Self {
            course: Course::default(),
            clock: Clock::Real,
            task_queue: TASK_QUEUE,
        }
    }
}

/// A verification by document that was started.
pub struct DocumentRun {
    /// Its script.
    pub script: Arc<Script>,
    /// Its workflow.
    pub handle: WorkflowHandle<Client, DocumentVerificationWorkflow>,
    client: Client,
}

impl DocumentRun {
    /// Starts one without a parent.
    pub async fn start(stack: &Stack, plan: DocumentPlan) -> anyhow::Result<Self> {
        let script = stack.scripts.add(plan.course);
        let request = DocumentVerificationRequest {
            verification_id: script.verification_id,
            member_id: script.member_id,
            document_url: document_url(script.member_id),
            document_kind: DocumentKind::Passport,
            limits: ExtractionLimits::default(),
            submission_limits: SubmissionLimits::default(),
        };
        let start = StartWorkflowExecutionRequest {
            workflow_id: method_workflow_id(script.verification_id, Method::Document, 1),
            task_queue: queue_named(plan.task_queue),
            ..start_of(DOCUMENT_VERIFICATION_WORKFLOW, &request, plan.clock)?
        };
        stack.start_workflow(start).await?;
        Ok(Self::of(stack, script))
    }

    /// The method document of a member's verification.
    pub fn of_verification(stack: &Stack, verification: &Verification) -> Self {
        Self::of(stack, verification.script.clone())
    }

    fn of(stack: &Stack, script: Arc<Script>) -> Self {
        let id = method_workflow_id(script.verification_id, Method::Document, 1);
        Self {
            script,
            handle: stack.client.get_workflow_handle(id),
            client: stack.client.clone(),
        }
    }

    /// How it stands.
    pub async fn state(&self) -> anyhow::Result<DocumentState> {
        let query = self.handle.query(
            DocumentVerificationWorkflow::document_state,
            (),
            WorkflowQueryOptions::default(),
        );
        Ok(query.await?)
    }

    /// Waits until it is in a phase; which submission it is then, and how many are left.
    pub async fn comes_to(&self, phase: Phase) -> anyhow::Result<(u32, u32)> {
        let what = format!("the document to be in {phase:?}");
        let reached = eventually(DEADLINE, &what, async || {
            self.state().await.ok().filter(|state| state.phase == phase)
        });
        let state = reached.await?;
        Ok((state.submission, state.submissions_left))
    }

    /// Submits the next document.
    pub async fn submit(&self, update_id: &str) -> Result<SubmissionTaken, WorkflowUpdateError> {
        let document = Submission {
            document_url: document_url(self.script.member_id),
            document_kind: DocumentKind::NationalId,
        };
        let options = WorkflowExecuteUpdateOptions::builder()
            .update_id(update_id.to_owned())
            .build();
        self.handle
            .execute_update(DocumentVerificationWorkflow::submit_document, document, options)
            .await
    }

    /// Submits the next document where nobody waits for one; the message of the refusal.
    pub async fn submit_in_vain(&self, update_id: &str) -> anyhow::Result<String> {
        match self.submit(update_id).await {
            Err(WorkflowUpdateError::Failed(failure)) => Ok(failure.message),
            other => anyhow::bail!("it was not refused by the workflow but came to {other:?}"),
        }
    }

    /// Waits until a person is asked.
    pub async fn waits_for_a_person(&self) -> anyhow::Result<()> {
        eventually(DEADLINE, "a person to be asked", async || {
            self.script.is_waiting_for_a_person().then_some(())
        })
        .await
    }

    /// Decides as the person.
    pub async fn decide(&self, decision: Decision) -> anyhow::Result<()> {
        let (decided, waiting) = self.script.decide(decision);
        let token = TaskToken::from(waiting.context("nothing waits for a decision")?);
        let activity = self
            .client
            .get_async_activity_handle(ActivityIdentifier::from_task_token(token));
        Ok(activity.complete(Some(decided), RpcOptions::default()).await?)
    }

    /// Asks it to end.
    pub async fn cancel(&self) -> anyhow::Result<()> {
        let options = WorkflowCancelOptions::builder().reason("not needed".to_owned()).build();
        Ok(self.handle.cancel(options).await?)
    }

    /// Waits for its end.
    pub async fn end(&self) -> anyhow::Result<Result<DocumentOutcome, WorkflowGetResultError>> {
        let result = self.handle.get_result(WorkflowGetResultOptions::default());
        tokio::time::timeout(DEADLINE, result)
            .await
            .context("the document's verification does not end")
    }

    /// Waits for its outcome: decision and internal reason.
    pub async fn outcome(&self) -> anyhow::Result<(Decision, String)> {
        let outcome = self.end().await??;
        let proven = !outcome.evidence.is_empty();
        ensure!(
            proven == (outcome.decision == Decision::Accepted),
            "only acceptance proves: {outcome:?}"
        );
        Ok((outcome.decision, outcome.internal_reason))
    }

    /// Its history.
    pub async fn history(&self) -> anyhow::Result<History> {
        let id = method_workflow_id(self.script.verification_id, Method::Document, 1);
        let history = history_of(&self.client, id).await?;
        println!("{:?}", event_types(&history));
        Ok(history)
    }
}
