//! What is durable: the names and messages that cross the wire, and the workflow.

use crate::activities::Activities;
use crate::timeouts;
use serde::{Deserialize, Serialize};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{WorkflowContext, WorkflowContextView, WorkflowResult};
use uuid::Uuid;

/// The queue of this service's worker.
pub const TASK_QUEUE: &str = "greeter";

/// Who is to be greeted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GreetingRequest {
    /// The greeting; the key by which a repeated activity is known.
    pub greeting_id: Uuid,
    pub name: String,
}

/// Greets one name, durably.
#[workflow]
pub struct GreetingWorkflow {
    request: GreetingRequest,
}

#[workflow_methods]
impl GreetingWorkflow {
    #[init]
    fn new(_context: &WorkflowContextView, request: GreetingRequest) -> Self {
        Self { request }
    }

    /// Asks the one activity.
    #[run(name = "GreetingWorkflow")]
    pub async fn run(context: &mut WorkflowContext<Self>) -> WorkflowResult<String> {
        let request = context.state(|state| state.request.clone());
        Ok(context
            .execute_activity(Activities::store_greeting, request, timeouts::greeting_stored())
            .await?)
    }
}
