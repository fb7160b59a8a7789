//! The body of the reputation service: it keeps the ledger and explains scores.
//!
//! What evidence is worth is not decided here but in `reputation_workflows::policy`. Start with [`Activities`], which
//! write the ledger, and [`Api`], which reads it; [`Store`] is all the SQL there is.

#![expect(missing_docs, reason = "the Temporal macros make public items without comments")]

mod activities;
mod api;
mod store;

pub use activities::Activities;
pub use api::Api;
pub use store::Store;

use mesh_proto::reputation::v1::reputation_service_server::ReputationServiceServer;
use mesh_runtime::{Base, Wiring};
use reputation_workflows::ReputationVerificationWorkflow;
use reputation_workflows::contract::TASK_QUEUE;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// The service, for [`mesh_runtime::run`].
pub struct Reputation;

/// The service has no configuration of its own.
#[derive(clap::Args)]
pub struct Config {}

impl mesh_runtime::Service for Reputation {
    const NAME: &'static str = "reputation";
    const GRPC_LISTEN: &'static str = "127.0.0.1:7405";
    const HEALTH_LISTEN: &'static str = "127.0.0.1:9405";
    const MIGRATIONS: &'static sqlx::migrate::Migrator = &MIGRATIONS;
    type Config = Config;

    async fn wire(_config: Config, base: Base) -> anyhow::Result<Wiring> {
        let store = Store::new(base.pool.clone());
        let api =
            ReputationServiceServer::new(Api::new(store.clone())).max_decoding_message_size(base.max_message_bytes);
        let activities = Activities::new(store);
        Ok(Wiring::new(mesh_proto::FILE_DESCRIPTOR_SET)
            .grpc(api)
            .worker(TASK_QUEUE, move |worker| {
                worker.register_workflow::<ReputationVerificationWorkflow>()?;
                worker.register_activities(activities);
                Ok(())
            }))
    }
}
