//! The calls of this service to its workflows.

use crate::workflows::{GreetingRequest, GreetingWorkflow, TASK_QUEUE};
use mesh_runtime::workflows::{handle_of, start_or_existing};
use mesh_runtime::{Problem, from_temporal};
use temporalio_client::{Client, WorkflowGetResultOptions, WorkflowStartOptions};
use uuid::Uuid;

/// The workflows of greetings.
pub struct Workflows {
    client: Client,
}

impl Workflows {
    /// Over a connection.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Greets, and waits for it.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away, `INTERNAL` when the workflow fails.
    pub async fn greet(&self, greeting_id: Uuid, name: String) -> Result<String, Problem> {
        let id = format!("greeting-{greeting_id}");
        let options = WorkflowStartOptions::new(TASK_QUEUE, id.as_str()).build();
        let request = GreetingRequest { greeting_id, name };
        let started = start_or_existing(&self.client, GreetingWorkflow::run, request, options).await?;
        handle_of::<GreetingWorkflow>(&self.client, id, Some(started.run_id))
            .get_result(WorkflowGetResultOptions::default())
            .await
            .map_err(from_temporal)
    }
}
