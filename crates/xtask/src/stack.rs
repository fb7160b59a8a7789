//! Builds the services and starts the mesh for somebody to look at.

use std::{future::Future, path::Path, process::ExitCode, sync::Arc, time::Instant};

use anyhow::Context;
use mesh_testkit::{
    Addresses, Engine, Mesh, Progress, SERVICES, WebPage,
    tools::{self, Purpose},
};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    cargo_build, machine,
    screen::{WorkLine, row},
    steps::{Steps, cargo},
};

/// Where the services listen, and from whom trust flows.
pub struct Setup {
    /// Where they listen.
    pub addresses: Addresses,
    /// The member from whom trust flows, if there is one.
    pub trust_seed: Option<i64>,
}

/// What a service is told beside what every mesh tells it: the service, the setting without its prefix, the value.
pub type Setting = (&'static str, &'static str, &'static str);

/// How the mesh is started.
#[derive(Debug, clap::Args)]
pub struct Traces {
    /// Show the traces in Jaeger, which is built first where it is not there yet; that takes minutes, once. Without this a
    /// Jaeger that is there already is used.
    #[arg(long)]
    traces: bool,
}

/// Installs what is missing, builds the services, starts the mesh, runs `work` on it, and stops it in order: also when
/// Ctrl-C or SIGTERM cuts the work short. A second signal ends all at once.
///
/// # Errors
/// When a step fails; nothing is left running then.
pub fn with_mesh<W>(root: &Path, traces: &Traces, setup: Setup, work: W) -> anyhow::Result<ExitCode>
where
    W: AsyncFnOnce(&Mesh) -> anyhow::Result<ExitCode>,
{
    with_settings(root, traces, setup, &[], work)
}

/// The same with more settings of services.
///
/// # Errors
/// As [`with_mesh`].
pub fn with_settings<W>(
    root: &Path,
    traces: &Traces,
    setup: Setup,
    settings: &[Setting],
    work: W,
) -> anyhow::Result<ExitCode>
where
    W: AsyncFnOnce(&Mesh) -> anyhow::Result<ExitCode>,
{
    let mut steps = Steps::default();
    let purpose = if traces.traces {
        Purpose::TracedDemo
    } else {
        Purpose::Demo
    };
    steps.work("what this machine needs", || machine::prepare(purpose))?;
    let log = tools::cache_folder()?.join("build.log");
    steps.work("build the services", || cargo_build::run(&mut services(root), &log))?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(async {
        let Some(mesh) = unless_interrupted(start(setup, settings)).await? else {
            return Ok(ExitCode::from(INTERRUPTED));
        };
        let mesh = mesh?;
        let done = unless_interrupted(work(&mesh)).await;
        println!("\n==> stop (once more Ctrl-C ends everything at once)");
        let line = WorkLine::new("stopping");
        let stopped = unless_interrupted(mesh.stop()).await;
        drop(line);
        match (done?, stopped?) {
            // The first failure is the one to tell.
            (Some(Err(error)), _) => Err(error),
            (_, Some(Err(error))) => Err(error.context("the mesh did not stop in order")),
            (Some(Ok(code)), Some(Ok(()))) => Ok(code),
            (None, _) | (_, None) => Ok(ExitCode::from(INTERRUPTED)),
        }
    })
}

/// Waits until somebody presses Ctrl-C, or a service ends by itself.
///
/// # Errors
/// When a service ended; the error shows its last words.
pub async fn until_a_service_ends(mesh: &Mesh) -> anyhow::Result<ExitCode> {
    const FOREVER: std::time::Duration = std::time::Duration::MAX;
    let exits = mesh
        .services()
        .iter()
        .map(|service| Box::pin(service.wait_exit(FOREVER)));
    let (status, which, _) = futures::future::select_all(exits).await;
    let (service, status) = (&mesh.services()[which], status?);
    anyhow::bail!(
        "{}-service ended by itself with {status}\n{}",
        service.name(),
        service.log_tail()
    )
}

/// Prints where to look.
pub fn print_pages(mesh: &Mesh) {
    println!();
    if let Some(page) = mesh.temporal.ui_url() {
        println!("{}", row("workflows", page));
    }
    let traces = match &mesh.jaeger {
        Some(jaeger) => format!("{}/api/traces/<trace id>", jaeger.query_url()),
        None => "nowhere; --traces shows them in Jaeger".to_owned(),
    };
    println!("{}", row("traces", traces));
    for service in mesh.services() {
        let (grpc, health) = (service.grpc_url(), service.health_url());
        println!(
            "{}",
            row(service.name(), format!("gRPC {grpc}  metrics {health}/metrics"))
        );
    }
    println!("{}", row("logs", mesh.folder().display()));
    // `platform` is who a caller is by default: grpcurl -cacert, -cert and -key take these three.
    if let Ok(files) = mesh.pki().of("platform") {
        let (ca, certificate, key) = (files.ca, files.certificate, files.key);
        let (ca, certificate, key) = (ca.display(), certificate.display(), key.display());
        println!(
            "{}",
            row("grpcurl", format!("-cacert {ca} -cert {certificate} -key {key}"))
        );
    }
}

/// What a shell reports of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

async fn start(setup: Setup, settings: &[Setting]) -> anyhow::Result<Mesh> {
    println!("\n==> start the mesh");
    let began = Instant::now();
    let mut mesh = Mesh::builder()
        .postgres(Engine::Own)
        .web_page(WebPage::Served)
        .addresses(setup.addresses);
    if let Some(seed) = setup.trust_seed {
        mesh = mesh.setting("community", "TRUST_SEEDS", seed.to_string());
    }
    for (service, name, value) in settings {
        mesh = mesh.setting(service, name, value);
    }
    if tools::jaeger_if_present().is_some() {
        mesh = mesh.jaeger(Engine::Own);
    }
    let line = WorkLine::new("starting");
    let report = Arc::new(move |progress| {
        let at = began.elapsed().as_secs_f64();
        match progress {
            Progress::Starting(part) => line.say(format!("starting {part}")),
            Progress::Ready(part, place) => line.print(format!("  {at:>5.1} s  {part} at {place}")),
        }
    });
    mesh.progress(move |progress| report(progress)).start().await
}

fn services(root: &Path) -> std::process::Command {
    let mut build = cargo(root, &["build", "--bins"]);
    for service in SERVICES {
        build.args(["-p", service.package]);
        build.args(service.programs.iter().flat_map(|package| ["-p", package]));
    }
    // The services are looked for beside this program.
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    build
}

/// The work's result, or `None` when SIGINT or SIGTERM came first; the work is dropped then.
async fn unless_interrupted<T>(work: impl Future<Output = T>) -> anyhow::Result<Option<T>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    tokio::select! {
        done = work => Ok(Some(done)),
        _ = interrupt.recv() => Ok(None),
        _ = terminate.recv() => Ok(None),
    }
}
