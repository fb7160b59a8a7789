//! An S3-compatible object store: `rclone serve s3` over a folder.

use std::{ffi::OsString, path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, bail};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::{folder, http, ports, process::Process, tools, waiting::eventually};

/// The one bucket that the server has.
const BUCKET: &str = "documents";
const ACCESS_KEY_ID: &str = "mesh-test";
const SECRET_ACCESS_KEY: &str = "mesh-test-secret";

const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// An S3 server on 127.0.0.1 with one bucket, whose objects survive [`S3Server::kill`]. It and its folder go with the value or
/// with this process.
#[derive(Debug)]
pub struct S3Server {
    // Declared before the folder: the server must be dead before its files go.
    server: Mutex<Option<Process>>,
    folder: TempDir,
    program: PathBuf,
    port: u16,
}

impl S3Server {
    /// Starts a server with an empty bucket.
    ///
    /// # Errors
    /// When there is no `rclone` program to be had, or the server does not answer within 60 s.
    pub async fn start() -> anyhow::Result<Self> {
        let folder = folder::scratch("s3")?;
        std::fs::create_dir_all(folder.path().join("buckets").join(BUCKET)).context("cannot make the bucket")?;
        let server = Self {
            server: Mutex::new(None),
            folder,
            program: tools::rclone_program().await?,
            port: ports::reserve()?,
        };
        server.restart().await?;
        Ok(server)
    }

    /// Where clients connect, the same over restarts: `http://host:port`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The name of its bucket.
    #[must_use]
    pub fn bucket(&self) -> &'static str {
        BUCKET
    }

    /// The environment of a process that uses the server by way of `endpoint`, which is its own or that of a proxy before it.
    #[must_use]
    pub fn environment(endpoint: &str) -> [(String, OsString); 5] {
        [
            ("AWS_ENDPOINT", endpoint),
            // The endpoint has no TLS.
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID),
            ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY),
        ]
        .map(|(name, value)| (name.to_owned(), value.into()))
    }

    /// Ends it as a crash does (SIGKILL).
    pub async fn kill(&self) {
        if let Some(server) = self.server.lock().await.take() {
            server.end(Signal::KILL, STOP_TIMEOUT).await;
        }
    }

    /// Starts it again on the same port with the same objects, killing it first when it runs.
    ///
    /// # Errors
    /// When it does not answer within 60 s.
    pub async fn restart(&self) -> anyhow::Result<()> {
        self.kill().await;
        let mut command = Command::new(&self.program);
        // What the developer's shell sets for rclone, and their remotes, are no business of a test.
        command.env_clear().env("HOME", self.folder.path());
        command.args(["serve", "s3", "--config=", "--addr"]);
        command.arg(format!("127.0.0.1:{}", self.port));
        command.arg(format!("--auth-key={ACCESS_KEY_ID},{SECRET_ACCESS_KEY}"));
        command.arg(self.folder.path().join("buckets"));
        let server = Process::start(command, &self.folder.path().join("server.log"), Signal::KILL).await?;
        let answers = eventually(START_TIMEOUT, "the S3 server to answer", async || {
            if server.exit_status().is_some() {
                return Some(false);
            }
            // Whoever brings no key is refused, which is an answer too.
            http::get(&self.endpoint()).await.is_ok().then_some(true)
        });
        if !answers.await.with_context(|| server.log_tail())? {
            bail!("the S3 server ended while it started\n{}", server.log_tail());
        }
        *self.server.lock().await = Some(server);
        Ok(())
    }
}
