//! The scheduled workflows: the week's reminders, and the month's report, which has the trust network beside the verifications.
//!
//! A run works as of the instant at which it was due. So a run that is late, repeated or back-filled writes what a run on
//! time would have written.

use crate::contract::{
    self, OrchestratorActivities, ReminderRequest, ReminderRun, RemindersWritten, ReportRequest, ReportRun,
    ReportWritten, TrustNetworkReport,
};
use crate::timeouts;
use community_workflows::contract::{CommunityActivities, TrustNetworkRequest};
use mesh_workflows::as_of_seconds;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{WorkflowContext, WorkflowContextView, WorkflowResult};

/// Reminds of verifications that stand still, once a week each.
#[workflow]
pub struct VerificationReminderWorkflow {
    run: ReminderRun,
}

#[workflow_methods]
impl VerificationReminderWorkflow {
    #[init]
    fn new(_ctx: &WorkflowContextView, run: ReminderRun) -> Self {
        Self { run }
    }

    #[run(name = contract::VERIFICATION_REMINDER_WORKFLOW)]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<RemindersWritten> {
        let run = ctx.state(|state| state.run);
        let request = ReminderRequest {
            as_of_seconds: as_of_seconds(&ctx.info(), run.as_of_seconds),
            remind_after_seconds: run.remind_after_seconds,
        };
        let options = timeouts::scheduled_write();
        Ok(ctx
            .execute_activity(OrchestratorActivities::write_verification_reminders, request, options)
            .await?)
    }
}

/// Counts the verifications of the month before, and then the trust network as it was when the month ended. The network is
/// another service's, so the report does not wait for it.
#[workflow]
pub struct VerificationReportWorkflow {
    run: ReportRun,
}

#[workflow_methods]
impl VerificationReportWorkflow {
    #[init]
    fn new(_ctx: &WorkflowContextView, run: ReportRun) -> Self {
        Self { run }
    }

    #[run(name = contract::VERIFICATION_REPORT_WORKFLOW)]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<ReportWritten> {
        let run = ctx.state(|state| state.run);
        let request = ReportRequest {
            as_of_seconds: as_of_seconds(&ctx.info(), run.as_of_seconds),
        };
        let options = timeouts::scheduled_write();
        let written = ctx
            .execute_activity(OrchestratorActivities::write_verification_report, request, options)
            .await?;
        if ctx.patched(contract::TRUST_NETWORK_IN_REPORT)
            && let Some(span) = written.span
        {
            Self::report_trust_network(ctx, &written, span).await?;
        }
        Ok(written)
    }

    async fn report_trust_network(
        ctx: &WorkflowContext<Self>,
        written: &ReportWritten,
        span: TrustNetworkRequest,
    ) -> WorkflowResult<()> {
        let options = timeouts::trust_network();
        let figures = ctx
            .execute_activity(CommunityActivities::count_trust_network, span, options)
            .await?;
        let report = TrustNetworkReport {
            month: written.month.clone(),
            figures,
        };
        let options = timeouts::scheduled_write();
        ctx.execute_activity(OrchestratorActivities::write_trust_network_report, report, options)
            .await?;
        Ok(())
    }
}
