//! One run of one program: started fenced in, fed, listened to up to a limit, and ended in any case.

use crate::{
    Limits, SandboxError,
    fence::{Fence, PreparedFence},
    spawn::{End, Plan, Running},
};
use std::{
    ffi::{CString, OsStr, OsString},
    fs::OpenOptions,
    io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::unix::pipe,
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

/// A program that was started and waits for its input, so that its start can go on beside other work. Dropping it kills
/// it.
pub struct Waiting {
    // Declared before the folder, so that the process is killed before its folder is removed.
    started: Started,
    _folder: TempDir,
    program: PathBuf,
    wall_clock: Duration,
    max_output_bytes: usize,
}

pub(crate) fn start(prepared: &PreparedFence, limits: Limits, run: &Run<'_>) -> Result<Waiting, RunError> {
    let program = find(run.program).ok_or_else(|| RunError::Missing {
        program: run.program.to_owned(),
    })?;
    let start = |source| RunError::Start {
        program: program.clone(),
        source,
    };
    let folder = tempfile::Builder::new().prefix("sandbox-").tempdir().map_err(start)?;
    let fence = prepared
        .fence(limits, &program, folder.path())
        .map_err(|source| RunError::Fence { source })?;
    Ok(Waiting {
        started: start_program(&program, run, folder.path(), fence).map_err(start)?,
        _folder: folder,
        program,
        wall_clock: limits.wall_clock,
        max_output_bytes: run.max_output_bytes,
    })
}

impl Waiting {
    /// Hands the program its input and waits for its end; [`Limits::wall_clock`] counts from here.
    ///
    /// Records `process.pid` and `process.exit.code` on the current span where it has such fields.
    ///
    /// # Errors
    /// [`RunError`], one variant for each way to end otherwise than with exit code 0.
    pub async fn finish(mut self, input: &[u8]) -> Result<Output, RunError> {
        tracing::Span::current().record("process.pid", self.started.running.id());
        let talk = self.started.talk(input, self.max_output_bytes);
        match tokio::time::timeout(self.wall_clock, talk).await {
            Err(_) => Err(RunError::TimedOut { after: self.wall_clock }),
            Ok(Err(Stop::Broken(source))) => Err(RunError::Start {
                program: self.program,
                source,
            }),
            Ok(Err(Stop::TooMuch)) => Err(RunError::OutputTooLarge {
                limit: self.max_output_bytes,
            }),
            Ok(Ok((stdout, end))) => match ended(end) {
                None => Ok(Output { stdout }),
                Some(error) => Err(error),
            },
        }
    }

    /// Begins to talk with a program that answers before its input has ended; [`Limits::wall_clock`] counts from here.
    ///
    /// Records `process.pid` on the current span where it has such a field.
    pub fn talk(mut self) -> Talk {
        tracing::Span::current().record("process.pid", self.started.running.id());
        let (stdin, stdout) = self.started.pipes.take().expect("a program is spoken to once");
        Talk {
            stdin,
            stdout,
            until: tokio::time::Instant::now() + self.wall_clock,
            program: self,
        }
    }
}

/// A program that is talked with. It is trusted with nothing: whoever listens says how much. Dropping it kills it.
#[derive(Debug)]
pub struct Talk {
    stdin: pipe::Sender,
    stdout: pipe::Receiver,
    until: tokio::time::Instant,
    program: Waiting,
}

impl Talk {
    /// Gives it more time, such as what it waited for an answer.
    pub fn extend(&mut self, by: Duration) {
        self.until += by;
    }

    /// Tells it something.
    ///
    /// # Errors
    /// [`RunError`], when the program has ended or the time is over.
    pub async fn say(&mut self, bytes: &[u8]) -> Result<(), RunError> {
        match tokio::time::timeout_at(self.until, self.stdin.write_all(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(self.end().await),
            Err(_) => Err(self.timed_out()),
        }
    }

    /// Waits until it has said as much as `bytes` holds.
    ///
    /// # Errors
    /// [`RunError`], when the program has ended or the time is over.
    pub async fn hear(&mut self, bytes: &mut [u8]) -> Result<(), RunError> {
        match tokio::time::timeout_at(self.until, self.stdout.read_exact(bytes)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(self.end().await),
            Err(_) => Err(self.timed_out()),
        }
    }

    /// How a program ended that says no more: with exit code 0 it has failed too.
    async fn end(&mut self) -> RunError {
        match tokio::time::timeout_at(self.until, self.program.started.running.end()).await {
            Ok(Ok(end)) => ended(end).unwrap_or(RunError::Failed { code: 0 }),
            Ok(Err(source)) => RunError::Start {
                program: self.program.program.clone(),
                source,
            },
            Err(_) => self.timed_out(),
        }
    }

    fn timed_out(&self) -> RunError {
        RunError::TimedOut {
            after: self.program.wall_clock,
        }
    }
}

/// What an end means, unless it is the one with exit code 0. Recorded on the current span.
fn ended(end: End) -> Option<RunError> {
    match end {
        End::Signal(signal) => Some(RunError::Killed { signal }),
        End::Code(code) => {
            tracing::Span::current().record("process.exit.code", code);
            (code != 0).then_some(RunError::Failed { code })
        }
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Waiting")
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

/// A program that runs, and our ends of its pipes.
struct Started {
    running: Running,
    pipes: Option<(pipe::Sender, pipe::Receiver)>,
}

fn start_program(program: &Path, run: &Run<'_>, folder: &Path, fence: Fence) -> io::Result<Started> {
    let (stdin, input) = io::pipe()?;
    let (output, stdout) = io::pipe()?;
    let nowhere: OwnedFd = OpenOptions::new().write(true).open("/dev/null")?.into();
    let arguments = std::iter::once(program.as_os_str()).chain(run.arguments.iter().copied());
    let running = Plan {
        program: CString::new(program.as_os_str().as_bytes())?,
        arguments: arguments
            .map(|text| CString::new(text.as_bytes()))
            .collect::<Result<_, _>>()?,
        environment: environment(run, folder)?,
        folder: CString::new(folder.as_os_str().as_bytes())?,
        stdin: stdin.into(),
        stdout: stdout.into(),
        stderr: nowhere,
        fence,
    }
    .start()?;
    Ok(Started {
        running,
        pipes: Some((
            pipe::Sender::from_owned_fd(input.into())?,
            pipe::Receiver::from_owned_fd(output.into())?,
        )),
    })
}

fn environment(run: &Run<'_>, folder: &Path) -> io::Result<Vec<CString>> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = [
        ("PATH", path.as_os_str()),
        ("OMP_THREAD_LIMIT", OsStr::new("1")),
        ("LC_ALL", OsStr::new("C.UTF-8")),
        ("TZ", OsStr::new("UTC0")),
        ("TMPDIR", folder.as_os_str()),
    ];
    own.iter()
        .chain(run.environment)
        .map(|(key, value)| Ok(CString::new([key.as_bytes(), b"=", value.as_bytes()].concat())?))
        .collect()
}

impl Started {
    /// Hands over the input and takes the output, both at once, and waits for the end.
    async fn talk(&mut self, input: &[u8], most: usize) -> Result<(Vec<u8>, End), Stop> {
        let (mut stdin, stdout) = self.pipes.take().expect("a program is spoken to once");
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
        let ((), output) = tokio::try_join!(write, read)?;
        let end = self.running.end().await.map_err(Stop::Broken)?;
        Ok((output, end))
    }
}

/// Why the talk ends before the program does.
enum Stop {
    Broken(io::Error),
    TooMuch,
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
