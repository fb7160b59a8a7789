//! What happens around every RPC that comes in: trace context, caller, deadline, panics, metrics.

use crate::access::{self, Access, AccessPolicies};
use crate::answers::{expired, panic_status, shutting_down, stream_too_old, token_ended, too_many_streams};
use crate::body::{RpcRecorder, WatchedBody, margin};
use crate::field_rules::{self, FieldRules};
use crate::metrics::RpcMetrics;
use crate::streams::Streams;
use crate::tls::PeerService;
use crate::tokens::Tokens;
use crate::{Problem, clock, deadline, telemetry};
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The header in which a service of the mesh names itself. It proves nothing, and counts only in plaintext, where nobody can
/// prove more.
pub(crate) const CALLER: &str = "x-voluntier-caller";

/// Settings of the layer, shared by all RPCs.
pub(crate) struct Rules {
    /// Paths (`/package.Service/Method`) of the service's own RPCs.
    pub(crate) methods: BTreeSet<String>,
    /// Those of all paths whose answer is a stream.
    pub(crate) streaming: BTreeSet<String>,
    /// Those of all paths whose request is a stream and whose answer is not.
    pub(crate) uploading: BTreeSet<String>,
    /// What each request must be.
    pub(crate) field_rules: FieldRules,
    /// Who may call each of `methods`.
    pub(crate) access: AccessPolicies,
    /// What persons prove themselves by.
    pub(crate) tokens: Tokens,
    pub(crate) default_deadline: Duration,
    /// The longest RPC of `uploading`.
    pub(crate) upload_deadline: Duration,
    /// The streams of answers that are open.
    pub(crate) streams: Streams,
    pub(crate) draining: CancellationToken,
    pub(crate) metrics: Option<RpcMetrics>,
}

/// Wraps the routes of the gRPC server.
#[derive(Clone)]
pub(crate) struct RpcLayer(pub(crate) Arc<Rules>);

impl<S> Layer<S> for RpcLayer {
    type Service = RpcService<S>;

    fn layer(&self, inner: S) -> RpcService<S> {
        RpcService {
            inner,
            rules: self.0.clone(),
        }
    }
}

#[derive(Clone)]
pub(crate) struct RpcService<S> {
    inner: S,
    rules: Arc<Rules>,
}

impl<S> Service<http::Request<Body>> for RpcService<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
{
    type Response = http::Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        // The clone is not ready yet, the one that was polled is (tower's contract).
        let fresh = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, fresh);
        let path = request.uri().path();
        // A probe every second would bury the traces that matter.
        let is_watched = !path.starts_with("/grpc.health.") && !path.starts_with("/grpc.reflection.");
        // Anybody can ask for anything; only names of the catalogue may become names of spans and metrics.
        let is_known = self.rules.methods.contains(path);
        let method = if is_known {
            path.trim_start_matches('/').to_owned()
        } else {
            "_OTHER".to_owned()
        };
        let span = if is_watched {
            server_span(&method, &request)
        } else {
            tracing::Span::none()
        };
        let metrics = self.rules.metrics.clone().filter(|_| is_watched);
        let recorder = RpcRecorder::of_server(span.clone(), method, metrics);
        Box::pin(answer(inner, request, self.rules.clone(), recorder).instrument(span))
    }
}

async fn answer<S>(
    mut inner: S,
    request: http::Request<Body>,
    rules: Arc<Rules>,
    mut recorder: RpcRecorder,
) -> Result<http::Response<Body>, S::Error>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>>,
{
    let path = request.uri().path().to_owned();
    if rules.draining.is_cancelled() && rules.methods.contains(&path) {
        recorder.set(Code::Unavailable);
        return Ok(shutting_down().into_http());
    }
    let is_stream = rules.streaming.contains(&path);
    let longest = match rules.uploading.contains(&path) {
        true => Some(rules.upload_deadline),
        false => (!is_stream).then_some(rules.default_deadline),
    };
    let mut deadline = deadline_of(request.headers(), longest);
    let mut on_expiry: fn(&str) -> Status = expired;
    let mut place = None;
    if is_stream {
        let too_old = Instant::now() + rules.streams.longest;
        if deadline.is_none_or(|deadline| too_old < deadline) {
            (deadline, on_expiry) = (Some(too_old), stream_too_old);
        }
        // Whoever watches the health of a busy instance is told.
        if rules.methods.contains(&path) {
            place = rules.streams.enter(deadline.unwrap_or(too_old));
            if place.is_none() {
                recorder.set(Code::ResourceExhausted);
                return Ok(too_many_streams().into_http());
            }
        }
    }
    let work = async {
        let (request, access) = match admit(request, &rules).await {
            Ok(admitted) => admitted,
            Err(status) => return Ok((status.into_http(), None)),
        };
        let token_ends = access.as_ref().and_then(Access::token_ends);
        let response = access::scope(access.clone(), inner.call(request)).await?;
        let response = match access {
            Some(access) if !access.is_settled() && is_ok(&response) => unsettled(&path).into_http(),
            _ => response,
        };
        Ok((response, token_ends))
    };
    let work = AssertUnwindSafe(deadline::scope(deadline, work)).catch_unwind();
    let bounded = async {
        match deadline {
            Some(instant) => tokio::time::timeout_at(instant, work).await,
            None => Ok(work.await),
        }
    };
    let (response, token_ends) = match bounded.await {
        Err(_) => (expired(&path).into_http(), None),
        Ok(Err(panic)) => (panic_status(panic).into_http(), None),
        Ok(Ok(Err(error))) => return Err(error),
        Ok(Ok(Ok((response, token_ends)))) => (name_oversize(response), token_ends),
    };
    if let Some(ends) = token_ends.filter(|_| is_stream).map(instant_of)
        && deadline.is_none_or(|deadline| ends < deadline)
    {
        (deadline, on_expiry) = (Some(ends), token_ended);
    }
    if recorder.read(response.headers()) {
        return Ok(response);
    }
    let draining = is_stream.then(|| rules.draining.clone());
    Ok(response.map(|body| {
        let body = match place {
            Some(place) => place.hold(body),
            None => body,
        };
        Body::new(WatchedBody::new(body, recorder, (deadline, on_expiry), draining))
    }))
}

