//! The Temporal development server.

use std::{path::PathBuf, process::Command, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::sync::{Mutex, OnceCell};
use tonic::transport::Endpoint;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use crate::{
    folder, ports,
    process::{self, Process},
    tools,
    waiting::eventually,
};

/// Set by `xtask test`: the address of a server that serves a whole test run.
pub const URL_ENV: &str = "MESH_TEST_TEMPORAL_URL";

/// The search attributes that the workflows set, with their types.
pub const SEARCH_ATTRIBUTES: [(&str, &str); 7] = [
    ("user_id", "Int"),
    ("verification_status", "Keyword"),
    ("target_score", "Double"),
    ("created_at", "Datetime"),
    ("verification_methods_count", "Int"),
    ("verification_score", "Int"),
    ("verification_level", "Keyword"),
];

/// What makes the server skip time, and skip it as fast as a test wants.
const DYNAMIC_CONFIG: [&str; 5] = [
    "frontend.WorkflowTimeSkippingEnabled=true",
    // A timer that is due at once, as each is that time was skipped for, otherwise waits a second.
    "history.timerProcessorMaxTimeShift=\"1ms\"",
    // Otherwise the server looks for timers that are due, and for tasks to hand out, 20 times a second at most.
    "history.timerProcessorMaxPollRPS=1000",
    "history.transferProcessorMaxPollRPS=1000",
    // The server holds the next run of a workflow back until the last one is this old. It takes that age from its own
    // clock, so a run whose time was skipped seems to have begun in the future, and the next one is held back for years.
    "history.workflowIdReuseMinimalInterval=\"0s\"",
];

/// The namespace that the development server always has.
pub const NAMESPACE: &str = "default";

const FRONTEND: &str = "temporal.api.workflowservice.v1.WorkflowService";
const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// A Temporal development server on 127.0.0.1 that can skip time; its state survives [`Temporal::kill`].
#[derive(Debug)]
pub struct Temporal {
    program: PathBuf,
    url: String,
    ui: Option<u16>,
    own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    // Declared before the folder: the server must be dead before its files go.
    server: Mutex<Option<Process>>,
    folder: TempDir,
    port: u16,
}

/// Whether the server also serves its web page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebPage {
    /// No page: what tests want.
    Absent,
    /// On a free port, see [`Temporal::ui_url`].
    Served,
}

