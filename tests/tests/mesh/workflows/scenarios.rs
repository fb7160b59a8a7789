//! The rules of a verification, one by one.

use super::fakes::{Course, ExtractionScript, ScoringScript};
use super::support::{
    BEFORE_THE_PATCHES, Clock, DEADLINE, Plan, Verification, by_document, by_reputation, count, event_types, lasted,
    on_stack, record,
};
use anyhow::{Context, ensure};
use mesh_testkit::{SEARCH_ATTRIBUTES, eventually};
use mesh_types::RuleVersion;
use mesh_types::{Level, Method, VerificationStatus};
use orchestrator_workflows::VerificationWorkflow;
use orchestrator_workflows::contract::{
    CREATED_AT_ATTRIBUTE, LEVEL_ATTRIBUTE, METHODS_COUNT_ATTRIBUTE, MethodState, MethodStatus, SCORE_ATTRIBUTE,
    STATUS_ATTRIBUTE, TARGET_SCORE_ATTRIBUTE, USER_ID_ATTRIBUTE,
};
use std::time::{Duration, Instant};
use temporalio_client::errors::WorkflowGetResultError;
use temporalio_client::{WorkflowCancelOptions, WorkflowExecutionStatus, WorkflowQueryOptions};
use temporalio_common::protos::temporal::api::enums::v1::EventType;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// What the budget of a verification by document alone allows: history events and workflow tasks, parent and child together.
const BUDGET: (usize, usize) = (47, 7);

#[test]
fn a_verification_times_out_after_30_days() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let began = Instant::now();
        // A parent's clock stands while a child runs, but not while an activity waits for its next attempt.
        let course = Course {
            scoring: ScoringScript::WaitsForARetryIn40Days,
            ..Course::default()
        };
        let verification = stack
            .verify(Plan {
                course,
                clock: Clock::Skipping,
                ..Plan::default()
            })
            .await?;
        let state = verification.end().await??;
        let real = began.elapsed();
        let history = verification.history().await?;
        let virtually = lasted(&history)?;
        let days = virtually.as_secs_f64() / DAY.as_secs_f64();
        println!(
            "a verification timed out after {days:.4} days of its clock, in {:.2} s",
            real.as_secs_f64()
        );

        assert_eq!(state.status, VerificationStatus::Timeout);
        assert!(virtually < 30 * DAY + DAY / 24, "it lasted {virtually:?}");
        assert!(real < Duration::from_secs(5), "30 days took {real:?}");
        assert_eq!(recorded_status(&verification)?, VerificationStatus::Timeout);
        let ended_at = verification.script.seen().outcomes[0].ended_at_seconds;
        let input = &verification.input;
        assert_eq!(input.deadline_at_seconds - input.started_at_seconds, 30 * 24 * 3600);
        assert!(
            ended_at >= input.deadline_at_seconds,
            "the read model says {ended_at}, which is before {}",
            input.deadline_at_seconds
        );
        assert_eq!(
            count(&history, EventType::ActivityTaskCancelRequested),
            1,
            "the scoring is not tried any more"
        );
        record("orchestrator", "timeout-after-30-days", &history)
    })
}

#[test]
fn a_time_limit_cancels_the_methods_that_still_run() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let course = Course {
            extraction: ExtractionScript::RunsUntilCancelled,
            ..Course::default()
        };
        let verification = stack
            .verify(Plan {
                course,
                timeout_seconds: 2,
                ..Plan::default()
            })
            .await?;
        let state = verification.end().await??;

        assert_eq!(state.status, VerificationStatus::Timeout);
        assert_eq!(method(&state.methods, Method::Document)?.0, MethodStatus::Cancelled);
        assert_eq!(recorded_status(&verification)?, VerificationStatus::Timeout);
        method_ends_as(&verification, Method::Document, WorkflowExecutionStatus::Canceled).await?;
        assert_eq!(
            verification.script.seen().cancelled_extractions,
            1,
            "the extraction itself was told"
        );
        record(
            "orchestrator",
            "timeout-with-a-running-method",
            &verification.history().await?,
        )
    })
}

