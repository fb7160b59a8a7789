//! Workflows of validations in Temporal: a validator's answer, and a person's decision.

use crate::store::WorkflowRun;
use community_workflows::CommunityValidationWorkflow;
use community_workflows::contract::{ResponseTaken, ReviewDecision, ValidatorResponse};
use mesh_runtime::Problem;
use mesh_runtime::workflows::{CALL_TIMEOUT, handle_of, signal, update_within};
use mesh_types::RequestId;
use temporalio_client::Client;
use temporalio_common::data_converters::RawValue;
use temporalio_common::protos::temporal::api::common::v1::Payload;

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

    /// Tells a workflow of an answer that stands, though a task in which it took it was lost. A signal is kept by Temporal, so it
    /// gets there. One that is over has no need of it.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away.
    pub async fn tell_of_vote(
        &self,
        run: WorkflowRun,
        response: &ValidatorResponse,
        request_id: RequestId,
    ) -> Result<(), Problem> {
        let workflow = handle_of::<CommunityValidationWorkflow>(&self.client, run.workflow_id, Some(run.run_id));
        let payload = Payload {
            metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
            data: serde_json::to_vec(response).map_err(Problem::internal)?,
            ..Default::default()
        };
        let message = RawValue::new(vec![payload]);
        let told = signal(
            &workflow,
            CommunityValidationWorkflow::validator_response,
            message,
            request_id,
        );
        told.await.map(|_is_open| ())
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
