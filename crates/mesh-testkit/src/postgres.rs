//! A private PostgreSQL cluster from the system's packages.

use std::{
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, bail};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::sync::{Mutex, OnceCell};

use crate::{
    CertificateFiles, folder, ports,
    process::{self, Process},
    services::extensions_of,
    tools,
    waiting::eventually,
};

/// Set by `xtask test`: the superuser's URL of a cluster that serves a whole test run.
pub const ADMIN_URL_ENV: &str = "MESH_TEST_POSTGRES_ADMIN_URL";

const SUPERUSER: &str = "mesh_admin";
const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// A PostgreSQL server on 127.0.0.1 without passwords, whose commits survive its own crash but not the machine's: for
/// tests and the local stack only.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    admin_url: String,
    cluster: Option<Cluster>,
    /// Databases that this process made to be copied.
    templates: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct Cluster {
    // Declared before the folder: the server must be dead before its files go.
    server: Mutex<Option<Process>>,
    folder: TempDir,
    port: u16,
    account: Option<Account>,
    has_tls: bool,
}

/// The system user that runs the server when root starts it, which PostgreSQL refuses to serve.
#[derive(Debug, Clone, Copy)]
struct Account {
    uid: u32,
    gid: u32,
}

impl Postgres {
    /// Makes a new empty cluster and starts it; it and its folder go with the value or with this process.
    ///
    /// # Errors
    /// When the packages are missing (the error says what to install) or the server does not come up in 60 s.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(None).await
    }

    /// The same with a certificate. All but the superuser have to come by TLS, with a certificate of the same CA.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub async fn start_with_tls(files: &CertificateFiles) -> anyhow::Result<Self> {
        Self::start_with(Some(files)).await
    }

    async fn start_with(files: Option<&CertificateFiles>) -> anyhow::Result<Self> {
        let programs = tools::postgres_programs()?;
        let folder = folder::scratch("postgres")?;
        let account = account_for_root()?;
        if let Some(Account { uid, gid }) = account {
            std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid)).context("cannot hand over the folder")?;
        }
        let port = ports::reserve()?;
        let admin_url = format!("postgres://{SUPERUSER}@127.0.0.1:{port}/postgres");
        let cluster = Cluster {
            server: Mutex::new(None),
            folder,
            port,
            account,
            has_tls: files.is_some(),
        };
        let mut initdb = cluster.command(&programs.join("initdb"));
        initdb
            .arg("-D")
            .arg(cluster.data())
            .args(["-U", SUPERUSER, "-A", "trust", "-E", "UTF8"]);
        initdb.args(["--locale=C", "--no-sync", "--no-instructions"]);
        process::run(initdb)
            .await
            .context("cannot create a PostgreSQL cluster")?;
        if let Some(files) = files {
            cluster.secure(files)?;
        }
        let postgres = Self {
            programs,
            admin_url,
            cluster: Some(cluster),
            templates: Mutex::default(),
        };
        postgres.restart().await?;
        Ok(postgres)
    }

    /// The cluster of the whole test run when [`ADMIN_URL_ENV`] names one, otherwise one for this process, started at
    /// the first call.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub async fn shared() -> anyhow::Result<Arc<Self>> {
        static SHARED: OnceCell<Arc<Postgres>> = OnceCell::const_new();
        let shared = SHARED.get_or_try_init(async || match std::env::var(ADMIN_URL_ENV) {
            Ok(admin_url) => {
                let programs = tools::postgres_programs()?;
                anyhow::Ok(Arc::new(Self {
                    programs,
                    admin_url,
                    cluster: None,
                    templates: Mutex::default(),
                }))
            }
            Err(_) => Ok(Arc::new(Self::start().await?)),
        });
        shared.await.cloned()
    }

    /// Creates a database and a role that owns it and nothing else, both with a new name that begins with `name`
    /// (lower-case letters, digits and `_`), and returns the URL that reaches it. A service's has the extensions that it needs.
    ///
    /// # Errors
    /// When the server is down or the name is not plain.
    pub async fn create_database(&self, name: &str) -> anyhow::Result<String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || !name.chars().all(plain) {
            bail!("{name:?} is not a plain database name");
        }
        // Unique over the processes of a test run, which share one server.
        let unique = format!("{name}_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let template = match extensions_of(name) {
            [] => String::new(),
            extensions => format!(" TEMPLATE {}", self.template_with(extensions).await?),
        };
        self.sql(&[
            format!("CREATE ROLE {unique} LOGIN"),
            format!("CREATE DATABASE {unique} OWNER {unique}{template}"),
            format!("REVOKE ALL ON DATABASE {unique} FROM PUBLIC"),
        ])
        .await
        .with_context(|| format!("cannot create the database {unique}"))?;
        self.url(&unique)
    }

    /// A database that has these extensions and is only copied: to create them takes a second, to copy it a tenth of that.
    async fn template_with(&self, extensions: &[&str]) -> anyhow::Result<String> {
        let name = format!("template_{}_{}", extensions.join("_"), std::process::id());
        let mut made = self.templates.lock().await;
        if !made.contains(&name) {
            self.sql(&[format!("CREATE DATABASE {name}")]).await?;
            let create = extensions
                .iter()
                .map(|extension| format!("CREATE EXTENSION {extension}"));
            let url = self.url(&name)?.replacen(&name, SUPERUSER, 1);
            if let Err(error) = self.sql_at(&url, &create.collect::<Vec<_>>()).await {
                self.sql(&[format!("DROP DATABASE {name}")]).await?;
                return Err(error.context(format!("cannot create the extensions {extensions:?}")));
            }
            made.push(name.clone());
        }
        Ok(name)
    }

    /// The URL of a database whose owner has the database's name.
    ///
    /// # Errors
    /// When the cluster was given by an address that has no host.
    pub fn url(&self, database: &str) -> anyhow::Result<String> {
        let (_, place) = self
            .admin_url
            .split_once('@')
            .context("the superuser's URL has no user")?;
        let (host, _) = place.split_once('/').context("the superuser's URL has no database")?;
        Ok(format!("postgres://{database}@{host}/{database}"))
    }

    /// The superuser's URL.
    #[must_use]
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// Runs statements as the superuser, each in a transaction of its own; returns what `psql` printed, unaligned.
    ///
    /// # Errors
    /// When the server is down or a statement fails.
    pub async fn sql(&self, statements: &[String]) -> anyhow::Result<String> {
        self.sql_at(&self.admin_url, statements).await
    }

    /// As [`Postgres::sql`], as the user and in the database of `url`.
    ///
    /// # Errors
    /// When the server is down or a statement fails.
    pub async fn sql_at(&self, url: &str, statements: &[String]) -> anyhow::Result<String> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.arg(url)
            .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"]);
        psql.args(["-v", "ON_ERROR_STOP=1"]).env("PGCONNECT_TIMEOUT", "5");
        for statement in statements {
            psql.arg("-c").arg(statement);
        }
        process::run(psql).await
    }

    /// Ends it in order: open transactions are rolled back, data is written.
    ///
    /// # Errors
    /// When the server is not ours, as in a test run that shares one.
    pub async fn stop(&self) -> anyhow::Result<()> {
        self.end(Signal::INT).await
    }

    /// Ends it as a crash does: connections break at once, the next start recovers from the log.
    ///
    /// # Errors
    /// When the server is not ours, as in a test run that shares one.
    pub async fn kill(&self) -> anyhow::Result<()> {
        self.end(Signal::QUIT).await
    }

    /// Starts it again on the same port with the same data, ending it first when it runs.
    ///
    /// # Errors
    /// When the server is not ours, or does not answer within 60 s.
    pub async fn restart(&self) -> anyhow::Result<()> {
        self.stop().await?;
        let cluster = self.own()?;
        let mut postgres = cluster.command(&self.programs.join("postgres"));
        postgres
            .arg("-D")
            .arg(cluster.data())
            .arg("-p")
            .arg(cluster.port.to_string());
        postgres.arg("-k").arg(cluster.folder.path());
        // Without fsync the kernel still has every commit when only the server dies, so commits outlive a kill.
        for setting in [
            "listen_addresses=127.0.0.1",
            "max_connections=200",
            "fsync=off",
            "full_page_writes=off",
            "log_min_messages=warning",
        ] {
            postgres.args(["-c", setting]);
        }
        if cluster.has_tls {
            postgres.args(["-c", "ssl=on", "-c", "ssl_ca_file=ca.pem"]);
        }
        let log = cluster.folder.path().join("server.log");
        // At our death an immediate shutdown: SIGKILL would leave its shared memory behind.
        let server = Process::start(postgres, &log, Signal::QUIT).await?;
        let answers = eventually(START_TIMEOUT, "PostgreSQL to answer", async || {
            if server.exit_status().is_some() {
                return Some(false);
            }
            self.sql(&["SELECT 1".to_owned()]).await.is_ok().then_some(true)
        });
        if !answers.await.with_context(|| server.log_tail())? {
            bail!("PostgreSQL ended while it started\n{}", server.log_tail());
        }
        *cluster.server.lock().await = Some(server);
        Ok(())
    }

    async fn end(&self, signal: Signal) -> anyhow::Result<()> {
        if let Some(server) = self.own()?.server.lock().await.take() {
            server.end(signal, STOP_TIMEOUT).await;
        }
        Ok(())
    }

    fn own(&self) -> anyhow::Result<&Cluster> {
        self.cluster
            .as_ref()
            .with_context(|| format!("the PostgreSQL server of {ADMIN_URL_ENV} is not ours to stop"))
    }
}

