//! What breaks or comes late on the way, and what a verification does about it.

use super::fakes::{Course, ExtractionScript, ReputationScript, ScoringScript};
use super::scenarios::{method, method_ends_as, recorded_status};
use super::support::{DEADLINE, Plan, by_document, by_reputation, count, on_stack, record};
use document_workflows::contract::DocumentDecision;
use mesh_testkit::eventually;
use mesh_types::{Decision, Method, VerificationStatus};
use orchestrator_workflows::contract::MethodStatus;
use temporalio_client::{WorkflowCancelOptions, WorkflowExecutionStatus};
use temporalio_common::protos::temporal::api::enums::v1::EventType;

#[test]
fn an_outcome_is_recorded_however_often_the_database_is_away() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let course = Course {
            failing_records: 3,
            ..Course::default()
        };
        let verification = stack
            .verify(Plan {
                course,
                ..Plan::default()
            })
            .await?;
        let state = verification.end().await??;

        assert_eq!(state.status, VerificationStatus::Completed);
        assert_eq!(verification.script.seen().record_attempts, 4);
        assert_eq!(recorded_status(&verification)?, VerificationStatus::Completed);
        Ok(())
    })
}

#[test]
fn an_outcome_that_no_local_activity_records_is_recorded_by_an_ordinary_one() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let course = Course {
            local_records_fail: true,
            failing_records: 2,
            ..Course::default()
        };
        let verification = stack
            .verify(Plan {
                course,
                ..Plan::default()
            })
            .await?;
        let state = verification.end().await??;

        assert_eq!(state.status, VerificationStatus::Completed);
        let seen = verification.script.seen();
        assert_eq!((seen.record_attempts, seen.ordinary_record_attempts), (3, 3));
        assert_eq!(recorded_status(&verification)?, VerificationStatus::Completed);
        record(
            "orchestrator",
            "recorded-by-an-ordinary-activity",
            &verification.history().await?,
        )
    })
}

#[test]
fn a_method_whose_workflow_breaks_is_given_another_one() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let course = Course {
            extraction: ExtractionScript::BreaksAtFirst,
            ..Course::default()
        };
        let verification = stack
            .verify(Plan {
                course,
                ..Plan::default()
            })
            .await?;
        let state = verification.end().await??;

        assert_eq!(state.status, VerificationStatus::Completed);
        assert_eq!(method(&state.methods, Method::Document)?.0, MethodStatus::Accepted);
        assert_eq!(
            verification.script.seen().extractions.len(),
            4,
            "three attempts, and one"
        );
        let history = verification.history().await?;
        assert_eq!(count(&history, EventType::StartChildWorkflowExecutionInitiated), 2);
        method_ends_as(&verification, Method::Document, WorkflowExecutionStatus::Failed).await?;
        record("orchestrator", "accepted-at-the-second-workflow", &history)
    })
}

#[test]
fn a_method_that_ends_before_the_target_is_reached_is_scored_as_well() -> anyhow::Result<()> {
    on_stack(async |stack| {
        // The document alone reaches the target, but the other method has found evidence when that is known.
        let plan = Plan {
            methods: vec![by_document, by_reputation],
            course: Course {
                scoring: ScoringScript::WaitsForTheOtherMethods,
                reputation: ReputationScript::CountsDuringTheScoring,
                ..Course::default()
            },
            ..Plan::default()
        };
        let verification = stack.verify(plan).await?;
        let state = verification.end().await??;

        assert_eq!(state.status, VerificationStatus::Completed);
        assert_eq!(method(&state.methods, Method::Reputation)?.0, MethodStatus::Accepted);
        let scorings = verification.script.seen().scorings;
        let evidence: Vec<_> = scorings.iter().map(|(_, request)| request.evidence.len()).collect();
        assert_eq!(
            evidence,
            [3, 3, 4],
            "two attempts at the first scoring, and one at the second"
        );
        record("orchestrator", "both-methods-scored", &verification.history().await?)
    })
}

