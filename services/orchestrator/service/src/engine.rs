//! Verifications in Temporal: start, look, cancel.

use mesh_runtime::{Problem, from_temporal};
use mesh_types::{MemberId, Reason, RequestId};
use orchestrator_workflows::VerificationWorkflow;
use orchestrator_workflows::contract::{
    METHODS_ATTRIBUTE, STATUS_ATTRIBUTE, TARGET_SCORE_ATTRIBUTE, TASK_QUEUE, VerificationRequest, VerificationState,
    workflow_id,
};
use std::time::Duration;
use temporalio_client::errors::{WorkflowInteractionError, WorkflowQueryError, WorkflowStartError};
use temporalio_client::{
    Client, QueryRejectCondition, WorkflowCancelOptions, WorkflowDescribeOptions, WorkflowExecutionStatus,
    WorkflowHandle, WorkflowQueryOptions, WorkflowStartOptions,
};
use temporalio_common::SearchAttributes;

/// How often, and how many times, a start is tried again while the member's last workflow closes: its end is in the read
/// model a moment before Temporal closes it.
const CLOSING: (Duration, u32) = (Duration::from_millis(50), 100);

/// How long a workflow may take to say how it stands; without a worker it would be for ever.
const QUERY_PATIENCE: Duration = Duration::from_secs(5);

/// The verification workflows.
#[derive(Clone)]
pub struct Engine {
    client: Client,
    search_attributes: bool,
}

impl Engine {
    /// Over a connection; `search_attributes` is whether the workflows that it starts have any.
    pub fn new(client: Client, search_attributes: bool) -> Self {
        Self {
            client,
            search_attributes,
        }
    }

    /// Whether the workflows that it starts have search attributes.
    pub fn search_attributes(&self) -> bool {
        self.search_attributes
    }

    /// Starts a verification's workflow and returns its run; one that was started before is found again.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away.
    pub async fn start(&self, request: &VerificationRequest) -> Result<String, Problem> {
        // It may have been taken in when the service was run otherwise.
        let request = &VerificationRequest {
            search_attributes: self.search_attributes,
            ..request.clone()
        };
        let (pause, tries) = CLOSING;
        let mut pauses = tokio::time::interval(pause);
        for _ in 0..tries {
            pauses.tick().await;
            match self
                .client
                .start_workflow(VerificationWorkflow::run, request.clone(), options(request))
                .await
            {
                Ok(handle) => {
                    return handle
                        .run_id()
                        .map(str::to_owned)
                        .ok_or_else(|| Problem::internal("a start without a run"));
                }
                Err(WorkflowStartError::AlreadyStarted {
                    run_id: Some(run_id), ..
                }) => {
                    let running = self.find_state(request.member_id).await?;
                    if running.is_some_and(|state| state.verification_id == request.verification_id) {
                        return Ok(run_id);
                    }
                }
                Err(error) => return Err(from_temporal(error)),
            }
        }
        Err(Problem::new(
            Reason::TemporalUnavailable,
            "the member's last workflow does not close yet",
        ))
    }

    /// How the member's verification stands in its workflow; none when no workflow is open.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away or no worker answers.
    pub async fn find_state(&self, member_id: MemberId) -> Result<Option<VerificationState>, Problem> {
        let options = WorkflowQueryOptions::builder()
            .reject_condition(QueryRejectCondition::NotOpen)
            .build();
        let handle = self.handle(member_id);
        let answer = handle.query(VerificationWorkflow::verification_state, (), options);
        match tokio::time::timeout(QUERY_PATIENCE, answer).await {
            Ok(Ok(state)) => Ok(Some(state)),
            Ok(Err(WorkflowQueryError::NotFound(_) | WorkflowQueryError::Rejected { .. })) => Ok(None),
            Ok(Err(error)) => Err(from_temporal(error)),
            Err(_) => Err(Problem::new(
                Reason::TemporalUnavailable,
                "no worker answers for the workflow",
            )),
        }
    }

    /// Whether the member has a workflow that is not closed. Needs no worker.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away.
    pub async fn is_open(&self, member_id: MemberId) -> Result<bool, Problem> {
        match self
            .handle(member_id)
            .describe(WorkflowDescribeOptions::default())
            .await
        {
            Ok(found) => Ok(matches!(
                found.status(),
                WorkflowExecutionStatus::Running | WorkflowExecutionStatus::Paused
            )),
            Err(WorkflowInteractionError::NotFound(_)) => Ok(false),
            Err(error) => Err(from_temporal(error)),
        }
    }

    /// Asks the member's verification to end; one that has closed stays as it is.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away.
    pub async fn cancel(&self, member_id: MemberId, request_id: RequestId) -> Result<(), Problem> {
        let options = WorkflowCancelOptions::builder()
            .reason("CancelVerification".to_owned())
            .request_id(request_id.to_string())
            .build();
        match self.handle(member_id).cancel(options).await {
            Ok(()) | Err(WorkflowInteractionError::NotFound(_)) => Ok(()),
            Err(error) => Err(from_temporal(error)),
        }
    }

    fn handle(&self, member_id: MemberId) -> WorkflowHandle<Client, VerificationWorkflow> {
        self.client
            .get_workflow_handle::<VerificationWorkflow>(workflow_id(member_id))
    }
}

fn options(request: &VerificationRequest) -> WorkflowStartOptions {
    let attributes = request.search_attributes.then(|| {
        SearchAttributes::new([
            STATUS_ATTRIBUTE.value_set("in_progress".to_owned()),
            METHODS_ATTRIBUTE.value_set(crate::parse::method_names(&request.methods)),
            TARGET_SCORE_ATTRIBUTE.value_set(i64::from(request.target_score.get())),
        ])
    });
    WorkflowStartOptions::new(TASK_QUEUE, workflow_id(request.member_id))
        .maybe_search_attributes(attributes)
        .build()
}
