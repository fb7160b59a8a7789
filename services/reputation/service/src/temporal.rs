//! Decay clocks and schedules in Temporal.

use jiff::Timestamp;
use mesh_runtime::{Problem, from_temporal};
use mesh_types::{MemberId, Reason, RequestId, Schedule};
use reputation_workflows::ReputationDecayWorkflow;
use reputation_workflows::contract::{
    DecayRequest, TASK_QUEUE, decay_workflow_id, default_decay_interval_seconds, default_decay_iterations,
};
use temporalio_client::errors::{WorkflowInteractionError, WorkflowStartError};
use temporalio_client::tonic::{Code, IntoRequest};
use temporalio_client::{Client, WorkflowSignalOptions, WorkflowStartOptions, grpc::WorkflowService};
use temporalio_common_full::data_converters::RawValue;
use temporalio_common_full::protos::temporal::api::enums::v1::ScheduleOverlapPolicy;
use temporalio_common_full::protos::temporal::api::schedule::v1::schedule_action::Action;
use temporalio_common_full::protos::temporal::api::schedule::v1::{
    BackfillRequest, ScheduleActionResult, SchedulePatch, TriggerImmediatelyRequest,
};
use temporalio_common_full::protos::temporal::api::workflowservice::v1::{
    DescribeScheduleRequest, DescribeScheduleResponse, PatchScheduleRequest,
};

/// The clocks and schedules.
#[derive(Clone)]
pub struct Workflows {
    client: Client,
}

/// What is done to a schedule.
#[derive(Clone, Debug)]
pub enum Change {
    /// Nothing more starts, and why.
    Pause(String),
    /// It goes on, and why.
    Resume(String),
    /// One run now, unless one is running.
    Trigger,
    /// The runs of a past range, one after the other.
    Backfill {
        /// The beginning.
        from: Timestamp,
        /// The end.
        to: Timestamp,
    },
}

/// How a schedule stands.
pub struct ScheduleState {
    /// The workflow that it starts.
    pub workflow_type: String,
    /// The IANA time zone of its times.
    pub time_zone: String,
    /// Whether it is paused.
    pub is_paused: bool,
    /// The last note.
    pub note: String,
    /// The next runs.
    pub next_runs: Vec<Timestamp>,
    /// The last runs, the newest first.
    pub last_runs: Vec<Run>,
    /// Runs that were started.
    pub run_count: i64,
    /// Runs left out because one was working.
    pub skipped_run_count: i64,
    /// Runs left out because they were too late.
    pub missed_run_count: i64,
}

/// A run that a schedule started.
pub struct Run {
    /// The instant it was planned for.
    pub scheduled_at: Option<Timestamp>,
    /// When it was started.
    pub started_at: Option<Timestamp>,
    /// The workflow.
    pub workflow_id: String,
    /// Its run.
    pub run_id: String,
    /// Whether it is still working.
    pub is_running: bool,
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
        let started = self
            .client
            .start_workflow(ReputationDecayWorkflow::run, request, options);
        let run_id = match started.await {
            Ok(handle) => handle.run_id().map(str::to_owned),
            Err(WorkflowStartError::AlreadyStarted { run_id, .. }) => run_id,
            Err(error) => return Err(from_temporal(error)),
        };
        run_id.ok_or_else(|| Problem::internal("a start without a run"))
    }

    /// Tells a member's clock to stop.
    ///
    /// # Errors
    /// `DECAY_NOT_RUNNING`; `TEMPORAL_UNAVAILABLE` when Temporal is away.
    pub async fn cancel_decay(&self, member_id: MemberId) -> Result<(), Problem> {
        let id = decay_workflow_id(member_id);
        let clock = self.client.get_workflow_handle::<ReputationDecayWorkflow>(id);
        let options = WorkflowSignalOptions::default();
        match clock
            .signal(ReputationDecayWorkflow::cancel_decay, RawValue::empty(), options)
            .await
        {
            Ok(()) => Ok(()),
            Err(WorkflowInteractionError::NotFound(_)) => Err(Problem::new(
                Reason::DecayNotRunning,
                "the member has no clock that runs",
            )),
            Err(error) => Err(from_temporal(error)),
        }
    }

    /// How a schedule stands; `None` when there is none.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away.
    pub async fn find_schedule(&self, schedule: Schedule) -> Result<Option<ScheduleState>, Problem> {
        let request = DescribeScheduleRequest {
            namespace: self.client.options().namespace.clone(),
            schedule_id: schedule.as_str().to_owned(),
        };
        match WorkflowService::describe_schedule(&mut self.client.clone(), request.into_request()).await {
            Ok(answer) => Ok(Some(ScheduleState::from(answer.into_inner()))),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(from_temporal(status)),
        }
    }

    /// Changes a schedule; the same request again does nothing.
    ///
    /// # Errors
    /// `SCHEDULE_NOT_FOUND`; `TEMPORAL_UNAVAILABLE` when Temporal is away.
    pub async fn change_schedule(
        &self,
        request_id: RequestId,
        schedule: Schedule,
        change: Change,
    ) -> Result<(), Problem> {
        let request = PatchScheduleRequest {
            namespace: self.client.options().namespace.clone(),
            schedule_id: schedule.as_str().to_owned(),
            patch: Some(change.into_patch()),
            identity: self.client.connection().identity().to_owned(),
            request_id: request_id.to_string(),
        };
        match WorkflowService::patch_schedule(&mut self.client.clone(), request.into_request()).await {
            Ok(_) => Ok(()),
            Err(status) if status.code() == Code::NotFound => Err(Problem::new(
                Reason::ScheduleNotFound,
                "there is no such schedule here; its service creates it unless told not to",
            )),
            Err(status) => Err(from_temporal(status)),
        }
    }
}

