//! Measures the sweep over kept scores: `cargo xtask bench decay`, `… bench decay -- --help`.
//!
//! Side by side in one run, on a PostgreSQL of its own: the sweep over a million members in shards, a plain `UPDATE` of the
//! same rows that takes the same 5 % off, and the workflow of one member's clock on 200 members, multiplied out; what a single
//! such workflow takes (a start, a timer of a second, a look whether it has ended) is taken off first. Every member is due for
//! one period, and 9 of 100 fall below a level: on a usual day a thirtieth is. PostgreSQL runs without `fsync` and full page
//! writes, as in all tests; ratios and bytes of one run can be compared, seconds of two machines can't.
//!
//! Ends with status 1 when the sweep takes more than 2.0 times as long as the plain `UPDATE`, when a member of a large
//! sweep costs over 20 % more than one of a small sweep, or when the two don't come to the same scores.

use anyhow::Context;
use clap::Parser;
use futures::future::try_join_all;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use mesh_testkit::{
    Addresses, NAMESPACE, Postgres, READY_TIMEOUT, ServiceProcess, ServiceSpec, Subcommand, Temporal, binary,
    eventually, scratch,
};
use mesh_types::MemberId;
use reputation_service::{Reputation, Store};
use reputation_workflows::ReputationDecayWorkflow;
use reputation_workflows::contract::{
    DecayRequest, REPUTATION_BATCH_UPDATE_WORKFLOW as SWEEP_WORKFLOW, REPUTATION_DECAY_WORKFLOW as CLOCK_WORKFLOW,
    TASK_QUEUE,
};
use sqlx::{Executor, PgPool, postgres::PgPoolOptions};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, WorkflowStartOptions};
use url::Url;

/// Compare the sweep with a plain UPDATE and with a workflow for each member.
#[derive(Parser)]
struct Options {
    /// Members of the large sweep.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(i64).range(10_000..))]
    members: i64,
    /// Members of one statement of the sweep.
    #[arg(long, default_value_t = 10_000)]
    shard: u32,
    /// Members whose clock is run as a workflow each.
    #[arg(long, default_value_t = 200)]
    clocks: i64,
    /// Entries of the ledger beside the members' scores. No sweep reads them, so they should change nothing.
    #[arg(long, default_value_t = 0)]
    entries: i64,
    /// How often the sweep and the UPDATE take turns; the medians count.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// The small sweep that the cost of a member is compared with.
const FEW: i64 = 10_000;
/// The sweep may take so many times as long as the plain UPDATE.
const MOST_RATIO: f64 = 2.0;
/// A member of the large sweep may cost so many times as much as one of the small sweep.
const MOST_GROWTH: f64 = 1.2;
/// When every member is due: 31 days after the anchor.
const AS_OF: i64 = 1_700_000_000 + 31 * 86_400;

/// What a measured piece of work took.
#[derive(Clone, Copy)]
struct Cost {
    time: Duration,
    wal_bytes: i64,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let postgres = Postgres::start().await?;
    let url = postgres.create_database("reputation").await?;
    let pool = PgPoolOptions::new().max_connections(2).connect(&url).await?;
    <Reputation as mesh_runtime::Service>::MIGRATIONS.run(&pool).await?;
    let store = Store::new(pool.clone());
    let steps = 2 * options.rounds as u64 + 3;
    let progress = ProgressBar::new(steps).with_style(ProgressStyle::with_template(
        "{bar:30} {pos}/{len} {msg}, {elapsed} gone",
    )?);

