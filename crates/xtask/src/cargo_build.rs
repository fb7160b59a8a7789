//! A build by cargo as one line in place: how many crates are done, and the time left.

use std::{
    fs::File,
    io::{BufReader, Read, Write},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, bail};

use crate::screen::WorkLine;

/// How much of a failed build is shown.
const LAST_LINES: usize = 30;

/// Runs a build. What it says goes to `log`, whose end is shown when the build fails.
///
/// # Errors
/// When it can't be started, or fails.
pub fn run(command: &mut Command, log: &Path) -> anyhow::Result<()> {
    let folder = log.parent().context("the log stands in a folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut said = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    // Cargo's own progress is the one place that knows how many crates there are.
    command
        .env("CARGO_TERM_PROGRESS_WHEN", "always")
        .env("CARGO_TERM_PROGRESS_WIDTH", "80")
        .env("CARGO_TERM_COLOR", "never")
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {:?}", command.get_program()))?;
    let stderr = child.stderr.take().context("its output is a pipe")?;
    let line = WorkLine::new("cargo build");
    let mut tenths = 0;
    let mut text = Vec::new();
    for byte in BufReader::new(stderr).bytes() {
        let byte = byte.context("cannot read what cargo says")?;
        if !matches!(byte, b'\r' | b'\n') {
            text.push(byte);
            continue;
        }
        let words = String::from_utf8_lossy(&std::mem::take(&mut text)).trim().to_owned();
        match crates_done(&words) {
            Some((done, all)) => {
                line.reach(done, all);
                let now = 10 * done / all.max(1);
                if !line.is_shown() && now > tenths {
                    println!("  {done} of {all} crates");
                }
                tenths = tenths.max(now);
            }
            None if words.is_empty() => {}
            None => {
                writeln!(said, "{words}").with_context(|| format!("cannot write {}", log.display()))?;
                line.say(words);
            }
        }
    }
    let status = child.wait().context("cannot wait for cargo")?;
    drop(line);
    if status.success() {
        return Ok(());
    }
    let said = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = said.lines().collect();
    for line in &lines[lines.len().saturating_sub(LAST_LINES)..] {
        eprintln!("{line}");
    }
    bail!("cargo ended with {status}; all that it said is in {}", log.display())
}

/// The numbers of cargo's progress: `Building [====>   ] 120/450: serde, tokio`.
fn crates_done(words: &str) -> Option<(u64, u64)> {
    let (_, numbers) = words.strip_prefix("Building [")?.split_once("] ")?;
    let numbers = numbers.split(':').next()?;
    let (done, all) = numbers.split_once('/')?;
    Some((done.trim().parse().ok()?, all.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_progress_is_read_and_nothing_else_is_taken_for_it() {
        for (words, expected) in [
            (
                "Building [=====>       ] 120/450: serde, tokio(build)",
                Some((120, 450)),
            ),
            ("Building [             ] 0/3", Some((0, 3))),
            ("Compiling serde v1.0.0", None),
            ("Finished `dev` profile in 3/4", None),
            ("", None),
        ] {
            assert_eq!(crates_done(words), expected, "{words}");
        }
    }

    #[test]
    fn a_build_that_fails_names_its_log_which_has_all_that_was_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("logs/build.log");
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "printf 'Compiling a\\nBuilding [> ] 1/2: b\\rerror: no\\n' >&2; exit 3",
        ]);
        let error = run(&mut command, &log).expect_err("it fails").to_string();
        assert!(error.contains("logs/build.log"), "{error}");
        assert_eq!(
            std::fs::read_to_string(&log).expect("a log"),
            "Compiling a\nerror: no\n"
        );
    }
}