/// The first attempt to score breaks, perhaps after it wrote points into the ledger.
fn scored_late(scoring: ScoringScript, timeout_seconds: u64) -> Plan {
    Plan {
        course: Course {
            scoring,
            ..Course::default()
        },
        timeout_seconds,
        ..Plan::default()
    }
}

#[test]
fn a_verification_that_is_cancelled_while_it_is_scored_has_the_points_of_the_ledger() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let verification = stack
            .verify(scored_late(ScoringScript::WaitsForTheOtherMethods, 60))
            .await?;
        let is_scored = async || (!verification.script.seen().scorings.is_empty()).then_some(());
        eventually(DEADLINE, "the scoring to begin", is_scored).await?;
        verification.handle.cancel(WorkflowCancelOptions::default()).await?;
        verification.end().await?.expect_err("it ends as cancelled");

        let seen = verification.script.seen();
        assert_eq!(seen.scorings.len(), 2, "the next attempt was made");
        let outcome = &seen.outcomes[0].outcome;
        assert_eq!(
            (outcome.status, outcome.breakdown.score.get()),
            (VerificationStatus::Cancelled, 30)
        );
        record("orchestrator", "cancelled-while-scored", &verification.history().await?)
    })
}

#[test]
fn a_verification_whose_time_is_up_while_it_is_scored_has_the_points_of_the_ledger() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let verification = stack.verify(scored_late(ScoringScript::WaitsFor10Seconds, 8)).await?;
        let state = verification.end().await??;

        assert_eq!(
            (state.status, state.breakdown.score.get()),
            (VerificationStatus::Timeout, 30)
        );
        assert_eq!(
            verification.script.seen().scorings.len(),
            2,
            "the next attempt was made"
        );
        Ok(())
    })
}

#[test]
fn evidence_counts_from_the_day_on_which_it_was_found() -> anyhow::Result<()> {
    const DAYS_AGO: i64 = 29;
    on_stack(async |stack| {
        let plan = Plan {
            started_days_ago: DAYS_AGO,
            ..Plan::default()
        };
        let verification = stack.verify(plan).await?;
        verification.end().await??;

        let (_, scored) = &verification.script.seen().scorings[0];
        let found_after = scored.occurred_at_seconds - verification.input.started_at_seconds;
        assert!(found_after >= DAYS_AGO * 24 * 3600, "{found_after} s after the start");
        Ok(())
    })
}

#[test]
fn after_a_reset_the_decision_that_was_recorded_before_is_the_answer() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let stands = DocumentDecision {
            decision: Decision::Rejected,
            internal_reason: "DOCUMENT_EXPIRED".to_owned(),
            member_reason: "The document has expired.".to_owned(),
            proves: Vec::new(),
        };
        let course = Course {
            stands: Some(stands),
            ..Course::default()
        };
        let plan = Plan {
            course,
            ..Plan::default()
        };
        let verification = stack.verify(plan).await?;
        let state = verification.end().await??;

        let shown = method(&state.methods, Method::Document)?;
        assert_eq!(shown, (MethodStatus::Rejected, "DOCUMENT_EXPIRED"));
        Ok(())
    })
}

#[test]
fn the_decision_of_the_service_counts_whatever_the_rules_of_the_workflows_worker_say() -> anyhow::Result<()> {
    on_stack(async |stack| {
        // Every check passes, which the rules of today accept.
        let ruling = DocumentDecision {
            decision: Decision::Rejected,
            internal_reason: "BY_RULES_OF_ANOTHER_VERSION".to_owned(),
            member_reason: "Under the rules of that time.".to_owned(),
            proves: Vec::new(),
        };
        let course = Course {
            ruling: Some(ruling),
            ..Course::default()
        };
        let plan = Plan {
            course,
            ..Plan::default()
        };
        let verification = stack.verify(plan).await?;
        let state = verification.end().await??;

        let shown = method(&state.methods, Method::Document)?;
        assert_eq!(shown, (MethodStatus::Rejected, "BY_RULES_OF_ANOTHER_VERSION"));
        Ok(())
    })
}
