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

/// A connection to a peer, to be given to a generated client: `GreeterClient::new(base.channel(&url, "greeter")?)`. Clones share it.
#[derive(Clone)]
pub struct PeerChannel {
    channel: Channel,
    caller: http::HeaderValue,
}

impl PeerChannel {
    /// To `service` at `url`.
    pub(crate) fn lazy(
        url: &url::Url,
        service: &str,
        caller: &'static str,
        transport: &Transport,
    ) -> anyhow::Result<Self> {
        let endpoint = Endpoint::from_shared(address(url, service, transport)?)
            .with_context(|| format!("peer {url}"))?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(Duration::from_secs(10))
            .keep_alive_timeout(Duration::from_secs(5))
            .keep_alive_while_idle(true)
            .tcp_nodelay(true);
        let channel = match transport {
            Transport::Tls(credentials) => {
                let origin = url.as_str().parse().with_context(|| format!("peer {url}"))?;
                endpoint
                    .origin(origin)
                    .connect_with_connector_lazy(Connector::new(credentials.clone(), service)?)
            }
            Transport::Plaintext | Transport::None => endpoint.connect_lazy(),
        };
        Ok(Self {
            channel,
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
        self.channel.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        // The clone is not ready yet, the one that was polled is (tower's contract).
        let fresh = self.channel.clone();
        let mut channel = std::mem::replace(&mut self.channel, fresh);
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
