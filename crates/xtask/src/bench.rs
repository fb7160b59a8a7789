//! Measurements.

use std::{path::Path, process::ExitCode};

use mesh_testkit::tools::Purpose;

use crate::{
    machine,
    steps::{Steps, cargo},
};

/// Measure something and print the figures.
#[derive(Debug, clap::Subcommand)]
pub enum Benchmark {
    /// How well and how fast documents are read and decided, against their exact truth and against plain tesseract. By
    /// default these are 80 drawn specimens (20 each of passport, TD1, TD2 and licence), each clean and degraded in four
    /// ways: 400 documents. Fails when one with a wrong field is accepted, when fewer than 95 % of the clean or 80 % of
    /// all are decided without a person, or when fewer than 0.9 times as many pages a second are read as by plain
    /// tesseract.
    Ocr {
        /// Passed on to the measurement; `-- --help` tells what there is.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// What the daily sweep over a million members costs in PostgreSQL, against a plain UPDATE of the same rows and
    /// against a workflow for each member. Fails when it takes over 2.0 times as long as the UPDATE, when a member of a
    /// large sweep costs over 1.2 times as much as one of a small sweep, or when the two come to different scores.
    Decay {
        /// Passed on to the measurement; `-- --help` tells what there is.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// What the kit adds to a small RPC (certificates, policy, token, field rules, deadline, trace, metrics) beside plain tonic
    /// with TLS; both are built for release, which takes long the first time. Fails when half of the calls take over 150 µs longer.
    Rpc {
        /// Passed on to the measurement; `-- --help` tells what there is.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// What the trust network costs from 1,000 to 100,000 members, with ten times as many connections: points and gate of one
    /// member, a connection that is added or removed, memory, the start. Built for release. Fails when half of the members take
    /// over 3 times as long in the largest network as in the one of 10,000, or when a removal takes over 1 s.
    Trust,
    /// The search for verifiers near a place among 10,000 and 1,000,000, beside a sequential scan of the table; then 10,000 searches
    /// against a scan of all verifiers by the geodesic. Fails when the search is not 100 times as fast as the sequential scan, when
    /// half of the searches take over twice as long among a million as among 10,000, or when a search differs from the scan.
    Verifiers {
        /// Passed on to the measurement; `-- --help` tells what there is.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// # Errors
/// When the measurement cannot be built or fails.
pub fn run(root: &Path, benchmark: &Benchmark) -> anyhow::Result<ExitCode> {
    let mut steps = Steps::default();
    match benchmark {
        // The picture crates are optimised in development builds too, so no release build is needed.
        Benchmark::Ocr { arguments } => {
            let build = ["build", "--quiet", "-p", "document-reading", "--bins"];
            steps.command("build the program that reads pictures", &mut cargo(root, &build))?;
            measure(root, &mut steps, ("document-reading", "bench"), &[], arguments)?;
        }
        Benchmark::Decay { arguments } => {
            steps.work("what this machine needs", || machine::prepare(Purpose::Demo))?;
            // Its worker is a process of its own; the work is PostgreSQL's.
            let build = ["build", "--quiet", "-p", "reputation-service", "--bins"];
            steps.command("build the service", &mut cargo(root, &build))?;
            measure(root, &mut steps, ("reputation-service", "decay"), &[], arguments)?;
        }
        Benchmark::Rpc { arguments } => {
            steps.work("what this machine needs", || machine::prepare(Purpose::TracedDemo))?;
            measure(root, &mut steps, ("mesh-tests", "rpc"), &["--release"], arguments)?;
        }
        Benchmark::Verifiers { arguments } => {
            steps.work("what this machine needs", || machine::prepare(Purpose::Demo))?;
            // What takes long is optimised in development builds too.
            measure(root, &mut steps, ("in-person-service", "verifiers"), &[], arguments)?;
        }
        Benchmark::Trust => measure(root, &mut steps, ("community-trust", "trust"), &["--release"], &[])?,
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(
    root: &Path,
    steps: &mut Steps,
    (package, example): (&str, &str),
    options: &[&str],
    arguments: &[String],
) -> anyhow::Result<()> {
    let mut measure = cargo(root, &["run", "-p", package, "--example", example]);
    measure.args(options).arg("--").args(arguments);
    steps.command(&format!("measure {example} of {package}"), &mut measure)
}
