//! Schedules, driven by gRPC against the real server.

use crate::support::*;
use mesh_proto::reputation::v1 as proto;
use mesh_proto::reputation::v1::schedule_service_client::ScheduleServiceClient;
use mesh_testkit::{ActingChannel, Mesh, eventually, http_get};
use sqlx::Connection;
use tonic::Code;

const DAILY: &str = "daily-reputation-update";
const DAY: i64 = 86_400;

fn schedules_of(mesh: &Mesh) -> ScheduleServiceClient<ActingChannel> {
    ScheduleServiceClient::new(operator_of(mesh).by(channel(mesh, "reputation")))
}

async fn listed(schedules: &ScheduleServiceClient<ActingChannel>) -> Vec<proto::Schedule> {
    let answer = schedules.clone().list_schedules(proto::ListSchedulesRequest {}).await;
    answer.expect("the list comes").into_inner().schedules
}

/// The daily sweep once it is as wanted.
async fn shown(
    schedules: &ScheduleServiceClient<ActingChannel>,
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
    let mesh = Mesh::builder()
        .setting("reputation", "POSTGRES_LOCK_TIMEOUT", "200ms")
        .start()
        .await
        .expect("the mesh starts");
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
    schedules
        .clone()
        .pause_schedule(pause.clone())
        .await
        .expect("it is paused");
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

    // Paused again, so that no run of its own comes in between; what is asked for runs all the same.
    let pause = proto::PauseScheduleRequest {
        request_id: new_request_id(),
        ..pause
    };
    schedules.clone().pause_schedule(pause).await.expect("it is paused");

    // Members with something to lose, kept as they were 100 days ago: 28 points, of which 26.6 are left after one period and
    // 24.0 after three, below bronze.
    let now = mesh_runtime::clock::now().as_second();
    let insert = format!(
        "INSERT INTO reputations (member_id, anchor_seconds, periods, nanopoints)
         SELECT n, {now} - 100 * 86400, 0, 28000000000 FROM generate_series(1, 20) n"
    );
    let inserted = mesh.postgres.sql_at(&mesh.databases.reputation, &[insert]).await;
    inserted.unwrap_or_else(|error| panic!("{error:#}"));
    let backfill = |from: i64, to: i64| {
        let day = |days: i64| {
            Some(prost_types::Timestamp {
                seconds: now - days * DAY,
                nanos: 0,
            })
        };
        proto::BackfillScheduleRequest {
            request_id: new_request_id(),
            schedule_id: DAILY.to_owned(),
            start_time: day(from),
            end_time: day(to),
        }
    };
    // Half of the days first. Each run works for the day it was planned for, or three periods would be gone.
    let half = backfill(90, 50);
    for _ in 0..2 {
        schedules
            .clone()
            .backfill_schedule(half.clone())
            .await
            .expect("it is back-filled");
    }
    shown(&schedules, "40 days of runs", |found| {
        found.run_count >= 40 && is_idle(found)
    })
    .await;
    let in_between = kept(&mesh).await;
    assert_eq!(in_between.matches(",1,26600000000)").count(), 20, "{in_between}");
    assert!(in_between.ends_with("none\n"), "nobody fell yet: {in_between}");

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
    shown(&schedules, "the run", |found| found.run_count >= 41 && is_idle(found)).await;
    let on_time = kept(&mesh).await;
    assert_eq!(on_time.matches(",3,24006500000)").count(), 20, "28 × 0.95³: {on_time}");
    assert_eq!(
        on_time.matches(",1,0,").count(),
        20,
        "each fell from bronze once: {on_time}"
    );

    let all = backfill(90, 0);
    schedules
        .clone()
        .backfill_schedule(all)
        .await
        .expect("it is back-filled");
    let filled = shown(&schedules, "90 days of runs", |found| {
        found.run_count >= 131 && is_idle(found)
    })
    .await;
    assert_eq!(
        filled.run_count, 131,
        "40 and 90 by backfills, 1 by the trigger, however often they were asked for"
    );
    assert_eq!(
        kept(&mesh).await,
        on_time,
        "it changes nothing that on-time runs would not have given"
    );

    // A row that a stuck session holds is left out, and shown. The run ends well all the same.
    let mut stuck = sqlx::PgConnection::connect(&mesh.databases.reputation)
        .await
        .expect("a session");
    for statement in [
        "INSERT INTO reputations SELECT 21, anchor_seconds, 0, 28000000000 FROM reputations WHERE member_id = 1",
        "BEGIN",
        "UPDATE reputations SET nanopoints = nanopoints WHERE member_id = 21",
    ] {
        sqlx::query(statement).execute(&mut stuck).await.expect("a locked row");
    }
    let again = proto::TriggerScheduleRequest {
        request_id: new_request_id(),
        schedule_id: DAILY.to_owned(),
    };
    schedules
        .clone()
        .trigger_schedule(again)
        .await
        .expect("it is triggered");
    shown(&schedules, "the run", |found| found.run_count >= 132 && is_idle(found)).await;
    let page = http_get(&format!("{}/metrics", mesh.reputation.health_url())).await;
    let page = String::from_utf8(page.expect("it has a page").1.to_vec()).expect("it is text");
    assert!(
        page.contains("mesh_rows_skipped_total{table=\"reputations\"} 1\n"),
        "{page}"
    );
    let last = "mesh_scheduled_last_success_seconds{schedule=\"daily-reputation-update\"} ";
    let last = page.split_once(last).and_then(|(_, after)| after.split_once('\n'));
    let last: i64 = last.and_then(|(seconds, _)| seconds.parse().ok()).expect("it is shown");
    assert!(last >= now, "{last}");
    drop(stuck);

    let reused = proto::PauseScheduleRequest {
        request_id: trigger.request_id,
        schedule_id: DAILY.to_owned(),
        note: "another request".to_owned(),
    };
    let refused = schedules
        .clone()
        .pause_schedule(reused)
        .await
        .expect_err("the id is taken");
    assert_eq!(refusal(&refused).reason, "REQUEST_ID_REUSED");

    let headers = tracing_headers(&mesh, &caller).await;
    assert!(headers, "with interceptors the trace goes on into workflows");
}