#[test]
fn an_accepted_document_is_scored_once_and_completes_at_the_target() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let verification = stack
            .verify(Plan {
                target_score: 30,
                ..Plan::default()
            })
            .await?;
        let state = verification.end().await??;

        assert_eq!(state.status, VerificationStatus::Completed);
        assert_eq!(
            (state.breakdown.score.get(), state.breakdown.level()),
            (30, Level::Bronze)
        );
        assert_eq!(
            method(&state.methods, Method::Document)?,
            (MethodStatus::Accepted, "ALL_CHECKS_PASSED")
        );
        let seen = verification.script.seen();
        let [(RuleVersion::V2, request)] = seen.scorings.as_slice() else {
            anyhow::bail!("scored {} times, or not by version 2", seen.scorings.len());
        };
        let found: Vec<_> = request
            .evidence
            .iter()
            .filter_map(|found| Some((found.kind.known()?.method().into(), found.evidence_id)))
            .collect();
        let scored: Vec<_> = state
            .breakdown
            .contributions
            .iter()
            .map(|line| (line.method.clone(), line.evidence_id))
            .collect();
        assert_eq!(
            found, scored,
            "the evidence that was stored is the evidence that was scored"
        );
        assert_eq!(found.len(), 3);
        let [outcome] = seen.outcomes.as_slice() else {
            anyhow::bail!("recorded {} times", seen.outcomes.len())
        };
        assert_eq!(outcome.outcome, state);

        let attributes = verification.describe().await?.search_attributes();
        assert_eq!(attributes.get(&STATUS_ATTRIBUTE).as_deref(), Some("completed"));
        assert_eq!(attributes.get(&SCORE_ATTRIBUTE), Some(30));
        assert_eq!(attributes.get(&LEVEL_ATTRIBUTE).as_deref(), Some("bronze"));
        let input = &verification.input;
        assert_eq!(attributes.get(&USER_ID_ATTRIBUTE), Some(input.member_id.get()));
        assert_eq!(attributes.get(&TARGET_SCORE_ATTRIBUTE), Some(30.0));
        assert_eq!(attributes.get(&METHODS_COUNT_ATTRIBUTE), Some(1));
        let created_at = attributes.get(&CREATED_AT_ATTRIBUTE).map(|at| at.seconds());
        assert_eq!(created_at, Some(input.started_at_seconds));
        record("orchestrator", "accepted", &verification.history().await?)?;
        record(
            "document",
            "accepted",
            &verification.method_history(Method::Document).await?,
        )
    })
}

#[test]
fn a_verification_fails_when_everything_has_ended_below_the_target() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let verification = stack
            .verify(Plan {
                target_score: 31,
                ..Plan::default()
            })
            .await?;
        let state = verification.end().await??;

        assert_eq!(
            (state.status, state.breakdown.score.get()),
            (VerificationStatus::Failed, 30)
        );
        assert_eq!(method(&state.methods, Method::Document)?.0, MethodStatus::Accepted);
        assert_eq!(recorded_status(&verification)?, VerificationStatus::Failed);
        let attributes = verification.describe().await?.search_attributes();
        assert_eq!(attributes.get(&STATUS_ATTRIBUTE).as_deref(), Some("failed"));
        Ok(())
    })
}

#[test]
fn a_method_that_fails_does_not_fail_the_others() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let plan = Plan {
            methods: vec![by_document, by_reputation],
            course: Course {
                extraction: ExtractionScript::FindsNoDocument,
                ..Course::default()
            },
            ..Plan::default()
        };
        let verification = stack.verify(plan).await?;
        let state = verification.end().await??;

        assert_eq!(
            method(&state.methods, Method::Document)?,
            (MethodStatus::Failed, "DOCUMENT_NOT_FOUND")
        );
        let nothing_counts = "TRUST_NETWORK_DOES_NOT_PASS_GATE, ACTIVITY_HISTORY_TOO_SMALL";
        assert_eq!(
            method(&state.methods, Method::Reputation)?,
            (MethodStatus::Rejected, nothing_counts)
        );
        assert_eq!(state.status, VerificationStatus::Failed);
        let seen = verification.script.seen();
        assert_eq!(
            seen.extractions.len(),
            1,
            "a failure that no retry mends is not retried"
        );
        assert_eq!(seen.scorings.len(), 0, "no evidence, nothing to score");
        method_ends_as(&verification, Method::Document, WorkflowExecutionStatus::Failed).await?;
        method_ends_as(&verification, Method::Reputation, WorkflowExecutionStatus::Completed).await?;
        record("orchestrator", "failed-method", &verification.history().await?)?;
        record(
            "document",
            "failed",
            &verification.method_history(Method::Document).await?,
        )?;
        record(
            "reputation",
            "nothing-counts",
            &verification.method_history(Method::Reputation).await?,
        )
    })
}

#[test]
fn a_cancelled_verification_cancels_its_methods_and_still_records_its_outcome() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let course = Course {
            extraction: ExtractionScript::RunsUntilCancelled,
            ..Course::default()
        };
        let verification = stack
            .verify(Plan {
                course,
                ..Plan::default()
            })
            .await?;
        let script = &verification.script;
        eventually(DEADLINE, "the extraction to begin", async || {
            (!script.seen().extractions.is_empty()).then_some(())
        })
        .await?;
        let query = verification.handle.query(
            VerificationWorkflow::verification_state,
            (),
            WorkflowQueryOptions::default(),
        );
        assert_eq!(
            method(&query.await?.methods, Method::Document)?,
            (MethodStatus::InProgress, "")
        );

        verification
            .handle
            .cancel(WorkflowCancelOptions::builder().reason("not needed".to_owned()).build())
            .await?;
        let end = verification.end().await?;
        ensure!(
            matches!(end, Err(WorkflowGetResultError::Cancelled { .. })),
            "it ended as {end:?}"
        );
        let description = verification.describe().await?;
        assert_eq!(description.status(), WorkflowExecutionStatus::Canceled);
        assert_eq!(
            description.search_attributes().get(&STATUS_ATTRIBUTE).as_deref(),
            Some("cancelled")
        );
        assert_eq!(recorded_status(&verification)?, VerificationStatus::Cancelled);
        method_ends_as(&verification, Method::Document, WorkflowExecutionStatus::Canceled).await?;
        assert_eq!(script.seen().cancelled_extractions, 1, "the extraction itself was told");
        record("orchestrator", "cancelled", &verification.history().await?)?;
        record(
            "document",
            "cancelled",
            &verification.method_history(Method::Document).await?,
        )
    })
}

