//! Commands run one after the other, with their times.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

/// A command of cargo, run in the checkout, by the same toolchain that runs us.
pub fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).args(arguments);
    // `cargo run` tells us about our own package; build scripts that watch these keys would run anew each time.
    let about_us = |key: &str| key.starts_with("CARGO_PKG_") || key.starts_with("CARGO_MANIFEST_");
    for (key, _) in std::env::vars_os().filter(|(key, _)| key.to_str().is_some_and(about_us)) {
        command.env_remove(key);
    }
    command
}

/// What has been run so far.
#[derive(Debug, Default)]
pub struct Steps {
    times: Vec<(String, Duration)>,
}

impl Steps {
    /// Runs a command with its output shown.
    ///
    /// # Errors
    /// When it cannot be started or fails.
    pub fn command(&mut self, name: &str, command: &mut Command) -> anyhow::Result<()> {
        self.work(name, || {
            let status = command
                .status()
                .with_context(|| format!("cannot start {:?}", command.get_program()))?;
            if !status.success() {
                bail!("{} ended with {status}", shown(command));
            }
            Ok(())
        })
    }

    /// Runs commands at once. What the others print is shown when each of them has ended.
    ///
    /// # Errors
    /// When one cannot be started or fails; all have ended then.
    pub fn beside(&mut self, first: (&str, &mut Command), others: &mut [(&str, Command)]) -> anyhow::Result<()> {
        let quiet = |(name, command): &mut (&str, Command)| {
            let began = Instant::now();
            let output = command
                .output()
                .with_context(|| format!("cannot start {:?}", command.get_program()))?;
            // One write each, so that no line of another command comes between.
            print!("\n==> {name}\n{}", String::from_utf8_lossy(&output.stdout));
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
            if !output.status.success() {
                bail!(
                    "the step `{name}` failed: {} ended with {}",
                    shown(command),
                    output.status
                );
            }
            Ok(format!(
                "    beside it {name} took {:.1} s",
                began.elapsed().as_secs_f64()
            ))
        };
        let (first, others) = std::thread::scope(|scope| {
            let others: Vec<_> = others.iter_mut().map(|one| scope.spawn(|| quiet(one))).collect();
            let first = self.command(first.0, first.1);
            let ended = others
                .into_iter()
                .map(|one| one.join().expect("the thread does not panic"));
            (first, ended.collect::<Vec<_>>())
        });
        first?;
        for took in others {
            println!("{}", took?);
        }
        Ok(())
    }

    /// Runs a piece of work.
    ///
    /// # Errors
    /// Those of the work, with the step's name.
    pub fn work<T>(&mut self, name: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        println!("\n==> {name}");
        let began = Instant::now();
        let done = work();
        self.times.push((name.to_owned(), began.elapsed()));
        done.with_context(|| format!("the step `{name}` failed"))
    }

    /// Prints each step's time and the sum.
    pub fn print_times(&self) {
        println!();
        for (name, time) in &self.times {
            println!("{:>8.1} s  {name}", time.as_secs_f64());
        }
        let sum: Duration = self.times.iter().map(|(_, time)| *time).sum();
        println!("{:>8.1} s  in all", sum.as_secs_f64());
    }
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
