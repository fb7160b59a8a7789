//! Finds tools: on PATH, in the places where packages put them, in the user's cache.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::Context;

use super::{GO, RCLONE, TEMPORAL, Wheel};

const POSTGRES_AT_LEAST: u32 = 15;
const TEMPORAL_AT_LEAST: (u32, u32) = (1, 9);
/// Its `serve s3` stores an upload whole or not at all.
const RCLONE_AT_LEAST: (u32, u32) = (1, 75);
/// From 1.21 on Go fetches the toolchain that a module asks for; Jaeger asks for 1.22.
const GO_AT_LEAST: (u32, u32) = (1, 21);

/// Where fetched and built tools are kept: `voluntier-mesh/tools` in the user's cache folder.
///
/// # Errors
/// When neither XDG_CACHE_HOME nor HOME is set.
pub fn cache_folder() -> anyhow::Result<PathBuf> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    Ok(cache
        .context("neither XDG_CACHE_HOME nor HOME is set")?
        .join("voluntier-mesh/tools"))
}

/// The folder with `initdb`, `postgres` and `psql` of the newest PostgreSQL from 15 on.
///
/// # Errors
/// When there is none; the error says what to install.
pub fn postgres_programs() -> anyhow::Result<PathBuf> {
    let found = postgres().map(|(_, programs)| programs);
    found.context("no PostgreSQL 15 or newer: `cargo xtask demo` installs it, or `apt-get install postgresql`")
}

pub(super) fn postgres_version() -> Option<String> {
    Some(postgres()?.0.to_string())
}

fn postgres() -> Option<(u32, PathBuf)> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let versions = debian.filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((version, entry.path().join("bin")))
    });
    let on_path = || {
        let folder = on_path("initdb")?.canonicalize().ok()?.parent()?.to_owned();
        let version = first_line_of(&folder.join("postgres"), &["--version"])?;
        Some((numbers(&version)?.0, folder))
    };
    let complete = |folder: &Path| {
        ["initdb", "postgres", "psql"]
            .iter()
            .all(|name| folder.join(name).is_file())
    };
    let usable = |(version, folder): &(u32, PathBuf)| *version >= POSTGRES_AT_LEAST && complete(folder);
    versions
        .filter(usable)
        .max_by_key(|(version, _)| *version)
        .or_else(|| on_path().filter(usable))
}

/// The version that the newest PostgreSQL would create: a file of its own beside the other extensions.
pub(super) fn postgis_version() -> Option<String> {
    let (version, programs) = postgres()?;
    let installed = programs.parent()?;
    let shared = [
        PathBuf::from(format!("/usr/share/postgresql/{version}")),
        installed.join("share"),
        installed.join("share/postgresql"),
    ];
    let read = |folder: &PathBuf| std::fs::read_to_string(folder.join("extension/postgis.control")).ok();
    let control = shared.iter().find_map(read)?;
    let line = control
        .lines()
        .find_map(|line| line.trim().strip_prefix("default_version"))?;
    Some(line.trim_matches([' ', '=', '\'']).to_owned())
}

pub(super) fn tesseract_with_english() -> Option<String> {
    let languages = output("tesseract".as_ref(), &["--list-langs"])?;
    languages
        .lines()
        .any(|line| line.trim() == "eng")
        .then(|| first_line("tesseract", &["--version"]))?
}

/// The compiler together with the definitions that come with it, which Debian packs apart.
pub(super) fn protoc_version() -> Option<String> {
    let program = on_path("protoc")?.canonicalize().ok()?;
    let definitions = program
        .parent()?
        .parent()?
        .join("include/google/protobuf/descriptor.proto");
    definitions.is_file().then(|| first_line("protoc", &["--version"]))?
}

pub(super) fn poppler_version() -> Option<String> {
    on_path("pdfinfo")?;
    first_line("pdftoppm", &["-v"])
}

