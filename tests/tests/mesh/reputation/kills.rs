//! The worker or the database dies in the middle: what was begun goes on by itself and comes to the same.

use crate::support::*;
use mesh_testkit::{Engine, Mesh, eventually};
use reputation_workflows::policy::decay::{Nanopoints, PERIOD_SECONDS};
use reputation_workflows::policy::materialized::Materialized;
use sqlx::{Connection, PgConnection, Row};
use std::collections::BTreeMap;

const DAY: i64 = 86_400;
/// Members of a sweep of five shards.
const MEMBERS: i64 = 5_000;
const SHARD: i64 = 1_000;

async fn connect(mesh: &Mesh) -> PgConnection {
    let look = async || PgConnection::connect(&mesh.databases.reputation).await.ok();
    eventually(PATIENCE, "the database", look)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

async fn number(connection: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql)
        .fetch_one(connection)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// Waits until another connection waits for a lock that this one holds.
async fn until_somebody_waits(connection: &mut PgConnection) {
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))";
    let end = tokio::time::Instant::now() + PATIENCE;
    while number(connection, waiting).await == 0 {
        assert!(tokio::time::Instant::now() < end, "nobody comes to the locked row");
        tokio::task::yield_now().await;
    }
}

async fn start(mesh: &Mesh, workflow: &str, id: &str, input: &str) {
    let command = [
        "workflow",
        "start",
        "--type",
        workflow,
        "--task-queue",
        "reputation",
        "--workflow-id",
        id,
        "--input",
        input,
    ];
    mesh.temporal
        .command(&command)
        .await
        .unwrap_or_else(|error| panic!("{error:#}"));
}

async fn until_completed(mesh: &Mesh, id: &str) {
    let command = ["workflow", "describe", "--workflow-id", id, "--output", "json"];
    let look = async || {
        let shown = mesh.temporal.command(&command).await.ok()?;
        shown.contains("WORKFLOW_EXECUTION_STATUS_COMPLETED").then_some(())
    };
    eventually(PATIENCE, "the workflow to end", look)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test]
async fn a_worker_killed_between_commit_and_report_has_decayed_once() {
    let mesh = Mesh::builder()
        // The commit waits at a gate for as long as this test needs.
        .setting("reputation", "POSTGRES_LOCK_TIMEOUT", "60s")
        .setting("reputation", "POSTGRES_STATEMENT_TIMEOUT", "60s")
        .start()
        .await
        .expect("the mesh starts");
    let mut watch = connect(&mesh).await;
    let mut gate = connect(&mesh).await;
    // 28 points, 100 days ago: three periods, and a fall below 25.
    let rows = "INSERT INTO reputations (member_id, anchor_seconds, periods, nanopoints)
                VALUES (7, extract(epoch FROM now() - interval '100 days')::bigint, 0, 28000000000)";
    sqlx::query(rows).execute(&mut watch).await.expect("a member");
    // The commit of the update waits at a gate, held by this test. Whoever is killed there has sent the commit, and the
    // database carries it out when the gate opens, though nobody is left to hear of it.
    for statement in [
        "CREATE FUNCTION wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END'",
        "CREATE CONSTRAINT TRIGGER gate AFTER UPDATE ON reputations DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION wait_at_the_gate()",
    ] {
        sqlx::query(statement).execute(&mut watch).await.expect("a gate");
    }
    sqlx::query("SELECT pg_advisory_lock(1)")
        .execute(&mut gate)
        .await
        .expect("it is shut");
    let id = "reputation-decay-7";
    let input = r#"{"member_id": 7, "interval_seconds": 1, "iterations": 1}"#;
    start(&mesh, "ReputationDecayWorkflow", id, input).await;
    until_somebody_waits(&mut gate).await;
    mesh.reputation.sigkill().await;
    sqlx::query("SELECT pg_advisory_unlock(1)")
        .execute(&mut gate)
        .await
        .expect("it opens");
    let look = async || {
        let mut looking = connect(&mesh).await;
        (number(&mut looking, "SELECT periods::bigint FROM reputations").await == 3).then_some(())
    };
    eventually(PATIENCE, "the commit that nobody heard of", look)
        .await
        .unwrap_or_else(|error| panic!("{error}"));

    mesh.reputation.restart().await.expect("it starts again");
    until_completed(&mesh, id).await;
    assert_eq!(number(&mut watch, "SELECT periods::bigint FROM reputations").await, 3);
    assert_eq!(
        number(&mut watch, "SELECT nanopoints FROM reputations").await,
        28_000_000_000 / 8000 * 6859
    );
    assert_eq!(number(&mut watch, "SELECT count(*) FROM level_falls").await, 1);
    let shown = mesh
        .temporal
        .command(&["workflow", "show", "--workflow-id", id, "--output", "json"])
        .await;
    let shown = shown.unwrap_or_else(|error| panic!("{error:#}"));
    let history: serde_json::Value = serde_json::from_str(&shown).expect("a history is JSON");
    let events = history["events"].as_array().expect("a history has events");
    let attempts = events
        .iter()
        .filter_map(|event| event["activityTaskStartedEventAttributes"]["attempt"].as_i64());
    assert_eq!(attempts.max(), Some(2), "the update was tried again");
}