impl Temporal {
    /// Starts a server without a web page; it and its folder go with the value or with this process.
    ///
    /// # Errors
    /// When there is no `temporal` program to be had, or the server is not healthy within 60 s.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(WebPage::Absent).await
    }

    /// Starts a server with or without its web page.
    ///
    /// # Errors
    /// As [`Temporal::start`].
    pub async fn start_with(page: WebPage) -> anyhow::Result<Self> {
        let program = tools::temporal_program().await?;
        let port = ports::reserve()?;
        let ui = match page {
            WebPage::Absent => None,
            WebPage::Served => Some(ports::reserve()?),
        };
        let own = Own {
            server: Mutex::new(None),
            folder: folder::scratch("temporal")?,
            port,
        };
        let temporal = Self {
            program,
            url: format!("http://127.0.0.1:{port}"),
            ui,
            own: Some(own),
        };
        temporal.restart().await?;
        Ok(temporal)
    }

    /// The server of the whole test run when [`URL_ENV`] names one, otherwise one for this process, started at the
    /// first call. For tests whose task queues and workflow ids are their own.
    ///
    /// # Errors
    /// As [`Temporal::start`].
    pub async fn shared() -> anyhow::Result<Arc<Self>> {
        static SHARED: OnceCell<Arc<Temporal>> = OnceCell::const_new();
        let shared = SHARED.get_or_try_init(async || match std::env::var(URL_ENV) {
            Ok(url) => {
                let program = tools::temporal_program().await?;
                anyhow::Ok(Arc::new(Self {
                    program,
                    url,
                    ui: None,
                    own: None,
                }))
            }
            Err(_) => Ok(Arc::new(Self::start().await?)),
        });
        shared.await.cloned()
    }

    /// Where clients and workers connect: `http://host:port`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The web page, when it is served.
    #[must_use]
    pub fn ui_url(&self) -> Option<String> {
        self.ui.map(|port| format!("http://127.0.0.1:{port}"))
    }

    /// Whether the frontend says that it serves.
    pub async fn is_healthy(&self) -> bool {
        let Ok(endpoint) = Endpoint::from_shared(self.url.clone()) else {
            return false;
        };
        let endpoint = endpoint
            .connect_timeout(Duration::from_secs(1))
            .timeout(Duration::from_secs(5));
        let Ok(channel) = endpoint.connect().await else {
            return false;
        };
        let answer = HealthClient::new(channel)
            .check(HealthCheckRequest {
                service: FRONTEND.to_owned(),
            })
            .await;
        answer.is_ok_and(|status| status.get_ref().status() == ServingStatus::Serving)
    }

    /// Runs the `temporal` program against this server, for what a test reads by hand, and returns what it printed.
    ///
    /// # Errors
    /// When the command fails.
    pub async fn command(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let address = self.url.trim_start_matches("http://");
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .args(["--address", address, "--disable-config-file"]);
        process::run(command).await
    }

    /// Ends it as a crash does (SIGKILL).
    ///
    /// # Errors
    /// When the server is not ours, as in a test run that shares one.
    pub async fn kill(&self) -> anyhow::Result<()> {
        self.end(Signal::KILL).await
    }

    /// Ends it in order.
    ///
    /// # Errors
    /// When the server is not ours, as in a test run that shares one.
    pub async fn stop(&self) -> anyhow::Result<()> {
        self.end(Signal::TERM).await
    }

    /// Starts it again on the same ports with the same state, ending it first when it runs.
    ///
    /// # Errors
    /// When the server is not ours, or is not healthy within 60 s.
    pub async fn restart(&self) -> anyhow::Result<()> {
        self.stop().await?;
        let own = self.own()?;
        let mut server = Command::new(&self.program);
        server.args([
            "server",
            "start-dev",
            "--disable-config-file",
            "--log-level",
            "warn",
            "--ip",
            "127.0.0.1",
        ]);
        server.arg("--port").arg(own.port.to_string());
        server.arg("--db-filename").arg(own.folder.path().join("state.sqlite"));
        // The state must outlive the server's crash, not the machine's: nothing waits for a disk.
        server.args([
            "--sqlite-pragma",
            "journal_mode=wal",
            "--sqlite-pragma",
            "synchronous=off",
        ]);
        match self.ui {
            Some(port) => server
                .arg("--ui-port")
                .arg(port.to_string())
                .arg("--ui-disable-news-fetch"),
            None => server.arg("--headless"),
        };
        for setting in DYNAMIC_CONFIG {
            server.args(["--dynamic-config-value", setting]);
        }
        for (name, kind) in SEARCH_ATTRIBUTES {
            server.arg("--search-attribute").arg(format!("{name}={kind}"));
        }
        let server = Process::start(server, &own.folder.path().join("server.log"), Signal::KILL).await?;
        let healthy = eventually(START_TIMEOUT, "Temporal to be healthy", async || {
            if server.exit_status().is_some() {
                return Some(false);
            }
            self.is_healthy().await.then_some(true)
        });
        if !healthy.await.with_context(|| server.log_tail())? {
            bail!("Temporal ended while it started\n{}", server.log_tail());
        }
        *own.server.lock().await = Some(server);
        Ok(())
    }

    async fn end(&self, signal: Signal) -> anyhow::Result<()> {
        if let Some(server) = self.own()?.server.lock().await.take() {
            server.end(signal, STOP_TIMEOUT).await;
        }
        Ok(())
    }

    fn own(&self) -> anyhow::Result<&Own> {
        self.own
            .as_ref()
            .with_context(|| format!("the Temporal server of {URL_ENV} is not ours to stop"))
    }
}
