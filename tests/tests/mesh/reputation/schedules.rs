//! Schedules, driven by gRPC against the real server.

use super::ledger::hours;
use crate::support::*;
use mesh_proto::reputation::v1 as proto;
use mesh_proto::reputation::v1::schedule_service_client::ScheduleServiceClient;
use mesh_testkit::{Mesh, eventually};
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

const DAILY: &str = "daily-reputation-update";
const DAY: i64 = 86_400;

fn schedules_of(mesh: &Mesh) -> ScheduleServiceClient<Channel> {
    let endpoint = Endpoint::from_shared(mesh.reputation.grpc_url());
    ScheduleServiceClient::new(endpoint.expect("the testkit makes valid addresses").connect_lazy())
}

async fn listed(schedules: &ScheduleServiceClient<Channel>) -> Vec<proto::Schedule> {
    let answer = schedules.clone().list_schedules(proto::ListSchedulesRequest {}).await;
    answer.expect("the list comes").into_inner().schedules
}

/// The daily sweep once it is as wanted.
async fn shown(
    schedules: &ScheduleServiceClient<Channel>,
    what: &str,
    wanted: impl Fn(&proto::Schedule) -> bool,
) -> proto::Schedule {
    let look = async || {
        listed(schedules)
            .await
            .into_iter()
            .find(|found| found.schedule_id == DAILY && wanted(found))
    };
    eventually(PATIENCE, what, look)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

fn is_idle(schedule: &proto::Schedule) -> bool {
    schedule.last_runs.iter().all(|run| !run.running)
}

/// Everything that the sweep writes, as text.
async fn kept(mesh: &Mesh) -> String {
    let statements = [
        "SELECT string_agg(reputations::text, ';' ORDER BY member_id) FROM reputations",
        "SELECT coalesce(string_agg(concat_ws(',', member_id, fell_at, level_before, level_after, event_id), ';'
             ORDER BY member_id, fell_at), 'none') FROM level_falls",
    ];
    let mut all = String::new();
    for statement in statements {
        let rows = mesh
            .postgres
            .sql_at(&mesh.databases.reputation, &[statement.to_owned()])
            .await;
        all.push_str(&rows.unwrap_or_else(|error| panic!("{error:#}")));
    }
    all
}

#[tokio::test]
async fn schedules_are_listed_paused_resumed_triggered_and_back_filled() {
    let mesh = Mesh::start().await.expect("the mesh starts");
    let (caller, schedules) = (Caller::of(&mesh), schedules_of(&mesh));
    let ids: Vec<String> = listed(&schedules)
        .await
        .into_iter()
        .map(|found| found.schedule_id)
        .collect();
    assert_eq!(
        ids,
        [DAILY, "monthly-verification-report", "weekly-verification-reminders"]
    );

    let pause = proto::PauseScheduleRequest {
        request_id: new_request_id(),
        schedule_id: DAILY.to_owned(),
        note: "the database moves".to_owned(),
    };
    schedules.clone().pause_schedule(pause).await.expect("it is paused");
    let paused = shown(&schedules, "the pause", |found| found.paused).await;
    assert_eq!(
        (paused.note.as_str(), paused.next_run_times.len()),
        ("the database moves", 0)
    );
    let resume = proto::ResumeScheduleRequest {
        request_id: new_request_id(),
        schedule_id: DAILY.to_owned(),
        note: String::new(),
    };
    schedules.clone().resume_schedule(resume).await.expect("it goes on");
    let resumed = shown(&schedules, "the resumption", |found| !found.paused).await;
    let next = resumed.next_run_times.first().expect("a next run").seconds;
    assert_eq!(next % DAY, 2 * 3600, "02:00 UTC");
    assert_eq!(
        (resumed.time_zone.as_str(), resumed.workflow_type.as_str()),
        ("UTC", "ReputationBatchUpdateWorkflow")
    );

    // Members with something to lose, recorded as it happened: 28 points, of which 24 are left after three periods.
    let now = mesh_runtime::clock::now().as_second();
    for member_id in 1..=20 {
        for (day, given) in [(100, 8), (100, 8), (100, 8), (99, 4)] {
            let occurred_at = Some(prost_types::Timestamp {
                seconds: now - day * DAY,
                nanos: 0,
            });
            let request = proto::RecordActivityRequest {
                occurred_at,
                ..hours(member_id, given)
            };
            caller
                .reputations
                .clone()
                .record_activity(request)
                .await
                .expect("it is recorded");
        }
    }
    let trigger = proto::TriggerScheduleRequest {
        request_id: new_request_id(),
        schedule_id: DAILY.to_owned(),
    };
    for _ in 0..3 {
        schedules
            .clone()
            .trigger_schedule(trigger.clone())
            .await
            .expect("it is triggered");
    }
    shown(&schedules, "the run", |found| found.run_count >= 1 && is_idle(found)).await;
    let on_time = kept(&mesh).await;
    assert!(on_time.contains("24006500000"), "28 × 0.95³: {on_time}");

    let backfill = proto::BackfillScheduleRequest {
        request_id: new_request_id(),
        schedule_id: DAILY.to_owned(),
        start_time: Some(prost_types::Timestamp {
            seconds: now - 90 * DAY,
            nanos: 0,
        }),
        end_time: Some(prost_types::Timestamp { seconds: now, nanos: 0 }),
    };
    for _ in 0..2 {
        schedules
            .clone()
            .backfill_schedule(backfill.clone())
            .await
            .expect("it is back-filled");
    }
    let filled = shown(&schedules, "90 days of runs", |found| {
        found.run_count >= 91 && is_idle(found)
    })
    .await;
    assert_eq!(
        filled.run_count, 91,
        "one by the trigger and 90 by the backfill, each asked for more than once"
    );
    assert_eq!(kept(&mesh).await, on_time, "on-time runs would have given the same");
    let for_days: Vec<i64> = filled
        .last_runs
        .iter()
        .filter_map(|run| run.scheduled_at)
        .map(|at| at.seconds % DAY)
        .collect();
    assert!(for_days.iter().all(|second| *second == 2 * 3600), "{for_days:?}");
}

#[tokio::test]
async fn schedules_that_are_switched_off_are_not_found() {
    let mesh = Mesh::builder()
        .setting("reputation", "SCHEDULES", "false")
        .setting("reputation", "INTERCEPTORS", "false")
        .start()
        .await
        .expect("the mesh starts");
    let schedules = schedules_of(&mesh);
    let ids: Vec<String> = listed(&schedules)
        .await
        .into_iter()
        .map(|found| found.schedule_id)
        .collect();
    assert_eq!(ids, ["monthly-verification-report", "weekly-verification-reminders"]);
    let trigger = proto::TriggerScheduleRequest {
        request_id: new_request_id(),
        schedule_id: DAILY.to_owned(),
    };
    let refused = schedules
        .clone()
        .trigger_schedule(trigger)
        .await
        .expect_err("there is none");
    assert_eq!(
        (refused.code(), refusal(&refused).reason.as_str()),
        (Code::NotFound, "SCHEDULE_NOT_FOUND")
    );
    let unknown = proto::TriggerScheduleRequest {
        request_id: new_request_id(),
        schedule_id: "hourly".to_owned(),
    };
    let refused = schedules
        .clone()
        .trigger_schedule(unknown)
        .await
        .expect_err("there is none");
    assert_eq!(refusal(&refused), bad_field("INVALID_REQUEST", "schedule_id"));
}