/// Lets a request through to its handler: the caller may call, the message keeps the field rules, and the object is one that
/// the caller may see, as far as the message tells whose it is. The kit's own services have no policy.
async fn admit(request: http::Request<Body>, rules: &Rules) -> Result<(http::Request<Body>, Option<Access>), Status> {
    let path = request.uri().path();
    if !rules.methods.contains(path) {
        return match access::is_open(path) {
            true => Ok((request, None)),
            false => Err(Status::unimplemented("this service has no such RPC")),
        };
    }
    let granted = rules.access.of_service(path, caller(&request))?;
    // A token that does not count is refused also where none is asked for: it says that something is wrong.
    let person = rules.tokens.person(request.headers()).await?;
    let access = granted.admit(person.as_ref())?;
    let (mut request, message) = rules.field_rules.admit(request).await?;
    granted.check_owner(&access, message.as_ref())?;
    request.extensions_mut().insert(access.clone());
    Ok((request, Some(access)))
}

/// A handler's answer that was given without a look at whose the object is.
fn unsettled(path: &str) -> Status {
    Problem::internal(format!("the handler of {path} did not say whose the object is")).into()
}

/// Whether a response is the beginning of an answer and no refusal.
fn is_ok(response: &http::Response<Body>) -> bool {
    Status::from_header_map(response.headers()).is_none_or(|status| status.code() == Code::Ok)
}

/// The service that calls: as its certificate says or, on a connection in plaintext, as it says itself. Only a service that was
/// started with `--insecure-plaintext` has such connections. Nobody, where the connection does not say what it is.
fn caller<B>(request: &http::Request<B>) -> Option<&str> {
    match request.extensions().get::<PeerService>()?.name() {
        Some(name) => Some(name),
        None => {
            let name = request.headers().get(CALLER)?.to_str().ok()?;
            (name.len() <= 64).then_some(name)
        }
    }
}

fn server_span<B>(method: &str, request: &http::Request<B>) -> tracing::Span {
    let caller = caller(request);
    let span = tracing::info_span!(
        "rpc.server",
        otel.name = method,
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        rpc.system.name = "grpc",
        rpc.method = method,
        rpc.response.status_code = tracing::field::Empty,
        error.type = tracing::field::Empty,
        caller = caller.unwrap_or("unknown"),
    );
    // Fails only when no OpenTelemetry layer is installed, and then there is nothing to continue.
    let _ = span.set_parent(telemetry::extract(request.headers()));
    span
}

/// When it will be that time by the clock that deadlines are measured by.
fn instant_of(time: Timestamp) -> Instant {
    let left = Duration::try_from(time.duration_since(clock::now())).unwrap_or_default();
    let now = Instant::now();
    now.checked_add(left).unwrap_or(now + Duration::from_secs(86_400))
}

fn deadline_of(headers: &http::HeaderMap, default: Option<Duration>) -> Option<Instant> {
    let asked = headers
        .get(deadline::HEADER)
        .and_then(|value| deadline::parse(value.to_str().ok()?));
    let timeout = match (asked, default) {
        (Some(asked), Some(default)) => Some(asked.min(default)),
        (asked, default) => asked.or(default),
    }?;
    Instant::now().checked_add(timeout - margin(timeout))
}

/// tonic answers an oversized message with a bare OUT_OF_RANGE; callers get the catalogue's reason instead.
fn name_oversize(response: http::Response<Body>) -> http::Response<Body> {
    let is_oversize = Status::from_header_map(response.headers()).is_some_and(|status| {
        status.code() == Code::OutOfRange && status.message().contains("message length too large")
    });
    if !is_oversize {
        return response;
    }
    field_rules::too_large().into_http()
}

#[cfg(test)]
pub(crate) mod tests;
