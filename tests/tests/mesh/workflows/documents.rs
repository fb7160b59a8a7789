//! The rules of a verification by document: submissions, and reviews by a person.

use super::document_run::{DocumentPlan, DocumentRun};
use super::fakes::{Course, ExtractionScript, ReviewScript, Shows};
use super::support::{Clock, DEADLINE, Plan, count, document_url, document_worker, lasted, on_stack, record};
use anyhow::ensure;
use document_workflows::contract::{Phase, Refusal, ReviewEnd};
use mesh_testkit::eventually;
use mesh_types::{Decision, Method, VerificationStatus};
use orchestrator_workflows::contract::MethodStatus;
use std::time::{Duration, Instant};
use temporalio_client::errors::WorkflowGetResultError;
use temporalio_common::protos::temporal::api::enums::v1::EventType;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// A queue whose worker is stopped and started again.
const RESTARTED: &str = "document-restarted";

fn shows(documents: &[Shows]) -> Course {
    Course {
        documents: documents.to_vec(),
        ..Course::default()
    }
}

fn with(course: Course) -> DocumentPlan {
    DocumentPlan {
        course,
        ..DocumentPlan::default()
    }
}

#[test]
fn a_second_document_is_accepted_after_one_that_could_not_be_read() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let verification = stack
            .verify(Plan {
                course: shows(&[Shows::NoZone]),
                ..Plan::default()
            })
            .await?;
        let document = DocumentRun::of_verification(stack, &verification);
        assert_eq!(document.comes_to(Phase::AwaitingSubmission).await?, (1, 2));
        let taken = document.submit("second").await?;
        assert_eq!((taken.submission, taken.submissions_left), (2, 1));
        let state = verification.end().await??;

        assert_eq!(state.status, VerificationStatus::Completed);
        assert_eq!(state.methods[0].status, MethodStatus::Accepted);
        let seen = verification.script.seen();
        let submissions: Vec<_> = seen.extractions.iter().map(|request| request.submission).collect();
        assert_eq!(submissions, [1, 2]);
        let decided: Vec<_> = seen
            .decisions
            .iter()
            .map(|record| (record.document_id, record.decided.decision))
            .collect();
        let expected = [Decision::Resubmit, Decision::Accepted];
        assert_eq!(
            decided,
            seen.documents.iter().copied().zip(expected).collect::<Vec<_>>()
        );
        record(
            "orchestrator",
            "accepted-at-the-second-document",
            &verification.history().await?,
        )?;
        record(
            "document",
            "accepted-at-the-second-document",
            &document.history().await?,
        )
    })
}

#[test]
fn a_third_document_that_cannot_be_read_is_the_last() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let document = DocumentRun::start(stack, with(shows(&[Shows::NoZone; 3]))).await?;
        for (update_id, expected) in [("second", (1, 2)), ("third", (2, 1))] {
            assert_eq!(document.comes_to(Phase::AwaitingSubmission).await?, expected);
            document.submit(update_id).await?;
        }
        assert_eq!(
            document.outcome().await?,
            (Decision::Resubmit, "MRZ_NOT_FOUND".to_owned())
        );

        let state = document.state().await?;
        assert_eq!(
            (state.phase, state.submission, state.submissions_left),
            (Phase::Ended, 3, 0)
        );
        ensure!(document.submit("fourth").await.is_err(), "a fourth document was taken");
        assert_eq!(document.script.seen().decisions.len(), 3);
        record("document", "three-documents-in-vain", &document.history().await?)
    })
}

#[test]
fn a_document_is_taken_only_while_one_is_waited_for_and_the_same_one_once() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let course = shows(&[Shows::NoZone, Shows::OneSource]);
        let document = DocumentRun::start(stack, with(course)).await?;
        document.comes_to(Phase::AwaitingSubmission).await?;
        let (first, again) = futures::future::join(document.submit("same"), document.submit("same")).await;
        let first = first?;
        assert_eq!((first.submission, first.submissions_left), (2, 1));
        assert_eq!(again?, first, "the same submission is answered as the first time");

        document.waits_for_a_person().await?;
        assert_eq!(document.submit_in_vain("another").await?, "DOCUMENT_NOT_AWAITED");
        assert_eq!(document.submit("same").await?, first, "however late it is repeated");
        document.decide(Decision::Accepted).await?;
        assert_eq!(document.outcome().await?.0, Decision::Accepted);
        assert_eq!(document.script.seen().extractions.len(), 2);
        Ok(())
    })
}

