//! Rules of the code that no compiler checks, checked over the files of a checkout.

mod circles;
mod code;
mod links;
mod manifests;
mod migrations;
mod sizes;
mod time_limits;
mod wire_names;
mod words;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::Context;

/// One place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// Relative to the checkout's root.
    pub file: PathBuf,
    /// Counted from 1; 0 when it is about the whole file.
    pub line: usize,
    /// What is wrong, and what to do instead.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, message } = self;
        match line {
            0 => write!(f, "{}: {message}", file.display()),
            _ => write!(f, "{}:{line}: {message}", file.display()),
        }
    }
}

/// A rule: its name, and what it finds in a checkout.
type Rule = (&'static str, fn(&Checkout) -> anyhow::Result<Vec<Violation>>);

const RULES: &[Rule] = &[
    (
        "the workflows' walls",
        manifests::workflow_crates_hold_only_what_is_deterministic,
    ),
    (
        "mesh-types knows nothing",
        manifests::plain_crates_depend_on_almost_nothing,
    ),
    (
        "nothing depends on a service",
        manifests::only_tests_and_xtask_depend_on_a_service,
    ),
    ("one OpenTelemetry", manifests::one_version_of_opentelemetry),
    ("explicit wire names", wire_names::each_is_explicit_and_from_a_contract),
    ("each wire name once", wire_names::each_stands_once_in_a_contract),
    ("small files", sizes::no_file_passes_500_lines),
    ("construction without logic", sizes::no_service_lib_passes_150_lines),
    ("the kit knows no business word", words::the_kit_knows_no_business_word),
    ("nobody sleeps", words::nobody_sleeps),
    ("time limits in one file", time_limits::each_stands_in_timeouts),
    ("no circles of imports", circles::none_between_the_files_of_a_crate),
    ("links lead to files", links::each_leads_to_a_file),
    (
        "migrations beside an older version",
        migrations::later_ones_leave_room_for_the_version_before,
    ),
];

/// Prints what each rule finds in the checkout at `root`; true when nothing was found.
///
/// # Errors
/// When a file cannot be read or is not what its name says.
pub fn run(root: &Path) -> anyhow::Result<bool> {
    let checkout = Checkout::read(root)?;
    let mut clean = true;
    for (name, rule) in RULES {
        let mut violations = rule(&checkout)?;
        violations.sort();
        clean &= violations.is_empty();
        println!("{} {name}", if violations.is_empty() { "ok    " } else { "FAILED" });
        for violation in violations {
            println!("       {violation}");
        }
    }
    Ok(clean)
}

/// The text files of a checkout, in the order of their paths.
struct Checkout {
    root: PathBuf,
    /// Relative to the root: the sources (`rs`, `proto`) and the manifests (`Cargo.toml`).
    files: Vec<PathBuf>,
    /// Relative to the root: `*.sql` in folders called `migrations`.
    migrations: Vec<PathBuf>,
}

impl Checkout {
    fn read(root: &Path) -> anyhow::Result<Self> {
        let (mut files, mut migrations) = (Vec::new(), Vec::new());
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
            for entry in entries {
                let entry = entry?;
                let (path, name) = (entry.path(), entry.file_name());
                if entry.file_type()?.is_dir() {
                    // Hidden folders and build results are nobody's source.
                    let source = !name.as_encoded_bytes().starts_with(b".") && name != "target";
                    folders.extend(source.then_some(path));
                } else if has_extension(&path, &["rs", "proto"]) || name == "Cargo.toml" {
                    files.push(path.strip_prefix(root)?.to_owned());
                } else if has_extension(&path, &["sql"]) && folder.ends_with("migrations") {
                    migrations.push(path.strip_prefix(root)?.to_owned());
                }
            }
        }
        files.sort();
        migrations.sort();
        Ok(Self {
            root: root.to_owned(),
            files,
            migrations,
        })
    }

    fn text(&self, file: &Path) -> anyhow::Result<String> {
        let path = self.root.join(file);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// The Rust files below a folder of the checkout.
    fn rust_below(&self, folder: &str) -> impl Iterator<Item = &PathBuf> {
        self.files
            .iter()
            .filter(move |file| file.starts_with(folder) && has_extension(file, &["rs"]))
    }
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension()
        .is_some_and(|found| extensions.iter().any(|wanted| found == *wanted))
}

#[cfg(test)]
mod fixture {
    use super::{Checkout, Violation};

    /// What a rule says about a checkout that holds just these files.
    pub fn findings(rule: fn(&Checkout) -> anyhow::Result<Vec<Violation>>, files: &[(&str, &str)]) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let found = rule(&Checkout::read(root.path()).unwrap()).unwrap();
        found.iter().map(ToString::to_string).collect()
    }

    /// Asserts that exactly one violation is found, and that it says `part`.
    pub fn assert_one(found: &[String], part: &str) {
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(part), "{found:?} does not say {part:?}");
    }
}
