//! Workflows of documents in Temporal: the next document of one, and the decision that another waits for.

use crate::store::{DecidedReview, WorkflowRun};
use document_workflows::DocumentVerificationWorkflow;
use document_workflows::contract::{Submission, SubmissionTaken};
use mesh_runtime::workflows::{CALL_TIMEOUT, bounded, handle_of, update_within};
use mesh_runtime::{Problem, from_temporal};
use mesh_types::{Reason, RequestId};
use temporalio_client::errors::AsyncActivityError;
use temporalio_client::{ActivityIdentifier, Client, RpcOptions};

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
        let workflow = handle_of::<DocumentVerificationWorkflow>(&self.client, run.workflow_id, Some(run.run_id));
        let update = DocumentVerificationWorkflow::submit_document;
        let taken = update_within(CALL_TIMEOUT, &workflow, update, submission, request_id).await?;
        taken.ok_or_else(not_awaited)
    }

    /// Hands a decision to the activity that waits for it, if any does. One that doesn't wait any more, or not at this moment,
    /// finds the decision in the table.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away.
    pub async fn hand_over(&self, decided: &DecidedReview) -> Result<(), Problem> {
        let Some(waiting) = &decided.waiting else { return Ok(()) };
        let activity = ActivityIdentifier::by_id_workflow(&waiting.workflow_id, &waiting.run_id, &waiting.activity_id);
        let handle = self.client.get_async_activity_handle(activity);
        let completed = handle.complete(Some(decided.decision.clone()), RpcOptions::default());
        match bounded(CALL_TIMEOUT, completed).await? {
            Ok(()) | Err(AsyncActivityError::NotFound(_)) => Ok(()),
            Err(error) => Err(from_temporal(error)),
        }
    }
}

pub(crate) fn not_awaited() -> Problem {
    Problem::new(
        Reason::DocumentNotAwaited,
        "the verification waits for no document: one is under way, it is over, or there were as many as there may be",
    )
}
