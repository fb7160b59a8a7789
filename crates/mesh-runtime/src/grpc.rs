//! The gRPC server: the service's own routes under one layer, health v1 and reflection v1.

mod catalogue;

pub(crate) use catalogue::Catalogue;

use crate::access::OPEN_SERVICES;
use crate::health::Readiness;
use crate::rpc::{RpcLayer, Rules};
use crate::tls::{self, Credentials};
use anyhow::Context;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::RoutesBuilder;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// The age at which a connection is asked to make way for a new one, so that a caller proves itself anew; what runs on it ends
/// in peace. How long a certificate that was stolen or has ended goes on to count.
pub(crate) const MAX_CONNECTION_AGE: Duration = Duration::from_secs(3600);
/// The most RPCs at once on one connection; a client holds back those above. A stream of answers counts as long as it lasts.
const MAX_CONCURRENT_STREAMS: u32 = 500;
/// The bytes that a client may send ahead of a handler, for each RPC: 64 KiB.
const STREAM_WINDOW: u32 = 64 << 10;
/// The same for a connection: the windows of all its RPCs, 31 MiB. With less, handlers that don't read (an upload that waits for
/// its turn) would use it up and stop the other RPCs of the connection.
const CONNECTION_WINDOW: u32 = MAX_CONCURRENT_STREAMS * STREAM_WINDOW;

/// Everything the server stands on.
pub(crate) struct Server {
    pub(crate) listener: TcpListener,
    /// With them every connection is TLS, and its caller proven.
    pub(crate) credentials: Option<Arc<Credentials>>,
    /// [`MAX_CONNECTION_AGE`], but for tests.
    pub(crate) max_connection_age: Duration,
    /// Encoded: [`Catalogue::descriptors`].
    pub(crate) descriptors: Vec<u8>,
    pub(crate) routes: RoutesBuilder,
    pub(crate) rules: Rules,
    pub(crate) services: Vec<String>,
    pub(crate) reporter: HealthReporter,
}

/// Serves until `stop`; then takes no new connection, tells the old ones to go, and ends when the last RPC has.
pub(crate) async fn serve(server: Server, stop: CancellationToken) -> anyhow::Result<()> {
    let Server {
        listener,
        credentials,
        max_connection_age,
        descriptors,
        mut routes,
        rules,
        services,
        reporter,
    } = server;
    for service in &services {
        reporter.set_service_status(service, ServingStatus::NotServing).await;
    }
    routes.add_service(tonic_health::pb::health_server::HealthServer::new(
        tonic_health::server::HealthService::from_health_reporter(reporter),
    ));
    let mut reflection = tonic_reflection::server::Builder::configure();
    for name in services.iter().map(String::as_str).chain(OPEN_SERVICES) {
        reflection = reflection.with_service_name(name);
    }
    routes.add_service(
        reflection
            .register_encoded_file_descriptor_set(&descriptors)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .build_v1()
            .context("reflection refuses the service's descriptors")?,
    );
    tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        // Without a grace: what still runs has limits of its own.
        .max_connection_age(max_connection_age)
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .layer(RpcLayer(Arc::new(rules)))
        .add_routes(routes.routes())
        .serve_with_incoming_shutdown(tls::incoming(listener, credentials), stop.cancelled_owned())
        .await
        .context("the gRPC server failed")
}

/// Keeps the health service's statuses equal to the readiness; says "not serving" and ends at `stop`.
pub(crate) async fn report(
    reporter: HealthReporter,
    services: Vec<String>,
    readiness: Readiness,
    stop: CancellationToken,
) {
    let mut changes = readiness.subscribe();
    loop {
        let is_ready = changes.borrow_and_update().is_ready() && !stop.is_cancelled();
        let status = if is_ready {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        for service in std::iter::once("").chain(services.iter().map(String::as_str)) {
            reporter.set_service_status(service, status).await;
        }
        if stop.is_cancelled() {
            return;
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = stop.cancelled() => {}
        }
    }
}
