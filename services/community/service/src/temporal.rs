//! Workflows of validations in Temporal: a validator's answer, and a person's decision.

use crate::store::WorkflowRun;
use community_workflows::CommunityValidationWorkflow;
use community_workflows::contract::{ResponseTaken, ReviewDecision, ValidatorResponse};
use mesh_runtime::Problem;
use mesh_runtime::workflows::{CALL_TIMEOUT, handle_of, update_within};
use mesh_types::RequestId;
use temporalio_client::Client;

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

    /// Gives a workflow a validator's answer; the same request again returns the same. None when the workflow refuses it or is
    /// over.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away, no worker answers, or the answer can't be recorded in time; then it is not
    /// known whether it counts.
    pub async fn submit(
        &self,
        run: WorkflowRun,
        response: ValidatorResponse,
        request_id: RequestId,
    ) -> Result<Option<ResponseTaken>, Problem> {
        let workflow = handle_of::<CommunityValidationWorkflow>(&self.client, run.workflow_id, Some(run.run_id));
        let update = CommunityValidationWorkflow::submit_validation;
        update_within(CALL_TIMEOUT, &workflow, update, response, request_id).await
    }

    /// Gives a workflow the decision of a person; the same request again returns the same. False when the workflow waits for none.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away or no worker answers; then it is not known whether it was taken.
    pub async fn decide(
        &self,
        run: WorkflowRun,
        decision: ReviewDecision,
        request_id: RequestId,
    ) -> Result<bool, Problem> {
        let workflow = handle_of::<CommunityValidationWorkflow>(&self.client, run.workflow_id, Some(run.run_id));
        let update = CommunityValidationWorkflow::decide_validation;
        let taken = update_within(CALL_TIMEOUT, &workflow, update, decision, request_id).await?;
        Ok(taken.is_some())
    }
}
