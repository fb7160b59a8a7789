//! Jaeger: where the traces of the mesh are kept and read.

use std::{process::Command, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::{folder, http, ports, process::Process, tools, waiting::eventually};

/// Set by `xtask test`, with [`QUERY_ENV`]: where a whole test run sends its spans.
pub const OTLP_ENV: &str = "MESH_TEST_JAEGER_OTLP";
/// Set by `xtask test`, with [`OTLP_ENV`]: where they are read.
pub const QUERY_ENV: &str = "MESH_TEST_JAEGER_QUERY";

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A Jaeger that keeps traces in memory.
#[derive(Debug)]
pub struct Jaeger {
    // Declared before the folder: the server must be dead before its files go.
    server: Option<Process>,
    folder: Option<TempDir>,
    otlp_endpoint: String,
    query_url: String,
}

impl Jaeger {
    /// Starts a Jaeger on free ports; it goes with the value or with this process. The first start on a machine builds
    /// the program with Go, which takes minutes.
    ///
    /// # Errors
    /// When there is no Go to build it with, or it does not answer within 60 s.
    pub async fn start() -> anyhow::Result<Self> {
        let program = tools::jaeger_program().await?;
        let folder = folder::scratch("jaeger")?;
        let (otlp, query) = (ports::reserve()?, ports::reserve()?);
        let mut command = Command::new(program);
        command
            .current_dir(folder.path())
            .env("SPAN_STORAGE_TYPE", "memory")
            .arg("--log-level=warn");
        command.arg("--memory.max-traces=20000");
        command.arg(format!("--collector.otlp.grpc.host-port=127.0.0.1:{otlp}"));
        command.arg(format!("--query.http-server.host-port=127.0.0.1:{query}"));
        // The doors that nobody uses here stand on any free port, so that two stacks never meet.
        for unused in [
            "query.grpc-server.host-port",
            "collector.otlp.http.host-port",
            "collector.http-server.host-port",
            "collector.grpc-server.host-port",
            "admin.http.host-port",
            "http-server.host-port",
            "processor.jaeger-binary.server-host-port",
            "processor.jaeger-compact.server-host-port",
            "processor.zipkin-compact.server-host-port",
        ] {
            command.arg(format!("--{unused}=127.0.0.1:0"));
        }
        let server = Process::start(command, &folder.path().join("jaeger.log"), Signal::KILL).await?;
        let query_url = format!("http://127.0.0.1:{query}");
        let answers = eventually(START_TIMEOUT, "Jaeger to answer", async || {
            if server.exit_status().is_some() {
                return Some(false);
            }
            let query_serves = matches!(http::get(&format!("{query_url}/api/services")).await, Ok((200, _)));
            let collector_listens = tokio::net::TcpStream::connect(("127.0.0.1", otlp)).await.is_ok();
            (query_serves && collector_listens).then_some(true)
        });
        if !answers.await.with_context(|| server.log_tail())? {
            bail!("Jaeger ended while it started\n{}", server.log_tail());
        }
        let otlp_endpoint = format!("http://127.0.0.1:{otlp}");
        Ok(Self {
            server: Some(server),
            folder: Some(folder),
            otlp_endpoint,
            query_url,
        })
    }

    /// The one of the whole test run when [`OTLP_ENV`] and [`QUERY_ENV`] name it, otherwise one for this process,
    /// started at the first call.
    ///
    /// # Errors
    /// As [`Jaeger::start`].
    pub async fn shared() -> anyhow::Result<Arc<Self>> {
        static SHARED: OnceCell<Arc<Jaeger>> = OnceCell::const_new();
        let shared = SHARED.get_or_try_init(async || match (std::env::var(OTLP_ENV), std::env::var(QUERY_ENV)) {
            (Ok(otlp_endpoint), Ok(query_url)) => anyhow::Ok(Arc::new(Self {
                server: None,
                folder: None,
                otlp_endpoint,
                query_url,
            })),
            _ => Ok(Arc::new(Self::start().await?)),
        });
        shared.await.cloned()
    }

    /// Where spans go, by OTLP over gRPC: `http://host:port`.
    #[must_use]
    pub fn otlp_endpoint(&self) -> &str {
        &self.otlp_endpoint
    }

    /// The base of the query API: `http://host:port`.
    #[must_use]
    pub fn query_url(&self) -> &str {
        &self.query_url
    }

    /// One trace as the query API gives it (`spans`, `processes`), or `None` while no span of it has come.
    ///
    /// # Errors
    /// When the query API does not answer or answers with something else.
    pub async fn trace(&self, trace_id: &str) -> anyhow::Result<Option<Value>> {
        let (status, body) = http::get(&format!("{}/api/traces/{trace_id}", self.query_url)).await?;
        if status == 404 {
            return Ok(None);
        }
        let mut answer: Value = serde_json::from_slice(&body).context("the answer is not JSON")?;
        match answer.pointer_mut("/data/0") {
            Some(trace) if status == 200 => Ok(Some(trace.take())),
            _ => bail!("Jaeger answered with {status}: {answer}"),
        }
    }

    /// Ends it in order; nothing happens to one that is not ours.
    pub async fn stop(&self) {
        if let Some(server) = &self.server {
            server.end(Signal::TERM, Duration::from_secs(5)).await;
        }
    }

    /// The folder with its log, when it is ours.
    #[must_use]
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_ref().map(TempDir::path)
    }
}
