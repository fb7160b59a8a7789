//! Calls to peers: each carries the trace, what is left of the deadline, and who is calling.

use crate::answers;
use crate::body::{RpcRecorder, WatchedBody};
use crate::rpc::CALLER;
use crate::tls::{Connector, Misconfigured, Transport};
use crate::{Problem, deadline, telemetry};
use anyhow::Context as _;
use futures::future::BoxFuture;
use mesh_types::Reason;
use std::error::Error as StdError;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, TimeoutExpired};
use tower::Service;
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The age at which a connection is left for a new one: sooner than a server asks for that, so that no call meets its end.
const CONNECTION_AGE: Duration = Duration::from_secs(50 * 60);

/// A connection to a peer, to be given to a generated client: `GreeterClient::new(base.channel(&url, "greeter")?)`. Clones share it.
#[derive(Clone)]
pub struct PeerChannel {
    /// The newest connection when it was last looked at, and which one that was.
    channel: (u64, Channel),
    connections: Arc<Connections>,
    caller: http::HeaderValue,
}

/// Makes the connections to a peer, one after the other. What runs on an older one goes on to its end.
struct Connections {
    connect: Box<dyn Fn() -> Channel + Send + Sync>,
    age: Duration,
    newest: Mutex<Newest>,
}

struct Newest {
    number: u64,
    channel: Channel,
    since: Instant,
}

impl Connections {
    fn new(age: Duration, connect: impl Fn() -> Channel + Send + Sync + 'static) -> Self {
        let newest = Newest {
            number: 0,
            channel: connect(),
            since: Instant::now(),
        };
        Self {
            connect: Box::new(connect),
            age,
            newest: Mutex::new(newest),
        }
    }

    /// The newest one, unless it is this.
    fn newer_than(&self, number: u64) -> Option<(u64, Channel)> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.since.elapsed() >= self.age {
            *newest = Newest {
                number: newest.number + 1,
                channel: (self.connect)(),
                since: Instant::now(),
            };
        }
        (newest.number != number).then(|| (newest.number, newest.channel.clone()))
    }
}

impl PeerChannel {
    /// To `service` at `url`.
    pub(crate) fn lazy(
        url: &url::Url,
        service: &str,
        caller: &'static str,
        transport: &Transport,
    ) -> anyhow::Result<Self> {
        Self::renewed(url, service, caller, transport, CONNECTION_AGE)
    }

    /// The same by connections that are left at that age.
    pub(crate) fn renewed(
        url: &url::Url,
        service: &str,
        caller: &'static str,
        transport: &Transport,
        age: Duration,
    ) -> anyhow::Result<Self> {
        let endpoint = Endpoint::from_shared(address(url, service, transport)?)
            .with_context(|| format!("peer {url}"))?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(Duration::from_secs(10))
            .keep_alive_timeout(Duration::from_secs(5))
            .keep_alive_while_idle(true)
            .tcp_nodelay(true);
        let connections = match transport {
            Transport::Tls(credentials) => {
                let origin = url.as_str().parse().with_context(|| format!("peer {url}"))?;
                let endpoint = endpoint.origin(origin);
                let connector = Connector::new(credentials.clone(), service)?;
                Connections::new(age, move || endpoint.connect_with_connector_lazy(connector.clone()))
            }
            Transport::Plaintext | Transport::None => Connections::new(age, move || endpoint.connect_lazy()),
        };
        let (number, channel) = (
            0,
            connections
                .newest
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .channel
                .clone(),
        );
        Ok(Self {
            channel: (number, channel),
            connections: Arc::new(connections),
            caller: http::HeaderValue::from_static(caller),
        })
    }
}

