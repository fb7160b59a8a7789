//! `ScheduleService`: parse, call, render.

use super::once::{Request, once};
use super::{parse, render};
use crate::Store;
use crate::engine::{Change, Engine, ScheduleState};
use mesh_proto::reputation::v1 as proto;
use mesh_proto::reputation::v1::schedule_service_server::ScheduleService;
use mesh_runtime::{Problem, clock};
use mesh_types::Schedule;
use tonic::{Response, Status};

/// Answers `ScheduleService`.
pub struct ScheduleApi {
    store: Store,
    engine: Engine,
}

impl ScheduleApi {
    /// An API over the schedules in Temporal.
    pub fn new(store: Store, engine: Engine) -> Self {
        Self { store, engine }
    }

    async fn change(&self, (request, schedule): (Request, Schedule), change: Change) -> Result<(), Problem> {
        let work = |_| async {
            // Temporal knows a request again by its id, so a try that got lost is not made twice either.
            self.engine.change_schedule(request.id(), schedule, change).await?;
            Ok(schedule.as_str().to_owned())
        };
        once(&self.store, &request, work).await.map(|_| ())
    }
}

/// What a change is asked of, with the request that asks.
fn asked(
    rpc: &str,
    (request_id, schedule_id): (&str, &str),
    message: &impl prost::Message,
) -> Result<(Request, Schedule), Problem> {
    let (request_id, schedule) = parse::schedule(request_id, schedule_id)?;
    Ok((Request::new(request_id, rpc, message), schedule))
}

#[tonic::async_trait]
impl ScheduleService for ScheduleApi {
    async fn list_schedules(
        &self,
        _request: tonic::Request<proto::ListSchedulesRequest>,
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
        request: tonic::Request<proto::PauseScheduleRequest>,
    ) -> Result<Response<proto::PauseScheduleResponse>, Status> {
        let request = request.into_inner();
        let asked = asked("PauseSchedule", (&request.request_id, &request.schedule_id), &request)?;
        let change = Change::Pause(parse::note_that_says_why(&request.note)?);
        self.change(asked, change).await?;
        Ok(Response::new(proto::PauseScheduleResponse {}))
    }

    async fn resume_schedule(
        &self,
        request: tonic::Request<proto::ResumeScheduleRequest>,
    ) -> Result<Response<proto::ResumeScheduleResponse>, Status> {
        let request = request.into_inner();
        let asked = asked("ResumeSchedule", (&request.request_id, &request.schedule_id), &request)?;
        let change = Change::Resume(parse::note(&request.note)?);
        self.change(asked, change).await?;
        Ok(Response::new(proto::ResumeScheduleResponse {}))
    }

    async fn trigger_schedule(
        &self,
        request: tonic::Request<proto::TriggerScheduleRequest>,
    ) -> Result<Response<proto::TriggerScheduleResponse>, Status> {
        let request = request.into_inner();
        let asked = asked("TriggerSchedule", (&request.request_id, &request.schedule_id), &request)?;
        self.change(asked, Change::Trigger).await?;
        Ok(Response::new(proto::TriggerScheduleResponse {}))
    }

    async fn backfill_schedule(
        &self,
        request: tonic::Request<proto::BackfillScheduleRequest>,
    ) -> Result<Response<proto::BackfillScheduleResponse>, Status> {
        let request = request.into_inner();
        let (from, to) = parse::range(request.start_time, request.end_time, clock::now())?;
        let asked = asked(
            "BackfillSchedule",
            (&request.request_id, &request.schedule_id),
            &request,
        )?;
        self.change(asked, Change::Backfill { from, to }).await?;
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
