//! The body of the orchestrator: it keeps the members, starts and shows verifications, and runs their parent workflow; its
//! scheduled workflows write reminders and reports.
//!
//! Invariants:
//! - a verification in progress is true in its workflow, an ended one in the table `verifications`;
//! - an activity of the workflow ends the row; where somebody closed the workflow from outside, `reconcile` does, by what
//!   Temporal says of its last run;
//! - what another service takes away from a verification is followed by its list, and reaches one that has ended too;
//! - every row comes to an end by itself: `Verifications::look_after` starts what nobody started, and reconciles the rest;
//! - a read never writes, and no transaction is open while Temporal is asked;
//! - a member has at most one verification in progress, which a unique index alone guards;
//! - a verification has at most one reminder a week, and a month one report, whatever runs how often.
//!
//! Start with `api`; each RPC that changes something has a file of its own (such as `start_verification`); how a
//! verification is shown is in `read_model`, and what a method is in `methods`.

#![expect(missing_docs, reason = "the Temporal macros make public items without comments")]

mod activities;
mod api;
mod calendar;
mod cancel_verification;
mod config;
mod methods;
mod profile_changes;
mod read_model;
mod reconcile;
mod register_member;
mod revocations;
mod start_verification;
mod store;
mod temporal;
#[cfg(test)]
mod testing;
mod update_member;
mod verifications;
mod watches;

pub use activities::Activities;
pub use config::Config;
pub use store::Store;
pub use temporal::Workflows;

use api::{MemberApi, ReportApi, VerificationApi};
use mesh_proto::orchestrator::v1::member_service_server::MemberServiceServer;
use mesh_proto::orchestrator::v1::report_service_server::ReportServiceServer;
use mesh_proto::orchestrator::v1::verification_service_server::VerificationServiceServer;
use mesh_proto::reputation::v1::reputation_service_client::ReputationServiceClient;
use mesh_runtime::{CronSchedule, ScheduleSettings, ServiceContext, ServiceParts, clock, ensure_schedule};
use mesh_types::Schedule;
use methods::{CommunityClient, DocumentClient, InPersonClient, Peers};
use orchestrator_workflows::contract::{TASK_QUEUE, VERIFICATION_REMINDER_WORKFLOW, VERIFICATION_REPORT_WORKFLOW};
use orchestrator_workflows::{VerificationReminderWorkflow, VerificationReportWorkflow, VerificationWorkflow};
use profile_changes::ProfileChanges;
use read_model::ReadModel;
use revocations::Revocations;
use std::time::Duration;
use verifications::Verifications;
use watches::Watches;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

const REMINDERS: CronSchedule = scheduled(Schedule::WeeklyVerificationReminders, VERIFICATION_REMINDER_WORKFLOW);
const REPORT: CronSchedule = scheduled(Schedule::MonthlyVerificationReport, VERIFICATION_REPORT_WORKFLOW);

const fn scheduled(schedule: Schedule, workflow_type: &'static str) -> CronSchedule {
    CronSchedule {
        id: schedule.as_str(),
        cron: schedule.cron(),
        workflow_type,
        task_queue: TASK_QUEUE,
        // The weekly one is due again after 7 days.
        run_timeout: Duration::from_secs(13 * 12 * 3600),
    }
}

const HOUR: Duration = Duration::from_secs(3600);

/// The service, for [`mesh_runtime::run`].
pub struct Orchestrator;

impl mesh_runtime::Service for Orchestrator {
    const NAME: &'static str = "orchestrator";
    const GRPC_LISTEN: &'static str = "127.0.0.1:7401";
    const HEALTH_LISTEN: &'static str = "127.0.0.1:9401";
    const MIGRATIONS: &'static sqlx::migrate::Migrator = &MIGRATIONS;
    type Config = Config;

    async fn build(config: Config, context: ServiceContext) -> anyhow::Result<ServiceParts> {
        let store = Store::new(context.pool.clone());
        let workflows = Workflows::new(context.temporal.clone());
        let verifications = Verifications::new(store.clone(), workflows.clone(), config.search_attributes);
        let (looked_after, remembered) = (verifications.clone(), store.clone());
        let documents = DocumentClient::new(context.channel(&config.document_url, "document")?);
        let peers = Peers {
            documents: documents.clone(),
            communities: CommunityClient::new(context.channel(&config.community_url, "community")?),
            in_person: InPersonClient::new(context.channel(&config.in_person_url, "in-person")?),
        };
        let read_model = ReadModel::new(store.clone(), workflows, peers);
        let reputations = ReputationServiceClient::new(context.channel(&config.reputation_url, "reputation")?);
        let profile_changes = ProfileChanges::new(store.clone(), documents.clone());
        let revocations = Revocations::new(store.clone(), documents, reputations.clone());
        let verifications = VerificationApi::new(
            store.clone(),
            context.idempotency.clone(),
            verifications,
            read_model.clone(),
            Watches::new(read_model, config.watch_interval()),
        );
        let activities = Activities::new(store.clone(), reputations, context.metrics.clone());
        ensure_schedule(&context.temporal, &config.schedules, REMINDERS).await?;
        // A report is of a month in UTC, and so is written when that is over, whatever the zone.
        let in_utc = ScheduleSettings {
            schedule_time_zone: "UTC".to_owned(),
            ..config.schedules.clone()
        };
        ensure_schedule(&context.temporal, &in_utc, REPORT).await?;
        let limit = context.max_message_bytes;
        let parts = ServiceParts::new(mesh_proto::FILE_DESCRIPTOR_SET)
            .grpc(
                MemberServiceServer::new(MemberApi::new(store.clone(), context.idempotency))
                    .max_decoding_message_size(limit),
            )
            .grpc(VerificationServiceServer::new(verifications).max_decoding_message_size(limit))
            .grpc(ReportServiceServer::new(ReportApi::new(store)).max_decoding_message_size(limit))
            .every(config.look_after_interval(), "looking after verifications", move || {
                let verifications = looked_after.clone();
                async move { verifications.look_after(clock::now()).await }
            })
            .every(HOUR, "deleting old reminders", move || {
                let store = remembered.clone();
                async move { store.forget_reminders(clock::now()).await }
            })
            .worker(TASK_QUEUE, move |worker| {
                worker
                    .register_workflow::<VerificationWorkflow>()?
                    .register_workflow::<VerificationReminderWorkflow>()?
                    .register_workflow::<VerificationReportWorkflow>()?;
                worker.register_activities(activities);
                Ok(())
            });
        let parts = revocations.follow_every(config.follow_interval(), parts);
        Ok(profile_changes.tell_every(config.follow_interval(), parts))
    }
}
