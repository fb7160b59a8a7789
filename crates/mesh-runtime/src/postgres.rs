//! PostgreSQL: the pool, the schema, and whether it answers.

use crate::Problem;
use crate::config::Common;
use anyhow::{Context, bail};
use secrecy::ExposeSecret;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

/// How long a caller waits for a connection before it hears that the database doesn't answer.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long after a try to migrate the next one comes.
const MIGRATION_PAUSE: Duration = Duration::from_secs(2);
/// How often a process that wants to migrate looks whether another one has done so.
const LOCK_LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// The advisory lock of whoever migrates; the number is of no meaning.
const MIGRATION_LOCK: i64 = 0x006d_6573_685f_6d69;
/// How long a connection that comes back may take to end what it was doing; then it is closed.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);
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

/// The same, with the limits of a session that works for callers: no dead or stuck session holds locks and connections for
/// long. They are start-up options, which some poolers refuse; a limit of 0 is left out.
fn with_limits(options: PgConnectOptions, common: &Common) -> PgConnectOptions {
    let in_seconds = |duration: Duration| duration.as_secs().max(1).to_string();
    let in_millis = |duration: Duration| duration.as_millis().to_string();
    let keepalive = common.postgres_keepalive;
    let limits = [
        (
            "statement_timeout",
            common.postgres_statement_timeout,
            in_millis(common.postgres_statement_timeout),
        ),
        (
            "lock_timeout",
            common.postgres_lock_timeout,
            in_millis(common.postgres_lock_timeout),
        ),
        (
            "idle_in_transaction_session_timeout",
            common.postgres_idle_in_transaction_timeout,
            in_millis(common.postgres_idle_in_transaction_timeout),
        ),
        ("tcp_keepalives_idle", keepalive, in_seconds(keepalive)),
        ("tcp_keepalives_interval", keepalive, in_seconds(keepalive / 2)),
        ("tcp_keepalives_count", keepalive, "3".to_owned()),
        // What was sent and is not acknowledged; and whether the client of a running statement is still there.
        ("tcp_user_timeout", keepalive, in_millis(2 * keepalive)),
        ("client_connection_check_interval", keepalive, in_millis(keepalive / 2)),
    ];
    let set = limits.into_iter().filter(|(_, limit, _)| !limit.is_zero());
    options.options(set.map(|(name, _, value)| (name, value)))
}

/// Opens the pool if PostgreSQL answers.
pub(crate) async fn connect(options: &PgConnectOptions, common: &Common) -> anyhow::Result<PgPool> {
    // The pool says of any trouble only that it waited too long; a connection of its own says what the trouble is.
    let connection = tokio::time::timeout(ACQUIRE_TIMEOUT, options.connect())
        .await
        .context("no answer")??;
    connection.close().await?;
    Ok(PgPoolOptions::new()
        .max_connections(common.postgres_max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A caller that gave up leaves a statement behind. The pool itself would wait for its end without a limit.
        .after_release(|connection, _| {
            Box::pin(async {
                let answered = tokio::time::timeout(RELEASE_TIMEOUT, connection.ping()).await;
                answered
                    .unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut))
                    .map(|()| true)
            })
        })
        .connect_with(with_limits(options.clone(), common))
        .await?)
}

/// Begins a transaction whose statements may take up to `limit`, for scheduled work over many rows. Other sessions have the
/// limit of the configuration.
///
/// # Errors
/// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
pub async fn begin_with_statement_timeout(
    pool: &PgPool,
    limit: Duration,
) -> Result<sqlx::Transaction<'static, sqlx::Postgres>, Problem> {
    let mut transaction = pool.begin().await?;
    sqlx::query("SELECT set_config('statement_timeout', $1, true)")
        .bind(limit.as_millis().to_string())
        .execute(&mut *transaction)
        .await?;
    Ok(transaction)
}

/// The kit's own tables, which every service's database has. Their names begin with `mesh_`, and what was applied is kept
/// apart from the service's own migrations, so that neither numbers the other's.
static KIT_MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!();
    migrations.dangerous_set_table_name("_mesh_migrations");
    migrations
});

/// Brings the schema up to date: the kit's own tables first, then the service's. Several processes may do so at once; an
/// advisory lock lets one go first. Migrations that this version does not know are a newer version's, beside which this one
/// goes on: migrations only add, until no older version runs.
///
/// The kit does so at start; a test that makes a schema without a service calls it.
///
/// # Errors
/// When PostgreSQL is away or a migration fails.
pub async fn migrate(pool: &PgPool, service: &Migrator) -> anyhow::Result<()> {
    let mut connection = pool.acquire().await.context("no connection to migrate by")?;
    let mut looks = tokio::time::interval(LOCK_LOOK_INTERVAL);
    loop {
        looks.tick().await;
        // Asked for again and again: a statement that waits would hold up an index that is built concurrently.
        let lock = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(MIGRATION_LOCK);
        if lock.fetch_one(&mut *connection).await? {
            break;
        }
    }
    let migrated = async {
        let migrated = run(&mut connection, &KIT_MIGRATIONS).await;
        migrated.context("the kit's migrations failed")?;
        run(&mut connection, service).await.context("the migrations failed")
    };
    let migrated = migrated.await;
    // The lock is the session's, which ends with the connection.
    connection.close().await?;
    migrated
}

async fn run(connection: &mut PgConnection, migrations: &Migrator) -> Result<(), MigrateError> {
    let mut tolerant = Migrator::with_migrations(migrations.iter().cloned().collect());
    tolerant.set_ignore_missing(true);
    // Ours is held for both sets of migrations.
    tolerant.set_locking(false);
    tolerant.dangerous_set_table_name(migrations.table_name.clone());
    tolerant.run(connection).await
}

/// The same over a connection of its own, whose statements may take as long as they need, but wait for no lock for long:
/// whoever waits for a table's lock holds up all that come after. It tries again until it gets them. An index that is built
/// concurrently waits for older transactions without holding anybody up, so a set of migrations with one has no such limit.
pub(crate) async fn migrate_without_limits(options: &PgConnectOptions, service: &Migrator) -> anyhow::Result<()> {
    let lock_timeout = if service.iter().any(|migration| migration.no_tx) {
        "0"
    } else {
        "3s"
    };
    let options = options.clone().options([("lock_timeout", lock_timeout)]);
    let one = PgPoolOptions::new().max_connections(1);
    let pool = one.connect_with(options).await.context("no connection to migrate by")?;
    let mut tries = tokio::time::interval(MIGRATION_PAUSE);
    let migrated = loop {
        tries.tick().await;
        match migrate(&pool, service).await {
            Err(error) if waited_for_a_lock(&error) => {
                tracing::warn!("a migration waits for a lock that somebody holds; it is tried again");
            }
            migrated => break migrated,
        }
    };
    pool.close().await;
    migrated
}

fn waited_for_a_lock(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let cause = cause.downcast_ref::<sqlx::Error>();
        let cause = cause.and_then(|error| error.as_database_error());
        // Lock not available, and a deadlock, which ends one of the two.
        cause
            .and_then(|error| error.code())
            .is_some_and(|code| ["55P03", "40P01"].contains(&code.as_ref()))
    })
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
