//! The life of a process, in order.
//!
//! Up: configuration → log and traces → health page → PostgreSQL and schema → Temporal → `build` → workers and gRPC →
//! ready. Down: not serving → finish RPCs → stop polling → finish activities → flush telemetry. What is waited for on the
//! way up is waited for without end, with a log line at each try; what is waited for on the way down is bounded by the
//! drain timeout.

use crate::access::AccessPolicies;
use crate::config::{self, Common, Subcommand};
use crate::field_rules::FieldRules;
use crate::health::{self, Readiness};
use crate::idempotency::IdempotencyStore;
use crate::links::Links;
use crate::metrics::{self, Metrics};
use crate::rpc::Rules;
use crate::service::{Service, ServiceContext, ServiceParts};
use crate::shutdown::Signals;
use crate::streams::Streams;
use crate::telemetry::Telemetry;
use crate::temporal::{self, Clients, WorkerThread};
use crate::tls::{Misconfigured, Transport};
use crate::tokens::Tokens;
use crate::{grpc, postgres};
use anyhow::Context;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use sqlx::postgres::PgConnectOptions;
use std::fmt::Display;
use std::future::Future;
use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const BAD_CONFIGURATION: u8 = 2;
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
const HOUR: Duration = Duration::from_secs(3600);

/// The whole `main` of a service. Exit codes: 0 ended as asked, 1 failed, 2 bad configuration; a second SIGTERM or SIGINT
/// aborts with 143 or 130.
pub fn run<S: Service>() -> ExitCode {
    let (common, config) = match config::read::<S>() {
        Ok(read) => read,
        Err(config::Error::Clap(error)) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(BAD_CONFIGURATION);
            // Nothing can be done when even the terminal is gone.
            let _ = error.print();
            return ExitCode::from(code);
        }
        Err(error) => return refuse(&error),
    };
    if let Err(error) = tracing_subscriber::EnvFilter::try_new(&common.log) {
        return refuse(&format!("log filter {:?}: {error}", common.log));
    }
    let links = match Links::read(S::NAME, &common) {
        Ok(links) => links,
        Err(error) => return refuse(&format!("{error:#}")),
    };
    if common.subcommand == Subcommand::CheckConfig {
        say("the configuration is sound");
        return ExitCode::SUCCESS;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&error),
    };
    let code = runtime.block_on(async {
        if common.subcommand == Subcommand::Health {
            ask_health(common.health_listen).await
        } else {
            live::<S>(common, config, links).await
        }
    });
    // A worker thread or a blocking call that outlived the drain must not hold the process.
    runtime.shutdown_background();
    code
}

fn refuse(error: &dyn Display) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "error: {error}");
    ExitCode::from(BAD_CONFIGURATION)
}

fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

