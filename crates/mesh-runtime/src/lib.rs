//! How any service of the mesh boots, serves, works, drains and dies.
//!
//! A service is one [`Service`] implementation and a `main` of one line, `mesh_runtime::run::<Greeter>()`. The kit gives
//! it configuration, logs, traces, metrics, a gRPC server, PostgreSQL with migrations, Temporal workers, readiness and a
//! drain. Start with [`Service`], then [`Problem`] (every refusal and failure, on every wire), then `lifecycle.rs` (the
//! order in which a process comes up and goes down).
//!
//! Invariants:
//! * this crate knows no business word; a new service needs no edit here;
//! * nothing waits without a bound: an RPC ends by its deadline, a drain by its timeout, a flush by its own;
//! * no task is detached: each is awaited by the lifecycle, and its failure ends the process;
//! * the health page answers before PostgreSQL and Temporal are reached, and liveness never depends on them;
//! * every connection between services proves both ends by certificate, unless an operator chose plaintext on loopback;
//! * no handler runs before its RPC's policy allows the caller ([`Access`]).
//!
//! Absent on purpose: sign-in of people (an issuer does it; the kit verifies the issuer's tokens), TLS for the health page (it
//! holds nothing personal), own retry loops around RPCs (Temporal retries, callers decide).
//!
//! SQL is traced by a plain attribute on each method that runs a statement; the fields are OpenTelemetry's:
//! ```
//! #[tracing::instrument(name = "SELECT greetings", skip_all, fields(
//!     otel.kind = "client", db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "greetings",
//! ))]
//! async fn find_greeting() -> Option<String> {
//!     None
//! }
//! ```

mod access;
mod answers;
mod body;
mod channel;
pub mod clock;
mod config;
pub mod deadline;
mod field_rules;
mod grpc;
mod health;
pub mod idempotency;
pub mod keyed_mutex;
mod lifecycle;
mod links;
mod metrics;
pub mod paging;
mod periodic;
mod postgres;
mod problem;
mod rpc;
pub mod schedule;
mod service;
mod shutdown;
mod streams;
mod telemetry;
mod temporal;
mod tls;
mod tokens;
pub mod workflows;

pub use access::{Access, Actor};
pub use channel::PeerChannel;
pub use field_rules::FieldRules;
pub use lifecycle::run;
pub use metrics::ServiceMetrics;
pub use periodic::BATCH;
pub use postgres::{begin_with_statement_timeout, migrate};
pub use problem::{ERROR_DOMAIN, Problem, from_peer, from_temporal};
pub use schedule::{CronSchedule, ScheduleSettings, ensure_schedule};
pub use service::{Service, ServiceContext, ServiceParts};
pub use temporal::slots;
pub use tls::PeerService;
pub use tokens::Person;
