//! Verifications in Temporal: start, look, cancel. Every call names the verification's own workflow, and has a time limit.

use mesh_runtime::Problem;
use mesh_runtime::workflows::{CALL_TIMEOUT, cancel, handle_of, query_within, result_of, start_or_existing, status_of};
use mesh_types::{RequestId, VerificationId};
use orchestrator_workflows::VerificationWorkflow;
use orchestrator_workflows::contract::{
    TASK_QUEUE, VerificationInput, VerificationOutcome, VerificationState, workflow_id,
};
use std::time::Duration;
use temporalio_client::{Client, WorkflowExecutionStatus, WorkflowHandle, WorkflowIdReusePolicy, WorkflowStartOptions};

/// How long after its deadline a workflow may still try to record its end.
pub const TO_RECORD_THE_END: Duration = Duration::from_secs(7 * 24 * 3600);

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
            .execution_timeout(execution_timeout(&input))
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
        let workflow = self.workflow(id);
        query_within(CALL_TIMEOUT, &workflow, VerificationWorkflow::verification_state, ()).await
    }

    /// What Temporal says of a verification's workflow. It is its last run that counts: an operator's reset closes a run and
    /// goes on in another one.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away or slow.
    pub async fn look_at(&self, id: VerificationId) -> Result<Look, Problem> {
        use WorkflowExecutionStatus::{Canceled, Completed, Failed, Terminated, TimedOut};
        let workflow = self.workflow(id);
        Ok(match status_of(&workflow).await? {
            Some(Completed) => match result_of(&workflow).await? {
                Some(outcome) => Look::Closed(Close::Completed(outcome)),
                None => Look::Unknown,
            },
            Some(Canceled) => Look::Closed(Close::Cancelled),
            Some(TimedOut) => Look::Closed(Close::TimedOut),
            Some(Failed | Terminated) => Look::Closed(Close::FromOutside),
            Some(_) => Look::Open,
            None => Look::Unknown,
        })
    }

    /// Asks a verification to end; `false` when Temporal knows no workflow of it. One that is closed stays as it is.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away or slow.
    pub async fn cancel(&self, id: VerificationId, request_id: RequestId) -> Result<bool, Problem> {
        cancel(&self.workflow(id), "CancelVerification", request_id).await
    }

    fn workflow(&self, id: VerificationId) -> WorkflowHandle<Client, VerificationWorkflow> {
        handle_of(&self.client, workflow_id(id), None)
    }
}

/// What Temporal says of the workflow of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// It runs.
    Open,
    /// It is closed.
    Closed(Close),
    /// There is none. That alone proves nothing: it may have been looked for in the wrong place.
    Unknown,
}

/// How the workflow of a verification was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Close {
    /// By itself, with its outcome.
    Completed(VerificationOutcome),
    /// By itself, because it was cancelled.
    Cancelled,
    /// By Temporal, because it ran for longer than it may.
    TimedOut,
    /// From outside, for example by an operator's `terminate`, or by a failure.
    FromOutside,
}

/// How long a workflow may run. It ends by itself at its deadline; only one that is stuck, or can't record its end because
/// the database is away, needs more.
fn execution_timeout(input: &VerificationInput) -> Duration {
    let until_deadline = input.deadline_at_seconds.saturating_sub(input.started_at_seconds);
    Duration::from_secs(until_deadline.unsigned_abs()) + TO_RECORD_THE_END
}