/// Members with scores and anchors of all kinds, what a sweep as of an instant must make of them, and how many falls below
/// a level it must find.
async fn members(connection: &mut PgConnection, as_of: i64) -> (BTreeMap<i64, Materialized>, i64) {
    let insert = "INSERT INTO reputations (member_id, anchor_seconds, periods, nanopoints)
                  SELECT n, $1 - n * 7919 % 1000 * 86400, 0, n * 104729 % 101 * 1000000000
                    FROM generate_series(1, $2) n";
    let inserted = sqlx::query(insert).bind(as_of).bind(MEMBERS).execute(connection).await;
    inserted.expect("members");
    let mut falls = 0;
    let swept = |number: i64| {
        let mut kept = Materialized {
            anchor_seconds: as_of - number * 7919 % 1000 * DAY,
            periods: 0,
            score: Nanopoints::capped(score_of(number) * Nanopoints::ONE_POINT),
        };
        falls += kept.advance(as_of).len() as i64;
        (number, kept)
    };
    let kept = (1..=MEMBERS).map(swept).collect();
    (kept, falls)
}

fn score_of(number: i64) -> i64 {
    number * 104_729 % 101
}

/// Shuts a row, so that the shard that it is in stops in the middle.
async fn shut(mesh: &Mesh, member_id: i64) -> PgConnection {
    let mut gate = connect(mesh).await;
    sqlx::query("BEGIN").execute(&mut gate).await.expect("a transaction");
    let row = sqlx::query("SELECT 1 FROM reputations WHERE member_id = $1 FOR UPDATE").bind(member_id);
    row.execute(&mut gate).await.expect("a row");
    gate
}

#[tokio::test]
async fn a_sweep_goes_on_after_the_database_and_the_worker_were_killed_in_it() {
    let mesh = Mesh::builder()
        .postgres(Engine::Own)
        .setting("reputation", "SWEEP_SHARD_MEMBERS", SHARD.to_string())
        // A shard waits at a gate for as long as this test needs.
        .setting("reputation", "POSTGRES_LOCK_TIMEOUT", "60s")
        .setting("reputation", "POSTGRES_STATEMENT_TIMEOUT", "60s")
        // Slow enough to shut the second gate before it is reached.
        .setting("reputation", "SWEEP_PACE_MS", "2000")
        .start()
        .await
        .expect("the mesh starts");
    let as_of = mesh_runtime::clock::now().as_second() - PERIOD_SECONDS;
    let (expected, falls) = members(&mut connect(&mesh).await, as_of).await;
    let changes = |members: std::ops::RangeInclusive<i64>| {
        let changed = expected
            .range(members)
            .filter(|(number, kept)| kept.periods > 0 && score_of(**number) > 0);
        changed.count() as i64
    };

    let mut gate = shut(&mesh, 3 * SHARD / 2).await;
    let id = "sweep-with-kills";
    start(
        &mesh,
        "ReputationBatchUpdateWorkflow",
        id,
        &format!(r#"{{"as_of_seconds": {as_of}}}"#),
    )
    .await;
    until_somebody_waits(&mut gate).await;
    mesh.postgres.kill().await.expect("it is ours to kill");
    mesh.postgres.restart().await.expect("it starts again");

    let mut gate = shut(&mesh, 9 * SHARD / 2).await;
    until_somebody_waits(&mut gate).await;
    mesh.reputation.sigkill().await;
    drop(gate);
    mesh.reputation.restart().await.expect("it starts again");
    until_completed(&mesh, id).await;

    let mut watch = connect(&mesh).await;
    let select = "SELECT member_id, periods, nanopoints FROM reputations ORDER BY member_id";
    for row in sqlx::query(select).fetch_all(&mut watch).await.expect("members") {
        let (member_id, periods, nanopoints): (i64, i32, i64) = (row.get(0), row.get(1), row.get(2));
        let kept = expected[&member_id];
        assert_eq!(nanopoints, kept.score.get(), "{member_id}");
        assert!(nanopoints == 0 || periods == kept.periods as i32, "{member_id}");
    }
    assert!(falls > 0);
    assert_eq!(number(&mut watch, "SELECT count(*) FROM level_falls").await, falls);

    // It went on after the last shard that it had told of: a sweep that began anew would find nothing to change in the
    // first shards. Of the shard in which the worker was killed nobody heard whether it was done.
    let command = ["workflow", "result", "--workflow-id", id, "--output", "json"];
    let shown = mesh
        .temporal
        .command(&command)
        .await
        .unwrap_or_else(|error| panic!("{error:#}"));
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("a result is JSON");
    let told = |what: &str| {
        shown["result"][what]
            .as_i64()
            .unwrap_or_else(|| panic!("{what} of {shown}"))
    };
    assert_eq!((told("members"), told("shards")), (MEMBERS, 5));
    let (all, unheard) = (changes(1..=MEMBERS), changes(4 * SHARD + 1..=MEMBERS));
    assert!(
        (all - unheard..=all).contains(&told("changed")),
        "{shown}: {all} less {unheard}"
    );
}
