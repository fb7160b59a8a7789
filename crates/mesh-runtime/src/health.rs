//! Whether this process is alive, whether it is ready, and the page that says so.
//!
//! Liveness is the event loop alone: a database that is away must never get the process killed. Readiness is what an RPC
//! needs: PostgreSQL, Temporal, polling workers, no drain.

use crate::metrics;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What is not ready, and why; empty means ready.
pub(crate) type UnreadyReasons = BTreeMap<String, String>;

/// The readiness of this process. Clones share it.
#[derive(Clone)]
pub(crate) struct Readiness(Arc<watch::Sender<UnreadyReasons>>);

impl Readiness {
    /// Not ready: it is starting.
    pub(crate) fn starting() -> Self {
        let reasons = UnreadyReasons::from([("start".to_owned(), "the service is starting".to_owned())]);
        Self(Arc::new(watch::Sender::new(reasons)))
    }

    /// Says why `part` is not ready, or that it is. A change is logged, once.
    pub(crate) fn set(&self, part: &str, reason: Option<String>) {
        self.0.send_if_modified(|reasons| {
            let was_ready = reasons.is_empty();
            let changed = match reason {
                Some(why) => reasons
                    .insert(part.to_owned(), why.clone())
                    .is_none_or(|before| before != why),
                None => reasons.remove(part).is_some(),
            };
            if changed && reasons.is_empty() {
                tracing::info!("ready");
            } else if changed && was_ready {
                tracing::warn!(?reasons, "not ready");
            }
            changed
        });
    }

    pub(crate) fn unready_reasons(&self) -> UnreadyReasons {
        self.0.borrow().clone()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<UnreadyReasons> {
        self.0.subscribe()
    }
}

#[derive(Clone)]
struct Page {
    readiness: Readiness,
    metrics: SocketAddr,
}

/// Serves `/livez`, `/readyz` and `/metrics` until `stop`.
pub(crate) async fn serve(
    listener: TcpListener,
    readiness: Readiness,
    metrics: SocketAddr,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let router = axum::Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics_page))
        .with_state(Page { readiness, metrics });
    // Not a graceful shutdown: the page is the last to go, and a scraper's idle connection must not hold the process.
    tokio::select! {
        result = axum::serve(listener, router) => result,
        () = stop.cancelled() => Ok(()),
    }
}

async fn readyz(State(page): State<Page>) -> Response {
    let reasons = page.readiness.unready_reasons();
    let status = if reasons.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let text = serde_json::json!({ "ready": reasons.is_empty(), "reasons": reasons }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

async fn metrics_page(State(page): State<Page>) -> Response {
    match metrics::fetch(page.metrics, "/metrics").await {
        Ok((_, text)) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}\n")).into_response(),
    }
}