/// A Python that has pip: one built by hand may stand first on PATH and have none.
pub(super) fn python_with_pip() -> Option<PathBuf> {
    let candidates = [PathBuf::from("python3"), PathBuf::from("/usr/bin/python3")];
    candidates
        .into_iter()
        .find(|python| output(python, &["-m", "pip", "--version"]).is_some())
}

pub(super) fn python_with_pip_version() -> Option<String> {
    first_line_of(&python_with_pip()?, &["--version"])
}

pub(super) fn temporal() -> Option<PathBuf> {
    on_path("temporal")
        .filter(|program| is_at_least(TEMPORAL_AT_LEAST, program, "--version"))
        .or_else(|| unpacked(TEMPORAL))
}

pub(super) fn temporal_version() -> Option<String> {
    first_line_of(&temporal()?, &["--version"])
}

pub(super) fn rclone() -> Option<PathBuf> {
    on_path("rclone")
        .filter(|program| is_at_least(RCLONE_AT_LEAST, program, "--version"))
        .or_else(|| unpacked(RCLONE))
}

pub(super) fn rclone_version() -> Option<String> {
    first_line_of(&rclone()?, &["--version"])
}

pub(super) fn go() -> Option<PathBuf> {
    let usual = PathBuf::from("/usr/local/go/bin/go");
    on_path("go")
        .into_iter()
        .chain([usual])
        .find(|program| is_at_least(GO_AT_LEAST, program, "version"))
        .or_else(|| unpacked(GO))
}

pub(super) fn jaeger() -> Option<PathBuf> {
    Some(jaeger_place().ok()?).filter(|program| program.is_file())
}

pub(super) fn jaeger_place() -> anyhow::Result<PathBuf> {
    Ok(cache_folder()?.join("jaeger-1.62.0/all-in-one"))
}

/// A program of PATH, or that of an unpacked wheel.
pub(super) fn program(name: &str, wheel: Wheel) -> Option<PathBuf> {
    on_path(name).or_else(|| unpacked(wheel))
}

fn unpacked(wheel: Wheel) -> Option<PathBuf> {
    Some(wheel_place(wheel).ok()?.join(wheel.program)).filter(|program| program.is_file())
}

pub(super) fn wheel_place(wheel: Wheel) -> anyhow::Result<PathBuf> {
    Ok(cache_folder()?.join(format!("{}-{}", wheel.package, wheel.version)))
}

/// A program as a shell finds it.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

pub(super) fn first_line(name: &str, arguments: &[&str]) -> Option<String> {
    first_line_of(&on_path(name)?, arguments)
}

pub(super) fn first_line_of(program: &Path, arguments: &[&str]) -> Option<String> {
    output(program, arguments)?.lines().next().map(str::to_owned)
}

/// Whether the first line that a program prints for `argument` names such a version or a newer one.
fn is_at_least(least: (u32, u32), program: &Path, argument: &str) -> bool {
    let line = first_line_of(program, &[argument]);
    line.and_then(|line| numbers(&line))
        .is_some_and(|version| version >= least)
}

/// What a command printed (some print their version to standard error), or `None` when it failed.
fn output(program: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = [output.stdout, output.stderr].concat();
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&text).into_owned())
}

/// The first two numbers of a text such as `temporal version 1.9.1`; the second is 0 when absent.
fn numbers(text: &str) -> Option<(u32, u32)> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let mut parts = text[start..].split(|c: char| !c.is_ascii_digit());
    let major = parts.next()?.parse().ok()?;
    Some((major, parts.next().and_then(|minor| minor.parse().ok()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn versions_are_read_from_what_programs_print() {
        assert_eq!(
            numbers("temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)"),
            Some((1, 9))
        );
        assert_eq!(numbers("go version go1.26.8 linux/amd64"), Some((1, 26)));
        assert_eq!(numbers("postgres (PostgreSQL) 16beta1"), Some((16, 0)));
        assert_eq!(numbers("rclone v1.75.2"), Some((1, 75)));
        assert_eq!(numbers("no version here"), None);
    }
}
