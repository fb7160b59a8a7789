//! Reads invitations as a calendar does, by the Python package icalendar. Needs python3 with venv, and PyPI once.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

const PACKAGE: &str = "icalendar==7.3.2";

/// What icalendar reads in each text: an object of method, uid, sequence (a number), status, start and end (UTC, such
/// as 2026-10-25T00:30:00Z), location, summary and time_zone.
///
/// # Panics
/// When a text is not an iCalendar object with one event, or when Python or the package cannot be had.
pub(super) fn read_invitations(texts: &[String]) -> Vec<Value> {
    let mut python = Command::new(python_with_icalendar())
        .args(["-c", include_str!("read_invitations.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut input = python.stdin.take().expect("it is piped");
    let texts = serde_json::to_vec(texts).expect("texts are JSON");
    let writer = std::thread::spawn(move || input.write_all(&texts));
    let output = python.wait_with_output().expect("python ends");
    writer.join().expect("the thread ends").expect("python reads it all");
    assert!(output.status.success(), "the reader refuses a text");
    serde_json::from_slice(&output.stdout).expect("a JSON array")
}

/// The interpreter of a virtual environment that has the package: in the user's cache, one folder for each version.
fn python_with_icalendar() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = set("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(set("HOME")?).join(".cache")));
    let folder = cache
        .expect("XDG_CACHE_HOME or HOME is set")
        .join("voluntier-mesh/python");
    std::fs::create_dir_all(&folder).expect("the cache can be written");
    let environment = folder.join(PACKAGE);
    let python = environment.join("bin/python");
    // Tests of several processes may come here at once, and half an environment looks like a whole one to pip.
    let lock = File::create(folder.join(format!("{PACKAGE}.lock"))).expect("the cache can be written");
    lock.lock().expect("the others end");
    let has_icalendar = Command::new(&python)
        .args(["-c", "import icalendar"])
        .stderr(Stdio::null())
        .status();
    if !has_icalendar.is_ok_and(|status| status.success()) {
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&environment));
        run(Command::new(&python).args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            PACKAGE,
        ]));
    }
    python
}

fn run(command: &mut Command) {
    let status = command.status().expect("it starts");
    assert!(status.success(), "{command:?}");
}