#[test]
fn an_outage_uses_up_no_attempt_of_the_extraction() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let course = Course {
            extraction: ExtractionScript::MeetsAnOutage,
            ..Course::default()
        };
        let plan = DocumentPlan {
            clock: Clock::Skipping,
            ..with(course)
        };
        let document = DocumentRun::start(stack, plan).await?;
        assert_eq!(document.outcome().await?.0, Decision::Accepted);
        let attempts = document.script.seen().extractions.len();
        assert_eq!(attempts, 5 + 3, "five that an outage ended, and all three");
        let history = document.history().await?;
        assert_eq!(count(&history, EventType::TimerFired), 5);
        record("document", "read-after-an-outage", &history)
    })
}

#[test]
fn a_cancellation_ends_the_wait_for_an_outage() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let course = Course {
            extraction: ExtractionScript::IsAway,
            ..Course::default()
        };
        let document = DocumentRun::start(stack, with(course)).await?;
        eventually(DEADLINE, "the wait for the database to begin", async || {
            let history = document.history().await.ok()?;
            (count(&history, EventType::TimerStarted) > 1).then_some(())
        })
        .await?;
        document.cancel().await?;
        let end = document.end().await?;
        ensure!(
            matches!(end, Err(WorkflowGetResultError::Cancelled { .. })),
            "it ended as {end:?}"
        );
        Ok(())
    })
}

#[test]
fn a_cancellation_ends_the_wait_for_another_document() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let document = DocumentRun::start(stack, with(shows(&[Shows::NoZone]))).await?;
        document.comes_to(Phase::AwaitingSubmission).await?;
        document.cancel().await?;
        let end = document.end().await?;
        ensure!(
            matches!(end, Err(WorkflowGetResultError::Cancelled { .. })),
            "it ended as {end:?}"
        );
        record(
            "document",
            "cancelled-while-a-document-was-awaited",
            &document.history().await?,
        )
    })
}

#[test]
fn a_person_accepts_and_it_is_scored() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let verification = stack
            .verify(Plan {
                course: shows(&[Shows::OneSource]),
                ..Plan::default()
            })
            .await?;
        let document = DocumentRun::of_verification(stack, &verification);
        document.waits_for_a_person().await?;
        assert_eq!(document.state().await?.phase, Phase::InReview);
        let seen = verification.script.seen();
        let [request] = seen.reviews.as_slice() else {
            anyhow::bail!("asked {} times", seen.reviews.len())
        };
        assert_eq!(request.internal_reason, "SINGLE_SOURCE");
        assert_eq!(request.expires_at_seconds - request.requested_at_seconds, 7 * 24 * 3600);
        assert_eq!(
            seen.decisions[0].decided.decision,
            Decision::NeedsReview,
            "it is shown while it waits"
        );

        document.decide(Decision::Accepted).await?;
        let state = verification.end().await??;
        assert_eq!(
            (state.status, state.breakdown.score.get()),
            (VerificationStatus::Completed, 30)
        );
        assert_eq!(state.methods[0].internal_reason, Some("LOOKED_AT".to_owned().into()));
        assert_eq!(
            verification.script.seen().closings,
            [],
            "a decided review needs no closing"
        );
        record("orchestrator", "accepted-by-a-person", &verification.history().await?)?;
        record(
            "document",
            "accepted-by-a-person",
            &verification.method_history(Method::Document).await?,
        )
    })
}

#[test]
fn a_person_rejects_for_good() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let document = DocumentRun::start(stack, with(shows(&[Shows::OneSource]))).await?;
        document.waits_for_a_person().await?;
        document.decide(Decision::Rejected).await?;
        assert_eq!(document.outcome().await?, (Decision::Rejected, "LOOKED_AT".to_owned()));
        record("document", "rejected-by-a-person", &document.history().await?)
    })
}

#[test]
fn a_person_asks_for_another_document() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let document = DocumentRun::start(stack, with(shows(&[Shows::OneSource]))).await?;
        document.waits_for_a_person().await?;
        document.decide(Decision::Resubmit).await?;
        assert_eq!(document.comes_to(Phase::AwaitingSubmission).await?, (1, 2));
        document.submit("second").await?;
        assert_eq!(document.outcome().await?.0, Decision::Accepted);
        record("document", "resubmitted-by-a-person", &document.history().await?)
    })
}

#[test]
fn a_document_that_was_erased_before_it_was_read_is_asked_for_again() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let course = Course {
            extraction: ExtractionScript::FirstWasErased,
            ..Course::default()
        };
        let document = DocumentRun::start(stack, with(course)).await?;
        assert_eq!(document.comes_to(Phase::AwaitingSubmission).await?, (1, 2));
        document.submit("second").await?;
        assert_eq!(document.outcome().await?.0, Decision::Accepted);
        let decisions = document.script.seen().decisions;
        let first = &decisions[0];
        assert_eq!(first.decided.internal_reason, "DOCUMENT_ERASED");
        assert!(document_url(document.script.member_id).ends_with(&first.document_id.to_string()));
        record(
            "document",
            "accepted-after-an-erased-document",
            &document.history().await?,
        )
    })
}

