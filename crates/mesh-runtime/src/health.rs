//! Whether this process is alive, whether it is ready, and the page that says so.
//!
//! Liveness is the event loop alone: a database that is away must never get the process killed. Readiness is what every RPC
//! needs: PostgreSQL, no drain; and what a worker needs: Temporal, and that it polls. A process that serves the API stays
//! ready without Temporal, since what needs no workflow goes on; `/readyz` then names it as degraded.

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

/// Parts and why each is missing.
type Reasons = BTreeMap<String, String>;

/// How a process stands.
#[derive(Clone, Default)]
pub(crate) struct Health {
    /// What it is not ready for; empty means ready.
    unready: Reasons,
    /// What some of its RPCs have to do without.
    degraded: Reasons,
}

impl Health {
    pub(crate) fn is_ready(&self) -> bool {
        self.unready.is_empty()
    }
}

/// The readiness of this process. Clones share it.
#[derive(Clone)]
pub(crate) struct Readiness(Arc<watch::Sender<Health>>);

impl Readiness {
    /// Not ready: it is starting.
    pub(crate) fn starting() -> Self {
        let unready = Reasons::from([("start".to_owned(), "the service is starting".to_owned())]);
        Self(Arc::new(watch::Sender::new(Health {
            unready,
            degraded: Reasons::new(),
        })))
    }

    /// Says why the process is not ready because of `part`, or that it is no more. A change is logged, once.
    pub(crate) fn set(&self, part: &str, reason: Option<String>) {
        self.0.send_if_modified(|health| {
            let was_ready = health.is_ready();
            let changed = note(&mut health.unready, part, reason);
            if changed && health.is_ready() {
                tracing::info!("ready");
            } else if changed && was_ready {
                tracing::warn!(reasons = ?health.unready, "not ready");
            }
            changed
        });
    }

    /// Says why some RPCs have to do without `part`, or that they need not any more. The process stays ready: others go on.
    pub(crate) fn set_degraded(&self, part: &str, reason: Option<String>) {
        self.0.send_if_modified(|health| {
            let changed = note(&mut health.degraded, part, reason);
            if changed && health.degraded.is_empty() {
                tracing::info!("no RPC has to do without anything any more");
            } else if changed {
                tracing::warn!(degraded = ?health.degraded, "what some RPCs have to do without");
            }
            changed
        });
    }

    pub(crate) fn health(&self) -> Health {
        self.0.borrow().clone()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Health> {
        self.0.subscribe()
    }
}

/// Whether that changes anything.
fn note(reasons: &mut Reasons, part: &str, reason: Option<String>) -> bool {
    match reason {
        Some(why) => reasons
            .insert(part.to_owned(), why.clone())
            .is_none_or(|before| before != why),
        None => reasons.remove(part).is_some(),
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
    let health = page.readiness.health();
    let status = if health.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let text = serde_json::json!({
        "ready": health.is_ready(),
        "reasons": health.unready,
        "degraded": health.degraded,
    });
    let text = text.to_string();
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

async fn metrics_page(State(page): State<Page>) -> Response {
    match metrics::fetch(page.metrics, "/metrics").await {
        Ok((_, text)) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}\n")).into_response(),
    }
}
