//! What a fenced program may open: the Landlock rules.

use crate::SandboxError;
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope,
};
use std::{
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

/// The newest version of Landlock's rights that is asked for; an older kernel gives what it has.
const ABI_ASKED_FOR: ABI = ABI::V7;

/// What every program on Linux needs to start, and fontconfig to find a font. /etc/passwd is not among it, nor /proc.
const SYSTEM: [&str; 11] = [
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/bin",
    "/sbin",
    "/etc/ld.so.cache",
    "/etc/fonts",
    "/etc/alternatives",
    "/etc/localtime",
    "/var/cache/fontconfig",
];

/// The devices that hold nothing.
const DEVICES: [(&str, bool); 4] = [
    ("/dev/null", true),
    ("/dev/zero", false),
    ("/dev/urandom", false),
    ("/dev/random", false),
];

/// What all runs may open; opened once, so that a run only repeats the rules.
#[derive(Debug)]
pub(crate) struct Openable {
    rules: Vec<(PathFd, BitFlags<AccessFs>)>,
}

impl Openable {
    pub(crate) fn find(readable: &[PathBuf]) -> Result<Self, SandboxError> {
        let mut rules = Vec::new();
        let system = SYSTEM.iter().map(|path| (path, programs()));
        let devices = DEVICES.iter().map(|(path, writable)| (path, device(*writable)));
        for (path, rights) in system.chain(devices) {
            // Not every system has all of them, and what is missing can't be opened.
            if let Ok(fd) = PathFd::new(path) {
                rules.push((fd, rights_on(Path::new(path), rights)));
            }
        }
        for path in readable {
            let opened = std::fs::metadata(path).and_then(|_| PathFd::new(path).map_err(std::io::Error::other));
            let fd = opened.map_err(|source| SandboxError::Folder {
                path: path.clone(),
                source,
            })?;
            rules.push((fd, rights_on(path, AccessFs::ReadFile | AccessFs::ReadDir)));
        }
        Ok(Self { rules })
    }

    /// The ruleset of one run: what all may open, this program, and everything in its own folder. `None` where the kernel
    /// has no Landlock.
    pub(crate) fn ruleset(&self, program: &Path, own_folder: &Path) -> Result<Option<OwnedFd>, SandboxError> {
        let build = || -> Result<Option<OwnedFd>, RulesetError> {
            let mut ruleset = Ruleset::default()
                .set_compatibility(CompatLevel::BestEffort)
                .handle_access(AccessFs::from_all(ABI_ASKED_FOR))?
                .handle_access(AccessNet::from_all(ABI_ASKED_FOR))?
                .scope(Scope::from_all(ABI_ASKED_FOR))?
                .create()?;
            for (fd, rights) in &self.rules {
                ruleset = ruleset.add_rule(PathBeneath::new(fd, *rights))?;
            }
            let own =
                AccessFs::from_all(ABI_ASKED_FOR) & !(AccessFs::Execute | AccessFs::MakeSock | AccessFs::IoctlDev);
            for (path, rights) in [(program, AccessFs::Execute | AccessFs::ReadFile), (own_folder, own)] {
                // One that is gone by now can't be opened either; the start of the program then says so.
                if let Ok(fd) = PathFd::new(path) {
                    ruleset = ruleset.add_rule(PathBeneath::new(fd, rights))?;
                }
            }
            Ok(ruleset.into())
        };
        build().map_err(|error| SandboxError::Fence {
            what: error.to_string(),
        })
    }
}

fn programs() -> BitFlags<AccessFs> {
    AccessFs::Execute | AccessFs::ReadFile | AccessFs::ReadDir
}

fn device(writable: bool) -> BitFlags<AccessFs> {
    if writable {
        AccessFs::ReadFile | AccessFs::WriteFile
    } else {
        AccessFs::ReadFile.into()
    }
}

/// A rule on a file may not grant what only a folder has.
fn rights_on(path: &Path, rights: BitFlags<AccessFs>) -> BitFlags<AccessFs> {
    if path.is_dir() {
        rights
    } else {
        rights & AccessFs::from_file(ABI_ASKED_FOR)
    }
}