impl Change {
    fn into_patch(self) -> SchedulePatch {
        // Temporal takes an empty text for no change.
        let said = |note: String| if note.is_empty() { "resumed".to_owned() } else { note };
        match self {
            Self::Pause(note) => SchedulePatch {
                pause: note,
                ..Default::default()
            },
            Self::Resume(note) => SchedulePatch {
                unpause: said(note),
                ..Default::default()
            },
            Self::Trigger => SchedulePatch {
                trigger_immediately: Some(TriggerImmediatelyRequest {
                    overlap_policy: ScheduleOverlapPolicy::Skip.into(),
                    ..Default::default()
                }),
                ..Default::default()
            },
            Self::Backfill { from, to } => SchedulePatch {
                backfill_request: vec![BackfillRequest {
                    start_time: Some(proto_time(from)),
                    end_time: Some(proto_time(to)),
                    overlap_policy: ScheduleOverlapPolicy::BufferAll.into(),
                }],
                ..Default::default()
            },
        }
    }
}

fn proto_time(at: Timestamp) -> prost_wkt_types::Timestamp {
    prost_wkt_types::Timestamp {
        seconds: at.as_second(),
        nanos: at.subsec_nanosecond(),
    }
}

fn time(at: prost_wkt_types::Timestamp) -> Option<Timestamp> {
    Timestamp::new(at.seconds, at.nanos).ok()
}

impl From<DescribeScheduleResponse> for ScheduleState {
    fn from(described: DescribeScheduleResponse) -> Self {
        let schedule = described.schedule.unwrap_or_default();
        let state = schedule.state.unwrap_or_default();
        let info = described.info.unwrap_or_default();
        let start = schedule.action.and_then(|action| action.action);
        let workflow_type = start.and_then(|Action::StartWorkflow(start)| start.workflow_type);
        let is_running = |run_id: &str| info.running_workflows.iter().any(|running| running.run_id == run_id);
        let run = |result: &ScheduleActionResult| {
            let started = result.start_workflow_result.clone().unwrap_or_default();
            Run {
                scheduled_at: result.schedule_time.and_then(time),
                started_at: result.actual_time.and_then(time),
                is_running: is_running(&started.run_id),
                workflow_id: started.workflow_id,
                run_id: started.run_id,
            }
        };
        Self {
            workflow_type: workflow_type.unwrap_or_default().name,
            time_zone: schedule.spec.unwrap_or_default().timezone_name,
            is_paused: state.paused,
            note: state.notes,
            next_runs: match state.paused {
                true => Vec::new(),
                false => info.future_action_times.iter().copied().filter_map(time).collect(),
            },
            last_runs: info.recent_actions.iter().rev().map(run).collect(),
            run_count: info.action_count,
            skipped_run_count: info.overlap_skipped,
            missed_run_count: info.missed_catchup_window,
        }
    }
}
