//! One service of the mesh as a real process.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    sync::{Arc, PoisonError},
    time::Duration,
};

use anyhow::{Context, bail};
use rustix::process::Signal;
use tokio::sync::Mutex;

use crate::{
    http, ports,
    process::Process,
    services::{SERVICES, prefix},
    waiting::eventually,
};

/// How long a service may take to become ready.
pub const READY_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a service may take to drain.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Which half of a service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subcommand {
    /// API and worker in one process.
    All,
    /// The gRPC API alone.
    Api,
    /// The Temporal worker alone.
    Worker,
}

impl Subcommand {
    fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Api => "api",
            Self::Worker => "worker",
        }
    }
}

/// Where the services of a mesh listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addresses {
    /// On free ports, so that meshes run side by side.
    Free,
    /// On the ports of the list, which the documentation names.
    Usual,
}

/// What a service is started with.
#[derive(Debug, Clone)]
pub struct ServiceSpec {
    /// The service's name, such as `document`; the variables begin with `DOCUMENT_`.
    pub name: String,
    /// Its program; see [`binary`].
    pub program: PathBuf,
    /// Which half of it.
    pub subcommand: Subcommand,
    /// Where it listens.
    pub addresses: Addresses,
    /// The folder for its log file.
    pub log_folder: PathBuf,
    /// Variables without the service's prefix, such as (`POSTGRES_URL`, …); later ones win.
    pub settings: Vec<(String, OsString)>,
    /// Variables that are no settings of a service, with their whole names, such as (`AWS_REGION`, …); later ones win.
    pub environment: Vec<(String, OsString)>,
}

/// A started service. It is killed when dropped, and dies with this process.
#[derive(Debug)]
pub struct ServiceProcess {
    spec: ServiceSpec,
    /// What is started next; see [`ServiceProcess::replace`].
    program: std::sync::Mutex<PathBuf>,
    grpc_port: u16,
    health_port: u16,
    log: PathBuf,
    process: Mutex<Option<Arc<Process>>>,
}

impl ServiceProcess {
    /// Reserves the addresses of a service that is not started yet, so that its peers can be told.
    ///
    /// # Errors
    /// When no port is free, or a usual one is in use.
    pub fn prepare(spec: ServiceSpec) -> anyhow::Result<Self> {
        let (grpc_port, health_port) = match (spec.addresses, usual_ports(&spec.name)) {
            (Addresses::Usual, Some((grpc, health))) => (ports::take(grpc)?, ports::take(health)?),
            _ => (ports::reserve()?, ports::reserve()?),
        };
        let log = spec
            .log_folder
            .join(format!("{}-{}-{health_port}.log", spec.name, spec.subcommand.word()));
        Ok(Self {
            program: std::sync::Mutex::new(spec.program.clone()),
            spec,
            grpc_port,
            health_port,
            log,
            process: Mutex::new(None),
        })
    }

    /// Adds settings to a service that has been prepared and not started.
    pub fn set(&mut self, settings: impl IntoIterator<Item = (String, OsString)>) {
        self.spec.settings.extend(settings);
    }

    /// Adds variables that are no settings to a service that has been prepared and not started.
    pub fn set_environment(&mut self, environment: impl IntoIterator<Item = (String, OsString)>) {
        self.spec.environment.extend(environment);
    }

    /// Starts it, or starts it again on the same addresses with SIGKILL before, and waits until it is ready.
    ///
    /// # Errors
    /// When it ends at once or is not ready after [`READY_TIMEOUT`]; the error holds the log's tail.
    pub async fn restart(&self) -> anyhow::Result<()> {
        self.launch().await?;
        self.ready(READY_TIMEOUT).await
    }

    /// Lets it drain (30 s at most) and starts another program in its place, as a rollout does. Later restarts start that one.
    ///
    /// # Errors
    /// When it does not drain in time or not with success, or the other one does not become ready.
    pub async fn replace(&self, program: PathBuf) -> anyhow::Result<()> {
        self.sigterm().await;
        let status = self.wait_exit(DRAIN_TIMEOUT).await?;
        if !status.success() {
            bail!("{}-service ended with {status}\n{}", self.spec.name, self.log_tail());
        }
        *self.program.lock().unwrap_or_else(PoisonError::into_inner) = program;
        self.restart().await
    }