    if options.entries > 0 {
        progress.set_message("entries of the ledger");
        fill_ledger(&pool, options.entries, options.members).await?;
    }
    let (mut plain, mut swept, mut few) = (Vec::new(), Vec::new(), Vec::new());
    let (mut falls, mut sums) = (0, Vec::new());
    for _ in 0..options.rounds {
        progress.set_message("plain UPDATE");
        fill(&postgres, &pool, options.members).await?;
        plain.push(measured(&pool, plain_update(&pool)).await?.0);
        sums.push(sum(&pool).await?);
        progress.inc(1);
        progress.set_message("sweep");
        fill(&postgres, &pool, options.members).await?;
        let (cost, found) = measured(&pool, sweep(&store, options.shard)).await?;
        (falls, _) = (found, swept.push(cost));
        sums.push(sum(&pool).await?);
        progress.inc(1);
    }
    progress.set_message("small sweeps");
    for _ in 0..10 * options.rounds {
        fill(&postgres, &pool, FEW).await?;
        few.push(measured(&pool, sweep(&store, options.shard)).await?.0);
    }
    progress.inc(1);
    progress.set_message("the sweep by its workflow");
    let service = Service::start(&url, options.shard).await?;
    fill(&postgres, &pool, options.members).await?;
    let as_of = Timestamp::from_second(AS_OF)?;
    let (first, _) = measured(&pool, async {
        Ok(store.sweep_shard(0, options.shard, as_of, as_of).await?)
    })
    .await?;
    fill(&postgres, &pool, options.members).await?;
    let as_workflow = async {
        let input = format!(r#"{{"as_of_seconds": {AS_OF}}}"#);
        service.begin(SWEEP_WORKFLOW, "sweep", &input).await?;
        service.until_completed(SWEEP_WORKFLOW, 1).await
    };
    let (by_workflow, ()) = measured(&pool, as_workflow).await?;
    sums.push(sum(&pool).await?);
    progress.inc(1);
    progress.set_message("a workflow for each member");
    fill(&postgres, &pool, options.clocks).await?;
    let one = async {
        service.begin_clock(options.clocks + 1).await?;
        service.until_completed(CLOCK_WORKFLOW, 1).await
    };
    let (one, ()) = measured(&pool, one).await?;
    let clocks = async {
        let starts = (1..=options.clocks).map(|member| service.begin_clock(member));
        try_join_all(starts).await?;
        service.until_completed(CLOCK_WORKFLOW, options.clocks + 1).await
    };
    let (clocks, ()) = measured(&pool, clocks).await?;
    let events = service.events("clock-1").await? as f64 * options.clocks as f64;
    let sweep_events = service.events("sweep").await? as f64;
    progress.finish_and_clear();

    let (plain, swept, few) = (median(plain), median(swept), median(few));
    let by_clocks = |cost: f64| cost * options.members as f64 / options.clocks as f64;
    println!(
        "{:44} {:>12} {:>14} {:>16}",
        format!("{} members", options.members),
        "seconds",
        "events",
        "WAL bytes"
    );
    print("plain UPDATE", plain.time.as_secs_f64(), 0.0, plain.wal_bytes as f64);
    let name = format!("sweep in shards of {}", options.shard);
    print(&name, swept.time.as_secs_f64(), 0.0, swept.wal_bytes as f64);
    print(
        "the same by its workflow",
        by_workflow.time.as_secs_f64(),
        sweep_events,
        by_workflow.wal_bytes as f64,
    );
    let name = format!("a workflow for each, {} multiplied out", options.clocks);
    let (seconds, wal) = (
        clocks.time.saturating_sub(one.time).as_secs_f64(),
        clocks.wal_bytes as f64,
    );
    print(&name, by_clocks(seconds), by_clocks(events), by_clocks(wal));
    println!(
        "the first heartbeat of a sweep comes after {:.2} s, beside {} entries of the ledger",
        first.time.as_secs_f64(),
        options.entries
    );
    println!("{falls} falls below a level were recorded by the sweep");
    let ratio = swept.time.as_secs_f64() / plain.time.as_secs_f64();
    let each = |cost: Cost, members: i64| cost.time.as_secs_f64() * 1e6 / members as f64;
    let (of_many, of_few) = (each(swept, options.members), each(few, FEW));
    println!("sweep to plain UPDATE: {ratio:.2} (at most {MOST_RATIO})");
    println!(
        "a member costs {of_many:.2} µs of {} and {of_few:.2} µs of {FEW}: {:.2} times (at most {MOST_GROWTH})",
        options.members,
        of_many / of_few
    );
    let same = sums.windows(2).all(|pair| pair[0] == pair[1]);
    println!("sweep and UPDATE come to the same scores: {same}");
    Ok(if same && ratio <= MOST_RATIO && of_many / of_few <= MOST_GROWTH {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print(name: &str, seconds: f64, events: f64, wal_bytes: f64) {
    println!("{name:44} {seconds:>12.2} {events:>14.0} {wal_bytes:>16.0}");
}

fn median(mut costs: Vec<Cost>) -> Cost {
    costs.sort_unstable_by_key(|cost| cost.time);
    costs[costs.len() / 2]
}

/// Members with scores from 1 to 100 points, in fresh tables.
async fn fill(postgres: &Postgres, pool: &PgPool, members: i64) -> anyhow::Result<()> {
    pool.execute("TRUNCATE reputations, ledger_summaries, level_falls")
        .await?;
    let rows = "INSERT INTO reputations (member_id, anchor_seconds, periods, nanopoints)
                SELECT n, $2, 0, (1 + n % 100) * 1000000000 FROM generate_series(1, $1) n";
    sqlx::query(rows)
        .bind(members)
        .bind(AS_OF - 31 * 86_400)
        .execute(pool)
        .await?;
    pool.execute("VACUUM ANALYZE reputations").await?;
    postgres.sql(&["CHECKPOINT".to_owned()]).await?;
    Ok(())
}

/// Activities of these members, a line each. Foreign keys and secondary indexes come after the rows, or ten million of them
/// would take many minutes.
async fn fill_ledger(pool: &PgPool, entries: i64, members: i64) -> anyhow::Result<()> {
    let aside: Vec<(String, String)> = sqlx::query_as(
        "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
                format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
           FROM pg_constraint
          WHERE contype = 'f' AND conrelid IN ('ledger_entries'::regclass, 'ledger_lines'::regclass)
         UNION ALL
         SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid) FROM pg_index
          WHERE indrelid IN ('ledger_entries'::regclass, 'ledger_lines'::regclass) AND NOT indisunique",
    )
    .fetch_all(pool)
    .await?;
    let run = async |statement: String| {
        // Statements that the catalogue made, no input.
        pool.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(statement))).await
    };
    let (drop, create): (Vec<_>, Vec<_>) = aside.into_iter().unzip();
    for statement in drop {
        run(statement).await?;
    }
    let rows = [
        "INSERT INTO ledger_entries (entry_id, kind, member_id, rule_version, quantity, occurred_at, recorded_at)
         SELECT lpad(to_hex(n), 32, '0')::uuid, 'activity', 1 + n % $2, 2, 60, to_timestamp(1600000000 + n), now()
           FROM generate_series(1, $1) n",
        "INSERT INTO ledger_lines (evidence_id, entry_id, kind, points)
         SELECT lpad(to_hex(n), 32, '0')::uuid, lpad(to_hex(n), 32, '0')::uuid, 'volunteer_hours', 1
           FROM generate_series(1, $1) n WHERE $2 > 0",
    ];
    for statement in rows {
        sqlx::query(statement).bind(entries).bind(members).execute(pool).await?;
    }
    for statement in create {
        run(statement).await?;
    }
    run("ANALYZE ledger_entries, ledger_lines".to_owned()).await?;
    Ok(())
}

async fn measured<T>(pool: &PgPool, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<(Cost, T)> {
    let before = wal_position(pool).await?;
    let began = Instant::now();
    let done = work.await?;
    let time = began.elapsed();
    let wal_bytes = wal_position(pool).await? - before;
    Ok((Cost { time, wal_bytes }, done))
}

async fn wal_position(pool: &PgPool) -> anyhow::Result<i64> {
    let position = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint";
    Ok(sqlx::query_scalar(position).fetch_one(pool).await?)
}

async fn plain_update(pool: &PgPool) -> anyhow::Result<()> {
    let update = "UPDATE reputations SET periods = periods + 1, nanopoints = nanopoints * 19 / 20";
    pool.execute(update).await?;
    Ok(())
}

/// Sweeps as the activity does, without its pace; returns the falls that were recorded.
async fn sweep(store: &Store, shard: u32) -> anyhow::Result<i64> {
    let as_of = Timestamp::from_second(AS_OF)?;
    let (mut after, mut falls) = (0, 0);
    while let Some(done) = store.sweep_shard(after, shard, as_of, as_of).await? {
        (after, falls) = (done.last_member_id, falls + done.level_falls);
    }
    Ok(falls)
}

async fn sum(pool: &PgPool) -> anyhow::Result<i64> {
    let sum = "SELECT (sum(nanopoints) + sum(periods))::bigint FROM reputations";
    Ok(sqlx::query_scalar(sum).fetch_one(pool).await?)
}

/// The reputation service as a process, on a Temporal server of this run's own.
struct Service {
    client: Client,
    temporal: Temporal,
    _process: ServiceProcess,
    _logs: tempfile::TempDir,
}

impl Service {
    async fn start(database: &str, shard: u32) -> anyhow::Result<Self> {
        let temporal = Temporal::start().await?;
        let logs = scratch("bench")?;
        let setting = |name: &str, value: &str| (name.to_owned(), value.into());
        let process = ServiceProcess::prepare(ServiceSpec {
            name: "reputation".to_owned(),
            program: binary("reputation-service")?,
            subcommand: Subcommand::Worker,
            addresses: Addresses::Free,
            log_folder: logs.path().to_owned(),
            settings: vec![
                setting("POSTGRES_URL", database),
                setting("TEMPORAL_URL", temporal.url()),
                setting("TEMPORAL_NAMESPACE", NAMESPACE),
                // The community service, which no sweep calls, is not there.
                setting("INSECURE_PLAINTEXT", "true"),
                setting("COMMUNITY_URL", "http://127.0.0.1:7403"),
                setting("SWEEP_PACE_MS", "1"),
                setting("SWEEP_SHARD_MEMBERS", &shard.to_string()),
            ],
            environment: Vec::new(),
        })?;
        process.launch().await?;
        process.ready(READY_TIMEOUT).await?;
        let connection = Connection::connect(ConnectionOptions::new(temporal.url().parse::<Url>()?).build()).await?;
        Ok(Self {
            client: Client::new(connection, ClientOptions::new(NAMESPACE).build())?,
            temporal,
            _process: process,
            _logs: logs,
        })
    }

    /// Starts one workflow.
    async fn begin(&self, workflow: &str, id: &str, input: &str) -> anyhow::Result<()> {
        let what = ["workflow", "start", "--type", workflow, "--task-queue", "reputation"];
        let which = ["--workflow-id", id, "--input", input];
        self.temporal.command(&[what.as_slice(), &which].concat()).await?;
        Ok(())
    }

    /// Starts the clock of a member that ends after one update.
    async fn begin_clock(&self, member: i64) -> anyhow::Result<()> {
        let request = DecayRequest {
            member_id: MemberId::try_from(member)?,
            interval_seconds: 1,
            iterations: 1,
            iterations_done: 0,
            began_at_seconds: None,
        };
        let options = WorkflowStartOptions::new(TASK_QUEUE, format!("clock-{member}")).build();
        let start = self
            .client
            .start_workflow(ReputationDecayWorkflow::run, request, options);
        start.await?;
        Ok(())
    }

    /// Waits until so many workflows of a type have ended as they should.
    async fn until_completed(&self, workflow: &str, count: i64) -> anyhow::Result<()> {
        let query = format!("WorkflowType = '{workflow}' AND ExecutionStatus = 'Completed'");
        let look = async || {
            let counted = self
                .temporal
                .command(&["workflow", "count", "--query", &query])
                .await
                .ok()?;
            let total: i64 = counted.trim().rsplit(' ').next()?.parse().ok()?;
            (total >= count).then_some(())
        };
        eventually(Duration::from_secs(900), "the workflows to end", look).await
    }

    /// The history events of a workflow.
    async fn events(&self, id: &str) -> anyhow::Result<usize> {
        let shown = self
            .temporal
            .command(&["workflow", "show", "--workflow-id", id, "--output", "json"])
            .await?;
        let history: serde_json::Value = serde_json::from_str(&shown)?;
        Ok(history["events"].as_array().context("a history has events")?.len())
    }
}
