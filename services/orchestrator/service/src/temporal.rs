//! Verifications in Temporal: start, look, cancel. Every call names the verification's own workflow, and has a time limit.

use mesh_runtime::workflows::{CALL_TIMEOUT, cancel, handle_of, query_within, start_or_existing};
use mesh_runtime::{Problem, from_temporal};
use mesh_types::{Reason, RequestId, VerificationId};
use orchestrator_workflows::VerificationWorkflow;
use orchestrator_workflows::contract::{TASK_QUEUE, VerificationInput, VerificationState, workflow_id};
use temporalio_client::errors::WorkflowInteractionError;
use temporalio_client::{
    Client, WorkflowDescribeOptions, WorkflowExecutionStatus, WorkflowHandle, WorkflowIdReusePolicy,
    WorkflowStartOptions,
};

/// The verification workflows.
#[derive(Clone)]
pub struct Workflows {
    client: Client,
}

impl Workflows {
    /// Over a connection.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Starts a verification's workflow and returns its run. It is idempotent by the verification's id: whoever starts it
    /// again, also after its end, gets the same run.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away or slow; the workflow may run then.
    pub async fn start(&self, input: VerificationInput) -> Result<String, Problem> {
        let options = WorkflowStartOptions::new(TASK_QUEUE, workflow_id(input.verification_id))
            .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
            .maybe_search_attributes(input.search_attributes())
            .build();
        let started = start_or_existing(&self.client, VerificationWorkflow::run, input, options).await?;
        Ok(started.run_id)
    }

    /// How a verification stands in its workflow; none when the workflow has not begun or is closed.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away or no worker answers.
    pub async fn find_state(&self, id: VerificationId) -> Result<Option<VerificationState>, Problem> {
        let handle = handle_of::<VerificationWorkflow>(&self.client, workflow_id(id), None);
        query_within(CALL_TIMEOUT, &handle, VerificationWorkflow::verification_state, ()).await
    }

    /// Whether Temporal says that a run of a verification is closed. A run that Temporal does not know is not: nobody can
    /// tell whether it is gone, or was looked for in the wrong place.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away or slow.
    pub async fn is_closed(&self, id: VerificationId, run_id: &str) -> Result<bool, Problem> {
        let run = self.run(id, run_id);
        let described = run.describe(WorkflowDescribeOptions::default());
        let described = tokio::time::timeout(CALL_TIMEOUT, described).await.map_err(|_| {
            let message = "the workflow engine does not answer in time";
            Problem::new(Reason::TemporalUnavailable, message)
        })?;
        match described {
            Ok(found) => Ok(is_closed(found.status())),
            Err(WorkflowInteractionError::NotFound(_)) => Ok(false),
            Err(error) => Err(from_temporal(error)),
        }
    }

    /// Asks a run of a verification to end; one that has closed stays as it is.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away or slow.
    pub async fn cancel(&self, id: VerificationId, run_id: &str, request_id: RequestId) -> Result<(), Problem> {
        cancel(&self.run(id, run_id), "CancelVerification", request_id).await?;
        Ok(())
    }

    fn run(&self, id: VerificationId, run_id: &str) -> WorkflowHandle<Client, VerificationWorkflow> {
        handle_of(&self.client, workflow_id(id), Some(run_id.to_owned()))
    }
}

fn is_closed(status: WorkflowExecutionStatus) -> bool {
    use WorkflowExecutionStatus::{Canceled, Completed, Failed, Terminated, TimedOut};
    matches!(status, Canceled | Completed | Failed | Terminated | TimedOut)
}
