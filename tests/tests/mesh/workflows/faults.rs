//! What breaks or comes late on the way, and what a verification does about it.

use super::fakes::{Course, ExtractionScript, ReputationScript, ScoringScript};
use super::scenarios::{method, method_ends_as, recorded_status};
use super::support::{Plan, by_document, by_reputation, count, on_stack, record};
use mesh_types::{Method, VerificationStatus};
use orchestrator_workflows::contract::MethodStatus;
use temporalio_client::WorkflowExecutionStatus;
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
