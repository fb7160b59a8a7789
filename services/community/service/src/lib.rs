//! The body of the community service: it keeps the trust network and says how far a member is trusted.
//!
//! What connections are worth is not decided here but in `community_trust`. Start with [`CommunityApi`]. [`Store`] is all the
//! SQL there is, [`Network`] has the network in memory and follows the table. Each RPC that changes something, and
//! `get_trust`, has a file of its own.
//!
//! Invariants:
//! - a connection and its change in the history are written in one transaction, and the history is never changed;
//! - a member's connections are changed one after the other;
//! - an answer is by a network that is at most a second old, or is refused: a removed connection never counts for longer;
//! - an answer is by scores that the reputation service gave for it, or is refused;
//! - no answer of `GetTrust` names another member.
//!
//! Absent on purpose: workflows and a worker; nothing here has to outlive a request.

mod add_connection;
mod api;
mod config;
mod get_trust;
mod network;
mod remove_connection;
mod scores;
mod store;
#[cfg(test)]
mod testing;

pub use api::CommunityApi;
pub use config::{Config, Seeds};
pub use network::Network;
pub use scores::Scores;
pub use store::Store;

use mesh_proto::community::v1::community_service_server::CommunityServiceServer;
use mesh_proto::reputation::v1::reputation_service_client::ReputationServiceClient;
use mesh_runtime::{ServiceContext, ServiceParts};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// The service, for [`mesh_runtime::run`].
pub struct Community;

impl mesh_runtime::Service for Community {
    const NAME: &'static str = "community";
    const GRPC_LISTEN: &'static str = "127.0.0.1:7403";
    const HEALTH_LISTEN: &'static str = "127.0.0.1:9403";
    const MIGRATIONS: &'static sqlx::migrate::Migrator = &MIGRATIONS;
    type Config = Config;

    async fn build(config: Config, context: ServiceContext) -> anyhow::Result<ServiceParts> {
        let Seeds(seeds) = config.trust_seeds;
        match seeds.len() {
            0 => tracing::warn!("there are no seeds of trust (--trust-seeds), so nobody passes the gate"),
            seeds => tracing::info!(seeds, "trust flows from its seeds"),
        }
        let store = Store::new(context.pool.clone());
        let network = Network::new(store.clone(), seeds);
        let reputations = ReputationServiceClient::new(context.channel(&config.reputation_url, "reputation")?);
        let followed = network.clone();
        let api = CommunityApi::new(store, context.idempotency.clone(), network, Scores::new(reputations));
        Ok(ServiceParts::new(mesh_proto::FILE_DESCRIPTOR_SET)
            .grpc(CommunityServiceServer::new(api).max_decoding_message_size(context.max_message_bytes))
            .every(network::FOLLOW_INTERVAL, "following the trust network", move || {
                let network = followed.clone();
                async move { network.follow().await }
            }))
    }
}
