//! The system calls of a program that computes, reads files and writes to a pipe.
//!
//! A list of what is allowed, not of what is forbidden: the kernel gains calls with every release, and the programs are
//! four that we know. Everything else is answered with `ENOSYS`, as a kernel would that is older than the call, because
//! every C library has a fallback for that; a newer library that tries a newer call first goes on with the old one.
//!
//! Not in it, so refused: sockets; `clone`, `clone3`, `fork` and `vfork` (so neither processes nor threads: with
//! `OMP_THREAD_LIMIT=1` none of the programs starts one); `kill` and its kin; `ptrace`; mounts, namespaces, keys, bpf,
//! perf, `io_uring`, `memfd_create`; changes of modes, owners and limits; timers, one of which ends an orphan; and on
//! x86-64 every call of the other two tables (i386 by the architecture, x32 by its numbers).

use crate::SandboxError;
use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpArgLen::Qword, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule,
};
use std::collections::BTreeMap;

/// Allowed with any arguments.
const ALLOWED: &[c_long] = &[
    // memory
    libc::SYS_brk,
    libc::SYS_madvise,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    // files, where Landlock and their modes say which
    libc::SYS_chdir,
    libc::SYS_close,
    libc::SYS_copy_file_range,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fadvise64,
    libc::SYS_fchdir,
    libc::SYS_fdatasync,
    libc::SYS_flock,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_lseek,
    libc::SYS_mkdirat,
    libc::SYS_newfstatat,
    libc::SYS_pipe2,
    libc::SYS_ppoll,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_pselect6,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_readv,
    libc::SYS_renameat2,
    libc::SYS_sendfile,
    libc::SYS_statfs,
    libc::SYS_statx,
    libc::SYS_umask,
    libc::SYS_unlinkat,
    libc::SYS_write,
    libc::SYS_writev,
    // itself
    libc::SYS_execve,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_get_robust_list,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getgroups,
    libc::SYS_getpgid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getrandom,
    libc::SYS_getresgid,
    libc::SYS_getresuid,
    libc::SYS_getrusage,
    libc::SYS_getsid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_membarrier,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigpending,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_sigaltstack,
    libc::SYS_sysinfo,
    libc::SYS_uname,
    libc::SYS_wait4,
    // time
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_nanosleep,
    libc::SYS_times,
];

/// The older forms that x86-64 kept and later architectures never had.
#[cfg(target_arch = "x86_64")]
const ALLOWED_OLD: &[c_long] = &[
    libc::SYS_access,
    libc::SYS_arch_prctl,
    libc::SYS_dup2,
    libc::SYS_getdents,
    libc::SYS_getpgrp,
    libc::SYS_lstat,
    libc::SYS_mkdir,
    libc::SYS_pipe,
    libc::SYS_poll,
    libc::SYS_readlink,
    libc::SYS_rename,
    libc::SYS_rmdir,
    libc::SYS_select,
    libc::SYS_stat,
    libc::SYS_time,
    libc::SYS_unlink,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_OLD: &[c_long] = &[];

/// `ioctl`: is this a terminal, how large is it, how much can be read, close it at `exec`.
const IOCTLS: [u64; 5] = [
    libc::TCGETS,
    libc::TIOCGWINSZ,
    libc::FIONREAD,
    libc::FIOCLEX,
    libc::FIONCLEX,
];

/// `fcntl`: copies and flags of descriptors, and locks. Not `F_SETOWN` and `F_SETSIG`, which make the kernel send signals
/// to any process of the same user, and so not `F_SETFL`, whose `O_ASYNC` sets them off.
const FCNTLS: [i32; 8] = [
    libc::F_DUPFD,
    libc::F_DUPFD_CLOEXEC,
    libc::F_GETFD,
    libc::F_SETFD,
    libc::F_GETFL,
    libc::F_GETLK,
    libc::F_SETLK,
    libc::F_SETLKW,
];

/// `prctl`: names of threads and of memory, and whether a capability is in the bounding set.
const PRCTLS: [i32; 4] = [
    libc::PR_SET_NAME,
    libc::PR_GET_NAME,
    libc::PR_SET_VMA,
    libc::PR_CAPBSET_READ,
];

/// The filter, ready for the kernel.
pub(crate) fn filter() -> Result<BpfProgram, SandboxError> {
    compile().map_err(|error| SandboxError::Fence {
        what: error.to_string(),
    })
}

fn compile() -> Result<BpfProgram, seccompiler::BackendError> {
    let mut rules: BTreeMap<c_long, Vec<SeccompRule>> = ALLOWED
        .iter()
        .chain(ALLOWED_OLD)
        .map(|call| (*call, Vec::new()))
        .collect();
    let one_of = |argument, values: &[u64]| -> Result<Vec<SeccompRule>, _> {
        let equal = |value: &u64| SeccompCondition::new(argument, Dword, SeccompCmpOp::Eq, *value);
        values
            .iter()
            .map(|value| SeccompRule::new(vec![equal(value)?]))
            .collect()
    };
    rules.insert(libc::SYS_ioctl, one_of(1, &IOCTLS)?);
    rules.insert(libc::SYS_fcntl, one_of(1, &FCNTLS.map(|command| command as u64))?);
    rules.insert(libc::SYS_prctl, one_of(0, &PRCTLS.map(|option| option as u64))?);
    // Limits can be read, not set: the third argument is the new limit.
    let nothing_new = SeccompCondition::new(2, Qword, SeccompCmpOp::Eq, 0)?;
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(vec![nothing_new])?]);
    rules.insert(libc::SYS_openat, honest_opening(2)?);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_open, honest_opening(1)?);
    SeccompFilter::new(
        rules,
        SeccompAction::Errno(libc::ENOSYS as u32),
        SeccompAction::Allow,
        std::env::consts::ARCH.try_into()?,
    )?
    .try_into()
}

/// No truncating of what is opened for reading, which Landlock before its third version doesn't see.
fn honest_opening(flags: u8) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let has = |mask: i32, value: i32| {
        let condition = SeccompCondition::new(flags, Dword, SeccompCmpOp::MaskedEq(mask as u64), value as u64)?;
        SeccompRule::new(vec![condition])
    };
    Ok(vec![
        has(libc::O_TRUNC, 0)?,
        has(libc::O_ACCMODE, libc::O_WRONLY)?,
        has(libc::O_ACCMODE, libc::O_RDWR)?,
    ])
}
