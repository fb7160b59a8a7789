//! Decay clocks and schedules in Temporal.

use mesh_runtime::Problem;
use mesh_runtime::schedule::{self, ScheduleChange, ScheduleState};
use mesh_runtime::workflows::{handle_of, signal, start_or_existing};
use mesh_types::{MemberId, Reason, RequestId, Schedule};
use reputation_workflows::ReputationDecayWorkflow;
use reputation_workflows::contract::{
    DecayRequest, TASK_QUEUE, decay_workflow_id, default_decay_interval_seconds, default_decay_iterations,
};
use temporalio_client::{Client, WorkflowStartOptions};
use temporalio_common_full::data_converters::RawValue;

/// The clocks and schedules.
#[derive(Clone)]
pub struct Workflows {
    client: Client,
}

impl Workflows {
    /// Over a connection.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Starts a member's clock; returns its run, or that of the clock that runs already.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away.
    pub async fn start_decay(&self, member_id: MemberId) -> Result<String, Problem> {
        let request = DecayRequest {
            member_id,
            interval_seconds: default_decay_interval_seconds(),
            iterations: default_decay_iterations(),
            iterations_done: 0,
            began_at_seconds: None,
        };
        let options = WorkflowStartOptions::new(TASK_QUEUE, decay_workflow_id(member_id)).build();
        let started = start_or_existing(&self.client, ReputationDecayWorkflow::run, request, options).await?;
        Ok(started.run_id)
    }

    /// Tells a member's clock to stop.
    ///
    /// # Errors
    /// `DECAY_NOT_RUNNING`; `TEMPORAL_UNAVAILABLE` when Temporal is away.
    pub async fn cancel_decay(&self, member_id: MemberId, request_id: RequestId) -> Result<(), Problem> {
        let clock = handle_of::<ReputationDecayWorkflow>(&self.client, decay_workflow_id(member_id), None);
        let told = signal(
            &clock,
            ReputationDecayWorkflow::cancel_decay,
            RawValue::empty(),
            request_id,
        )
        .await?;
        if !told {
            let message = "the member has no clock that runs";
            return Err(Problem::new(Reason::DecayNotRunning, message));
        }
        Ok(())
    }

    /// How a schedule stands; `None` when there is none.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away.
    pub async fn find_schedule(&self, schedule: Schedule) -> Result<Option<ScheduleState>, Problem> {
        schedule::find_schedule(&self.client, schedule.as_str()).await
    }

    /// Changes a schedule; the same request again does nothing.
    ///
    /// # Errors
    /// `SCHEDULE_NOT_FOUND`; `TEMPORAL_UNAVAILABLE` when Temporal is away.
    pub async fn change_schedule(
        &self,
        request_id: RequestId,
        schedule: Schedule,
        change: ScheduleChange,
    ) -> Result<(), Problem> {
        schedule::change_schedule(&self.client, schedule.as_str(), request_id, change).await
    }
}
