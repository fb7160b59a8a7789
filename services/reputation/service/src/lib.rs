//! The body of the reputation service: it keeps the ledger and explains scores.
//!
//! What evidence and activity are worth and how scores decay is not decided here but in `reputation_workflows::policy`.
//! Start with [`ReputationApi`], which reads the ledger and adds to it, and [`Activities`], which score verifications and
//! materialise scores. [`Store`] is all the SQL there is, [`Trust`] asks the community service. Each RPC that
//! changes something has a file of its own; the four that change a schedule do the same work and share `change_schedule`.
//!
//! Invariants: an answered score is folded from the ledger and the instant, never read from a materialised row. An event is
//! never changed, only countered. A verification is assessed once, by what the ledger and the community service said then; while
//! one of the two is away it is not assessed.

#![expect(missing_docs, reason = "the Temporal macros make public items without comments")]

mod activities;
mod api;
mod cancel_decay;
mod change_schedule;
mod config;
mod counter_event;
mod counter_verification;
mod record_activity;
mod start_decay;
mod store;
mod temporal;
#[cfg(test)]
mod testing;
mod trust;

pub use activities::Activities;
pub use api::{ReputationApi, ScheduleApi};
pub use config::{Config, Pace};
pub use store::Store;
pub use temporal::Workflows;
pub use trust::Trust;

use mesh_proto::community::v1::community_service_client::CommunityServiceClient;
use mesh_proto::reputation::v1::reputation_service_server::ReputationServiceServer;
use mesh_proto::reputation::v1::schedule_service_server::ScheduleServiceServer;
use mesh_runtime::{CronSchedule, ServiceContext, ServiceParts, clock, ensure_schedule};
use mesh_types::Schedule;
use reputation_workflows::contract::{REPUTATION_BATCH_UPDATE_WORKFLOW, TASK_QUEUE};
use reputation_workflows::{ReputationBatchUpdateWorkflow, ReputationDecayWorkflow, ReputationVerificationWorkflow};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// The service, for [`mesh_runtime::run`].
pub struct Reputation;

impl mesh_runtime::Service for Reputation {
    const NAME: &'static str = "reputation";
    const GRPC_LISTEN: &'static str = "127.0.0.1:7405";
    const HEALTH_LISTEN: &'static str = "127.0.0.1:9405";
    const MIGRATIONS: &'static sqlx::migrate::Migrator = &MIGRATIONS;
    type Config = Config;

    async fn build(config: Config, context: ServiceContext) -> anyhow::Result<ServiceParts> {
        ensure_schedule(&context.temporal, &config.schedules, DAILY_UPDATE).await?;
        let store = Store::new(context.pool.clone());
        let workflows = Workflows::new(context.temporal.clone());
        let idempotency = context.idempotency.clone();
        let limit = context.max_message_bytes;
        let reputations = ReputationApi::new(store.clone(), idempotency.clone(), workflows.clone());
        let schedules = ScheduleApi::new(idempotency, workflows);
        let trust = Trust::new(CommunityServiceClient::new(
            context.channel(&config.community_url, "community")?,
        ));
        let activities = Activities::new((store.clone(), trust), config.pace(), context.metrics.clone());
        let remembered = store;
        Ok(ServiceParts::new(mesh_proto::FILE_DESCRIPTOR_SET)
            .grpc(ReputationServiceServer::new(reputations).max_decoding_message_size(limit))
            .grpc(ScheduleServiceServer::new(schedules).max_decoding_message_size(limit))
            .every(HOUR, "deleting old falls below a level", move || {
                let store = remembered.clone();
                async move { store.forget_falls(clock::now()).await }
            })
            .worker(TASK_QUEUE, move |worker| {
                worker.register_workflow::<ReputationVerificationWorkflow>()?;
                worker.register_workflow::<ReputationDecayWorkflow>()?;
                worker.register_workflow::<ReputationBatchUpdateWorkflow>()?;
                worker.register_activities(activities);
                Ok(())
            }))
    }
}

const DAILY_UPDATE: CronSchedule = CronSchedule {
    id: Schedule::DailyReputationUpdate.as_str(),
    cron: Schedule::DailyReputationUpdate.cron(),
    workflow_type: REPUTATION_BATCH_UPDATE_WORKFLOW,
    task_queue: TASK_QUEUE,
    run_timeout: Duration::from_secs(23 * 3600),
};
