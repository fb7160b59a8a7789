//! `ScheduleService`.

use super::parse;
use crate::Workflows;
use crate::change_schedule::change_schedule;
use mesh_proto::fields;
use mesh_proto::reputation::v1 as proto;
use mesh_proto::reputation::v1::schedule_service_server::ScheduleService;
use mesh_runtime::idempotency::IdempotencyStore;
use mesh_runtime::schedule::{ScheduleChange, ScheduleState};
use mesh_runtime::{Problem, clock};
use mesh_types::{RequestId, Schedule};
use tonic::{Response, Status};

/// Answers `ScheduleService`.
pub struct ScheduleApi {
    idempotency: IdempotencyStore,
    workflows: Workflows,
}

impl ScheduleApi {
    /// An API over the schedules in Temporal.
    pub fn new(idempotency: IdempotencyStore, workflows: Workflows) -> Self {
        Self { idempotency, workflows }
    }

    async fn change<A: prost::Message + Default>(
        &self,
        rpc: (&str, &impl prost::Message),
        target: (RequestId, Schedule),
        change: ScheduleChange,
    ) -> Result<Response<A>, Problem> {
        let through = (&self.idempotency, &self.workflows);
        let answer = change_schedule(through, rpc, target, change, clock::now()).await?;
        Ok(Response::new(answer))
    }
}

const PAUSE: &str = "voluntier.reputation.v1.ScheduleService/PauseSchedule";
const RESUME: &str = "voluntier.reputation.v1.ScheduleService/ResumeSchedule";
const TRIGGER: &str = "voluntier.reputation.v1.ScheduleService/TriggerSchedule";
const BACKFILL: &str = "voluntier.reputation.v1.ScheduleService/BackfillSchedule";

#[tonic::async_trait]
impl ScheduleService for ScheduleApi {
    async fn list_schedules(
        &self,
        _request: tonic::Request<proto::ListSchedulesRequest>,
    ) -> Result<Response<proto::ListSchedulesResponse>, Status> {
        let mut schedules = Vec::new();
        for schedule in Schedule::ALL {
            let found = self.workflows.find_schedule(schedule).await?;
            schedules.extend(found.map(|state| shown(schedule, state)));
        }
        schedules.sort_by(|a, b| a.schedule_id.cmp(&b.schedule_id));
        Ok(Response::new(proto::ListSchedulesResponse { schedules }))
    }

    async fn pause_schedule(
        &self,
        request: tonic::Request<proto::PauseScheduleRequest>,
    ) -> Result<Response<proto::PauseScheduleResponse>, Status> {
        let request = request.get_ref();
        let target = parse::schedule(&request.request_id, &request.schedule_id)?;
        let change = ScheduleChange::Pause(parse::note_that_says_why(&request.note)?);
        Ok(self.change((PAUSE, request), target, change).await?)
    }

    async fn resume_schedule(
        &self,
        request: tonic::Request<proto::ResumeScheduleRequest>,
    ) -> Result<Response<proto::ResumeScheduleResponse>, Status> {
        let request = request.get_ref();
        let target = parse::schedule(&request.request_id, &request.schedule_id)?;
        let change = ScheduleChange::Resume(parse::note(&request.note));
        Ok(self.change((RESUME, request), target, change).await?)
    }

    async fn trigger_schedule(
        &self,
        request: tonic::Request<proto::TriggerScheduleRequest>,
    ) -> Result<Response<proto::TriggerScheduleResponse>, Status> {
        let request = request.get_ref();
        let target = parse::schedule(&request.request_id, &request.schedule_id)?;
        Ok(self.change((TRIGGER, request), target, ScheduleChange::Trigger).await?)
    }

    async fn backfill_schedule(
        &self,
        request: tonic::Request<proto::BackfillScheduleRequest>,
    ) -> Result<Response<proto::BackfillScheduleResponse>, Status> {
        let request = request.get_ref();
        let target = parse::schedule(&request.request_id, &request.schedule_id)?;
        let (from, to) = parse::range(request.start_time, request.end_time, clock::now())?;
        Ok(self
            .change((BACKFILL, request), target, ScheduleChange::Backfill { from, to })
            .await?)
    }
}

fn shown(schedule: Schedule, state: ScheduleState) -> proto::Schedule {
    let last_runs = state.last_runs.into_iter().map(|run| proto::ScheduledRun {
        scheduled_at: run.scheduled_at.map(fields::timestamp),
        started_at: run.started_at.map(fields::timestamp),
        workflow_id: run.workflow_id,
        run_id: run.run_id,
        running: run.is_running,
    });
    proto::Schedule {
        schedule_id: schedule.as_str().to_owned(),
        workflow_type: state.workflow_type,
        time_zone: state.time_zone,
        paused: state.is_paused,
        note: state.note,
        next_run_times: state.next_runs.into_iter().map(fields::timestamp).collect(),
        last_runs: last_runs.collect(),
        run_count: state.run_count,
        skipped_run_count: state.skipped_run_count,
        missed_run_count: state.missed_run_count,
    }
}
