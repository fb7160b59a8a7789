//! Everything that must hold before a change is taken.

use std::{
    path::Path,
    process::{Command, ExitCode, Stdio},
};

use anyhow::Context;
use mesh_testkit::{
    JAEGER_OTLP_ENV, JAEGER_QUERY_ENV, Jaeger, POSTGRES_ADMIN_URL_ENV, Postgres, TEMPORAL_URL_ENV, Temporal,
    tools::{self, Purpose},
};

use crate::{
    machine,
    steps::{Steps, cargo},
    tidy,
};

/// The tests that hold the clock or a budget against a limit run alone, because load would falsify what they measure. So
/// their names read, and these programs hold them.
const MEASURED: [&str; 4] = ["hostile_file", "its_budget", "stop_nobody", "issuers_key_are_exchanged"];
const MEASURED_IN: [&str; 4] = ["--test", "mesh", "--test", "hostile"];
/// How many scenarios run at once. They wait for timeouts more than they compute.
const SCENARIO_THREADS: usize = 5;

/// Check everything: format, tidy, contract, licences, lints, and all tests on a real PostgreSQL, Temporal and Jaeger.
///
/// This is what the continuous integration runs. It stops at the first step that fails and prints each step's time.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Skip the lints (format, tidy, buf, cargo-deny, clippy) and only build and test.
    #[arg(long)]
    quick: bool,
}

/// # Errors
/// At the first step that fails.
pub fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut steps = Steps::default();
    let done = all(root, arguments, &mut steps);
    steps.print_times();
    done.map(|()| {
        println!("\nall good");
        ExitCode::SUCCESS
    })
}

fn all(root: &Path, arguments: &Arguments, steps: &mut Steps) -> anyhow::Result<()> {
    steps.work("what this machine needs", || machine::prepare(Purpose::Test))?;
    if !arguments.quick {
        lint(root, steps)?;
    }
    // The services and the tests in one build: apart they would be built with other features of the same libraries, twice.
    let build = ["build", "--workspace", "--bins", "--tests", "--examples"];
    steps.command("build", &mut cargo(root, &build))?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let engines = steps.work("start PostgreSQL, Temporal, Jaeger", || {
        runtime.block_on(async { tokio::try_join!(Postgres::start(), Temporal::start(), Jaeger::start()) })
    })?;
    let (postgres, temporal, jaeger) = &engines;
    let test = |arguments: &[&str]| {
        let mut test = cargo(root, &["test", "--workspace"]);
        test.args(arguments)
            .env(POSTGRES_ADMIN_URL_ENV, postgres.admin_url())
            .env(TEMPORAL_URL_ENV, temporal.url())
            .env(JAEGER_OTLP_ENV, jaeger.otlp_endpoint())
            .env(JAEGER_QUERY_ENV, jaeger.query_url());
        test
    };
    let mut measured = test(&MEASURED_IN);
    steps.command("tests that measure", measured.arg("--").args(MEASURED))?;
    let mut scenarios = test(&["--test", "mesh", "--"]);
    let of_crates = |kinds: &[&str]| test(&[&["--exclude", "mesh-tests"], kinds, &["--"]].concat());
    // Of the same packages each, so that nothing is built with other features.
    let mut others = [
        ("tests within each crate", of_crates(&["--lib", "--bins"])),
        ("tests of each crate from outside", of_crates(&["--test", "*"])),
        ("examples in comments", of_crates(&["--doc"])),
    ];
    for name in MEASURED {
        scenarios.args(["--skip", name]);
        for (_, command) in &mut others {
            command.args(["--skip", name]);
        }
    }
    scenarios.args(["--test-threads", &SCENARIO_THREADS.to_string()]);
    steps.beside(("scenarios", &mut scenarios), &mut others)
}

fn lint(root: &Path, steps: &mut Steps) -> anyhow::Result<()> {
    steps.command("format", &mut cargo(root, &["fmt", "--all", "--check"]))?;
    steps.work("tidy", || {
        let clean = tidy::run(root)?;
        anyhow::ensure!(clean, "`cargo xtask tidy` shows the same");
        Ok(())
    })?;
    let buf = tools::buf_program()?;
    steps.command(
        "contract",
        Command::new(&buf).current_dir(root.join("proto")).arg("lint"),
    )?;
    match main_with_contract(root) {
        Some(branch) => {
            let against = format!("../.git#ref={branch},subdir=proto");
            let mut breaking = Command::new(&buf);
            breaking
                .current_dir(root.join("proto"))
                .args(["breaking", "--against", &against]);
            steps.command("contract against main", &mut breaking)?;
        }
        None => println!("\n==> contract against main: left out, there is no branch main with a contract here"),
    }
    let mut deny = Command::new(tools::cargo_deny_program()?);
    deny.current_dir(root)
        .args(["--workspace", "check", "bans", "licenses", "sources"]);
    steps.command("licences, sources, bans", &mut deny)?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    steps.command("clippy", &mut cargo(root, &clippy))
}

/// The branch main, here or as last fetched, when it has a contract to compare with.
fn main_with_contract(root: &Path) -> Option<&'static str> {
    let has_contract = |branch: &&str| {
        let mut git = Command::new("git");
        git.current_dir(root)
            .args(["rev-parse", "--verify", "--quiet", &format!("{branch}:proto/buf.yaml")]);
        git.stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    ["refs/remotes/origin/main", "refs/heads/main"]
        .into_iter()
        .find(has_contract)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a file is of one of the programs of [`MEASURED_IN`].
    fn is_measured_in(file: &Path) -> bool {
        let file = file.to_string_lossy();
        file.contains("/tests/tests/mesh/") || file.ends_with("/tests/hostile.rs")
    }

    fn visit(folder: &Path, look: &mut dyn FnMut(&Path)) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => visit(&path, look),
                false => look(&path),
            }
        }
    }

    #[test]
    fn every_test_with_a_name_that_measures_is_run_among_those() {
        let root = Path::new("../..");
        let (mut found, mut never_run) = (0, Vec::new());
        let mut look = |file: &Path| {
            if file.extension().is_none_or(|extension| extension != "rs") {
                return;
            }
            let text = std::fs::read_to_string(file).expect("a source");
            let names = text.lines().filter_map(|line| line.trim_start().split_once("fn "));
            for (_, name) in names.filter(|(_, name)| MEASURED.iter().any(|word| name.contains(word))) {
                match is_measured_in(file) {
                    true => found += 1,
                    false => never_run.push(format!("{}: {name}", file.display())),
                }
            }
        };
        for folder in ["crates", "services", "tests"] {
            visit(&root.join(folder), &mut look);
        }
        assert!(never_run.is_empty(), "no step runs these, rename them: {never_run:#?}");
        assert!(found >= MEASURED.len(), "{found}");
    }
}
