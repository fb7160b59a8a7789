//! The whole mesh: engines and services, wired to each other.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use futures::future::try_join_all;
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};

use crate::{
    Addresses, Issuer, Jaeger, Pki, Postgres, Proxies, S3Server, ServiceProcess, ServiceSpec, Subcommand, Temporal,
    WebPage, folder,
    proxies::through,
    service::{DRAIN_TIMEOUT, READY_TIMEOUT, binary},
    services::{SERVICES, database_of, prefix, write_keyring},
    temporal::NAMESPACE,
};

/// The caller that the mesh is for: the platform's backend.
pub(crate) const PLATFORM: &str = "platform";

/// A running mesh. Its parts are public, so that a test can kill and restart each.
#[derive(Debug)]
pub struct Mesh {
    // The services come first: fields are dropped in order, and they use what follows.
    services: Vec<Arc<ServiceProcess>>,
    /// Members and verifications.
    pub orchestrator: Arc<ServiceProcess>,
    /// Uploads, extractions, evidence, reviews.
    pub document: Arc<ServiceProcess>,
    /// The ledger and the scores.
    pub reputation: Arc<ServiceProcess>,
    /// Keeps each service's data, in a database of its own.
    pub postgres: Arc<Postgres>,
    /// Makes the workflows durable.
    pub temporal: Arc<Temporal>,
    /// Keeps the traces, when asked for.
    pub jaeger: Option<Arc<Jaeger>>,
    /// Keeps the documents, when asked for; else they are in a folder.
    pub object_store: Option<S3Server>,
    /// The URLs of the databases, for tests that read what a service wrote.
    pub databases: Databases,
    /// What stands between the services and what they depend on, when asked for.
    pub proxies: Option<Proxies>,
    pki: Pki,
    issuer: Arc<Issuer>,
    folder: TempDir,
}

/// The URL of each service's database.
#[derive(Debug, Clone)]
pub struct Databases {
    /// The orchestrator's.
    pub orchestrator: String,
    /// The document service's.
    pub document: String,
    /// The reputation service's.
    pub reputation: String,
    all: BTreeMap<&'static str, String>,
}

impl Databases {
    /// That of any service, by its name.
    ///
    /// # Errors
    /// When there is no such service.
    pub fn of(&self, service: &str) -> anyhow::Result<&str> {
        let url = self.all.get(service);
        url.map(String::as_str)
            .with_context(|| format!("there is no service {service}"))
    }
}

/// What comes up while a mesh starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// This part is being started.
    Starting(String),
    /// This part answers, here.
    Ready(String, String),
}

/// Whether an engine is this mesh's alone or the one that a whole process or test run shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Its own: it can be stopped, killed and restarted.
    Own,
    /// The shared one.
    Shared,
}

type Report = Arc<dyn Fn(Progress) + Send + Sync>;

/// Chooses what a mesh is made of; see [`Mesh::builder`].
pub struct MeshBuilder {
    postgres: Engine,
    temporal: Engine,
    jaeger: Option<Engine>,
    has_object_store: bool,
    page: WebPage,
    addresses: Addresses,
    settings: Vec<(String, String, OsString)>,
    programs: Option<PathBuf>,
    is_proxied: bool,
    report: Report,
}

impl Mesh {
    /// The usual mesh of a test: the shared PostgreSQL with fresh databases, a Temporal server of its own (two meshes on
    /// one server would take each other's tasks), no Jaeger.
    #[must_use]
    pub fn builder() -> MeshBuilder {
        MeshBuilder {
            postgres: Engine::Shared,
            temporal: Engine::Own,
            jaeger: None,
            has_object_store: false,
            page: WebPage::Absent,
            addresses: Addresses::Free,
            settings: Vec::new(),
            programs: None,
            is_proxied: false,
            report: Arc::new(|_| {}),
        }
    }

    /// Starts [`Mesh::builder`] as it is.
    ///
    /// # Errors
    /// As [`MeshBuilder::start`].
    pub async fn start() -> anyhow::Result<Self> {
        Self::builder().start().await
    }

