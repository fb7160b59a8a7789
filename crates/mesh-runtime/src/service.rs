//! What a service gives to the kit, and what the kit gives to a service.

use crate::Problem;
use crate::access::AccessPolicies;
use crate::channel::PeerChannel;
use crate::field_rules::FieldRules;
use crate::grpc::{self, Catalogue};
use crate::idempotency::IdempotencyStore;
use crate::metrics::ServiceMetrics;
use crate::periodic::Periodic;
use crate::rpc::Rules;
use crate::streams::Streams;
use crate::tls::Transport;
use crate::tokens::{self, Tokens};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::server::NamedService;
use tower::Service as TowerService;

/// The largest message under [`ServiceParts::serve`] in bytes, as by default.
const TEST_MESSAGE_BYTES: usize = 4 << 20;
/// The bound of an RPC under [`ServiceParts::serve`], as by default.
const TEST_DEADLINE: Duration = Duration::from_secs(30);

/// How often an issuer's keys are read under [`ServiceParts::serve`].
const TEST_REFRESH: Duration = Duration::from_secs(300);
/// Streams of answers that are open at once under [`ServiceParts::serve`].
const TEST_STREAMS: usize = 100;

/// A service of the mesh: its name, its configuration, and how it is put together.
pub trait Service: 'static {
    /// Lower-case, words joined by `-`. It is the `service.name` of traces and metrics, the caller identity that peers
    /// see, and, in capitals with `_`, the prefix of every environment key.
    const NAME: &'static str;
    /// Default of `--grpc-listen`.
    const GRPC_LISTEN: &'static str = "127.0.0.1:7400";
    /// Default of `--health-listen`.
    const HEALTH_LISTEN: &'static str = "127.0.0.1:9400";
    /// The schema: `static MIGRATOR: Migrator = sqlx::migrate!();`.
    const MIGRATIONS: &'static sqlx::migrate::Migrator;
    /// The service's own configuration. Each field is a flag; its environment key is derived from the flag's name and
    /// [`Self::NAME`], so `#[arg(long)]` is enough.
    type Config: clap::Args + Send;

    /// Puts the service together. Called once, after PostgreSQL and Temporal answered and the schema is up to date.
    ///
    /// # Errors
    /// Whatever makes it impossible to serve; the process then ends with exit code 1.
    fn build(
        config: Self::Config,
        context: ServiceContext,
    ) -> impl Future<Output = anyhow::Result<ServiceParts>> + Send;
}

/// What the kit gives to a service. Clones share everything.
#[derive(Clone)]
#[non_exhaustive]
pub struct ServiceContext {
    /// PostgreSQL. Waiting for a connection gives up after 3 s.
    pub pool: sqlx::PgPool,
    /// The requests that were answered before, in [`Self::pool`].
    pub idempotency: IdempotencyStore,
    /// Temporal, for RPCs and activities. A call gives up after about 3 s of retries.
    pub temporal: temporalio_client::Client,
    /// The largest message an RPC may carry, in bytes; hand it to
    /// `GreeterServer::new(api).max_decoding_message_size(context.max_message_bytes)`.
    pub max_message_bytes: usize,
    /// Activities that a worker runs at once, as configured; for a worker that wants fewer ([`crate::slots`]).
    pub max_concurrent_activities: usize,
    /// Workflow tasks that a worker runs at once, as configured.
    pub max_concurrent_workflow_tasks: usize,
    /// What the service counts itself.
    pub metrics: ServiceMetrics,
    /// The name of this service, [`Service::NAME`].
    pub name: &'static str,
    pub(crate) transport: Transport,
}

impl ServiceContext {
    /// A channel to the peer of that name. It connects at the first call and again whenever it has to; a peer that is away,
    /// or whose certificate names another service, makes the call fail with `Unavailable` within 3 s.
    ///
    /// # Errors
    /// When `url` is not `https://host:port`; with `insecure-plaintext`, not `http://host:port` of a loopback address.
    pub fn channel(&self, url: &url::Url, service: &str) -> anyhow::Result<PeerChannel> {
        PeerChannel::lazy(url, service, self.name, &self.transport)
    }
}

pub(crate) type Register = Box<dyn FnOnce(&mut temporalio_sdk::WorkerOptions) -> anyhow::Result<()> + Send>;

pub(crate) struct WorkerParts {
    pub(crate) task_queue: &'static str,
    pub(crate) register: Register,
}

