//! One scratch folder for each process that starts a stack, gone when that process is gone.

use std::{
    fs::Permissions,
    io::PipeWriter,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use anyhow::Context;
use tempfile::TempDir;

/// Outlives this process by a moment: it blocks on a pipe that only this process holds, so it wakes at any kind of
/// death, SIGKILL included, and removes the folder. The tries leave the engines time to die.
const UNDERTAKER: &str =
    r#"cat >/dev/null; for _ in 1 2 3 4 5; do rm -rf -- "$0" 2>/dev/null && exit 0; sleep 1; done"#;

struct Root {
    path: PathBuf,
    _held_open: PipeWriter,
}

static ROOT: OnceLock<Result<Root, String>> = OnceLock::new();

/// A new folder that is removed with the value, or else with the process.
///
/// # Errors
/// When the temporary folder of the system cannot be written.
pub fn scratch(prefix: &str) -> anyhow::Result<TempDir> {
    let root = ROOT.get_or_init(|| open_root().map_err(|error| format!("{error:#}")));
    let root = root
        .as_ref()
        .map_err(|error| anyhow::anyhow!("no scratch folder: {error}"))?;
    tempfile::Builder::new()
        .prefix(&format!("{prefix}-"))
        .tempdir_in(&root.path)
        .with_context(|| format!("cannot create a folder in {}", root.path.display()))
}

/// Lets another system user pass through (not list) a folder on the way to its own.
pub(crate) fn open_for_passage(folder: &Path) -> std::io::Result<()> {
    std::fs::set_permissions(folder, Permissions::from_mode(0o711))
}

fn open_root() -> anyhow::Result<Root> {
    let path = tempfile::Builder::new()
        .prefix("voluntier-mesh-")
        .tempdir()
        .context("cannot create a folder")?
        .keep();
    open_for_passage(&path)?;
    let (reader, writer) = std::io::pipe().context("cannot open a pipe")?;
    let mut undertaker = Command::new("/bin/sh")
        .args(["-c", UNDERTAKER])
        .arg(&path)
        .current_dir("/")
        .stdin(reader)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C in a terminal goes to the whole foreground group; this one must survive it.
        .process_group(0)
        .spawn()
        .context("cannot start /bin/sh")?;
    std::thread::spawn(move || undertaker.wait());
    Ok(Root {
        path,
        _held_open: writer,
    })
}