    /// Starts it as [`ServiceProcess::restart`] does, without waiting for readiness.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub async fn launch(&self) -> anyhow::Result<()> {
        self.sigkill().await;
        let started = Process::start(self.command(), &self.log, Signal::KILL).await?;
        *self.process.lock().await = Some(Arc::new(started));
        Ok(())
    }

    /// Waits until its readiness page says yes.
    ///
    /// # Errors
    /// When it ends before, or `deadline` passes; the error holds the log's tail.
    pub async fn ready(&self, deadline: Duration) -> anyhow::Result<()> {
        let url = format!("{}/readyz", self.health_url());
        let what = format!("{}-service {} to be ready", self.spec.name, self.spec.subcommand.word());
        let process = self.running().await?;
        let ready = eventually(deadline, &what, async || {
            if process.exit_status().is_some() {
                return Some(false);
            }
            matches!(http::get(&url).await, Ok((200, _))).then_some(true)
        });
        if !ready.await.with_context(|| self.log_tail())? {
            bail!("{}-service ended while it started\n{}", self.spec.name, self.log_tail());
        }
        Ok(())
    }

    /// Whether its readiness page says yes right now.
    pub async fn is_ready(&self) -> bool {
        matches!(http::get(&format!("{}/readyz", self.health_url())).await, Ok((200, _)))
    }

    /// Asks it to drain and end; see [`ServiceProcess::wait_exit`].
    pub async fn sigterm(&self) {
        if let Ok(process) = self.running().await {
            process.signal(Signal::TERM);
        }
    }

    /// Kills it at once and waits until it is gone.
    pub async fn sigkill(&self) {
        if let Some(process) = self.process.lock().await.take() {
            process.end(Signal::KILL, Duration::from_secs(10)).await;
        }
    }

    /// Waits for its end and says how it ended.
    ///
    /// # Errors
    /// When it still runs after `deadline`, or was never started.
    pub async fn wait_exit(&self, deadline: Duration) -> anyhow::Result<ExitStatus> {
        self.running().await?.wait(deadline).await
    }

    /// Its process id.
    ///
    /// # Errors
    /// When it was never started, or was killed by [`ServiceProcess::sigkill`].
    pub async fn pid(&self) -> anyhow::Result<u32> {
        Ok(self.running().await?.pid())
    }

    /// Where its gRPC API answers, by TLS, the same over restarts: `https://host:port`.
    #[must_use]
    pub fn grpc_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.grpc_port)
    }

    /// The base of `/livez`, `/readyz` and `/metrics`, the same over restarts: `http://host:port`.
    #[must_use]
    pub fn health_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.health_port)
    }

    /// The service's name, such as `document`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// What it is started with.
    #[must_use]
    pub fn spec(&self) -> &ServiceSpec {
        &self.spec
    }

    /// The file with all that it wrote, over all its restarts.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The last lines of what it wrote.
    #[must_use]
    pub fn log_tail(&self) -> String {
        crate::process::log_tail(&self.log)
    }

    async fn running(&self) -> anyhow::Result<Arc<Process>> {
        let process = self.process.lock().await.clone();
        process.with_context(|| format!("{}-service is not started", self.spec.name))
    }

    fn command(&self) -> Command {
        let program = self.program.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let help = help_of_another_build(&program);
        let mut command = Command::new(program);
        command
            .arg(self.spec.subcommand.word())
            .current_dir(&self.spec.log_folder);
        // What the developer's shell sets for a service must not leak into a test.
        for (name, _) in std::env::vars_os() {
            let is_a_setting = |name| is_a_setting(name, &self.spec.name);
            if name.to_str().is_some_and(is_a_setting) {
                command.env_remove(name);
            }
        }
        let prefix = prefix(&self.spec.name);
        command.env(format!("{prefix}GRPC_LISTEN"), format!("127.0.0.1:{}", self.grpc_port));
        command.env(
            format!("{prefix}HEALTH_LISTEN"),
            format!("127.0.0.1:{}", self.health_port),
        );
        let known = |name: &str| help.as_ref().is_none_or(|help| is_in_help(help, name));
        for (name, value) in self.spec.settings.iter().filter(|(name, _)| known(name)) {
            command.env(format!("{prefix}{name}"), value);
        }
        command.envs(self.spec.environment.iter().cloned());
        command
    }
}

