//! The engines come up, survive what a test does to them, and never outlive their process.

use std::{process::Command, time::Duration};

use mesh_testkit::{Jaeger, Postgres, S3Server, SEARCH_ATTRIBUTES, Temporal, eventually, http_get, scratch};

/// Set for the copy of this test program that starts a stack and is then killed.
const VICTIM_ENV: &str = "MESH_TESTKIT_VICTIM_WRITES_TO";

#[tokio::test]
async fn postgres_keeps_its_data_over_a_kill_and_a_restart() -> anyhow::Result<()> {
    let postgres = Postgres::start().await?;
    postgres
        .sql(&["CREATE TABLE kept (n int)".into(), "INSERT INTO kept VALUES (7)".into()])
        .await?;
    postgres.kill().await?;
    assert!(
        postgres.sql(&["SELECT 1".into()]).await.is_err(),
        "it still answers after the kill"
    );
    postgres.restart().await?;
    assert_eq!(postgres.sql(&["SELECT n FROM kept".into()]).await?.trim(), "7");
    Ok(())
}

#[tokio::test]
async fn each_database_is_new_and_belongs_to_a_role_that_cannot_enter_another() -> anyhow::Result<()> {
    let postgres = Postgres::shared().await?;
    let (one, other) = (
        postgres.create_database("ledger").await?,
        postgres.create_database("ledger").await?,
    );
    assert_ne!(one, other);
    let name = |url: &str| url.rsplit('/').next().unwrap_or_default().to_owned();
    let may_connect = format!(
        "SELECT has_database_privilege('{}', '{}', 'CONNECT')",
        name(&one),
        name(&other)
    );
    assert_eq!(postgres.sql(&[may_connect]).await?.trim(), "f");
    assert!(postgres.create_database("no'quotes").await.is_err());
    Ok(())
}

#[tokio::test]
async fn temporal_is_healthy_with_the_five_search_attributes_and_keeps_its_state() -> anyhow::Result<()> {
    let temporal = Temporal::start().await?;
    assert!(temporal.is_healthy().await);
    let listed = temporal.command(&["operator", "search-attribute", "list"]).await?;
    for (name, kind) in SEARCH_ATTRIBUTES {
        let found = listed.lines().any(|line| line.split_whitespace().eq([name, kind]));
        assert!(found, "{name} {kind} is not among\n{listed}");
    }
    temporal.command(&["operator", "namespace", "create", "kept"]).await?;
    temporal.kill().await?;
    assert!(!temporal.is_healthy().await);
    temporal.restart().await?;
    temporal.command(&["operator", "namespace", "describe", "kept"]).await?;
    Ok(())
}

#[tokio::test]
async fn the_object_store_is_gone_after_a_kill_and_back_after_a_restart() -> anyhow::Result<()> {
    let server = S3Server::start().await?;
    server.kill().await;
    assert!(http_get(&server.endpoint()).await.is_err(), "it still answers");
    server.restart().await?;
    let bucket = format!("{}/{}", server.endpoint(), server.bucket());
    let (status, _) = http_get(&bucket).await?;
    assert!(
        (400..500).contains(&status),
        "nobody looks into it without a key: {status}"
    );
    Ok(())
}

#[tokio::test]
async fn jaeger_answers_for_a_trace_that_nobody_sent() -> anyhow::Result<()> {
    let jaeger = Jaeger::start().await?;
    assert!(jaeger.trace("0123456789abcdef0123456789abcdef").await?.is_none());
    let (status, _) = http_get(&format!("{}/api/services", jaeger.query_url())).await?;
    assert_eq!(status, 200);
    Ok(())
}

#[tokio::test]
async fn engines_and_files_go_when_their_process_is_killed() -> anyhow::Result<()> {
    let folder = scratch("victim")?;
    let note = folder.path().join("note");
    let mut victim = Command::new(std::env::current_exe()?)
        .args(["--exact", "victim_that_starts_engines_when_told_to", "--nocapture"])
        .env(VICTIM_ENV, &note)
        .spawn()?;
    let started = eventually(Duration::from_secs(60), "the victim's engines", async || {
        let note = std::fs::read_to_string(&note).ok()?;
        let (pids, files) = note.strip_suffix('\n')?.split_once('|')?;
        let pids: Vec<u32> = pids.split(' ').filter_map(|pid| pid.parse().ok()).collect();
        Some((pids, files.to_owned()))
    });
    let started = started.await;
    victim.kill()?;
    victim.wait()?;
    let (pids, files) = started?;
    assert!(
        pids.len() >= 3,
        "the victim had three engines, their processes: {pids:?}"
    );
    eventually(Duration::from_secs(10), "the victim's engines to end", async || {
        pids.iter().all(|pid| has_ended(*pid)).then_some(())
    })
    .await?;
    eventually(
        Duration::from_secs(10),
        "the victim's files to be removed",
        async || (!std::path::Path::new(&files).exists()).then_some(()),
    )
    .await
}

/// Does nothing in an ordinary run.
#[tokio::test]
async fn victim_that_starts_engines_when_told_to() -> anyhow::Result<()> {
    let Some(note) = std::env::var_os(VICTIM_ENV) else {
        return Ok(());
    };
    let _postgres = Postgres::start().await?;
    let _temporal = Temporal::start().await?;
    let _object_store = S3Server::start().await?;
    let folder = scratch("files")?;
    let children: Vec<String> = children_of(std::process::id())?.iter().map(u32::to_string).collect();
    std::fs::write(note, format!("{}|{}\n", children.join(" "), folder.path().display()))?;
    std::future::pending().await
}

/// Gone, or dead and waiting for the init process to take note, which some containers' never does.
fn has_ended(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.map_or(true, |stat| {
        stat.rsplit_once(')')
            .is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
    })
}

/// The engines among a process's children: all but the watcher of the files, which is a shell and outlives the
/// process by a moment.
fn children_of(parent: u32) -> anyhow::Result<Vec<u32>> {
    let mut children = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
            continue;
        };
        let Some((name, rest)) = stat.rsplit_once(')') else {
            continue;
        };
        if rest.split_whitespace().nth(1) == Some(&parent.to_string()) && !name.ends_with("(sh") {
            children.push(pid);
        }
    }
    Ok(children)
}
