//! Runs one program that must not be trusted, because what it reads comes from outside, with a fence around it.
//!
//! [`Sandbox::run`] starts a program (tesseract, pdfinfo, pdftoppm), hands it bytes on its standard input and returns
//! what it wrote to its standard output; with one that asks back, [`Waiting::talk`] goes to and fro. Between its birth and `exec` the child fences itself in, so there is no moment in
//! which the program runs free and no launcher program to install:
//! - resource limits: address space, processor time, size of a file, open files, no further process, no core dump;
//! - Landlock: it reads the system's programs and libraries and the folders that were named, writes in a fresh folder of
//!   its own, and opens nothing else; no network, no signal and no abstract socket out of the fence, where the kernel's
//!   version of Landlock (its ABI) has that;
//! - seccomp: only the system calls of a program that computes; none for sockets, processes, mounts, keys or tracing;
//! - no capabilities and no new privileges, an empty environment, no inherited file, a process group of its own.
//!
//! Invariants:
//! - the whole process group is killed when the time is over or the future is dropped;
//! - the program's standard error is never read: it may quote what the input shows;
//! - everything that the child needs is made before it is; it makes system calls only, in memory that it shares until `exec`;
//! - absent on purpose: a list of what is forbidden. What isn't named is refused.
//!
//! Linux only, as Landlock and seccomp are. Start with [`Sandbox`]; `fence` is what happens in the child.

mod fence;
mod kernel;
mod paths;
mod run;
mod spawn;
mod syscalls;

pub use fence::{Confinement, InForce};
pub use run::{Output, Run, RunError, Talk, Waiting};

use fence::PreparedFence;
use std::{path::PathBuf, sync::Arc, time::Duration};

/// What every run gets and what it may use.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// What one run may use.
    pub limits: Limits,
    /// Folders or files that the programs read besides the system's own, e.g. models.
    pub readable: Vec<PathBuf>,
    /// Whether a kernel without Landlock or seccomp will do.
    pub confinement: Confinement,
}

/// What one run may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Address space in bytes (`RLIMIT_AS`); an allocation beyond it fails.
    pub memory_bytes: u64,
    /// Processor time in seconds (`RLIMIT_CPU`); killed beyond it.
    pub cpu_seconds: u64,
    /// Time on the wall; killed beyond it.
    pub wall_clock: Duration,
    /// The largest file in bytes that may be written (`RLIMIT_FSIZE`); a write beyond it fails. Pipes don't count.
    pub file_bytes: u64,
    /// Open files at once (`RLIMIT_NOFILE`).
    pub open_files: u64,
}

impl Default for Limits {
    /// 1 GiB, 20 s of processor time, 30 s in all: more than the dearest page of 50 megapixels needs (800 MiB and 6 s). No
    /// file, as none of the programs needs to write one.
    fn default() -> Self {
        Self {
            memory_bytes: 1 << 30,
            cpu_seconds: 20,
            wall_clock: Duration::from_secs(30),
            file_bytes: 0,
            open_files: 64,
        }
    }
}

/// Why no sandbox could be made.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The kernel lacks what [`Confinement::Required`] asks for.
    #[error("this kernel cannot confine a program, it lacks {}", lacking.join(" and "))]
    Unconfined {
        /// What it lacks, and since when kernels have it.
        lacking: Vec<&'static str>,
    },
    /// The kernel has Landlock or seccomp, but it was not to be had.
    #[error("the fence could not be prepared: {what}")]
    Fence {
        /// What the library said; it names rights and rules, never a file.
        what: String,
    },
    /// A folder that the programs are to read cannot be opened.
    #[error("{} cannot be opened", path.display())]
    Folder {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Runs programs inside a fence. Made once, cheap to clone; runs don't share anything but what they may read.
#[derive(Clone, Debug)]
pub struct Sandbox {
    prepared: Arc<PreparedFence>,
    limits: Limits,
}

impl Sandbox {
    /// Finds out what the kernel offers and prepares all that every run has in common.
    ///
    /// # Errors
    /// [`SandboxError`]; with [`Confinement::Required`] also when the kernel lacks Landlock or seccomp.
    pub fn new(config: SandboxConfig) -> Result<Self, SandboxError> {
        Ok(Self {
            prepared: Arc::new(PreparedFence::prepare(&config.readable, config.confinement)?),
            limits: config.limits,
        })
    }

    /// What is in force in every run; for the log line at the start.
    pub fn confinement(&self) -> InForce {
        self.prepared.in_force()
    }

    /// What one run may use.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The same fence with other limits.
    pub fn with_limits(&self, limits: Limits) -> Self {
        Self {
            prepared: self.prepared.clone(),
            limits,
        }
    }

    /// Starts a program, which then waits for its input. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`RunError`], when the program is missing or cannot be fenced in or started.
    pub fn start(&self, run: &Run<'_>) -> Result<Waiting, RunError> {
        run::start(&self.prepared, self.limits, run)
    }

    /// Runs a program to its end on this input. Dropping the future kills it and all that it started.
    ///
    /// # Errors
    /// [`RunError`], one variant for each way to end otherwise than with exit code 0.
    pub async fn run(&self, run: Run<'_>, input: &[u8]) -> Result<Output, RunError> {
        self.start(&run)?.finish(input).await
    }
}
