//! Rules over Cargo.toml and Cargo.lock.

use std::path::{Path, PathBuf};

use anyhow::Context;
use toml::{Table, Value};

use super::{Checkout, Violation};

/// All that a deterministic crate may see. `temporalio-common` must be the wasm-ready package, without tokio.
const WORKFLOWS_MAY_HOLD: [&str; 8] = [
    "mesh-types",
    "mesh-workflows",
    "serde",
    "serde_json",
    "temporalio-common",
    "temporalio-macros",
    "temporalio-workflow",
    "thiserror",
];
/// Crates of plain data and rules, with all that each may see.
const PLAIN_CRATES: [(&str, &[&str]); 4] = [
    ("mesh-types", &["serde", "thiserror", "uuid"]),
    ("community-trust", &["jiff", "mesh-types", "thiserror"]),
    ("in-person-availability", &["jiff", "serde", "thiserror"]),
    (
        "document-policy",
        &["jiff", "mesh-types", "mrz", "serde", "unicode-normalization"],
    ),
];
const OPENTELEMETRY: [&str; 3] = ["opentelemetry", "opentelemetry_sdk", "opentelemetry-otlp"];

pub fn workflow_crates_hold_only_what_is_deterministic(checkout: &Checkout) -> anyhow::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    let manifests = manifests(checkout)?;
    let workspace = manifests
        .iter()
        .find(|manifest| manifest.file == Path::new("Cargo.toml"));
    for manifest in manifests
        .iter()
        .filter(|manifest| manifest.name.ends_with("-workflows"))
    {
        for (dependency, value) in manifest.tables(&["dependencies", "build-dependencies"]) {
            let peer = manifest.name == "orchestrator-workflows" && dependency.ends_with("-workflows");
            if !peer && !WORKFLOWS_MAY_HOLD.contains(&dependency) {
                violations.push(manifest.violation(format!(
                    "{} may not depend on {dependency}: a workflow is replayed, so its crate holds only {}",
                    manifest.name,
                    WORKFLOWS_MAY_HOLD.join(", ")
                )));
            }
            let package = manifest.package_of(dependency, value, workspace);
            if dependency == "temporalio-common" && package != "temporalio-common-wasm" {
                violations.push(manifest.violation(
                    "temporalio-common must be the package temporalio-common-wasm, the one without tokio".to_owned(),
                ));
            }
        }
    }
    Ok(violations)
}

pub fn plain_crates_depend_on_almost_nothing(checkout: &Checkout) -> anyhow::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for manifest in manifests(checkout)? {
        let Some((name, may_hold)) = PLAIN_CRATES.iter().find(|(name, _)| *name == manifest.name) else {
            continue;
        };
        for (dependency, _) in manifest.tables(&["dependencies", "build-dependencies"]) {
            if !may_hold.contains(&dependency) {
                let allowed = may_hold.join(", ");
                violations.push(manifest.violation(format!("{name} may hold {allowed}, not {dependency}")));
            }
        }
    }
    Ok(violations)
}

pub fn only_tests_and_xtask_depend_on_a_service(checkout: &Checkout) -> anyhow::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for manifest in manifests(checkout)? {
        if ["mesh-tests", "xtask"].contains(&manifest.name.as_str()) {
            continue;
        }
        for (dependency, _) in manifest.tables(&["dependencies", "dev-dependencies", "build-dependencies"]) {
            if dependency.ends_with("-service") {
                violations.push(manifest.violation(format!(
                    "{} depends on {dependency}: services meet by gRPC or by a typed workflow, never in one process",
                    manifest.name
                )));
            }
        }
    }
    Ok(violations)
}

pub fn one_version_of_opentelemetry(checkout: &Checkout) -> anyhow::Result<Vec<Violation>> {
    let file = PathBuf::from("Cargo.lock");
    let lock: Table = checkout.text(&file)?.parse().context("Cargo.lock is not TOML")?;
    let packages = lock
        .get("package")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut violations = Vec::new();
    for wanted in OPENTELEMETRY {
        let versions = packages
            .iter()
            .filter(|package| package.get("name").and_then(Value::as_str) == Some(wanted));
        let versions: Vec<&str> = versions
            .filter_map(|package| package.get("version")?.as_str())
            .collect();
        if versions.len() != 1 {
            violations.push(Violation {
                file: file.clone(),
                line: 0,
                message: format!(
                    "{wanted} is there in {} versions ({}): with two, spans fall out of their trace without a word",
                    versions.len(),
                    versions.join(", ")
                ),
            });
        }
    }
    Ok(violations)
}

struct Manifest {
    file: PathBuf,
    /// Empty for the workspace's.
    name: String,
    toml: Table,
}

fn manifests(checkout: &Checkout) -> anyhow::Result<Vec<Manifest>> {
    let files = checkout.files.iter().filter(|file| file.ends_with("Cargo.toml"));
    files
        .map(|file| {
            let toml: Table = checkout
                .text(file)?
                .parse()
                .with_context(|| format!("{} is not TOML", file.display()))?;
            let name = toml.get("package").and_then(|package| package.get("name")?.as_str());
            Ok(Manifest {
                file: file.clone(),
                name: name.unwrap_or_default().to_owned(),
                toml,
            })
        })
        .collect()
}

