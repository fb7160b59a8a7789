//! Starts a program as `posix_spawn` does, with the fence put up in between.
//!
//! The child shares the parent's memory until its `exec`, and the calling thread waits so long (`CLONE_VM` and
//! `CLONE_VFORK`). A plain `fork` copies the page tables of a service that holds large pictures, which takes longer than
//! some runs of the OCR engine.
#![expect(
    unsafe_code,
    reason = "no library starts a program this way with code of ours before the exec; all that runs there are system calls"
)]

use crate::fence::Fence;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, waitid};
use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    io, mem,
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
    ptr,
    sync::atomic::{AtomicI32, Ordering},
};
use tokio::io::unix::AsyncFd;

/// Enough for a few system calls; a page that isn't touched isn't there.
const STACK_BYTES: usize = 256 << 10;

/// What the child of a plan that could not be carried out ends with; nobody sees it.
const NOT_STARTED: c_int = 127;

/// What is to be started; all of it made before.
pub(crate) struct Plan {
    pub(crate) program: CString,
    /// The program's own name first.
    pub(crate) arguments: Vec<CString>,
    /// `KEY=value`.
    pub(crate) environment: Vec<CString>,
    pub(crate) folder: CString,
    pub(crate) stdin: OwnedFd,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
    pub(crate) fence: Fence,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Code(i32),
    Signal(i32),
}

/// A program that runs; it and all that it started are killed when this value is dropped.
pub(crate) struct Running {
    pid: Pid,
    /// Becomes readable at the end of the process; `None` once it was waited for.
    process: Option<AsyncFd<OwnedFd>>,
}

/// What the child sees of the plan: pointers only, into memory that outlives its `exec`.
struct Child<'a> {
    program: &'a CStr,
    arguments: &'a [*const c_char],
    environment: &'a [*const c_char],
    folder: &'a CStr,
    files: [RawFd; 3],
    fence: &'a Fence,
    /// The error number of what went wrong.
    error: AtomicI32,
}

impl Plan {
    /// Starts the program; blocks the calling thread until its `exec`, for a fraction of a millisecond.
    pub(crate) fn start(self) -> io::Result<Running> {
        let arguments = pointers(&self.arguments);
        let environment = pointers(&self.environment);
        let child = Child {
            program: &self.program,
            arguments: &arguments,
            environment: &environment,
            folder: &self.folder,
            files: [self.stdin.as_raw_fd(), self.stdout.as_raw_fd(), self.stderr.as_raw_fd()],
            fence: &self.fence,
            error: AtomicI32::new(0),
        };
        let (pid, process) = clone(&child)?;
        match child.error.load(Ordering::Acquire) {
            0 => {
                // SAFETY: the descriptor is the value's own, which closes it after it took it out of the runtime.
                let watched = unsafe { AsyncFd::register(process) };
                match watched {
                    Ok(process) => Ok(Running {
                        pid,
                        process: Some(process),
                    }),
                    Err(refused) => {
                        let (process, error) = refused.into_parts();
                        kill(pid);
                        let _ = wait(&process);
                        Err(error)
                    }
                }
            }
            error => {
                // It ended before it began, so this doesn't wait.
                let _ = wait(&process);
                Err(io::Error::from_raw_os_error(error))
            }
        }
    }
}

impl Running {
    pub(crate) fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Waits for the program's end.
    pub(crate) async fn end(&mut self) -> io::Result<End> {
        let process = self.process.as_ref().expect("a program ends once");
        let _ended = process.readable().await?;
        let end = wait(process.get_ref())?;
        self.process = None;
        Ok(end)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(process) = self.process.take() else { return };
        // Not waited for yet, so the number is still its own. It leads its group.
        kill(self.pid);
        let process = process.into_inner();
        // It takes the kernel some milliseconds to take a process apart, which is not for this thread to wait for.
        let _ = std::thread::Builder::new().spawn(move || wait(&process));
    }
}

/// Ends a process that was not waited for yet, and its group.
fn kill(leader: Pid) {
    // It fails only where there is nobody left.
    let _ = kill_process_group(leader, Signal::KILL);
}

