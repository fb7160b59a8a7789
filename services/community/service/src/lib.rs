//! The body of the community service: it keeps the trust network, says how far a member is trusted, and has members of the
//! community vouch for one.
//!
//! What connections are worth is not decided here but in `community_trust`, and whose vouches count in `community_workflows`. Start
//! with [`CommunityApi`] for the RPCs and [`Activities`] for what the workflow asks for. [`Store`] is all the SQL there is,
//! [`Network`] has the network in memory and follows the table. Each RPC that changes something, and `get_trust`, has a file of its
//! own.
//!
//! Invariants:
//! - a connection and its change in the history are written in one transaction, and the history is never changed;
//! - a member's connections are changed one after the other;
//! - an answer is by a network that is at most a second old, or is refused: a removed connection never counts for longer;
//! - an answer is by scores that the reputation service gave for it, or is refused;
//! - a validator has one vote in a validation, which is never changed, and what it weighs is by their reputation of that moment;
//! - what a member shows to validators is in one table, goes with the end of the validation, and never comes into Temporal;
//! - no answer of `GetTrust` or `GetValidationProgress` names another member.

#![expect(missing_docs, reason = "the Temporal macros make public items without comments")]

mod activities;
mod add_connection;
mod api;
mod config;
mod count_trust_network;
mod create_introduction;
mod decide_validation;
mod get_trust;
mod network;
mod remove_connection;
mod scores;
mod store;
mod submit_validation;
mod temporal;
#[cfg(test)]
mod testing;

pub use activities::Activities;
pub use api::CommunityApi;
pub use config::{Config, Seeds};
pub use network::Network;
pub use scores::Scores;
pub use store::Store;
pub use temporal::Workflows;

use community_workflows::CommunityValidationWorkflow;
use community_workflows::contract::TASK_QUEUE;
use jiff::SignedDuration;
use mesh_proto::community::v1::community_service_server::CommunityServiceServer;
use mesh_proto::reputation::v1::reputation_service_client::ReputationServiceClient;
use mesh_runtime::{BATCH, ServiceContext, ServiceParts, clock};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
/// How long an introduction is kept that no validation uses.
const UNUSED_INTRODUCTIONS: SignedDuration = SignedDuration::from_hours(30 * 24);

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
        let scores = Scores::new(reputations);
        let (followed, cleaned) = (network.clone(), store.clone());
        let activities = Activities::new(store.clone(), network.clone(), scores.clone());
        let workflows = Workflows::new(context.temporal.clone());
        let api = CommunityApi::new((store, context.idempotency.clone()), network, scores, workflows);
        Ok(ServiceParts::new(mesh_proto::FILE_DESCRIPTOR_SET)
            .grpc(CommunityServiceServer::new(api).max_decoding_message_size(context.max_message_bytes))
            .every(network::FOLLOW_INTERVAL, "following the trust network", move || {
                let network = followed.clone();
                async move { network.follow().await }
            })
            .every(HOUR, "deleting introductions that nobody uses", move || {
                let store = cleaned.clone();
                async move {
                    let before = clock::now() - UNUSED_INTRODUCTIONS;
                    store.forget_introductions(before, BATCH).await.map(|_| ())
                }
            })
            .worker(TASK_QUEUE, move |worker| {
                worker.register_workflow::<CommunityValidationWorkflow>()?;
                worker.register_activities(activities);
                Ok(())
            }))
    }
}
