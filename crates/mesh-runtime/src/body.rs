//! The body of an RPC's answer, watched to its end: a stream is bounded by its deadline, and the code that ends it is
//! known to the span and the metrics.

use crate::answers;
use crate::deadline;
use crate::metrics::RpcMetrics;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::Span;

/// What has to be said when an RPC ends, however it ends. One that is dropped before its end was cancelled.
pub(crate) struct RpcRecorder {
    span: Span,
    method: String,
    started: Instant,
    metrics: Option<RpcMetrics>,
    code: Code,
    is_server: bool,
}

impl RpcRecorder {
    pub(crate) fn of_server(span: Span, method: String, metrics: Option<RpcMetrics>) -> Self {
        Self {
            span,
            method,
            started: Instant::now(),
            metrics,
            code: Code::Cancelled,
            is_server: true,
        }
    }

    pub(crate) fn of_client(span: Span, method: String) -> Self {
        Self {
            span,
            method,
            started: Instant::now(),
            metrics: None,
            code: Code::Cancelled,
            is_server: false,
        }
    }

    pub(crate) fn set(&mut self, code: Code) {
        self.code = code;
    }

    /// Takes the code from headers or trailers, if they hold one.
    pub(crate) fn read(&mut self, headers: &http::HeaderMap) -> bool {
        let status = Status::from_header_map(headers);
        if let Some(status) = &status {
            self.code = status.code();
        }
        status.is_some()
    }

    /// Which codes make a span an error: of a server only its own faults, of a client all but OK (OpenTelemetry semantic
    /// conventions for gRPC).
    fn is_error(&self) -> bool {
        match self.code {
            Code::Ok => false,
            Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss => true,
            _ => !self.is_server,
        }
    }
}

impl Drop for RpcRecorder {
    fn drop(&mut self) {
        let name = code_name(self.code);
        self.span.record("rpc.response.status_code", name);
        if self.is_error() {
            self.span.record("error.type", name);
            self.span.record("otel.status_code", "ERROR");
        }
        if let Some(metrics) = &self.metrics {
            metrics.record(&self.method, name, self.started.elapsed());
        }
    }
}

/// The name of a status code as gRPC spells it.
pub(crate) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// A body under a deadline. Ends early with the status that says why, and drops what it watched at once.
pub(crate) struct WatchedBody {
    inner: Option<Body>,
    recorder: RpcRecorder,
    deadline: Option<Instant>,
    on_expiry: fn(&str) -> Status,
    expiry: Option<Pin<Box<Sleep>>>,
    draining: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl WatchedBody {
    /// `on_expiry` is what the deadline ends it with. `draining` ends the body as well; give it for streams, which may have no
    /// end of their own.
    pub(crate) fn new(
        inner: Body,
        recorder: RpcRecorder,
        (deadline, on_expiry): (Option<Instant>, fn(&str) -> Status),
        draining: Option<CancellationToken>,
    ) -> Self {
        Self {
            inner: Some(inner),
            recorder,
            deadline,
            on_expiry,
            expiry: deadline.map(|instant| Box::pin(tokio::time::sleep_until(instant))),
            draining: draining.map(|token| Box::pin(token.cancelled_owned())),
        }
    }

    fn end_with(&mut self, status: Status) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.inner = None;
        self.recorder.set(status.code());
        let mut trailers = http::HeaderMap::new();
        match status.add_header(&mut trailers) {
            Ok(()) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Err(status) => Poll::Ready(Some(Err(status))),
        }
    }
}

impl HttpBody for WatchedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if this.inner.is_none() {
            return Poll::Ready(None);
        }
        // First, or a stream that always has something to say would never end.
        if this
            .expiry
            .as_mut()
            .is_some_and(|expiry| expiry.as_mut().poll(context).is_ready())
        {
            return this.end_with((this.on_expiry)(&this.recorder.method));
        }
        if this
            .draining
            .as_mut()
            .is_some_and(|draining| draining.as_mut().poll(context).is_ready())
        {
            return this.end_with(answers::shutting_down());
        }
        let Some(inner) = this.inner.as_mut() else {
            return Poll::Ready(None);
        };
        let span = this.recorder.span.clone();
        let polled = span.in_scope(|| {
            deadline::sync_scope(this.deadline, || {
                std::panic::catch_unwind(AssertUnwindSafe(|| Pin::new(inner).poll_frame(context)))
            })
        });
        match polled {
            Err(panic) => {
                let status = span.in_scope(|| answers::panic_status(panic));
                return this.end_with(status);
            }
            Ok(Poll::Ready(None)) => {
                this.inner = None;
                return Poll::Ready(None);
            }
            Ok(Poll::Ready(Some(Err(status)))) => {
                this.recorder.set(status.code());
                this.inner = None;
                return Poll::Ready(Some(Err(status)));
            }
            Ok(Poll::Ready(Some(Ok(frame)))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    this.recorder.read(trailers);
                }
                return Poll::Ready(Some(Ok(frame)));
            }
            Ok(Poll::Pending) => {}
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}

/// The time a server keeps for itself, so that its own answer, with its reason, is there before the caller's clock and
/// tonic's outer timer (which say only "Timeout expired") run out: a tenth of the timeout, at most 10 ms.
pub(crate) fn margin(timeout: Duration) -> Duration {
    (timeout / 10).min(Duration::from_millis(10))
}
