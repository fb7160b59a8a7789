//! Verifications in Temporal: start, look, cancel. Every call names the verification's own workflow, and has a time limit.

use mesh_runtime::{Problem, from_temporal};
use mesh_types::{Reason, RequestId, VerificationId};
use orchestrator_workflows::VerificationWorkflow;
use orchestrator_workflows::contract::{TASK_QUEUE, VerificationInput, VerificationState, workflow_id};
use std::future::Future;
use std::time::Duration;
use temporalio_client::errors::{WorkflowInteractionError, WorkflowQueryError, WorkflowStartError};
use temporalio_client::{
    Client, QueryRejectCondition, WorkflowCancelOptions, WorkflowDescribeOptions, WorkflowExecutionInfo,
    WorkflowExecutionStatus, WorkflowHandle, WorkflowIdReusePolicy, WorkflowQueryOptions, WorkflowStartOptions,
};

/// The longest that an RPC waits for Temporal. A query without a worker would wait for ever.
const CALL_TIMEOUT: Duration = Duration::from_secs(3);

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
        let start = self.client.start_workflow(VerificationWorkflow::run, input, options);
        match within(start).await? {
            Ok(handle) => {
                let run_id = handle.run_id().map(str::to_owned);
                run_id.ok_or_else(|| Problem::internal("a start without a run"))
            }
            Err(WorkflowStartError::AlreadyStarted {
                run_id: Some(run_id), ..
            }) => Ok(run_id),
            Err(error) => Err(from_temporal(error)),
        }
    }

    /// How a verification stands in its workflow; none when the workflow has not begun or is closed.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away or no worker answers.
    pub async fn find_state(&self, id: VerificationId) -> Result<Option<VerificationState>, Problem> {
        let options = WorkflowQueryOptions::builder()
            .reject_condition(QueryRejectCondition::NotOpen)
            .build();
        let handle = self.client.get_workflow_handle::<VerificationWorkflow>(workflow_id(id));
        match within(handle.query(VerificationWorkflow::verification_state, (), options)).await? {
            Ok(state) => Ok(Some(state)),
            Err(WorkflowQueryError::NotFound(_) | WorkflowQueryError::Rejected { .. }) => Ok(None),
            Err(error) => Err(from_temporal(error)),
        }
    }

    /// Whether Temporal says that a run of a verification is closed. A run that Temporal does not know is not: nobody can
    /// tell whether it is gone, or was looked for in the wrong place.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away or slow.
    pub async fn is_closed(&self, id: VerificationId, run_id: &str) -> Result<bool, Problem> {
        match within(self.run(id, run_id).describe(WorkflowDescribeOptions::default())).await? {
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
        let options = WorkflowCancelOptions::builder()
            .reason("CancelVerification".to_owned())
            .request_id(request_id.to_string())
            .build();
        match within(self.run(id, run_id).cancel(options)).await? {
            Ok(()) | Err(WorkflowInteractionError::NotFound(_)) => Ok(()),
            Err(error) => Err(from_temporal(error)),
        }
    }

    fn run(&self, id: VerificationId, run_id: &str) -> WorkflowHandle<Client, VerificationWorkflow> {
        let run = WorkflowExecutionInfo::builder()
            .namespace(self.client.options().namespace.clone())
            .workflow_id(workflow_id(id))
            .run_id(run_id.to_owned())
            .build();
        WorkflowHandle::new(self.client.clone(), run)
    }
}

fn is_closed(status: WorkflowExecutionStatus) -> bool {
    use WorkflowExecutionStatus::{Canceled, Completed, Failed, Terminated, TimedOut};
    matches!(status, Canceled | Completed | Failed | Terminated | TimedOut)
}

async fn within<T>(call: impl Future<Output = T>) -> Result<T, Problem> {
    let slow = |_| {
        Problem::new(
            Reason::TemporalUnavailable,
            "the workflow engine does not answer in time",
        )
    };
    tokio::time::timeout(CALL_TIMEOUT, call).await.map_err(slow)
}
