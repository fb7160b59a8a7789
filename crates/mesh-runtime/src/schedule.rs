//! Schedules in Temporal: created at the start of the service that owns the workflow, if absent, and never overwritten,
//! so that what operators changed or paused stays as they left it. Operators see and change them by [`find_schedule`] and
//! [`change_schedule`].

mod state;

pub use state::{ScheduleChange, ScheduleState, ScheduledRun, change_schedule, find_schedule};

use crate::Problem;
use crate::problem::from_temporal;
use std::time::Duration;
use temporalio_client::tonic::{Code, IntoRequest};
use temporalio_client::{Client, grpc::WorkflowService};
use temporalio_common_full::protos::temporal::api::common::v1::{Payload, Payloads, WorkflowType};
use temporalio_common_full::protos::temporal::api::enums::v1::ScheduleOverlapPolicy;
use temporalio_common_full::protos::temporal::api::schedule::v1::schedule_action::Action;
use temporalio_common_full::protos::temporal::api::schedule::v1::{
    Schedule, ScheduleAction, SchedulePolicies, ScheduleSpec,
};
use temporalio_common_full::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common_full::protos::temporal::api::workflow::v1::NewWorkflowExecutionInfo;
use temporalio_common_full::protos::temporal::api::workflowservice::v1::CreateScheduleRequest;

/// How long after its time a run is still made up for when Temporal was away; an older one is left out.
const CATCH_UP: Duration = Duration::from_secs(3600);

/// The settings of schedules; flatten it into a service's own: `#[command(flatten)]`.
#[derive(clap::Args, Clone, Debug)]
pub struct ScheduleSettings {
    /// Whether to create this service's schedules at start where they are absent.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub schedules: bool,
    /// The IANA time zone of schedules that are created, e.g. Europe/Berlin.
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = time_zone)]
    pub schedule_time_zone: String,
}

fn time_zone(text: &str) -> Result<String, String> {
    match jiff::tz::TimeZone::get(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("must be a time zone of the IANA database, e.g. Europe/Berlin".to_owned()),
    }
}

/// A workflow without input of its own that runs by the clock. Never two at once: a run that comes due while the last one
/// still works is left out.
#[derive(Clone, Copy, Debug)]
pub struct CronSchedule {
    /// The schedule's id, which also begins the ids of its workflows.
    pub id: &'static str,
    /// Minute, hour, day of the month, month, day of the week.
    pub cron: &'static str,
    /// The workflow. Its input is an empty object, so every field of it has a default.
    pub workflow_type: &'static str,
    /// The queue of the workflow's worker.
    pub task_queue: &'static str,
    /// When a run that does not end is given up, less than from one run to the next: otherwise one that hangs would be the
    /// last, as no two run at once.
    pub run_timeout: Duration,
}

/// Creates a schedule unless there is one of that id, or the settings say not to. Safe for many instances at once.
///
/// # Errors
/// `TEMPORAL_UNAVAILABLE` when Temporal is away.
pub async fn ensure_schedule(
    client: &Client,
    settings: &ScheduleSettings,
    schedule: CronSchedule,
) -> Result<(), Problem> {
    if !settings.schedules {
        tracing::info!(schedule = schedule.id, "schedules are switched off; none is created");
        return Ok(());
    }
    let request = CreateScheduleRequest {
        namespace: client.options().namespace.clone(),
        schedule_id: schedule.id.to_owned(),
        schedule: Some(described(settings, schedule)),
        identity: client.connection().identity().to_owned(),
        request_id: crate::clock::new_uuid().to_string(),
        ..Default::default()
    };
    match WorkflowService::create_schedule(&mut client.clone(), request.into_request()).await {
        Ok(_) => {
            let zone = settings.schedule_time_zone.as_str();
            tracing::info!(schedule = schedule.id, cron = schedule.cron, zone, "schedule created");
            Ok(())
        }
        Err(status) if status.code() == Code::AlreadyExists => Ok(()),
        Err(status) => Err(from_temporal(status)),
    }
}

fn described(settings: &ScheduleSettings, schedule: CronSchedule) -> Schedule {
    let nothing = Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: b"{}".to_vec(),
        ..Default::default()
    };
    let start = NewWorkflowExecutionInfo {
        workflow_id: schedule.id.to_owned(),
        workflow_type: Some(WorkflowType {
            name: schedule.workflow_type.to_owned(),
        }),
        task_queue: Some(TaskQueue {
            name: schedule.task_queue.to_owned(),
            ..Default::default()
        }),
        input: Some(Payloads {
            payloads: vec![nothing],
        }),
        workflow_execution_timeout: schedule.run_timeout.try_into().ok(),
        ..Default::default()
    };
    Schedule {
        spec: Some(ScheduleSpec {
            cron_string: vec![schedule.cron.to_owned()],
            timezone_name: settings.schedule_time_zone.clone(),
            ..Default::default()
        }),
        action: Some(ScheduleAction {
            action: Some(Action::StartWorkflow(start)),
        }),
        policies: Some(SchedulePolicies {
            overlap_policy: ScheduleOverlapPolicy::Skip.into(),
            catchup_window: CATCH_UP.try_into().ok(),
            ..Default::default()
        }),
        ..Default::default()
    }
}
