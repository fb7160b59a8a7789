//! Two versions of the mesh side by side: an earlier commit's services, built from git's history, and today's.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, bail, ensure};
use mesh_testkit::tools::{self, Purpose};

use crate::{
    cargo_build, machine,
    steps::{Steps, cargo},
};

/// What the services are built from.
const CODE: [&str; 4] = ["services", "crates", "proto", "Cargo.lock"];
const MIGRATIONS: &str = "services/*/service/migrations/*";
/// The services alone. Their libraries are compiled once for both commits where versions, features and profile are the same.
const BUILD: [&str; 3] = ["build", "--workspace", "--bins"];
/// Where the test looks for the earlier services.
const OLD_PROGRAMS: &str = "MESH_OLD_PROGRAMS";
const TEST: &str = "skew::what_one_version_starts_the_other_one_ends";

/// Test a rollout and a rollback: verifications that an earlier commit's services start are ended by today's, and back, on
/// one database and one Temporal.
///
/// The earlier services are built once, in a work tree of their own, and kept beside the build results. It takes some
/// minutes, and is no part of `cargo xtask test`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The earlier commit; by default the newest whose code is not today's. One that lacks a migration of today is fine, one
    /// whose migrations were changed since is not.
    #[arg(long, value_name = "COMMIT")]
    base: Option<String>,
}

/// # Errors
/// When there is no such commit, a build fails, or the two versions don't go together.
pub fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut steps = Steps::default();
    steps.work("what this machine needs", || machine::prepare(Purpose::Test))?;
    let base = steps.work("choose the earlier commit", || {
        let base = match &arguments.base {
            Some(base) => git(root, &["rev-parse", "--verify", &format!("{base}^{{commit}}")])?,
            None => newest_other_code(root)?,
        };
        ensure_migrations_stand(root, &base)?;
        print!(
            "{}",
            git(root, &["log", "-1", "--format=%h %ad %s", "--date=short", &base])?
        );
        Ok(base.trim().to_owned())
    })?;
    let target = target_folder()?;
    let programs = target.join("skew").join(&base);
    if programs.is_dir() {
        println!("    built before: {}", programs.display());
    } else {
        steps.work("build the earlier services", || build(root, &target, &base, &programs))?;
    }
    let log = tools::cache_folder()?.join("build.log");
    steps.work("build today's services", || {
        cargo_build::run(&mut cargo(root, &BUILD), &log)
    })?;
    let test = ["test", "--workspace", "--test", "mesh", "--"];
    let mut test = cargo(root, &test);
    test.args(["--ignored", "--nocapture", "--exact", TEST])
        .env(OLD_PROGRAMS, &programs);
    steps.command("start under one version, end under the other", &mut test)?;
    steps.print_times();
    Ok(ExitCode::SUCCESS)
}

/// The newest commit whose code differs from the one that is checked out.
fn newest_other_code(root: &Path) -> anyhow::Result<String> {
    let commits = git(root, &[["rev-list", "HEAD", "--"].as_slice(), &CODE].concat())?;
    for commit in commits.lines() {
        let changed = git(
            root,
            &[["diff", "--name-only", commit, "--"].as_slice(), &CODE].concat(),
        )?;
        if !changed.is_empty() {
            return Ok(commit.to_owned());
        }
    }
    bail!("git knows no commit with other code; a shallow clone has none: `git fetch --unshallow`")
}

/// A database that the earlier services made must be one that today's can take up.
fn ensure_migrations_stand(root: &Path, base: &str) -> anyhow::Result<()> {
    let changed = ["diff", "--name-only", "--diff-filter=MDR", base, "--", MIGRATIONS];
    let changed = git(root, &changed)?;
    ensure!(
        changed.is_empty(),
        "these migrations were changed since {base}, so its database is not one of today's: name a later commit with \
         --base\n{changed}"
    );
    Ok(())
}

