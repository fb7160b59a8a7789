//! `ScheduleService`: parse, call, render.

use super::{parse, render};
use crate::engine::{Change, Engine, ScheduleState};
use mesh_proto::reputation::v1 as proto;
use mesh_proto::reputation::v1::schedule_service_server::ScheduleService;
use mesh_runtime::{Problem, clock};
use mesh_types::Schedule;
use tonic::{Request, Response, Status};

/// Answers `ScheduleService`.
pub struct ScheduleApi {
    engine: Engine,
}

impl ScheduleApi {
    /// An API over the schedules in Temporal.
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }

    async fn change(&self, request_id: &str, schedule_id: &str, change: Change) -> Result<(), Problem> {
        let (request_id, schedule) = parse::schedule(request_id, schedule_id)?;
        self.engine.change_schedule(request_id, schedule, change).await
    }
}

#[tonic::async_trait]
impl ScheduleService for ScheduleApi {
    async fn list_schedules(
        &self,
        _request: Request<proto::ListSchedulesRequest>,
    ) -> Result<Response<proto::ListSchedulesResponse>, Status> {
        let mut schedules = Vec::new();
        for schedule in Schedule::ALL {
            let found = self.engine.find_schedule(schedule).await?;
            schedules.extend(found.map(|state| shown(schedule, state)));
        }
        schedules.sort_by(|a, b| a.schedule_id.cmp(&b.schedule_id));
        Ok(Response::new(proto::ListSchedulesResponse { schedules }))
    }

    async fn pause_schedule(
        &self,
        request: Request<proto::PauseScheduleRequest>,
    ) -> Result<Response<proto::PauseScheduleResponse>, Status> {
        let request = request.into_inner();
        let change = Change::Pause(parse::note_that_says_why(&request.note)?);
        self.change(&request.request_id, &request.schedule_id, change).await?;
        Ok(Response::new(proto::PauseScheduleResponse {}))
    }

    async fn resume_schedule(
        &self,
        request: Request<proto::ResumeScheduleRequest>,
    ) -> Result<Response<proto::ResumeScheduleResponse>, Status> {
        let request = request.into_inner();
        let change = Change::Resume(parse::note(&request.note)?);
        self.change(&request.request_id, &request.schedule_id, change).await?;
        Ok(Response::new(proto::ResumeScheduleResponse {}))
    }

    async fn trigger_schedule(
        &self,
        request: Request<proto::TriggerScheduleRequest>,
    ) -> Result<Response<proto::TriggerScheduleResponse>, Status> {
        let request = request.into_inner();
        self.change(&request.request_id, &request.schedule_id, Change::Trigger)
            .await?;
        Ok(Response::new(proto::TriggerScheduleResponse {}))
    }

    async fn backfill_schedule(
        &self,
        request: Request<proto::BackfillScheduleRequest>,
    ) -> Result<Response<proto::BackfillScheduleResponse>, Status> {
        let request = request.into_inner();
        let (from, to) = parse::range(request.start_time, request.end_time, clock::now())?;
        let change = Change::Backfill { from, to };
        self.change(&request.request_id, &request.schedule_id, change).await?;
        Ok(Response::new(proto::BackfillScheduleResponse {}))
    }
}

fn shown(schedule: Schedule, state: ScheduleState) -> proto::Schedule {
    let last_runs = state.last_runs.into_iter().map(|run| proto::ScheduledRun {
        scheduled_at: run.scheduled_at.map(render::timestamp),
        started_at: run.started_at.map(render::timestamp),
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
        next_run_times: state.next_runs.into_iter().map(render::timestamp).collect(),
        last_runs: last_runs.collect(),
        run_count: state.run_count,
        skipped_run_count: state.skipped_run_count,
        missed_run_count: state.missed_run_count,
    }
}