#[test]
fn an_unknown_member_ends_a_verification_before_any_method_starts() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let course = Course {
            member_exists: false,
            ..Course::default()
        };
        let verification = stack
            .verify(Plan {
                course,
                ..Plan::default()
            })
            .await?;
        let state = verification.end().await??;

        assert_eq!(state.status, VerificationStatus::Failed);
        assert_eq!(method(&state.methods, Method::Document)?.0, MethodStatus::Cancelled);
        assert_eq!(recorded_status(&verification)?, VerificationStatus::Failed);
        let history = verification.history().await?;
        assert_eq!(count(&history, EventType::StartChildWorkflowExecutionInitiated), 0);
        record("orchestrator", "unknown-member", &history)
    })
}

#[test]
fn a_verification_without_search_attributes_is_the_same_otherwise() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let verification = stack
            .verify(Plan {
                search_attributes: false,
                ..Plan::default()
            })
            .await?;
        let state = verification.end().await??;

        assert_eq!(state.status, VerificationStatus::Completed);
        assert_eq!(recorded_status(&verification)?, VerificationStatus::Completed);
        let history = verification.history().await?;
        let upserts = count(&history, EventType::UpsertWorkflowSearchAttributes);
        assert_eq!(upserts, 1, "Temporal's own of the patch, which every server knows");
        let attributes = verification.describe().await?.search_attributes();
        let ours: Vec<_> = attributes
            .keys()
            .filter(|key| SEARCH_ATTRIBUTES.iter().any(|(ours, _)| ours == key))
            .collect();
        ensure!(ours.is_empty(), "it shows {ours:?}");
        record("orchestrator", "accepted-without-search-attributes", &history)
    })
}

#[test]
fn a_verification_by_document_alone_keeps_its_budget_of_events_and_workflow_tasks() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let verification = stack.verify(Plan::default()).await?;
        verification.end().await??;
        let histories = [
            verification.history().await?,
            verification.method_history(Method::Document).await?,
        ];
        let events: usize = histories.iter().map(|history| history.events.len()).sum();
        let tasks: usize = histories
            .iter()
            .map(|history| count(history, EventType::WorkflowTaskCompleted))
            .sum();
        println!("document-only verification: {events} history events, {tasks} workflow tasks");
        let (most_events, most_tasks) = BUDGET;
        let listing = || histories.iter().map(event_types).collect::<Vec<_>>();
        ensure!(
            events <= most_events && tasks <= most_tasks,
            "over the budget of {BUDGET:?}: {:#?}",
            listing()
        );
        Ok(())
    })
}

#[test]
fn a_verification_that_began_before_version_2_is_scored_by_version_1() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let verification = stack
            .verify(Plan {
                task_queue: BEFORE_THE_PATCHES,
                ..Plan::default()
            })
            .await?;
        let state = verification.end().await??;

        let rules: Vec<_> = verification
            .script
            .seen()
            .scorings
            .iter()
            .map(|(rules, _)| *rules)
            .collect();
        assert_eq!(rules, [RuleVersion::V1]);
        assert_eq!(
            (state.status, state.breakdown.score.get()),
            (VerificationStatus::Completed, 25)
        );
        let history = verification.history().await?;
        let upserts = count(&history, EventType::UpsertWorkflowSearchAttributes);
        assert_eq!(upserts, 1, "a patch would have left a second one");
        record("orchestrator", "accepted-before-scoring-algorithm-v2", &history)
    })
}

/// How a method ended, and why.
pub fn method(methods: &[MethodState], wanted: Method) -> anyhow::Result<(MethodStatus, &str)> {
    let found = methods
        .iter()
        .find(|shown| shown.method == wanted)
        .context("the method is not shown")?;
    let reason = found.internal_reason.as_ref();
    let status = found.status.known().context("a status of today")?;
    Ok((status, reason.map_or("", |reason| reason.as_str())))
}

/// The status of the one outcome that was recorded.
pub fn recorded_status(verification: &Verification) -> anyhow::Result<VerificationStatus> {
    match verification.script.seen().outcomes.as_slice() {
        [outcome] => Ok(outcome.outcome.status),
        outcomes => anyhow::bail!("recorded {} times", outcomes.len()),
    }
}

/// The parent does not wait for the end of a method that it cancels.
pub async fn method_ends_as(
    verification: &Verification,
    method: Method,
    wanted: WorkflowExecutionStatus,
) -> anyhow::Result<()> {
    let ended = eventually(DEADLINE, "the method's workflow to end", async || {
        let status = verification.describe_method(method).await?.status();
        (status != WorkflowExecutionStatus::Running).then_some(status)
    });
    let status = ended.await?;
    ensure!(status == wanted, "{} ended as {status:?}", method.as_str());
    Ok(())
}
