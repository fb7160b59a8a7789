//! The body of the in-person service: it keeps those who meet members in person, and finds them.
//!
//! When a verifier is free is worked out by `in_person_availability`, and how far away one is by PostGIS. Start with [`InPersonApi`]
//! for the RPCs. [`Store`] is all the SQL there is. Each RPC that changes something, and `search_verifiers`, has a file of its own.
//!
//! Invariants:
//! - of where a verifier is, nothing more exact than a thousandth of a degree is kept;
//! - until when and for what a verifier is certified is said by the platform's staff alone;
//! - a search looks at verifiers in the order of its answer, so a page is never out of order with the next one.

mod api;
mod config;
mod location;
mod register_verifier;
mod search_verifiers;
mod store;
#[cfg(test)]
mod testing;
mod update_verifier;

pub use api::InPersonApi;
pub use config::Config;
pub use location::{Location, LocationError};
pub use store::{Found, Key, Near, Store};

use mesh_proto::in_person::v1::in_person_service_server::InPersonServiceServer;
use mesh_runtime::{ServiceContext, ServiceParts};

/// The tables.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// The service, for [`mesh_runtime::run`].
#[derive(Debug)]
pub struct InPerson;

impl mesh_runtime::Service for InPerson {
    const NAME: &'static str = "in-person";
    const GRPC_LISTEN: &'static str = "127.0.0.1:7404";
    const HEALTH_LISTEN: &'static str = "127.0.0.1:9404";
    const MIGRATIONS: &'static sqlx::migrate::Migrator = &MIGRATIONS;
    type Config = Config;

    async fn build(Config {}: Config, context: ServiceContext) -> anyhow::Result<ServiceParts> {
        let api = InPersonApi::new(Store::new(context.pool.clone()), context.idempotency.clone());
        Ok(ServiceParts::new(mesh_proto::FILE_DESCRIPTOR_SET)
            .grpc(InPersonServiceServer::new(api).max_decoding_message_size(context.max_message_bytes)))
    }
}
