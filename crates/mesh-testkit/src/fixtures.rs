//! What the tests of a service stand on: a migrated database, a served API with a client's channel, Temporal's client.
//!
//! Everything here panics when it can't be had, with the reason: a test that lacks them has nothing to say.

use crate::{Acting, ActingChannel, Issuer, NAMESPACE, Postgres, Temporal, scratch};
use jiff::Timestamp;
use mesh_runtime::{Problem, ServiceParts};
use mesh_types::MemberId;
use sqlx::{PgPool, migrate::Migrator, postgres::PgPoolOptions};
use std::{fmt::Debug, time::Duration};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;

/// An empty database of its own, with the kit's tables and the service's, and a pool of the size that a service has.
pub async fn fresh_database(name: &str, migrations: &Migrator) -> PgPool {
    let postgres = Postgres::shared().await.or_panic();
    let url = postgres.create_database(name).await.or_panic();
    let options = PgPoolOptions::new()
        .max_connections(10)
        .acquire_timeout(Duration::from_secs(3));
    let pool = options.connect(&url).await.expect("the database answers");
    mesh_runtime::migrate(&pool, migrations).await.or_panic();
    pool
}

/// The member of a number from 1.
#[track_caller]
pub fn member(number: i64) -> MemberId {
    MemberId::try_from(number).expect("a positive number")
}

/// An instant, in seconds since 1970-01-01 UTC.
#[track_caller]
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("within jiff's years")
}

/// A client of the Temporal that the test run shares. None of the workflows that a test names is in it, unless the test
/// starts it.
pub async fn temporal_client() -> temporalio_client::Client {
    let temporal = Temporal::shared().await.or_panic();
    let url: url::Url = temporal.url().parse().expect("Temporal's URL is one");
    let connection = temporalio_client::ConnectionOptions::new(url).identity("test").build();
    let options = temporalio_client::ClientOptions::new(NAMESPACE).build();
    let client = temporalio_client::Client::connect(connection, options).await;
    client.expect("Temporal answers")
}

/// The result, or a panic that says what the problem was, with its cause.
pub trait OrPanic<T> {
    /// The result.
    fn or_panic(self) -> T;
}

impl<T> OrPanic<T> for Result<T, Problem> {
    #[track_caller]
    fn or_panic(self) -> T {
        self.unwrap_or_else(|problem| panic!("{problem:?}"))
    }
}

impl<T> OrPanic<T> for anyhow::Result<T> {
    #[track_caller]
    fn or_panic(self) -> T {
        self.unwrap_or_else(|error| panic!("{error:#}"))
    }
}

/// Who acts unless a test says otherwise, with the role `operator`.
pub const OPERATOR: i64 = 1;

/// An API that is served in this process, over a socket, under the kit's layer. It ends with the value.
#[derive(Debug)]
pub struct Served {
    url: String,
    issuer: Issuer,
    // Dropped with the value, and the server with it.
    _server: JoinSet<anyhow::Result<()>>,
    _folder: TempDir,
}

impl Served {
    /// Serves the gRPC services of a parts on a free port. Its workers don't run.
    pub async fn start(parts: ServiceParts) -> Self {
        let folder = scratch("issuer").or_panic();
        let issuer = Issuer::create(folder.path()).or_panic();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let mut server = JoinSet::new();
        let tokens = (issuer.jwks_file(), issuer.name());
        server.spawn(parts.serve(listener, tokens, CancellationToken::new()));
        Self {
            url: format!("http://{address}"),
            issuer,
            _server: server,
            _folder: folder,
        }
    }

    /// A channel of the platform that acts for [`OPERATOR`]: `GreeterClient::new(served.channel())`.
    pub fn channel(&self) -> ActingChannel {
        self.channel_as(OPERATOR, &["operator"])
    }

    /// A channel of the platform that acts for a person with these roles.
    pub fn channel_as(&self, person: i64, roles: &[&str]) -> ActingChannel {
        self.channel_of(&Acting::platform(&self.issuer.token(person, roles)))
    }

    /// A channel of any caller.
    pub fn channel_of(&self, acting: &Acting) -> ActingChannel {
        let endpoint = Endpoint::from_shared(self.url.clone()).expect("the URL is one");
        acting.by(endpoint.connect_lazy())
    }
}

/// The reason of a refusal, as every wire has it.
#[track_caller]
pub fn reason<T: Debug>(result: Result<T, Problem>) -> mesh_types::Reason {
    result.expect_err("it is refused").reason()
}
