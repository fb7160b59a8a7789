//! How a schedule stands in Temporal, and what an operator may do to it.

use crate::Problem;
use crate::problem::from_temporal;
use crate::workflows::{CALL_TIMEOUT, bounded};
use jiff::Timestamp;
use mesh_types::{Reason, RequestId};
use temporalio_client::tonic::{Code, IntoRequest};
use temporalio_client::{Client, grpc::WorkflowService};
use temporalio_common_full::protos::temporal::api::enums::v1::ScheduleOverlapPolicy;
use temporalio_common_full::protos::temporal::api::schedule::v1::schedule_action::Action;
use temporalio_common_full::protos::temporal::api::schedule::v1::{
    BackfillRequest, ScheduleActionResult, SchedulePatch, TriggerImmediatelyRequest,
};
use temporalio_common_full::protos::temporal::api::workflowservice::v1::{
    DescribeScheduleRequest, DescribeScheduleResponse, PatchScheduleRequest,
};

/// What is done to a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScheduleChange {
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleState {
    /// The workflow that it starts.
    pub workflow_type: String,
    /// The IANA time zone of its times.
    pub time_zone: String,
    /// Whether it is paused.
    pub is_paused: bool,
    /// The last note.
    pub note: String,
    /// The next runs; none while it is paused.
    pub next_runs: Vec<Timestamp>,
    /// The last runs, the newest first.
    pub last_runs: Vec<ScheduledRun>,
    /// Runs that were started.
    pub run_count: i64,
    /// Runs left out because one was working.
    pub skipped_run_count: i64,
    /// Runs left out because they were too late.
    pub missed_run_count: i64,
}

/// A run that a schedule started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduledRun {
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

/// How a schedule stands; `None` when there is none of that id.
///
/// # Errors
/// `TEMPORAL_UNAVAILABLE` when Temporal is away.
pub async fn find_schedule(client: &Client, id: &str) -> Result<Option<ScheduleState>, Problem> {
    let request = DescribeScheduleRequest {
        namespace: client.options().namespace.clone(),
        schedule_id: id.to_owned(),
    };
    let mut client = client.clone();
    let described = WorkflowService::describe_schedule(&mut client, request.into_request());
    match bounded(CALL_TIMEOUT, described).await? {
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
    client: &Client,
    id: &str,
    request_id: RequestId,
    change: ScheduleChange,
) -> Result<(), Problem> {
    let request = PatchScheduleRequest {
        namespace: client.options().namespace.clone(),
        schedule_id: id.to_owned(),
        patch: Some(change.into_patch()),
        identity: client.connection().identity().to_owned(),
        request_id: request_id.to_string(),
    };
    let mut client = client.clone();
    let patched = WorkflowService::patch_schedule(&mut client, request.into_request());
    match bounded(CALL_TIMEOUT, patched).await? {
        Ok(_) => Ok(()),
        Err(status) if status.code() == Code::NotFound => Err(Problem::new(
            Reason::ScheduleNotFound,
            "there is no such schedule here; its service creates it unless told not to",
        )),
        Err(status) => Err(from_temporal(status)),
    }
}

impl ScheduleChange {
    fn into_patch(self) -> SchedulePatch {
        match self {
            Self::Pause(note) => SchedulePatch {
                pause: note,
                ..Default::default()
            },
            // Temporal takes an empty text for no change.
            Self::Resume(note) => SchedulePatch {
                unpause: if note.is_empty() { "resumed".to_owned() } else { note },
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
            ScheduledRun {
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
