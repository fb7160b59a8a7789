//! Regenerates the checked queries' offline data.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use mesh_testkit::{Postgres, database_of, tools::Purpose};

use crate::{
    machine,
    steps::{Steps, cargo},
};

/// Write each service's `.sqlx` anew, after a change of a query or a migration.
///
/// Each service's migrations are applied to an empty database, and its queries are checked against it. Commit the result:
/// builds without a database read it.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only this service, such as `document`.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
}

/// # Errors
/// When a migration fails, or a query does not fit the tables.
pub fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut steps = Steps::default();
    steps.work("what this machine needs", || machine::prepare(Purpose::Demo))?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let postgres = steps.work("start PostgreSQL", || runtime.block_on(Postgres::start()))?;
    let wanted = |name: &String| arguments.service.as_ref().is_none_or(|service| service == name);
    for service in services_with_tables(root)?.into_iter().filter(wanted) {
        let url = steps.work(&format!("migrate {service}"), || {
            let url = runtime.block_on(postgres.create_database(&database_of(&service)))?;
            for migration in migrations(&folder(root, &service))? {
                let sql = std::fs::read_to_string(&migration)?;
                let applied = runtime.block_on(postgres.sql_at(&url, &[sql]));
                applied.with_context(|| format!("{} fails", migration.display()))?;
            }
            Ok(url)
        })?;
        let data = folder(root, &service).join(".sqlx");
        if data.exists() {
            std::fs::remove_dir_all(&data)?;
        }
        std::fs::create_dir(&data)?;
        let package = format!("{service}-service");
        // Queries are checked, and their data written, only where the compiler runs anew.
        steps.command(
            &format!("forget {package}"),
            &mut cargo(root, &["clean", "--quiet", "-p", &package]),
        )?;
        let mut check = cargo(root, &["check", "--quiet", "--all-targets", "-p", &package]);
        check
            .env("DATABASE_URL", url)
            .env("SQLX_OFFLINE", "false")
            .env("SQLX_OFFLINE_DIR", &data);
        steps.command(&format!("check the queries of {service}"), &mut check)?;
    }
    steps.print_times();
    Ok(ExitCode::SUCCESS)
}

fn folder(root: &Path, service: &str) -> PathBuf {
    root.join("services").join(service).join("service")
}

fn services_with_tables(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut services = Vec::new();
    for entry in std::fs::read_dir(root.join("services"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if folder(root, &name).join("migrations").is_dir() {
            services.push(name);
        }
    }
    services.sort();
    Ok(services)
}

/// In the order in which they are applied: that of their names.
fn migrations(service: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries: Result<Vec<_>, _> = std::fs::read_dir(service.join("migrations"))?.collect();
    let files = entries?.into_iter().map(|entry| entry.path());
    let is_forward = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".sql") && !name.ends_with(".down.sql")
    };
    let mut files: Vec<PathBuf> = files.filter(is_forward).collect();
    files.sort();
    Ok(files)
}