/// Where to connect. It is always `http`, because TLS is the connector's, not tonic's own.
fn address(url: &url::Url, service: &str, transport: &Transport) -> Result<String, Misconfigured> {
    let refuse = |what: &str| {
        Err(Misconfigured(format!(
            "the address of the peer {service:?}, {url}, {what}"
        )))
    };
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return refuse("is not https://host:port");
    };
    let is_local = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match (transport, url.scheme()) {
        (Transport::Tls(_), "https") => {}
        (Transport::Tls(_), _) => return refuse("must begin with https://"),
        (Transport::Plaintext, "http") if is_local => {}
        (Transport::Plaintext, _) => return refuse("is not http://127.0.0.1:port, as insecure-plaintext asks for"),
        (Transport::None, _) => {
            return refuse(
                "can't be called: give tls-certificate, tls-key and tls-ca; or, on this machine alone, insecure-plaintext",
            );
        }
    }
    Ok(format!("http://{host}:{port}"))
}

impl Service<http::Request<Body>> for PeerChannel {
    type Response = http::Response<Body>;
    type Error = Box<dyn StdError + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if let Some(newer) = self.connections.newer_than(self.channel.0) {
            self.channel = newer;
        }
        self.channel.1.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        // The clone is not ready yet, the one that was polled is (tower's contract).
        let fresh = self.channel.1.clone();
        let mut channel = std::mem::replace(&mut self.channel.1, fresh);
        let method = request.uri().path().trim_start_matches('/').to_owned();
        let span = tracing::info_span!(
            "rpc.client",
            otel.name = method,
            otel.kind = "client",
            otel.status_code = tracing::field::Empty,
            rpc.system.name = "grpc",
            rpc.method = method,
            rpc.response.status_code = tracing::field::Empty,
            error.type = tracing::field::Empty,
        );
        let mut recorder = RpcRecorder::of_client(span.clone(), method);
        telemetry::inject(&span.context(), request.headers_mut());
        request.headers_mut().insert(CALLER, self.caller.clone());
        let deadline = pass_deadline_on(request.headers_mut());
        let work = async move {
            if deadline.is_some_and(|instant| instant <= Instant::now()) {
                recorder.set(Code::DeadlineExceeded);
                return Err(expired().into());
            }
            match channel.call(request).await {
                Err(error) => {
                    let status = status_of(error);
                    recorder.set(status.code());
                    Err(status.into())
                }
                Ok(response) => {
                    if recorder.read(response.headers()) {
                        return Ok(response);
                    }
                    Ok(response
                        .map(|body| Body::new(WatchedBody::new(body, recorder, (deadline, answers::expired), None))))
                }
            }
        };
        Box::pin(work.instrument(span))
    }
}

/// Writes the earlier of the caller's deadline and the request's own timeout.
fn pass_deadline_on(headers: &mut http::HeaderMap) -> Option<Instant> {
    let own = headers
        .get(deadline::HEADER)
        .and_then(|value| deadline::parse(value.to_str().ok()?))
        .and_then(|timeout| Instant::now().checked_add(timeout));
    let deadline = deadline::earlier(deadline::instant(), own)?;
    let left = deadline.saturating_duration_since(Instant::now());
    let value = http::HeaderValue::try_from(deadline::format(left)).expect("digits and a letter are a header value");
    headers.insert(deadline::HEADER, value);
    Some(deadline)
}

/// No line in the log: whose deadline it was says so.
fn expired() -> Status {
    Problem::new(Reason::DeadlineExceeded, "the deadline passed before the peer answered").into_logged_status()
}

/// tonic calls its own timer's expiry CANCELLED; it is our deadline that passed.
fn status_of(error: tonic::transport::Error) -> Status {
    let mut next: Option<&dyn StdError> = Some(&error);
    while let Some(cause) = next {
        if cause.is::<TimeoutExpired>() {
            return expired();
        }
        next = cause.source();
    }
    let status = Status::from_error(Box::new(error));
    match status.code() {
        // A connection that breaks under a call is a peer that is away, whatever HTTP/2 calls it.
        Code::Unknown | Code::Cancelled | Code::Internal => Status::unavailable(status.message()),
        _ => status,
    }
}
