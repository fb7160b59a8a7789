//! One run of one program: started fenced in, fed, listened to up to a limit, and ended in any case.

use crate::{
    Limits, SandboxError,
    fence::{Fence, Ground},
    kernel,
};
use bytes::Bytes;
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
};

/// What is to run.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// The program: a path, or a name that is looked up in `PATH`.
    pub program: &'a Path,
    /// Its arguments.
    pub arguments: &'a [&'a OsStr],
    /// Environment variables besides `PATH`, `TMPDIR` (the run's own folder, also the working one), `LC_ALL=C.UTF-8`,
    /// `TZ=UTC0` and `OMP_THREAD_LIMIT=1`.
    pub environment: &'a [(&'a str, &'a OsStr)],
    /// What it reads on its standard input.
    pub stdin: Bytes,
    /// The most that it may write to its standard output, in bytes.
    pub max_output_bytes: usize,
}

/// What a program left that ended with exit code 0.
pub struct Output {
    /// What it wrote to its standard output. May show what the input shows, so it has no `Debug` of its own.
    pub stdout: Vec<u8>,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Output").field("bytes", &self.stdout.len()).finish()
    }
}

/// How a run ended otherwise than with exit code 0. Never holds anything that the program wrote.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No such program.
    #[error("{} is not installed", program.display())]
    Missing {
        /// What was looked for.
        program: PathBuf,
    },
    /// The fence of this run could not be made.
    #[error("the program cannot be fenced in")]
    Fence {
        /// Why.
        #[source]
        source: SandboxError,
    },
    /// The program could not be started, fenced in or spoken to.
    #[error("{} could not be run", program.display())]
    Start {
        /// Which one.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It ran longer than [`Limits::wall_clock`] and was killed.
    #[error("the program did not end within {after:?}")]
    TimedOut {
        /// The limit.
        after: Duration,
    },
    /// It was killed, mostly for a limit of processor time, or by its own failure to cope with a limit.
    #[error("the program was killed by signal {signal}")]
    Killed {
        /// The signal's number.
        signal: i32,
    },
    /// It ended with an error; its words are dropped, as they may quote the input.
    #[error("the program ended with code {code}")]
    Failed {
        /// The exit code.
        code: i32,
    },
    /// It wrote more than [`Run::max_output_bytes`] and was killed.
    #[error("the program wrote more than {limit} bytes")]
    OutputTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
}

pub(crate) async fn run(ground: &Ground, limits: Limits, run: Run<'_>) -> Result<Output, RunError> {
    let program = find(run.program).ok_or_else(|| RunError::Missing {
        program: run.program.to_owned(),
    })?;
    let start = |source| RunError::Start {
        program: program.clone(),
        source,
    };
    let folder = tempfile::Builder::new().prefix("sandbox-").tempdir().map_err(start)?;
    let fence = ground
        .fence(limits, &program, folder.path())
        .map_err(|source| RunError::Fence { source })?;
    // Declared after the folder, so that the process is killed before its folder is removed.
    let mut running = Running(command(&program, &run, folder.path(), fence).spawn().map_err(start)?);
    if let Some(pid) = running.0.id() {
        tracing::Span::current().record("process.pid", pid);
    }
    let ended = tokio::time::timeout(limits.wall_clock, running.talk(&run.stdin, run.max_output_bytes)).await;
    let (stdout, status) = match ended {
        Err(_) => {
            return Err(RunError::TimedOut {
                after: limits.wall_clock,
            });
        }
        Ok(Err(source)) => return Err(start(source)),
        Ok(Ok(None)) => {
            return Err(RunError::OutputTooLarge {
                limit: run.max_output_bytes,
            });
        }
        Ok(Ok(Some(ended))) => ended,
    };
    if let Some(signal) = status.signal() {
        return Err(RunError::Killed { signal });
    }
    let code = status.code().unwrap_or(-1);
    tracing::Span::current().record("process.exit.code", code);
    if code == 0 {
        Ok(Output { stdout })
    } else {
        Err(RunError::Failed { code })
    }
}

fn command(program: &Path, run: &Run<'_>, folder: &Path, fence: Fence) -> Command {
    let mut command = Command::new(program);
    command
        .args(run.arguments)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .envs([("OMP_THREAD_LIMIT", "1"), ("LC_ALL", "C.UTF-8"), ("TZ", "UTC0")])
        .env("TMPDIR", folder)
        .envs(run.environment.iter().copied())
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    kernel::before_exec(&mut command, move || fence.raise());
    command
}

/// A child that doesn't outlive this value, nor does anything that it started.
struct Running(Child);

impl Running {
    /// Hands over the input and takes the output, both at once; `None` when it writes more than `most` bytes.
    async fn talk(&mut self, input: &[u8], most: usize) -> io::Result<Option<(Vec<u8>, std::process::ExitStatus)>> {
        let mut stdin = self.0.stdin.take().expect("stdin was asked for as a pipe");
        let stdout = self.0.stdout.take().expect("stdout was asked for as a pipe");
        let write = async move {
            // A program that ends early closes the pipe; its exit status says why, so the broken pipe itself says nothing.
            let _ = stdin.write_all(input).await;
            Ok(())
        };
        let read = async move {
            let mut output = Vec::new();
            stdout
                .take(most as u64 + 1)
                .read_to_end(&mut output)
                .await
                .map_err(Stop::Broken)?;
            if output.len() > most {
                Err(Stop::TooMuch)
            } else {
                Ok(output)
            }
        };
        // Too much output ends the writing too: the program may have stopped to read.
        let output = match tokio::try_join!(write, read) {
            Ok(((), output)) => output,
            Err(Stop::Broken(error)) => return Err(error),
            Err(Stop::TooMuch) => return Ok(None),
        };
        Ok(Some((output, self.0.wait().await?)))
    }
}

/// Why the talk ends before the program does.
enum Stop {
    Broken(io::Error),
    TooMuch,
}

impl Drop for Running {
    fn drop(&mut self) {
        // `id` is gone once the child was waited for, and with it the certainty that the number is still its own.
        let group = self
            .0
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// The program as a path, looked up as a shell does.
fn find(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return program.is_file().then(|| std::path::absolute(program).ok())?;
    }
    let path: OsString = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