    /// Starts a second document process that only works off the task queue.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn add_document_worker(&self) -> anyhow::Result<ServiceProcess> {
        let worker = ServiceSpec {
            subcommand: Subcommand::Worker,
            addresses: Addresses::Free,
            ..self.document.spec().clone()
        };
        let worker = ServiceProcess::prepare(worker)?;
        worker.restart().await?;
        Ok(worker)
    }

    /// Every service, in the order of [`SERVICES`](crate::SERVICES).
    pub fn services(&self) -> &[Arc<ServiceProcess>] {
        &self.services
    }

    /// Any service, by its name.
    ///
    /// # Errors
    /// When there is no such service.
    pub fn service(&self, name: &str) -> anyhow::Result<&Arc<ServiceProcess>> {
        find(&self.services, name)
    }

    /// The CA of this mesh, for certificates of other callers.
    pub fn pki(&self) -> &Pki {
        &self.pki
    }

    /// A channel to a service, as the caller `platform`. It belongs to the present Tokio runtime, connects at the first call,
    /// and again whenever the service was away.
    ///
    /// # Errors
    /// When there is no such service.
    pub fn channel(&self, service: &str) -> anyhow::Result<Channel> {
        self.channel_as(PLATFORM, service)
    }

    /// As [`Mesh::channel`], as any caller of the trust domain.
    ///
    /// # Errors
    /// When there is no such service, or the caller's certificate can't be written.
    pub fn channel_as(&self, caller: &str, service: &str) -> anyhow::Result<Channel> {
        let endpoint = Endpoint::from_shared(self.service(service)?.grpc_url())?;
        let endpoint = endpoint.tls_config(self.pki.client(caller)?)?;
        Ok(endpoint.connect_lazy())
    }

    /// Signs the tokens of persons that the services take.
    #[must_use]
    pub fn issuer(&self) -> &Arc<Issuer> {
        &self.issuer
    }

    /// The folder with the services' logs, the documents, and the certificates (`tls`).
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Stops everything in order: the services drain (30 s at most), then the engines end.
    ///
    /// # Errors
    /// When a service did not end in time or not with success; everything is ended all the same.
    pub async fn stop(self) -> anyhow::Result<()> {
        let mut result = Ok(());
        for service in &self.services {
            service.sigterm().await;
        }
        for service in &self.services {
            let Ok(_running) = service.pid().await else { continue };
            match service.wait_exit(DRAIN_TIMEOUT).await {
                Ok(status) if status.success() => {}
                Ok(status) => {
                    let error =
                        anyhow::anyhow!("{}-service ended with {status}\n{}", service.name(), service.log_tail());
                    result = Err(error);
                }
                Err(error) => result = Err(error.context(format!("{}-service did not drain", service.name()))),
            }
            service.sigkill().await;
        }
        // Those that are shared are not ours to stop; those that are ours end with their last owner at the latest.
        if let Some(temporal) = Arc::into_inner(self.temporal) {
            let _shared = temporal.stop().await;
        }
        if let Some(postgres) = Arc::into_inner(self.postgres) {
            let _shared = postgres.stop().await;
        }
        result
    }
}

impl MeshBuilder {
    /// Which PostgreSQL; shared unless said otherwise.
    #[must_use]
    pub fn postgres(mut self, engine: Engine) -> Self {
        self.postgres = engine;
        self
    }

    /// Which Temporal; its own unless said otherwise.
    #[must_use]
    pub fn temporal(mut self, engine: Engine) -> Self {
        self.temporal = engine;
        self
    }

    /// With Jaeger: the services send their spans there.
    #[must_use]
    pub fn jaeger(mut self, engine: Engine) -> Self {
        self.jaeger = Some(engine);
        self
    }

    /// With an S3 server of its own, in which the documents are kept instead of in a folder.
    #[must_use]
    pub fn object_store(mut self) -> Self {
        self.has_object_store = true;
        self
    }

    /// Whether Temporal serves its web page; only for a Temporal of its own.
    #[must_use]
    pub fn web_page(mut self, page: WebPage) -> Self {
        self.page = page;
        self
    }

    /// Where the services listen; on free ports unless said otherwise.
    #[must_use]
    pub fn addresses(mut self, addresses: Addresses) -> Self {
        self.addresses = addresses;
        self
    }

