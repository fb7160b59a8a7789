//! PostgreSQL: the pool, the schema, and whether it answers.

use crate::config::Common;
use anyhow::{Context, bail};
use secrecy::ExposeSecret;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

/// How long a caller waits for a connection before it hears that the database doesn't answer.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Where PostgreSQL is and as whom to talk to it.
///
/// # Errors
/// When the URL is not one; the error never holds the URL.
pub(crate) fn options(name: &str, config: &Common) -> anyhow::Result<PgConnectOptions> {
    let Ok(options) = PgConnectOptions::from_str(config.postgres_url.expose_secret()) else {
        bail!("postgres-url is not postgres://user:password@host:port/database");
    };
    Ok(options
        .application_name(name)
        .log_slow_statements(tracing::log::LevelFilter::Warn, Duration::from_secs(1)))
}

/// Opens the pool if PostgreSQL answers.
pub(crate) async fn connect(options: &PgConnectOptions, max_connections: u32) -> anyhow::Result<PgPool> {
    // The pool says of any trouble only that it waited too long; a connection of its own says what the trouble is.
    let connection = tokio::time::timeout(ACQUIRE_TIMEOUT, options.connect())
        .await
        .context("no answer")??;
    connection.close().await?;
    Ok(PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options.clone())
        .await?)
}

/// The kit's own tables, which every service's database has. Their names begin with `mesh_`, and what was applied is kept
/// apart from the service's own migrations, so that neither numbers the other's.
static KIT_MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!();
    migrations.dangerous_set_table_name("_mesh_migrations");
    migrations
});

/// Brings the schema up to date: the kit's own tables first, then the service's. Several processes may do so at once; an
/// advisory lock lets one go first.
///
/// The kit does so at start; a test that makes a schema without a service calls it.
///
/// # Errors
/// When PostgreSQL is away or a migration fails.
pub async fn migrate(pool: &PgPool, service: &Migrator) -> anyhow::Result<()> {
    KIT_MIGRATIONS.run(pool).await.context("the kit's migrations failed")?;
    service.run(pool).await.context("the migrations failed")
}

/// Refuses when the schema is behind.
pub(crate) async fn refuse_pending(pool: &PgPool, service: &Migrator) -> anyhow::Result<()> {
    let mut pending = Vec::new();
    for migrator in [&*KIT_MIGRATIONS, service] {
        let of_one = not_applied(pool, migrator).await;
        pending.extend(of_one.context("the applied migrations can't be read")?);
    }
    if pending.is_empty() {
        return Ok(());
    }
    bail!(
        "{} pending migration(s): {}; run the subcommand `migrate` first",
        pending.len(),
        pending.join(", ")
    );
}

async fn not_applied(pool: &PgPool, migrator: &Migrator) -> Result<Vec<String>, sqlx::Error> {
    let table = migrator.table_name.as_ref();
    let exists: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(table)
        .fetch_one(pool)
        .await?;
    let applied: BTreeSet<i64> = if exists {
        // The name is the migrator's own constant, not input.
        let sql = sqlx::AssertSqlSafe(format!("SELECT version FROM {table} WHERE success"));
        sqlx::query_scalar(sql).fetch_all(pool).await?.into_iter().collect()
    } else {
        BTreeSet::new()
    };
    Ok(migrator
        .iter()
        .filter(|migration| migration.migration_type.is_up_migration() && !applied.contains(&migration.version))
        .map(|migration| format!("{} {}", migration.version, migration.description))
        .collect())
}

/// Asks PostgreSQL over a connection of its own, because a pool that is busy is not a database that is away.
pub(crate) struct Probe {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
}

impl Probe {
    pub(crate) fn new(options: PgConnectOptions) -> Self {
        Self {
            options,
            connection: None,
        }
    }

    /// What is wrong with PostgreSQL, if anything.
    pub(crate) async fn lack(&mut self) -> Option<String> {
        match tokio::time::timeout(PROBE_TIMEOUT, self.ask()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {PROBE_TIMEOUT:?}")),
        }
    }

    async fn ask(&mut self) -> Result<(), sqlx::Error> {
        // Taken out, so that a connection that failed or hung is not asked again.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        connection.ping().await?;
        self.connection = Some(connection);
        Ok(())
    }
}