fn wait(process: &OwnedFd) -> io::Result<End> {
    use std::os::fd::AsFd;
    loop {
        match waitid(WaitId::PidFd(process.as_fd()), WaitIdOptions::EXITED) {
            Ok(Some(status)) => return Ok(end(&status)),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn end(status: &WaitIdStatus) -> End {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => End::Code(code),
        (None, Some(signal)) => End::Signal(signal),
        (None, None) => End::Code(-1),
    }
}

/// The strings as C wants them: pointers, and a null at the end.
fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings
        .iter()
        .map(|string| string.as_ptr())
        .chain([ptr::null()])
        .collect()
}

/// Has `child` run on a stack of its own in this memory, while this thread waits for its `exec` or end.
fn clone(child: &Child<'_>) -> io::Result<(Pid, OwnedFd)> {
    let mut stack: Vec<mem::MaybeUninit<u128>> = Vec::with_capacity(STACK_BYTES / size_of::<u128>());
    let mut process: RawFd = -1;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
    // SAFETY: `stack` and `child` live until `clone` returns, which with CLONE_VFORK is after the child's last access to
    // this memory; the stack grows down from its end, which is aligned for any value. All signals are blocked meanwhile,
    // so no handler of ours runs in the child. `process` takes the file descriptor that CLONE_PIDFD asks for.
    let pid = unsafe {
        let mut all: libc::sigset_t = mem::zeroed();
        let mut before: libc::sigset_t = mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        let top = stack.as_mut_ptr().add(stack.capacity()).cast::<c_void>();
        let argument = ptr::from_ref(child).cast_mut().cast::<c_void>();
        let pid = libc::clone(run_child, top, flags, argument, &raw mut process);
        let error = io::Error::last_os_error();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, ptr::null_mut());
        if pid == -1 {
            return Err(error);
        }
        pid
    };
    let pid = Pid::from_raw(pid).expect("clone gives a process or an error");
    // SAFETY: the kernel opened it for us, and nobody else knows of it.
    Ok((pid, unsafe { OwnedFd::from_raw_fd(process) }))
}

/// The child's whole life before its program.
extern "C" fn run_child(argument: *mut c_void) -> c_int {
    // SAFETY: `clone` above hands over a `Child` that outlives this function.
    let child = unsafe { &*argument.cast::<Child<'_>>() };
    let error = child.become_program();
    child
        .error
        .store(error.raw_os_error().unwrap_or(libc::EINVAL), Ordering::Release);
    // SAFETY: ends this process without anything of the parent's being run.
    unsafe { libc::_exit(NOT_STARTED) }
}

impl Child<'_> {
    /// Returns only if that fails. System calls only: the memory is the parent's, and its other threads go on.
    fn become_program(&self) -> io::Error {
        // SAFETY: plain system calls on numbers and on strings that end with a zero.
        unsafe {
            default_signals();
            for (target, file) in self.files.iter().enumerate() {
                if libc::dup2(*file, target as c_int) == -1 {
                    return io::Error::last_os_error();
                }
            }
            if libc::chdir(self.folder.as_ptr()) == -1 {
                return io::Error::last_os_error();
            }
        }
        if let Err(error) = self.fence.raise() {
            return error;
        }
        // SAFETY: both lists end with a null, and what they point to ends with a zero.
        unsafe {
            libc::execve(
                self.program.as_ptr(),
                self.arguments.as_ptr(),
                self.environment.as_ptr(),
            );
        }
        io::Error::last_os_error()
    }
}

/// Takes the parent's handlers away, then lets signals in. The table of handlers is the child's own.
///
/// # Safety
/// Only for a process that shares its memory and not its signal handlers.
unsafe fn default_signals() {
    // SAFETY: sets no function of ours; the numbers of real-time signals that the C library keeps for itself are refused.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = libc::SIG_DFL;
        for signal in 1..=libc::SIGRTMAX() {
            libc::sigaction(signal, &raw const action, ptr::null_mut());
        }
        let mut none: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
    }
}