#[test]
fn a_review_that_nobody_decides_ends_after_7_days_with_an_apology() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let began = Instant::now();
        let plan = DocumentPlan {
            course: Course {
                review: ReviewScript::FailsToItsEnd,
                ..shows(&[Shows::OneSource])
            },
            clock: Clock::Skipping,
            ..DocumentPlan::default()
        };
        let document = DocumentRun::start(stack, plan).await?;
        document.comes_to(Phase::AwaitingSubmission).await?;
        let real = began.elapsed();
        let history = document.history().await?;
        let virtually = lasted(&history)?;
        println!(
            "a review ended after {:.4} days of its clock, in {:.2} s",
            virtually.as_secs_f64() / DAY.as_secs_f64(),
            real.as_secs_f64()
        );

        ensure!(
            (7 * DAY - DAY / 1000..7 * DAY + DAY / 24).contains(&virtually),
            "it lasted {virtually:?}"
        );
        ensure!(real < Duration::from_secs(10), "7 days took {real:?}");
        let seen = document.script.seen();
        let closed: Vec<_> = seen.closings.iter().map(|closing| closing.ended).collect();
        assert_eq!(closed, [ReviewEnd::Expired]);
        let decided = &seen.decisions.last().expect("two decisions are recorded").decided;
        assert_eq!(
            (decided.decision, decided.internal_reason.as_str()),
            (Decision::Resubmit, "REVIEW_EXPIRED")
        );
        ensure!(decided.member_reason.contains("sorry"), "{}", decided.member_reason);
        document.submit("second").await?;
        assert_eq!(document.outcome().await?.0, Decision::Accepted);
        record(
            "document",
            "accepted-after-an-expired-review",
            &document.history().await?,
        )
    })
}

#[test]
fn a_decision_just_before_the_end_of_a_review_counts() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let plan = DocumentPlan {
            course: Course {
                review: ReviewScript::FailsToItsEnd,
                decided_before_closing: Some(Decision::Accepted),
                ..shows(&[Shows::OneSource])
            },
            clock: Clock::Skipping,
            ..DocumentPlan::default()
        };
        let document = DocumentRun::start(stack, plan).await?;
        assert_eq!(document.outcome().await?, (Decision::Accepted, "LOOKED_AT".to_owned()));
        Ok(())
    })
}

#[test]
fn a_review_outlives_the_worker() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let worker = stack.work(RESTARTED, document_worker(stack.scripts.clone()))?;
        let plan = DocumentPlan {
            task_queue: RESTARTED,
            ..with(shows(&[Shows::OneSource]))
        };
        let document = DocumentRun::start(stack, plan).await?;
        document.waits_for_a_person().await?;
        tokio::task::spawn_blocking(|| worker.stop()).await??;
        document.decide(Decision::Accepted).await?;
        let restarted = stack.work(RESTARTED, document_worker(stack.scripts.clone()))?;
        assert_eq!(document.outcome().await?.0, Decision::Accepted);
        assert_eq!(document.script.seen().reviews.len(), 1, "nobody is asked twice");
        tokio::task::spawn_blocking(|| restarted.stop()).await?
    })
}

#[test]
fn a_cancelled_verification_withdraws_its_review() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let document = DocumentRun::start(stack, with(shows(&[Shows::OneSource]))).await?;
        document.waits_for_a_person().await?;
        document.cancel().await?;
        let end = document.end().await?;
        ensure!(
            matches!(end, Err(WorkflowGetResultError::Cancelled { .. })),
            "it ended as {end:?}"
        );
        let closed: Vec<_> = document
            .script
            .seen()
            .closings
            .iter()
            .map(|closing| closing.ended)
            .collect();
        assert_eq!(closed, [ReviewEnd::Withdrawn]);
        record("document", "cancelled-in-review", &document.history().await?)
    })
}

#[test]
fn an_acceptance_that_is_refused_when_it_is_recorded_is_ruled_again() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let course = Course {
            refusal: Some(Refusal::InUseByAnother),
            ..Course::default()
        };
        let document = DocumentRun::start(stack, with(course)).await?;
        assert_eq!(
            document.outcome().await?,
            (Decision::Rejected, "DOCUMENT_IN_USE".to_owned())
        );
        let decisions = document.script.seen().decisions;
        let decided: Vec<_> = decisions.iter().map(|record| record.decided.decision).collect();
        assert_eq!(
            decided,
            [Decision::Rejected],
            "what is recorded is what was decided in the end"
        );
        record("document", "refused-at-recording", &document.history().await?)
    })
}
