//! The fence: prepared by the parent, put up by the child before its program.

use crate::{Limits, SandboxError, kernel, paths::Openable, syscalls};
use rustix::{
    process::{Resource, Rlimit, setpgid, setrlimit},
    thread::{CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs},
};
use seccompiler::BpfProgram;
use std::{
    fmt, io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Whether a kernel without Landlock or seccomp will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confinement {
    /// It will not: no sandbox can be made there.
    Required,
    /// What the kernel has is used, and [`InForce`] says what that is.
    BestEffort,
}

/// What is in force in every run; its `Display` is for the log line at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InForce {
    /// The version of Landlock's interface (ABI) that the kernel has, from 1 on: from 4 on it refuses network ports, from
    /// 6 on signals to others. `None` without Landlock: the program can then open whatever its user can.
    pub landlock_abi: Option<u8>,
    /// Whether system calls are filtered. Without that the program can open sockets and start processes.
    pub seccomp: bool,
}

impl InForce {
    /// What this kernel has.
    fn here() -> Self {
        Self {
            landlock_abi: kernel::landlock_abi(),
            seccomp: kernel::has_seccomp(),
        }
    }

    /// Whether programs are fenced in by both.
    pub fn is_whole(&self) -> bool {
        self.lacking().is_empty()
    }

    /// What is missing, and since when kernels have it.
    pub fn lacking(&self) -> Vec<&'static str> {
        let landlock = "Landlock (Linux 5.13 or newer, with `landlock` in its list `lsm`)";
        let seccomp = "seccomp filters (Linux 4.14 or newer, built with SECCOMP_FILTER)";
        let missing = [(self.landlock_abi.is_none(), landlock), (!self.seccomp, seccomp)];
        missing
            .into_iter()
            .filter_map(|(is_missing, what)| is_missing.then_some(what))
            .collect()
    }

    /// Refuses what `confinement` doesn't allow.
    fn accepted(self, confinement: Confinement) -> Result<Self, SandboxError> {
        match confinement {
            Confinement::Required if !self.is_whole() => Err(SandboxError::Unconfined {
                lacking: self.lacking(),
            }),
            Confinement::Required | Confinement::BestEffort => Ok(self),
        }
    }
}

impl fmt::Display for InForce {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.landlock_abi {
            Some(abi) => write!(out, "Landlock ABI {abi}")?,
            None => out.write_str("no Landlock")?,
        }
        out.write_str(if self.seccomp { ", seccomp" } else { ", no seccomp" })?;
        out.write_str(", resource limits")
    }
}

/// What all runs have in common.
pub(crate) struct PreparedFence {
    in_force: InForce,
    openable: Option<Openable>,
    filter: Option<Arc<BpfProgram>>,
}

impl fmt::Debug for PreparedFence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("PreparedFence")
            .field("in_force", &self.in_force)
            .finish_non_exhaustive()
    }
}

impl PreparedFence {
    pub(crate) fn prepare(readable: &[PathBuf], confinement: Confinement) -> Result<Self, SandboxError> {
        let in_force = InForce::here().accepted(confinement)?;
        let openable = in_force.landlock_abi.map(|_| Openable::find(readable)).transpose()?;
        let filter = in_force.seccomp.then(syscalls::filter).transpose()?.map(Arc::new);
        Ok(Self {
            in_force,
            openable,
            filter,
        })
    }

    pub(crate) fn in_force(&self) -> InForce {
        self.in_force
    }

    /// The fence of one run.
    pub(crate) fn fence(&self, limits: Limits, program: &Path, own_folder: &Path) -> Result<Fence, SandboxError> {
        let ruleset = match &self.openable {
            Some(openable) => openable.ruleset(program, own_folder)?,
            None => None,
        };
        Ok(Fence {
            limits,
            ruleset,
            filter: self.filter.clone(),
        })
    }
}

/// Everything the child needs to fence itself in.
pub(crate) struct Fence {
    limits: Limits,
    ruleset: Option<OwnedFd>,
    filter: Option<Arc<BpfProgram>>,
}

impl Fence {
    /// Puts the fence up around the calling process, for good. Runs in a child that shares its parent's
    /// memory: system calls only, nothing that allocates or locks.
    pub(crate) fn raise(&self) -> io::Result<()> {
        // A group, not a session: for a new session the scheduler makes a group of its own too (autogroup), which under load
        // costs some milliseconds. What a session would keep away, the terminal, no rule lets be opened.
        setpgid(None, None)?;
        kernel::close_other_files_at_exec()?;
        // The parent kills in time; this is for a parent that was killed itself.
        let seconds = self.limits.wall_clock.as_secs().saturating_add(2);
        kernel::end_after(u32::try_from(seconds).unwrap_or(u32::MAX));
        kernel::ignore_file_size_signal();
        for (resource, most) in [
            (Resource::As, self.limits.memory_bytes),
            (Resource::Cpu, self.limits.cpu_seconds),
            (Resource::Fsize, self.limits.file_bytes),
            (Resource::Nofile, self.limits.open_files),
            // Doesn't hold for root, for whom the filter of system calls does the same.
            (Resource::Nproc, 0),
            (Resource::Core, 0),
        ] {
            let limit = Rlimit {
                current: Some(most),
                maximum: Some(most),
            };
            setrlimit(resource, limit)?;
        }
        set_no_new_privs(true)?;
        // With no new privileges the coming `exec` gives a root user none of these back.
        let none = CapabilitySets {
            effective: CapabilitySet::empty(),
            permitted: CapabilitySet::empty(),
            inheritable: CapabilitySet::empty(),
        };
        set_capabilities(None, none)?;
        if let Some(ruleset) = &self.ruleset {
            kernel::landlock_restrict_self(ruleset.as_fd())?;
        }
        if let Some(filter) = &self.filter {
            seccompiler::apply_filter(filter).map_err(|error| match error {
                seccompiler::Error::Prctl(source) | seccompiler::Error::Seccomp(source) => source,
                _ => io::ErrorKind::InvalidInput.into(),
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_lacks_something_is_refused_unless_it_will_do() {
        for (landlock_abi, seccomp, lacking) in [
            (Some(1), true, vec![]),
            (Some(7), false, vec!["seccomp"]),
            (None, true, vec!["Landlock"]),
            (None, false, vec!["Landlock", "seccomp"]),
        ] {
            let here = InForce { landlock_abi, seccomp };
            assert_eq!(here.accepted(Confinement::BestEffort).expect("will do"), here);
            let required = here.accepted(Confinement::Required);
            assert_eq!(required.is_ok(), lacking.is_empty(), "{here}");
            let message = required.err().map(|error| error.to_string()).unwrap_or_default();
            for name in lacking {
                assert!(message.contains(name), "{message}");
            }
        }
    }
}