async fn ask_health(address: SocketAddr) -> ExitCode {
    // A service that listens everywhere is asked at home.
    let address = if address.ip().is_unspecified() {
        SocketAddr::new(std::net::Ipv4Addr::LOCALHOST.into(), address.port())
    } else {
        address
    };
    match metrics::fetch(address, "/readyz").await {
        Ok((status, text)) => {
            say(&text);
            if status == 200 {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn live<S: Service>(common: Common, config: S::Config, mut links: Links) -> ExitCode {
    let otlp = (common.otlp_endpoint.as_ref(), links.collector.take());
    let telemetry = match Telemetry::install(S::NAME, (&common.log, common.log_format), otlp) {
        Ok(telemetry) => telemetry,
        Err(error) => return refuse(&format!("{error:#}")),
    };
    let result = work::<S>(&common, config, links, &telemetry).await;
    if let Err(error) = &result {
        tracing::error!("{error:#}");
    }
    telemetry.flush().await;
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.chain().any(|cause| cause.is::<Misconfigured>()) => ExitCode::from(BAD_CONFIGURATION),
        Err(_) => ExitCode::FAILURE,
    }
}

async fn work<S: Service>(
    common: &Common,
    config: S::Config,
    links: Links,
    telemetry: &Telemetry,
) -> anyhow::Result<()> {
    let Links {
        postgres: options,
        transport,
        temporal,
        ..
    } = links;
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    // Ends the process itself at the second signal, so it is never awaited; it goes with the JoinSet.
    let mut signals = JoinSet::new();
    signals.spawn(Signals::watch().context("signals can't be watched")?.run(stop.clone()));

    tracing::info!(service = S::NAME, subcommand = ?common.subcommand, "starting");
    if common.subcommand == Subcommand::Migrate {
        if reach_postgres(&options, common, &stop).await.is_none() {
            return Ok(());
        }
        tokio::select! {
            migrated = postgres::migrate_without_limits(&options, S::MIGRATIONS) => migrated?,
            () = stop.cancelled() => return Ok(()),
        }
        tracing::info!("the schema is up to date");
        return Ok(());
    }

    let metrics = Metrics::start()?;
    let readiness = Readiness::starting();
    let page_stop = CancellationToken::new();
    let listener = listen(common.health_listen, "health").await?;
    let page = health::serve(listener, readiness.clone(), metrics.address(), page_stop.clone());
    tasks.spawn(async move { page.await.context("the health page failed") });

    if matches!(transport, Transport::Plaintext) {
        tracing::warn!("insecure-plaintext: no TLS, and anybody on this machine may call in any service's name");
    }
    if let Some(credentials) = transport.credentials() {
        let stop = page_stop.clone();
        tasks.spawn(async move {
            tokio::select! { () = credentials.watch() => {}, () = stop.cancelled() => {} }
            Ok(())
        });
    }
    let Some(pool) = reach_postgres(&options, common, &stop).await else {
        return Ok(());
    };
    if common.migrate {
        tokio::select! {
            migrated = postgres::migrate_without_limits(&options, S::MIGRATIONS) => migrated?,
            () = stop.cancelled() => return Ok(()),
        }
    } else {
        postgres::refuse_pending(&pool, S::MIGRATIONS).await?;
    }
    let identity = format!("{}-{}", S::NAME, crate::clock::new_uuid());
    let advice = format!("is Temporal running at {}?", common.temporal_url);
    let reach = || temporal::connect(&identity, (common, &temporal), &metrics, telemetry);
    let Some(clients) = until_reached("Temporal", &advice, reach, &stop).await else {
        return Ok(());
    };

    let idempotency = match IdempotencyStore::open(pool.clone()).await {
        Ok(idempotency) => idempotency,
        Err(problem) => return Err(problem.into()),
    };
    let context = ServiceContext {
        max_concurrent_activities: common.max_concurrent_activities,
        max_concurrent_workflow_tasks: common.max_concurrent_workflow_tasks,
        pool: pool.clone(),
        idempotency: idempotency.clone(),
        temporal: clients.calls.clone(),
        max_message_bytes: common.max_message_bytes,
        metrics: metrics.service(),
        name: S::NAME,
        transport: transport.clone(),
    };
    let parts = tokio::select! {
        built = S::build(config, context) => built.context("the service can't be put together")?,
        () = stop.cancelled() => return Ok(()),
    };
    let mut parts = parts.every(HOUR, "forgetting old requests", move || {
        idempotency.clone().forget_old()
    });
    for work in parts.periodic.drain(..) {
        let stop = page_stop.clone();
        tasks.spawn(async move {
            tokio::select! { () = work.run() => {}, () = stop.cancelled() => {} }
            Ok(())
        });
    }
    let running = Running::start(
        common,
        parts,
        clients,
        &metrics,
        &readiness,
        (options, transport),
        &mut tasks,
    )
    .await?;
    running
        .until_drained(common, &readiness, tasks, stop, page_stop)
        .await?;
    // Connections that a dropped RPC still holds would otherwise be waited for.
    let _ = tokio::time::timeout(Duration::from_secs(1), pool.close()).await;
    tracing::info!("drained");
    Ok(())
}

async fn reach_postgres(options: &PgConnectOptions, common: &Common, stop: &CancellationToken) -> Option<sqlx::PgPool> {
    let advice = format!(
        "is PostgreSQL running at {}:{}, with a database {:?} and a role {:?}?",
        options.get_host(),
        options.get_port(),
        options.get_database().unwrap_or_default(),
        options.get_username(),
    );
    until_reached("PostgreSQL", &advice, || postgres::connect(options, common), stop).await
}

/// Tries until it works, with a growing pause; `None` when the process is asked to stop meanwhile.
async fn until_reached<T, E: Display, F: Future<Output = Result<T, E>>>(
    what: &str,
    advice: &str,
    mut attempt: impl FnMut() -> F,
    stop: &CancellationToken,
) -> Option<T> {
    let mut pause = Duration::from_millis(250);
    loop {
        let tried = tokio::select! { tried = attempt() => tried, () = stop.cancelled() => return None };
        match tried {
            Ok(reached) => return Some(reached),
            Err(error) => {
                tracing::warn!(error = %format_args!("{error:#}"), retry_in = ?pause, "{what} can't be reached: {advice}")
            }
        }
        if tokio::time::timeout(pause, stop.cancelled()).await.is_ok() {
            return None;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn listen(address: SocketAddr, what: &str) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("{what} can't listen on {address}"))?;
    tracing::info!(address = %listener.local_addr()?, "{what} listens");
    Ok(listener)
}

/// What runs once the service is built.
struct Running {
    /// The server, if there is one.
    grpc: JoinSet<anyhow::Result<()>>,
    workers: Vec<WorkerThread>,
    stop_rpcs: CancellationToken,
    stop_workers: CancellationToken,
}

impl Running {
    async fn start(
        common: &Common,
        parts: ServiceParts,
        clients: Clients,
        metrics: &Metrics,
        readiness: &Readiness,
        (options, transport): (PgConnectOptions, Transport),
        tasks: &mut JoinSet<anyhow::Result<()>>,
    ) -> anyhow::Result<Self> {
        let (stop_rpcs, stop_workers) = (CancellationToken::new(), CancellationToken::new());
        let mut workers = Vec::new();
        if common.subcommand != Subcommand::Api {
            let runtime = temporal::runtime(metrics)?;
            for worker in parts.workers {
                let (runtime, client) = (runtime.clone(), clients.workers.clone());
                workers.push(WorkerThread::start(
                    worker,
                    runtime,
                    client,
                    common,
                    stop_workers.clone(),
                )?);
            }
        }
        let mut grpc = JoinSet::new();
        if common.subcommand != Subcommand::Worker {
            let catalogue = grpc::Catalogue::read(parts.descriptors, &parts.services)?;
            let reporter = tonic_health::server::HealthReporter::new();
            let server = grpc::Server {
                listener: listen(common.grpc_listen, "gRPC").await?,
                credentials: transport.credentials(),
                max_connection_age: grpc::MAX_CONNECTION_AGE,
                descriptors: catalogue.descriptors,
                routes: parts.routes,
                rules: Rules {
                    streaming: catalogue.streaming,
                    uploading: catalogue.uploading,
                    field_rules: FieldRules::read(parts.descriptors, common.max_message_bytes)?,
                    access: AccessPolicies::read(parts.descriptors, &catalogue.methods)?,
                    tokens: tokens(common, &stop_workers, tasks)?,
                    methods: catalogue.methods,
                    default_deadline: common.default_deadline,
                    upload_deadline: common.upload_deadline,
                    streams: Streams::new(common.max_streams as usize, common.max_stream_age),
                    draining: stop_rpcs.clone(),
                    metrics: Some(metrics.rpc()),
                },
                services: catalogue.services.clone(),
                reporter: reporter.clone(),
            };
            let report = grpc::report(reporter, catalogue.services, readiness.clone(), stop_rpcs.clone());
            tasks.spawn(async move {
                report.await;
                Ok(())
            });
            grpc.spawn(grpc::serve(server, stop_rpcs.clone()));
        }
        let queues = workers.iter().map(|worker| worker.task_queue).collect();
        let (readiness, stop) = (readiness.clone(), stop_workers.clone());
        let serves_api = common.subcommand != Subcommand::Worker;
        let probe = probe((readiness, serves_api), postgres::Probe::new(options), clients, queues);
        tasks.spawn(async move {
            tokio::select! { () = probe => {}, () = stop.cancelled() => {} }
            Ok(())
        });
        Ok(Self {
            grpc,
            workers,
            stop_rpcs,
            stop_workers,
        })
    }

    /// Runs until `stop` or until a part fails; then drains. The first failure is the result.
    async fn until_drained(
        mut self,
        common: &Common,
        readiness: &Readiness,
        mut tasks: JoinSet<anyhow::Result<()>>,
        stop: CancellationToken,
        page_stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let mut worker_ends: FuturesUnordered<_> = self.workers.iter_mut().map(WorkerThread::ended).collect();
        let mut result = tokio::select! {
            () = stop.cancelled() => Ok(()),
            Some(ended) = worker_ends.next() => ended.and_then(|()| Err(anyhow::anyhow!("a worker ended by itself"))),
            Some(ended) = self.grpc.join_next() => {
                ended?.and_then(|()| Err(anyhow::anyhow!("the gRPC server ended by itself")))
            }
            failure = first_failure(&mut tasks) => Err(failure),
        };
        if result.is_err() {
            // What it was is said at the end, where it decides the exit code.
            tracing::warn!("a part failed; draining");
        }
        let deadline = Instant::now() + common.drain_timeout;
        readiness.set("drain", Some("the service is draining".to_owned()));
        self.stop_rpcs.cancel();
        result = result.and(bounded(deadline, "RPCs", all_ended(&mut self.grpc)).await);
        self.stop_workers.cancel();
        let rest = async {
            while let Some(ended) = worker_ends.next().await {
                ended?;
            }
            Ok(())
        };
        result = result.and(bounded(deadline, "activities", rest).await);
        page_stop.cancel();
        result.and(
            bounded(
                deadline + Duration::from_secs(1),
                "background tasks",
                all_ended(&mut tasks),
            )
            .await,
        )
    }
}

/// What verifies the tokens of persons; the task that reads their issuer's keys ends when the last RPC may come.
fn tokens(
    common: &Common,
    stop: &CancellationToken,
    tasks: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<Tokens> {
    let settings = common.persons.settings().map_err(anyhow::Error::msg)?;
    if settings.is_none() {
        tracing::warn!("no issuer of tokens is configured (--jwks): every token of a person will be refused");
    }
    let (tokens, follower) = Tokens::new(settings)?;
    if let Some(follower) = follower {
        let stop = stop.clone();
        tasks.spawn(async move {
            follower.run(stop).await;
            Ok(())
        });
    }
    Ok(tokens)
}

async fn all_ended(tasks: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

async fn first_failure(tasks: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Error {
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error,
            Err(error) => return error.into(),
        }
    }
    std::future::pending().await
}

/// What doesn't finish in time is given up, with a line that says so; that is no failure of the drain.
async fn bounded(deadline: Instant, what: &str, work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    match tokio::time::timeout_at(deadline, work).await {
        Ok(result) => result,
        Err(_) => {
            tracing::warn!("the drain timeout passed; what still runs of the {what} is given up");
            Ok(())
        }
    }
}

/// Looks once a second at what readiness needs.
async fn probe(
    (readiness, serves_api): (Readiness, bool),
    mut postgres: postgres::Probe,
    clients: Clients,
    queues: Vec<&'static str>,
) {
    let mut waiting: Vec<&'static str> = queues;
    let mut tick = tokio::time::interval(PROBE_INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let (database, engine) = tokio::join!(postgres.lack(), temporal::lack(&clients.calls));
        // A worker that polled once goes on by itself when Temporal comes back, or fails and ends the process.
        let mut still = Vec::new();
        for queue in waiting {
            let lack = temporal::polling_lack(&clients.workers, queue).await;
            if lack.is_some() {
                still.push(queue);
            }
            readiness.set(&format!("worker {queue}"), lack);
        }
        waiting = still;
        readiness.set("postgres", database);
        if serves_api {
            readiness.set_degraded("temporal", engine);
        } else {
            readiness.set("temporal", engine);
        }
        readiness.set("start", None);
    }
}