    /// One more setting of a service, its name without the service's prefix; it wins over the mesh's own.
    #[must_use]
    pub fn setting(mut self, service: &str, name: &str, value: impl Into<OsString>) -> Self {
        self.settings.push((service.to_owned(), name.to_owned(), value.into()));
        self
    }

    /// Starts the services of another build, which stand in this folder.
    #[must_use]
    pub fn programs(mut self, folder: impl Into<PathBuf>) -> Self {
        self.programs = Some(folder.into());
        self
    }

    /// With a proxy that can fail before PostgreSQL, Temporal, each service, and the object store if there is one.
    #[must_use]
    pub fn proxied(mut self) -> Self {
        self.is_proxied = true;
        self
    }

    /// Called as the parts come up.
    #[must_use]
    pub fn progress(mut self, report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.report = Arc::new(report);
        self
    }

    /// Starts everything and waits until every service is ready.
    ///
    /// # Errors
    /// When an engine or a service does not come up; nothing is left running then.
    pub async fn start(self) -> anyhow::Result<Mesh> {
        let folder = folder::scratch("mesh")?;
        let certificates = folder.path().join("tls");
        std::fs::create_dir(&certificates)?;
        let pki = Pki::create(&certificates)?;
        // For grpcurl.
        pki.of(PLATFORM)?;
        let issuer = Arc::new(Issuer::create(&folder.path().join("issuer"))?);
        // Prepared before the engines start: a binary that is not built is said at once.
        let mut services = Vec::new();
        for facts in SERVICES {
            services.push(ServiceProcess::prepare(ServiceSpec {
                name: facts.name.to_owned(),
                program: match &self.programs {
                    // An earlier build has no program of a service that is newer.
                    Some(folder) if folder.join(facts.package).exists() => folder.join(facts.package),
                    _ => binary(facts.package)?,
                },
                subcommand: Subcommand::All,
                addresses: self.addresses,
                log_folder: folder.path().to_owned(),
                settings: (facts.settings)(folder.path())?,
                environment: Vec::new(),
            })?);
        }

        let (postgres, temporal, jaeger, object_store) = tokio::try_join!(
            self.start_postgres(),
            self.start_temporal(),
            self.start_jaeger(),
            self.start_object_store()
        )?;
        let mut databases = BTreeMap::new();
        for facts in SERVICES {
            let url = postgres.create_database(&database_of(facts.name)).await?;
            databases.insert(facts.name, url);
        }
        let mut addresses: BTreeMap<String, String> = services
            .iter()
            .map(|service| (service.name().to_owned(), service.grpc_url()))
            .collect();
        let endpoint = object_store.as_ref().map(S3Server::endpoint);
        let proxies = if self.is_proxied {
            let postgres = postgres.admin_url();
            Some(Proxies::before(postgres, temporal.url(), endpoint.as_deref(), &addresses).await?)
        } else {
            None
        };
        for (name, proxy) in proxies.iter().flat_map(|proxies| &proxies.services) {
            addresses.insert(name.clone(), format!("https://{}", proxy.address()));
        }
        for (facts, service) in SERVICES.iter().zip(&mut services) {
            let own = pki.of(facts.name)?;
            service.set([
                setting("TLS_CERTIFICATE", own.certificate),
                setting("TLS_KEY", own.key),
                setting("TLS_CA", own.ca),
            ]);
            service.set([
                setting(
                    "POSTGRES_URL",
                    through(
                        &databases[facts.name],
                        proxies.as_ref().map(|proxies| &proxies.postgres),
                    )?,
                ),
                setting(
                    "TEMPORAL_URL",
                    through(temporal.url(), proxies.as_ref().map(|proxies| &proxies.temporal))?,
                ),
                setting("TEMPORAL_NAMESPACE", NAMESPACE),
                setting("LOG_FORMAT", "human"),
                setting("JWKS", issuer.jwks_file()),
                setting("TOKEN_ISSUER", issuer.name()),
            ]);
            service.set(
                jaeger
                    .iter()
                    .map(|jaeger| setting("OTLP_ENDPOINT", jaeger.otlp_endpoint())),
            );
            service.set(
                facts
                    .peers
                    .iter()
                    .map(|peer| setting(&format!("{}URL", prefix(peer)), &addresses[*peer])),
            );
            if facts.name == "document"
                && let Some((server, endpoint)) = object_store.as_ref().zip(endpoint.as_deref())
            {
                let proxy = proxies.as_ref().and_then(|proxies| proxies.object_store.as_ref());
                service.set_environment(S3Server::environment(&through(endpoint, proxy)?));
                service.set([
                    setting("STORE_URL", format!("s3://{}/mesh", server.bucket())),
                    setting("KEYRING", write_keyring(&folder.path().join("keyring.json"))?),
                ]);
            }
            let own = self.settings.iter().filter(|(name, ..)| name == facts.name);
            service.set(own.map(|(_, name, value)| (name.clone(), value.clone())));
        }
        let services: Vec<_> = services.into_iter().map(Arc::new).collect();

        let come_up = async |service: &ServiceProcess| {
            let name = format!("{}-service", service.name());
            (self.report)(Progress::Starting(name.clone()));
            service.launch().await?;
            service.ready(READY_TIMEOUT).await?;
            (self.report)(Progress::Ready(name, service.grpc_url()));
            anyhow::Ok(())
        };
        try_join_all(services.iter().map(|service| come_up(service))).await?;
        let database = |name| databases.get(name).cloned().unwrap_or_default();
        Ok(Mesh {
            orchestrator: find(&services, "orchestrator")?.clone(),
            document: find(&services, "document")?.clone(),
            reputation: find(&services, "reputation")?.clone(),
            services,
            postgres,
            temporal,
            jaeger,
            object_store,
            databases: Databases {
                orchestrator: database("orchestrator"),
                document: database("document"),
                reputation: database("reputation"),
                all: databases,
            },
            proxies,
            pki,
            issuer,
            folder,
        })
    }