/// Whether a workflow that an RPC starts carries the trace of the RPC.
async fn tracing_headers(mesh: &Mesh, caller: &Caller) -> bool {
    let member_id = new_member_id();
    let request = proto::StartDecayRequest {
        request_id: new_request_id(),
        member_id,
    };
    let started = caller
        .reputations
        .clone()
        .start_decay(request.clone())
        .await
        .expect("it starts")
        .into_inner();
    let again = caller
        .reputations
        .clone()
        .start_decay(request)
        .await
        .expect("the same again")
        .into_inner();
    assert_eq!(started, again);
    let id = started.workflow_id.as_str();
    let shown = mesh
        .temporal
        .command(&["workflow", "show", "--workflow-id", id, "--output", "json"])
        .await;
    let shown = shown.unwrap_or_else(|error| panic!("{error:#}"));
    let cancel = proto::CancelDecayRequest {
        request_id: new_request_id(),
        member_id,
    };
    for _ in 0..2 {
        caller
            .reputations
            .clone()
            .cancel_decay(cancel.clone())
            .await
            .expect("it is told, also again");
    }
    let look = async || {
        let another = proto::CancelDecayRequest {
            request_id: new_request_id(),
            member_id,
        };
        let answer = caller.reputations.clone().cancel_decay(another).await;
        answer
            .err()
            .filter(|status| refusal(status).reason == "DECAY_NOT_RUNNING")
    };
    eventually(PATIENCE, "the clock to have ended", look)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    shown.contains("_tracer-data")
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
    assert!(
        !tracing_headers(&mesh, &Caller::of(&mesh)).await,
        "without interceptors nothing of a trace is sent on"
    );
}
