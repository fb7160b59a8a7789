//! Measurements.

use std::{path::Path, process::ExitCode};

use crate::steps::{Steps, cargo};

/// Measure something and print the figures.
#[derive(Debug, clap::Subcommand)]
pub enum Benchmark {
    /// How well and how fast documents of every kind are read and decided: 400 drawn specimens, worn in five ways, against
    /// their exact truth and against plain tesseract. Fails when a document with a wrong field is accepted.
    Ocr {
        /// Passed on to the measurement; `-- --help` tells what there is.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// # Errors
/// When the measurement cannot be built or fails.
pub fn run(root: &Path, benchmark: &Benchmark) -> anyhow::Result<ExitCode> {
    let Benchmark::Ocr { arguments } = benchmark;
    // The picture crates are optimised in development builds too, so no release build is needed.
    let example = ["run", "--quiet", "-p", "document-reading", "--example", "bench", "--"];
    let mut measure = cargo(root, &example);
    measure.args(arguments);
    Steps::default().command("read specimens", &mut measure)?;
    Ok(ExitCode::SUCCESS)
}
