//! What the scheduled workflows write, without a database.

use super::{lock, transient};
use orchestrator_workflows::contract::definitions as orchestrator;
use orchestrator_workflows::contract::{
    ReminderRequest, RemindersWritten, ReportRequest, ReportWritten, TrustNetworkReport, TrustNetworkRequest,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;

/// The month of every report, 31 days.
const DECEMBER: TrustNetworkRequest = TrustNetworkRequest {
    from_seconds: 1_764_547_200,
    until_seconds: 1_767_225_600,
};

/// What an activity was asked to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writing {
    /// The reminders of a week.
    Reminders(ReminderRequest),
    /// The report of a month.
    Report(ReportRequest),
    /// The trust network of a month.
    TrustNetwork(TrustNetworkReport),
}

/// Every attempt to write, with its workflow.
#[derive(Default)]
pub struct Writings(Mutex<Vec<(String, Writing)>>);

impl Writings {
    /// The attempts of a workflow, in order.
    pub fn of(&self, workflow_id: &str) -> Vec<Writing> {
        let all = lock(&self.0);
        let of_workflow = all.iter().filter(|(id, _)| id == workflow_id);
        of_workflow.map(|(_, writing)| writing.clone()).collect()
    }

    /// The database is away at a workflow's first two attempts.
    fn attempt(&self, ctx: &ActivityContext, writing: Writing) -> Result<(), ActivityError> {
        let workflow_id = ctx.info().workflow_id.clone().unwrap_or_default();
        lock(&self.0).push((workflow_id, writing));
        if ctx.info().attempt <= 2 {
            return Err(transient("DATABASE_UNAVAILABLE", Duration::from_millis(10)));
        }
        Ok(())
    }
}

/// The activities of the orchestrator's scheduled workflows.
pub struct ScheduledFakes(pub Arc<Writings>);

#[activities]
impl ScheduledFakes {
    #[activity(definition = orchestrator::WriteVerificationReminders)]
    pub async fn write_verification_reminders(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: ReminderRequest,
    ) -> Result<RemindersWritten, ActivityError> {
        self.0.attempt(&ctx, Writing::Reminders(request))?;
        Ok(RemindersWritten { count: 3 })
    }

    #[activity(definition = orchestrator::WriteVerificationReport)]
    pub async fn write_verification_report(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: ReportRequest,
    ) -> Result<ReportWritten, ActivityError> {
        self.0.attempt(&ctx, Writing::Report(request))?;
        Ok(ReportWritten {
            month: "2025-12".to_owned(),
            span: Some(DECEMBER),
        })
    }

    #[activity(definition = orchestrator::WriteTrustNetworkReport)]
    pub async fn write_trust_network_report(
        self: Arc<Self>,
        ctx: ActivityContext,
        report: TrustNetworkReport,
    ) -> Result<(), ActivityError> {
        self.0.attempt(&ctx, Writing::TrustNetwork(report))
    }
}