impl Manifest {
    /// The dependencies in tables of these names, those of `[target.*]` included.
    fn tables(&self, names: &[&str]) -> Vec<(&str, &Value)> {
        let targets = self
            .toml
            .get("target")
            .and_then(Value::as_table)
            .into_iter()
            .flat_map(Table::values);
        let places = std::iter::once(&self.toml).chain(targets.filter_map(Value::as_table));
        let tables = places.flat_map(|place| names.iter().filter_map(|name| place.get(*name)?.as_table()));
        tables
            .flat_map(|table| table.iter().map(|(name, value)| (name.as_str(), value)))
            .collect()
    }

    /// The package behind a dependency, which the manifest or the workspace may rename.
    fn package_of<'a>(&self, dependency: &'a str, value: &'a Value, workspace: Option<&'a Manifest>) -> &'a str {
        let inherited = value.get("workspace").and_then(Value::as_bool) == Some(true);
        let value = if inherited {
            workspace.and_then(|root| root.toml.get("workspace")?.get("dependencies")?.get(dependency))
        } else {
            Some(value)
        };
        value
            .and_then(|value| value.get("package")?.as_str())
            .unwrap_or(dependency)
    }

    fn violation(&self, message: String) -> Violation {
        Violation {
            file: self.file.clone(),
            line: 0,
            message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{assert_one, findings};
    use super::*;

    const ROOT: (&str, &str) = (
        "Cargo.toml",
        "[workspace.dependencies]\ntemporalio-common = { package = 'temporalio-common-wasm', version = '1' }\n",
    );

    fn workflows(name: &str, dependencies: &str) -> String {
        format!("[package]\nname = '{name}'\n[dependencies]\n{dependencies}\n[dev-dependencies]\ntokio = '1'\n")
    }

    #[test]
    fn a_workflows_crate_may_hold_what_is_deterministic_and_its_tests_anything() {
        let good = workflows(
            "document-workflows",
            "mesh-types = '1'\nserde = '1'\ntemporalio-macros = '1'\ntemporalio-workflow = '1'\nthiserror = '2'\n\
             temporalio-common = { workspace = true }",
        );
        let peers = workflows("orchestrator-workflows", "document-workflows = '1'");
        let found = findings(
            workflow_crates_hold_only_what_is_deterministic,
            &[
                ROOT,
                ("services/document/workflows/Cargo.toml", &good),
                ("services/o/workflows/Cargo.toml", &peers),
            ],
        );
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn a_workflows_crate_that_gains_tokio_or_sqlx_or_a_peer_or_the_full_common_fails() {
        let cases = [
            ("tokio = '1'", "may not depend on tokio"),
            ("sqlx = { version = '0.9' }", "may not depend on sqlx"),
            (
                "serde = '1'\n[target.'cfg(unix)'.dependencies]\nrand = '0.9'",
                "may not depend on rand",
            ),
            ("serde = '1'\n[build-dependencies]\ncc = '1'", "may not depend on cc"),
            ("reputation-workflows = '1'", "may not depend on reputation-workflows"),
            ("temporalio-common = '1'", "temporalio-common-wasm"),
        ];
        for (dependencies, message) in cases {
            let bad = workflows("document-workflows", dependencies);
            let files = [ROOT, ("services/document/workflows/Cargo.toml", bad.as_str())];
            assert_one(
                &findings(workflow_crates_hold_only_what_is_deterministic, &files),
                message,
            );
        }
    }

    #[test]
    fn a_plain_crate_that_gains_a_dependency_fails() {
        let manifest =
            |name: &str, dependency: &str| format!("[package]\nname = '{name}'\n[dependencies]\n{dependency} = '1'");
        let found = |name: &str, dependency: &str| {
            findings(
                plain_crates_depend_on_almost_nothing,
                &[("crates/t/Cargo.toml", &manifest(name, dependency))],
            )
        };
        assert_eq!(found("mesh-types", "serde"), Vec::<String>::new());
        assert_eq!(found("document-policy", "jiff"), Vec::<String>::new());
        assert_one(&found("mesh-types", "jiff"), "not jiff");
        assert_one(&found("document-policy", "tokio"), "not tokio");
    }

    #[test]
    fn a_crate_other_than_tests_and_xtask_that_depends_on_a_service_fails() {
        let manifest =
            |name: &str| format!("[package]\nname = '{name}'\n[dev-dependencies]\ndocument-service = {{ path = '.' }}");
        let found = |name: &str| {
            findings(
                only_tests_and_xtask_depend_on_a_service,
                &[("crates/t/Cargo.toml", &manifest(name))],
            )
        };
        assert_eq!(found("mesh-tests"), Vec::<String>::new());
        assert_one(&found("reputation-service"), "depends on document-service");
    }

    #[test]
    fn two_versions_of_opentelemetry_in_the_tree_fail() {
        let lock = |sdk: &[&str]| {
            let mut text = String::new();
            let package = |name: &str, version: &str| format!("[[package]]\nname = '{name}'\nversion = '{version}'\n");
            text += &package("opentelemetry", "0.32.0");
            text += &package("opentelemetry-otlp", "0.32.0");
            sdk.iter()
                .for_each(|version| text += &package("opentelemetry_sdk", version));
            text
        };
        let found = |sdk: &[&str]| findings(one_version_of_opentelemetry, &[("Cargo.lock", &lock(sdk))]);
        assert_eq!(found(&["0.32.1"]), Vec::<String>::new());
        assert_one(
            &found(&["0.31.0", "0.32.1"]),
            "opentelemetry_sdk is there in 2 versions (0.31.0, 0.32.1)",
        );
    }
}