/// The parts of a service that the kit runs: gRPC services and workers.
pub struct ServiceParts {
    pub(crate) descriptors: &'static [u8],
    pub(crate) services: BTreeSet<&'static str>,
    pub(crate) routes: tonic::service::RoutesBuilder,
    pub(crate) workers: Vec<WorkerParts>,
    pub(crate) periodic: Vec<Periodic>,
}

impl ServiceParts {
    /// Starts from the encoded `FileDescriptorSet` that holds every gRPC service given to [`Self::grpc`], and perhaps
    /// others. Health and reflection name those that were given, and the kit reads from it which RPCs stream their answer.
    pub fn new(descriptors: &'static [u8]) -> Self {
        Self {
            descriptors,
            services: BTreeSet::new(),
            routes: tonic::service::RoutesBuilder::default(),
            workers: Vec::new(),
            periodic: Vec::new(),
        }
    }

    /// Adds a generated gRPC server. May be called for several.
    pub fn grpc<S>(mut self, service: S) -> Self
    where
        S: TowerService<http::Request<tonic::body::Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Response: axum::response::IntoResponse,
        S::Future: Send + 'static,
    {
        self.services.insert(S::NAME);
        self.routes.add_service(service);
        self
    }

    /// Adds a worker that polls `task_queue`. `register` adds workflows and activities, and may change any public field
    /// of the options, which come with the configured slots ([`crate::slots`] makes others), a heartbeat throttle of at
    /// most 1 s and the configured graceful shutdown. It runs on the worker's own thread. May be called for several
    /// queues.
    pub fn worker(
        mut self,
        task_queue: &'static str,
        register: impl FnOnce(&mut temporalio_sdk::WorkerOptions) -> anyhow::Result<()> + Send + 'static,
    ) -> Self {
        self.workers.push(WorkerParts {
            task_queue,
            register: Box::new(register),
        });
        self
    }

    /// Adds work that every instance does by itself, API or worker, each `interval` and for the first time within it. Several
    /// may do it at once. A round that fails is logged, and so is one that takes longer than the interval, or than a
    /// minute where the interval is shorter; the next round makes up for it. `name` stands in the log.
    pub fn every<F>(mut self, interval: Duration, name: &'static str, round: impl FnMut() -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<(), Problem>> + Send + 'static,
    {
        self.periodic.push(Periodic::new(name, interval, round));
        self
    }

    /// Serves the gRPC services alone, as a process does but without workers, until `stop`: for tests of an API. Persons prove
    /// themselves by tokens of `issuer`, whose keys are in the file `jwks`; callers name themselves.
    ///
    /// # Errors
    /// When the descriptors lack a service, or an RPC has no policy.
    pub async fn serve(
        self,
        listener: TcpListener,
        (jwks, issuer): (PathBuf, &str),
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let catalogue = Catalogue::read(self.descriptors, &self.services)?;
        let settings = tokens::Settings {
            source: tokens::Source::File(jwks),
            refresh: TEST_REFRESH,
            claims: tokens::ClaimRules {
                issuer: issuer.to_owned(),
                audiences: BTreeSet::from(["voluntier".to_owned()]),
                leeway: Duration::ZERO,
                roles_claim: "roles".to_owned(),
            },
        };
        let (tokens, follower) = Tokens::new(Some(settings))?;
        let server = grpc::Server {
            listener,
            credentials: None,
            max_connection_age: grpc::MAX_CONNECTION_AGE,
            descriptors: catalogue.descriptors,
            routes: self.routes,
            rules: Rules {
                streaming: catalogue.streaming,
                uploading: catalogue.uploading,
                field_rules: FieldRules::read(self.descriptors, TEST_MESSAGE_BYTES)?,
                access: AccessPolicies::read(self.descriptors, &catalogue.methods)?,
                tokens,
                methods: catalogue.methods,
                default_deadline: TEST_DEADLINE,
                upload_deadline: TEST_DEADLINE,
                streams: Streams::new(TEST_STREAMS, TEST_DEADLINE),
                draining: stop.clone(),
                metrics: None,
            },
            services: catalogue.services,
            reporter: tonic_health::server::HealthReporter::new(),
        };
        let followed = async {
            if let Some(follower) = follower {
                follower.run(stop.clone()).await;
            }
        };
        let (served, ()) = tokio::join!(grpc::serve(server, stop.clone()), followed);
        served
    }
}
