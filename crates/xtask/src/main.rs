//! The commands of developers and newcomers.
//!
//! Invariants: a command installs only what [`mesh_testkit::tools`] lists and says so; what it starts ends with it; a
//! second run of anything changes nothing.
//!
//! Start reading at [`Task`]; `tidy` checks the rules of the code that no compiler checks.

mod bench;
mod cargo_build;
mod check;
mod credentials;
mod demo;
mod machine;
mod prepare;
mod screen;
mod skew;
mod stack;
mod steps;
mod tidy;
mod token;
mod up;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Parser, Subcommand};

/// Everything you do with this checkout.
///
/// New here? `cargo xtask demo` installs what is missing, builds the services, starts them with their database and
/// their workflow engine, and verifies a drawn identity document before your eyes.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Demo(demo::Arguments),
    Up(up::Arguments),
    Token(token::Arguments),
    Test(check::Arguments),
    /// Check what no compiler does: what each crate may depend on, explicit wire names, sizes of files, banned words,
    /// time limits in one place, circles of imports, links.
    Tidy,
    #[command(subcommand)]
    Bench(bench::Benchmark),
    Prepare(prepare::Arguments),
    Skew(skew::Arguments),
}

fn main() -> ExitCode {
    let task = Arguments::parse().task;
    screen::decide_on_colour();
    let done = match root() {
        Ok(root) => match task {
            Task::Demo(arguments) => demo::run(&root, &arguments),
            Task::Up(arguments) => up::run(&root, &arguments),
            Task::Token(arguments) => token::run(&arguments),
            Task::Test(arguments) => check::run(&root, &arguments),
            Task::Tidy => tidy::run(&root).map(|clean| if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
            Task::Bench(benchmark) => bench::run(&root, &benchmark),
            Task::Prepare(arguments) => prepare::run(&root, &arguments),
            Task::Skew(arguments) => skew::run(&root, &arguments),
        },
        Err(error) => Err(error),
    };
    done.unwrap_or_else(|error| {
        eprintln!("\nerror: {error:#}");
        ExitCode::FAILURE
    })
}

/// The checkout that this program is run for.
fn root() -> anyhow::Result<PathBuf> {
    // Cargo says where it runs us; where we were compiled can be another checkout with the same target folder.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let root = Path::new(&here).join("../..");
    root.canonicalize()
        .with_context(|| format!("the checkout {} is gone", root.display()))
}
