//! The system calls for which no library has a safe function that may be called before `exec`.
#![expect(
    unsafe_code,
    reason = "before exec only plain system calls are sound; the libraries' safe functions allocate"
)]

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
};

/// The version of Landlock's interface that the kernel has, from 1 on; `None` without Landlock.
pub(crate) fn landlock_abi() -> Option<u8> {
    const LANDLOCK_CREATE_RULESET_VERSION: libc::c_ulong = 1;
    // SAFETY: with this flag the call reads no memory of ours; it only returns a number.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<libc::c_void>(),
            0 as libc::size_t,
            LANDLOCK_CREATE_RULESET_VERSION,
        )
    };
    u8::try_from(version).ok().filter(|version| *version > 0)
}

/// Puts the calling thread under a ruleset for good.
pub(crate) fn landlock_restrict_self(ruleset: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: takes a file descriptor and flags, reads no memory of ours.
    done(unsafe {
        libc::syscall(
            libc::SYS_landlock_restrict_self,
            ruleset.as_raw_fd(),
            0 as libc::c_ulong,
        )
    })
}

/// Whether the kernel takes seccomp filters that refuse a call with an error number.
pub(crate) fn has_seccomp() -> bool {
    let action: u32 = libc::SECCOMP_RET_ERRNO;
    // SAFETY: reads the one number that the pointer points to, which outlives the call.
    let available = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0, &raw const action) };
    available == 0
}

/// Closes every file but the standard ones at the coming `exec`.
pub(crate) fn close_other_files_at_exec() -> io::Result<()> {
    // SAFETY: takes numbers only; nothing is closed before the `exec`, so our pipes stay valid.
    let closed = done(unsafe {
        libc::syscall(
            libc::SYS_close_range,
            3 as libc::c_uint,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    });
    match closed {
        // A kernel before 5.11. Rust opens all files so that they close at an `exec`.
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL)) => Ok(()),
        other => other,
    }
}

/// Ends the process after some seconds, also across the coming `exec` and when its parent is gone.
pub(crate) fn end_after(seconds: u32) {
    // SAFETY: takes a number only.
    unsafe { libc::alarm(seconds) };
}

/// Turns the signal for a file over its limit off, so that the write fails and the program can go on without the file.
pub(crate) fn ignore_file_size_signal() {
    // SAFETY: sets no function of ours.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

fn done(result: libc::c_long) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
