//! The local stack (PostgreSQL, Temporal, Jaeger, an object store, the services) started, killed and restarted from code.
//!
//! Invariants:
//! - nothing outlives the process that started it, however that process ends: the kernel ends the children, and a
//!   watcher on a pipe removes the files;
//! - every address is a free port of 127.0.0.1, so that any number of stacks run side by side;
//! - nobody sleeps: [`eventually`] is the one way to wait, always with a deadline.
//!
//! Absent on purpose: the Temporal SDK, SQL clients and generated stubs. Whoever starts a stack must compile quickly;
//! whoever talks to it brings a client. Only the feature `service` has them: it is for the tests of a service, which
//! compile them anyway, and gives them their common [`fixtures`].
//!
//! Start reading at [`Mesh`]; [`SERVICES`] is the one list of services; the single engines are [`Postgres`], [`Temporal`],
//! [`Jaeger`] and [`S3Server`]; a [`FaultProxy`] makes a dependency fail, a [`TlsProxy`] gives one TLS, a [`Pki`] makes the
//! certificates, an [`Issuer`] signs the tokens of persons. [`tools`] is the list of what a machine needs.

mod acting;
mod fault_proxy;
#[cfg(feature = "service")]
pub mod fixtures;
mod folder;
mod http;
mod issuer;
mod jaeger;
mod mesh;
mod pki;
pub mod ports;
mod postgres;
mod process;
mod proxies;
mod s3_server;
mod service;
mod services;
mod temporal;
mod tls_proxy;
pub mod tools;
mod waiting;

pub use acting::{Acting, ActingChannel};
pub use fault_proxy::{Fault, FaultProxy};
pub use folder::scratch;
pub use http::get as http_get;
pub use issuer::{Algorithm as TokenAlgorithm, Issuer, TokenDraft, flip_bit_of_signature};
pub use jaeger::{Jaeger, OTLP_ENV as JAEGER_OTLP_ENV, QUERY_ENV as JAEGER_QUERY_ENV};
pub use mesh::{Databases, Engine, Mesh, MeshBuilder, Progress};
pub use pki::{CertificateFiles, Flaw, Pki, TRUST_DOMAIN};
pub use postgres::{ADMIN_URL_ENV as POSTGRES_ADMIN_URL_ENV, Postgres};
pub use process::{Process, run};
pub use proxies::Proxies;
pub use s3_server::S3Server;
pub use service::{Addresses, READY_TIMEOUT, ServiceProcess, ServiceSpec, Subcommand, binary};
pub use services::{SERVICES, ServiceFacts, Settings, database_of};
pub use temporal::{NAMESPACE, SEARCH_ATTRIBUTES, Temporal, URL_ENV as TEMPORAL_URL_ENV, WebPage};
pub use tls_proxy::{ClientProof, TlsProxy};
pub use waiting::eventually;

/// A new random id, for a test or a demo that plays a client: services take theirs from the kit.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "a client makes its own request ids, and has no kit to ask"
)]
pub fn new_uuid() -> uuid::Uuid {
    uuid::Uuid::new_v4()
}