impl Cluster {
    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Puts the files where the server looks for them by default, and lets nobody in without TLS but the superuser.
    fn secure(&self, files: &CertificateFiles) -> anyhow::Result<()> {
        let rules = format!(
            "host all {SUPERUSER} 127.0.0.1/32 trust\nhostssl all all 127.0.0.1/32 trust clientcert=verify-ca\n"
        );
        std::fs::write(self.data().join("pg_hba.conf"), rules)?;
        for (from, name) in [
            (&files.certificate, "server.crt"),
            (&files.key, "server.key"),
            (&files.ca, "ca.pem"),
        ] {
            let to = self.data().join(name);
            std::fs::copy(from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
            if let Some(Account { uid, gid }) = self.account {
                std::os::unix::fs::chown(&to, Some(uid), Some(gid))?;
            }
        }
        Ok(())
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env_remove("PGDATA")
            .env_remove("PGPORT");
        if let Some(Account { uid, gid }) = self.account {
            command.uid(uid).gid(gid);
        }
        command
    }
}

fn account_for_root() -> anyhow::Result<Option<Account>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
    let account = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == "postgres").then_some(())?;
        Some(Account {
            uid: fields.nth(1)?.parse().ok()?,
            gid: fields.next()?.parse().ok()?,
        })
    });
    account
        .map(Some)
        .context("root cannot run PostgreSQL, and there is no system user postgres to run it as")
}