/// The path of a binary of this workspace, built in the same target folder and profile as the running program.
///
/// # Errors
/// When it is not there; the error says how to build it.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let running = std::env::current_exe().context("cannot tell where this program stands")?;
    // A test stands in <profile>/deps, a measurement in <profile>/examples, a command in <profile>.
    let folders = running.ancestors().skip(1).take(2);
    let found = folders.map(|folder| folder.join(name)).find(|file| file.is_file());
    found.with_context(|| {
        let looked = running.parent().unwrap_or(Path::new(".")).display().to_string();
        format!("{name} is not built (looked from {looked} upwards): run `cargo build --bin {name}` first")
    })
}

/// What a program of an earlier build says of its flags; nothing for one of today's. A service refuses to start with a setting that
/// it does not know, and an earlier one does not know all of today's.
fn help_of_another_build(program: &Path) -> Option<String> {
    let today = binary(program.file_name()?.to_str()?).ok()?;
    if today == program {
        return None;
    }
    let help = std::process::Command::new(program).arg("--help").output().ok()?;
    help.status
        .success()
        .then(|| String::from_utf8_lossy(&help.stdout).into_owned())
}

/// Whether a help names the flag of a setting.
fn is_in_help(help: &str, setting: &str) -> bool {
    let flag = format!("--{}", setting.to_lowercase().replace('_', "-"));
    help.split_whitespace().any(|word| word == flag)
}

/// The ports for gRPC and for the health page.
fn usual_ports(service: &str) -> Option<(u16, u16)> {
    let facts = SERVICES.iter().find(|facts| facts.name == service)?;
    Some((facts.grpc_port, facts.health_port))
}

/// Whether a variable is a setting of `service`, of another one, of OpenTelemetry, or of the object store.
fn is_a_setting(name: &str, service: &str) -> bool {
    let services = SERVICES.iter().map(|facts| facts.name).chain([service]);
    let of_libraries = name.starts_with("OTEL_") || name.starts_with("AWS_");
    of_libraries || services.into_iter().any(|service| name.starts_with(&prefix(service)))
}

#[cfg(test)]
mod tests {
    use super::{binary, is_a_setting, is_in_help};

    #[test]
    fn a_missing_binary_says_how_to_build_it() {
        let error = binary("no-such-service").unwrap_err().to_string();
        assert!(error.contains("cargo build --bin no-such-service"), "{error}");
    }

    #[test]
    fn an_earlier_build_is_told_what_its_help_names() {
        let help = "      --tls-ca <FILE>\n          The CA\n      --insecure-plaintext\n";
        assert!(is_in_help(help, "TLS_CA") && is_in_help(help, "INSECURE_PLAINTEXT"));
        assert!(!is_in_help(help, "TLS_C") && !is_in_help(help, "COMMUNITY_URL"));
    }

    #[test]
    fn settings_of_any_service_are_kept_from_children() {
        assert!(is_a_setting("IN_PERSON_POSTGRES_URL", "in-person"));
        assert!(is_a_setting("DOCUMENT_POSTGRES_URL", "in-person"));
        assert!(is_a_setting("OTEL_SERVICE_NAME", "in-person"));
        assert!(is_a_setting("AWS_ENDPOINT", "in-person"));
        assert!(!is_a_setting("PATH", "in-person"));
        assert!(!is_a_setting("RUST_LOG", "in-person"));
    }
}