fn build(root: &Path, target: &Path, base: &str, programs: &Path) -> anyhow::Result<()> {
    let folder = target.join("skew");
    let (source, unfinished) = (folder.join("source"), folder.join("unfinished"));
    remove_work_tree(root, &source)?;
    let _left_by_a_cut_run = fs::remove_dir_all(&unfinished);
    fs::create_dir_all(&unfinished).with_context(|| format!("cannot create {}", unfinished.display()))?;
    let tree = source.to_str().context("the target folder's path is no UTF-8")?;
    git(root, &["worktree", "add", "--quiet", "--detach", tree, base])?;
    let messages = folder.join("messages.json");
    let mut command = cargo(&source, &BUILD);
    command
        .args(["--message-format", "json-render-diagnostics"])
        .env("CARGO_TARGET_DIR", target)
        .stdout(File::create(&messages).with_context(|| format!("cannot write {}", messages.display()))?);
    cargo_build::run(&mut command, &folder.join("build.log"))?;
    let built = executables(&fs::read_to_string(&messages)?)?;
    for program in &built {
        let name = program.file_name().context("a program has a name")?;
        fs::copy(program, unfinished.join(name)).with_context(|| format!("cannot copy {}", program.display()))?;
    }
    fs::rename(&unfinished, programs).with_context(|| format!("cannot make {}", programs.display()))?;
    remove_work_tree(root, &source)
}

/// The programs that cargo's messages tell of, a JSON object a line.
fn executables(messages: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for line in messages.lines() {
        let message: serde_json::Value = serde_json::from_str(line).context("cargo's messages are JSON")?;
        found.extend(message["executable"].as_str().map(PathBuf::from));
    }
    ensure!(!found.is_empty(), "cargo built no program");
    Ok(found)
}

fn remove_work_tree(root: &Path, source: &Path) -> anyhow::Result<()> {
    if source.exists() {
        fs::remove_dir_all(source).with_context(|| format!("cannot remove {}", source.display()))?;
    }
    git(root, &["worktree", "prune"]).map(drop)
}

/// The target folder that this program was built in.
fn target_folder() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe().context("cannot tell where this program stands")?;
    let folder = program.ancestors().nth(2);
    Ok(folder.context("this program stands in a target folder")?.to_owned())
}

fn git(root: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new("git");
    command.current_dir(root).args(arguments).stdin(Stdio::null());
    let output = command.output().context("cannot start git")?;
    ensure!(
        output.status.success(),
        "git {} ended with {}: {}",
        arguments.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let said = String::from_utf8(output.stdout).context("git's output is UTF-8")?;
    Ok(said.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_of_a_build_are_found_in_its_messages() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\n\
                        {\"reason\":\"compiler-artifact\",\"executable\":\"/t/debug/document-service\"}\n\
                        {\"reason\":\"build-finished\",\"success\":true}\n";
        let found = executables(messages).expect("they are JSON");
        assert_eq!(found, [PathBuf::from("/t/debug/document-service")]);
        assert!(executables("{}\n").is_err());
    }

    #[test]
    fn a_changed_migration_is_told_and_an_added_one_is_fine() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let migrations = root.join("services/a/service/migrations");
        fs::create_dir_all(&migrations).expect("it can be made");
        let commit = |name: &str, text: &str| {
            fs::write(migrations.join(name), text).expect("it can be written");
            git(root, &["add", "."]).expect("git adds");
            let author = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
            let commit = ["commit", "--quiet", "--no-gpg-sign", "-m", "change"];
            git(root, &[author.as_slice(), &commit].concat()).expect("git commits");
            git(root, &["rev-parse", "HEAD"]).expect("it has a commit")
        };
        git(root, &["init", "--quiet"]).expect("git makes a repository");
        let first = commit("0001_a.sql", "CREATE TABLE a ();");
        commit("0002_b.sql", "CREATE TABLE b ();");
        assert_eq!(newest_other_code(root).expect("there is one"), first);
        ensure_migrations_stand(root, &first).expect("a migration was added");
        commit("0001_a.sql", "CREATE TABLE a (n int);");
        let error = ensure_migrations_stand(root, &first).expect_err("a migration was changed");
        assert!(error.to_string().contains("0001_a.sql"), "{error}");
    }
}