    async fn start_postgres(&self) -> anyhow::Result<Arc<Postgres>> {
        (self.report)(Progress::Starting("PostgreSQL".to_owned()));
        let postgres = match self.postgres {
            Engine::Own => Arc::new(Postgres::start().await?),
            Engine::Shared => Postgres::shared().await?,
        };
        (self.report)(Progress::Ready(
            "PostgreSQL".to_owned(),
            postgres.admin_url().to_owned(),
        ));
        Ok(postgres)
    }

    async fn start_temporal(&self) -> anyhow::Result<Arc<Temporal>> {
        (self.report)(Progress::Starting("Temporal".to_owned()));
        let temporal = match self.temporal {
            Engine::Own => Arc::new(Temporal::start_with(self.page).await?),
            Engine::Shared => Temporal::shared().await?,
        };
        (self.report)(Progress::Ready("Temporal".to_owned(), temporal.url().to_owned()));
        Ok(temporal)
    }

    async fn start_jaeger(&self) -> anyhow::Result<Option<Arc<Jaeger>>> {
        let Some(engine) = self.jaeger else { return Ok(None) };
        (self.report)(Progress::Starting("Jaeger".to_owned()));
        let jaeger = match engine {
            Engine::Own => Arc::new(Jaeger::start().await?),
            Engine::Shared => Jaeger::shared().await?,
        };
        (self.report)(Progress::Ready("Jaeger".to_owned(), jaeger.query_url().to_owned()));
        Ok(Some(jaeger))
    }

    async fn start_object_store(&self) -> anyhow::Result<Option<S3Server>> {
        if !self.has_object_store {
            return Ok(None);
        }
        (self.report)(Progress::Starting("the object store".to_owned()));
        let server = S3Server::start().await?;
        (self.report)(Progress::Ready("the object store".to_owned(), server.endpoint()));
        Ok(Some(server))
    }
}

fn setting(name: &str, value: impl Into<OsString>) -> (String, OsString) {
    (name.to_owned(), value.into())
}

fn find<'a>(services: &'a [Arc<ServiceProcess>], name: &str) -> anyhow::Result<&'a Arc<ServiceProcess>> {
    let found = services.iter().find(|service| service.name() == name);
    found.with_context(|| format!("there is no service {name}"))
}
