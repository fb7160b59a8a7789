//! The scheduled workflows: a run works as of the instant at which it was due, whenever it runs.

use super::fakes::{THE_NETWORK, Writing};
use super::support::{Clock, DEADLINE, Stack, history_of, on_stack, queue_named, record, start_of};
use anyhow::{Context, ensure};
use mesh_runtime::{CronSchedule, ScheduleSettings, ensure_schedule};
use mesh_testkit::eventually;
use mesh_types::Schedule;
use orchestrator_workflows::contract::{
    ReminderRequest, ReminderRun, ReportRequest, TASK_QUEUE, TrustNetworkFigures, TrustNetworkReport,
    VERIFICATION_REMINDER_WORKFLOW, VERIFICATION_REPORT_WORKFLOW, default_remind_after_seconds,
};
use orchestrator_workflows::{VerificationReminderWorkflow, VerificationReportWorkflow};
use serde_json::json;
use std::time::Duration;
use temporalio_client::schedules::{BackfillScheduleOptions, ScheduleBackfill, ScheduleOverlapPolicy};
use temporalio_client::{WorkflowDescribeOptions, WorkflowExecutionStatus, WorkflowGetResultOptions};
use temporalio_common::HasWorkflowDefinition;
use temporalio_common::protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;

/// A run of reminders is one activity, however often that is tried.
const EVENTS: usize = 11;
/// A run of the report is three, and the mark of the version that has three.
const REPORT_EVENTS: usize = 25;

#[test]
fn a_back_filled_run_reminds_as_of_the_week_in_which_it_was_due() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let schedule = Schedule::WeeklyVerificationReminders;
        let due = "2024-01-08T09:00:00Z";
        let id = back_fill(stack, schedule, VERIFICATION_REMINDER_WORKFLOW, due).await?;
        ends::<VerificationReminderWorkflow>(stack, &id).await?;

        let expected = Writing::Reminders(ReminderRequest {
            as_of_seconds: seconds(due)?,
            remind_after_seconds: default_remind_after_seconds(),
        });
        assert_eq!(
            stack.writings.of(&id),
            vec![expected; 3],
            "tried until the database was back"
        );
        let history = history_of(&stack.client, id).await?;
        assert_eq!(history.events.len(), EVENTS);
        record("orchestrator", "reminders-of-a-week-back-filled", &history)
    })
}

#[test]
fn a_back_filled_run_reports_as_of_the_day_on_which_it_was_due() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let schedule = Schedule::MonthlyVerificationReport;
        let due = "2024-01-01T03:00:00Z";
        let id = back_fill(stack, schedule, VERIFICATION_REPORT_WORKFLOW, due).await?;
        ends::<VerificationReportWorkflow>(stack, &id).await?;

        assert_eq!(
            stack.writings.of(&id),
            writings_of_a_report(seconds(due)?),
            "tried until the database was back"
        );
        let history = history_of(&stack.client, id).await?;
        assert_eq!(history.events.len(), REPORT_EVENTS);
        record("orchestrator", "report-of-a-month-with-the-trust-network", &history)
    })
}

#[test]
fn a_run_by_hand_stands_for_the_instant_that_it_is_given() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let input = ReminderRun {
            as_of_seconds: Some(seconds("2024-02-03T04:05:06Z")?),
            remind_after_seconds: 60,
        };
        let id = "reminders-by-hand";
        let start = start_of(VERIFICATION_REMINDER_WORKFLOW, &input, Clock::Real)?;
        stack.start_workflow(of_hand(id, start)).await?;
        let handle = stack.client.get_workflow_handle::<VerificationReminderWorkflow>(id);
        let result = handle.get_result(WorkflowGetResultOptions::default());
        let written = tokio::time::timeout(DEADLINE, result)
            .await
            .context("it does not end")??;

        assert_eq!(written.count, 3);
        let expected = Writing::Reminders(ReminderRequest {
            as_of_seconds: seconds("2024-02-03T04:05:06Z")?,
            remind_after_seconds: 60,
        });
        assert_eq!(stack.writings.of(id), vec![expected; 3]);
        Ok(())
    })
}

#[test]
fn a_run_that_nobody_says_more_about_stands_for_its_start() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let in_the_future = json!({ "as_of_seconds": i64::MAX });
        for (id, input) in [("report-by-hand", json!({})), ("report-of-the-future", in_the_future)] {
            let start = start_of(VERIFICATION_REPORT_WORKFLOW, &input, Clock::Real)?;
            stack.start_workflow(of_hand(id, start)).await?;
            ends::<VerificationReportWorkflow>(stack, id).await?;

            let history = history_of(&stack.client, id.to_owned()).await?;
            let started = history.events[0].event_time.context("an event without a time")?;
            assert_eq!(stack.writings.of(id), writings_of_a_report(started.seconds), "{id}");
        }
        Ok(())
    })
}

/// Each is tried until the database is back.
fn writings_of_a_report(as_of_seconds: i64) -> Vec<Writing> {
    let verifications = Writing::Report(ReportRequest { as_of_seconds });
    let network = Writing::TrustNetwork(TrustNetworkReport {
        month: "2025-12".to_owned(),
        figures: TrustNetworkFigures {
            connections_made: 31 * 24 * 3600,
            ..THE_NETWORK
        },
    });
    [vec![verifications; 3], vec![network; 3]].concat()
}

fn of_hand(id: &str, start: StartWorkflowExecutionRequest) -> StartWorkflowExecutionRequest {
    StartWorkflowExecutionRequest {
        workflow_id: id.to_owned(),
        task_queue: queue_named(TASK_QUEUE),
        ..start
    }
}

/// Creates a schedule as the service does and has it make up for a run; returns the run's workflow.
async fn back_fill(
    stack: &Stack,
    schedule: Schedule,
    workflow_type: &'static str,
    due: &str,
) -> anyhow::Result<String> {
    let settings = ScheduleSettings {
        schedules: true,
        schedule_time_zone: "UTC".to_owned(),
    };
    let cron = CronSchedule {
        id: schedule.as_str(),
        cron: schedule.cron(),
        workflow_type,
        task_queue: TASK_QUEUE,
        run_timeout: Duration::from_secs(3600),
    };
    ensure_schedule(&stack.client, &settings, cron).await?;
    let due_at: jiff::Timestamp = due.parse()?;
    let hour = Duration::from_secs(3600);
    let span = ScheduleBackfill::new((due_at - hour).into(), (due_at + hour).into())
        .overlap_policy(ScheduleOverlapPolicy::AllowAll)
        .build();
    stack
        .client
        .get_schedule_handle(schedule.as_str())
        .backfill([span], BackfillScheduleOptions::default())
        .await?;
    Ok(format!("{}-{due}", schedule.as_str()))
}

async fn ends<W: HasWorkflowDefinition>(stack: &Stack, id: &str) -> anyhow::Result<()> {
    let handle = stack.client.get_workflow_handle::<W>(id);
    let look = async || {
        let found = handle.describe(WorkflowDescribeOptions::default()).await.ok()?;
        (found.status() != WorkflowExecutionStatus::Running).then(|| found.status())
    };
    let status = eventually(DEADLINE, "the run to end", look).await?;
    ensure!(status == WorkflowExecutionStatus::Completed, "{id} ended as {status:?}");
    Ok(())
}

fn seconds(text: &str) -> anyhow::Result<i64> {
    Ok(text.parse::<jiff::Timestamp>()?.as_second())
}
