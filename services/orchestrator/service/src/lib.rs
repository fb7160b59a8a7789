//! The body of the orchestrator: it keeps the members, starts and shows verifications, and runs their parent workflow; by
//! the clock it writes reminders and reports.
//!
//! Invariants: a verification in progress is true in its workflow, an ended one in the table `verifications`, which only
//! an activity ends, or `settle` where somebody closed the workflow from outside; a member has at most one in progress,
//! which a unique index guards; a verification has at most one reminder a week, and a month one report, whatever runs how
//! often. Start with [`VerificationApi`]: how a verification starts is in `start.rs`, how it is shown in `view.rs`.

#![expect(missing_docs, reason = "the Temporal macros make public items without comments")]

mod activities;
mod calendar;
mod config;
mod engine;
mod member_api;
mod parse;
mod render;
mod report_api;
mod start;
mod store;
mod verification_api;
mod view;

pub use activities::Activities;
pub use config::Config;
pub use engine::Engine;
pub use member_api::MemberApi;
pub use report_api::ReportApi;
pub use store::Store;
pub use verification_api::VerificationApi;

use mesh_proto::document::v1::document_service_client::DocumentServiceClient;
use mesh_proto::orchestrator::v1::member_service_server::MemberServiceServer;
use mesh_proto::orchestrator::v1::report_service_server::ReportServiceServer;
use mesh_proto::orchestrator::v1::verification_service_server::VerificationServiceServer;
use mesh_proto::reputation::v1::reputation_service_client::ReputationServiceClient;
use mesh_runtime::{Base, CronSchedule, ScheduleSettings, Wiring, ensure_schedule};
use mesh_types::Schedule;
use orchestrator_workflows::contract::{TASK_QUEUE, VERIFICATION_REMINDER_WORKFLOW, VERIFICATION_REPORT_WORKFLOW};
use orchestrator_workflows::{VerificationReminderWorkflow, VerificationReportWorkflow, VerificationWorkflow};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

const REMINDERS: CronSchedule = by_the_clock(Schedule::WeeklyVerificationReminders, VERIFICATION_REMINDER_WORKFLOW);
const REPORT: CronSchedule = by_the_clock(Schedule::MonthlyVerificationReport, VERIFICATION_REPORT_WORKFLOW);

const fn by_the_clock(schedule: Schedule, workflow_type: &'static str) -> CronSchedule {
    CronSchedule {
        id: schedule.as_str(),
        cron: schedule.cron(),
        workflow_type,
        task_queue: TASK_QUEUE,
    }
}

/// The service, for [`mesh_runtime::run`].
pub struct Orchestrator;

impl mesh_runtime::Service for Orchestrator {
    const NAME: &'static str = "orchestrator";
    const GRPC_LISTEN: &'static str = "127.0.0.1:7401";
    const HEALTH_LISTEN: &'static str = "127.0.0.1:9401";
    const MIGRATIONS: &'static sqlx::migrate::Migrator = &MIGRATIONS;
    type Config = Config;

    async fn wire(config: Config, base: Base) -> anyhow::Result<Wiring> {
        let store = Store::new(base.pool.clone());
        let engine = Engine::new(base.temporal.clone(), config.search_attributes);
        let documents = DocumentServiceClient::new(base.channel(&config.document_url)?);
        let reputations = ReputationServiceClient::new(base.channel(&config.reputation_url)?);
        let verifications = VerificationApi::new(store.clone(), engine, documents, config.watch_interval());
        let activities = Activities::new(store.clone(), reputations);
        ensure_schedule(&base.temporal, &config.schedules, REMINDERS).await?;
        // A report is of a month in UTC, and so is written when that is over, whatever the zone.
        let in_utc = ScheduleSettings {
            schedule_time_zone: "UTC".to_owned(),
            ..config.schedules.clone()
        };
        ensure_schedule(&base.temporal, &in_utc, REPORT).await?;
        let limit = base.max_message_bytes;
        Ok(Wiring::new(mesh_proto::FILE_DESCRIPTOR_SET)
            .grpc(MemberServiceServer::new(MemberApi::new(store.clone())).max_decoding_message_size(limit))
            .grpc(VerificationServiceServer::new(verifications).max_decoding_message_size(limit))
            .grpc(ReportServiceServer::new(ReportApi::new(store)).max_decoding_message_size(limit))
            .worker(TASK_QUEUE, move |worker| {
                worker
                    .register_workflow::<VerificationWorkflow>()?
                    .register_workflow::<VerificationReminderWorkflow>()?
                    .register_workflow::<VerificationReportWorkflow>()?;
                worker.register_activities(activities);
                Ok(())
            }))
    }
}
