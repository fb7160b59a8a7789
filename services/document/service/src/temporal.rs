//! Workflows of documents in Temporal: the next document of one, and the decision that another waits for.

use crate::store::{DecidedReview, WorkflowRun};
use document_workflows::DocumentVerificationWorkflow;
use document_workflows::contract::{Submission, SubmissionTaken};
use mesh_runtime::{Problem, from_temporal};
use mesh_types::{Reason, RequestId};
use std::time::Duration;
use temporalio_client::errors::{AsyncActivityError, WorkflowUpdateError};
use temporalio_client::{
    ActivityIdentifier, Client, RpcOptions, WorkflowExecuteUpdateOptions, WorkflowExecutionInfo, WorkflowHandle,
};

/// How long a workflow may take to answer; without a worker it would be for ever.
const UPDATE_TIMEOUT: Duration = Duration::from_secs(7);

/// The workflows.
#[derive(Clone)]
pub struct Workflows {
    client: Client,
}

impl Workflows {
    /// Over a connection.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Gives a workflow its next document; the same request again returns the same answer.
    ///
    /// # Errors
    /// `DOCUMENT_NOT_AWAITED` when the workflow refuses it or is over; `TEMPORAL_UNAVAILABLE` when Temporal is away or no
    /// worker answers, and then it is not known whether it was taken.
    pub async fn submit(
        &self,
        run: WorkflowRun,
        submission: Submission,
        request_id: RequestId,
    ) -> Result<SubmissionTaken, Problem> {
        let options = WorkflowExecuteUpdateOptions::builder()
            .update_id(request_id.to_string())
            .build();
        let handle = self.handle(run);
        let update = handle.execute_update(DocumentVerificationWorkflow::submit_document, submission, options);
        match tokio::time::timeout(UPDATE_TIMEOUT, update).await {
            Ok(Ok(taken)) => Ok(taken),
            Ok(Err(WorkflowUpdateError::NotFound(_) | WorkflowUpdateError::Failed(_))) => Err(not_awaited()),
            Ok(Err(error)) => Err(from_temporal(error)),
            Err(_) => Err(Problem::new(
                Reason::TemporalUnavailable,
                "no worker answers for the workflow",
            )),
        }
    }

    /// Hands a decision to the activity that waits for it. One that doesn't wait any more, or not at this moment, finds
    /// the decision in the table.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away.
    pub async fn hand_over(&self, decided: &DecidedReview) -> Result<(), Problem> {
        let waiting = &decided.waiting;
        let activity = ActivityIdentifier::by_id_workflow(&waiting.workflow_id, &waiting.run_id, &waiting.activity_id);
        let handle = self.client.get_async_activity_handle(activity);
        match handle
            .complete(Some(decided.decision.clone()), RpcOptions::default())
            .await
        {
            Ok(()) | Err(AsyncActivityError::NotFound(_)) => Ok(()),
            Err(error) => Err(from_temporal(error)),
        }
    }

    fn handle(&self, run: WorkflowRun) -> WorkflowHandle<Client, DocumentVerificationWorkflow> {
        let info = WorkflowExecutionInfo::builder()
            .namespace(self.client.options().namespace.clone())
            .workflow_id(run.workflow_id)
            .run_id(run.run_id)
            .build();
        WorkflowHandle::new(self.client.clone(), info)
    }
}

pub(crate) fn not_awaited() -> Problem {
    Problem::new(
        Reason::DocumentNotAwaited,
        "the verification waits for no document: one is under way, it is over, or there were as many as there may be",
    )
}
