//! Child processes that cannot outlive the process that started them.

use std::{
    fs::File,
    os::{fd::OwnedFd, unix::process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Output, Stdio},
    sync::{OnceLock, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, anyhow};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal, set_parent_process_death_signal};
use tokio::sync::{oneshot, watch};

/// A running child: killed with SIGKILL when dropped, and by the kernel when this process dies in whatever way.
#[derive(Debug)]
pub struct Process {
    pid: u32,
    handle: OwnedFd,
    exit: watch::Receiver<Option<ExitStatus>>,
    reaper: Option<JoinHandle<()>>,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with its output appended to the file `log`; `at_our_death` is what the kernel sends it when
    /// this process ends first.
    ///
    /// # Errors
    /// When the program cannot be started or the log file not be opened.
    pub async fn start(mut command: Command, log: &Path, at_our_death: Signal) -> anyhow::Result<Self> {
        let program = command.get_program().to_owned();
        let output = File::options().create(true).append(true).open(log);
        let output = output.with_context(|| format!("cannot open {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let mut child = spawn(command, at_our_death)
            .await
            .with_context(|| format!("cannot start {program:?}"))?;
        let pid = child.id();
        let raw = Pid::from_raw(pid.cast_signed()).context("a child's process id is positive")?;
        let handle = pidfd_open(raw, PidfdFlags::empty()).context("cannot open a handle of the child")?;
        let (announce, exit) = watch::channel(None);
        let reaper = std::thread::spawn(move || {
            let status = child.wait().ok();
            announce.send_replace(status);
        });
        Ok(Self {
            pid,
            handle,
            exit,
            reaper: Some(reaper),
            log: log.to_owned(),
        })
    }

    /// The process id, unique among living processes only.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended, or `None` while it runs.
    #[must_use]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }

    /// Sends a signal; nothing happens when the process has ended.
    pub fn signal(&self, signal: Signal) {
        // The handle names this very process even when its id has been given to another one.
        let _gone_already = pidfd_send_signal(&self.handle, signal);
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// When it still runs after `deadline`; the error holds the log's tail.
    pub async fn wait(&self, deadline: Duration) -> anyhow::Result<ExitStatus> {
        let mut exit = self.exit.clone();
        let ended = tokio::time::timeout(deadline, exit.wait_for(Option::is_some)).await;
        match ended {
            Ok(Ok(status)) => status.context("the process ended without a status"),
            Ok(Err(_)) => Err(anyhow!("the end of process {} was not seen", self.pid)),
            Err(_) => Err(anyhow!(
                "process {} still runs after {:.1} s\n{}",
                self.pid,
                deadline.as_secs_f64(),
                self.log_tail()
            )),
        }
    }

    /// Sends `signal`, waits up to `deadline`, then uses SIGKILL.
    pub async fn end(&self, signal: Signal, deadline: Duration) {
        self.signal(signal);
        if self.wait(deadline).await.is_err() {
            self.signal(Signal::KILL);
            let _status = self.wait(deadline).await;
        }
    }

    /// The last lines of what it wrote, to be shown in an error.
    #[must_use]
    pub fn log_tail(&self) -> String {
        log_tail(&self.log)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        if let Some(reaper) = self.reaper.take() {
            // Only a thread that panicked fails to join, and the process is gone then too.
            let _joined = reaper.join();
        }
    }
}

/// Runs a short command to its end and returns its standard output.
///
/// # Errors
/// When it cannot be started or fails; the error holds what it wrote.
pub async fn run(mut command: Command) -> anyhow::Result<String> {
    let program = command.get_program().to_owned();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = spawn(command, Signal::KILL)
        .await
        .with_context(|| format!("cannot start {program:?}"))?;
    let Output { status, stdout, stderr } = tokio::task::spawn_blocking(move || child.wait_with_output()).await??;
    let said = String::from_utf8_lossy(&stdout).into_owned();
    if status.success() {
        return Ok(said);
    }
    Err(anyhow!(
        "{program:?} ended with {status}\n{said}{}",
        String::from_utf8_lossy(&stderr)
    ))
}

pub(crate) fn log_tail(log: &Path) -> String {
    // Enough for a message above a backtrace.
    const LINES: usize = 80;
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    format!(
        "--- end of {}\n{}",
        log.display(),
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    )
}

type Order = (Command, Signal, oneshot::Sender<std::io::Result<std::process::Child>>);

/// The kernel ties "my parent died" to the thread that forked, and threads of a runtime come and go; so one thread,
/// which lives as long as the process, forks all children.
async fn spawn(command: Command, at_our_death: Signal) -> anyhow::Result<std::process::Child> {
    static SPAWNER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, orders) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, signal, reply) in orders {
                let _nobody_waits = reply.send(tied_to_us(&mut command, signal).spawn());
            }
        });
        sender
    });
    let (reply, child) = oneshot::channel();
    spawner
        .send((command, at_our_death, reply))
        .map_err(|_| anyhow!("the spawning thread is gone"))?;
    Ok(child.await.context("the spawning thread is gone")??)
}

#[expect(
    unsafe_code,
    reason = "pre_exec is the only way to ask the kernel to end a child with its parent"
)]
fn tied_to_us(command: &mut Command, at_our_death: Signal) -> &mut Command {
    // A group of its own, so that Ctrl-C reaches only the process that then stops the children in order.
    command.process_group(0);
    // SAFETY: the closure makes one system call and touches no memory of the parent.
    unsafe { command.pre_exec(move || Ok(set_parent_process_death_signal(Some(at_our_death))?)) }
}
