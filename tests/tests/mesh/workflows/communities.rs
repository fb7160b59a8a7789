//! The rules of the method community: beside a document, and by itself.

use super::community_run::{CommunityRun, response};
use super::fakes::{Course, ExtractionScript};
use super::scenarios::{method, method_ends_as};
use super::support::{
    DEADLINE, Plan, Stack, Verification, by_community, by_document, count, event_types, lasted, on_stack, record,
};
use anyhow::{bail, ensure};
use community_workflows::contract::{Answer, Phase, Progress, RejectReason, ResponseTaken, ValidationEnd};
use mesh_testkit::eventually;
use mesh_types::{Decision, EvidenceKind, Level, Method, VerificationStatus};
use orchestrator_workflows::VerificationWorkflow;
use orchestrator_workflows::contract::{MethodStatus, OutcomeRecord, VerificationState};
use serde_json::json;
use std::time::Duration;
use temporalio_client::errors::WorkflowGetResultError;
use temporalio_client::{WorkflowCancelOptions, WorkflowExecutionStatus, WorkflowQueryOptions};
use temporalio_common::protos::temporal::api::enums::v1::EventType;

const HOUR: Duration = Duration::from_secs(3600);
/// What the clock may be late by, where it is not waited for.
const LATE: Duration = Duration::from_secs(60);
/// What the budget of both methods side by side allows: history events and workflow tasks, parent and both children together.
/// Each of the three votes takes 6 events and a task.
const BUDGET: (usize, usize) = (89, 14);
const SUSPICION: &str = "VOUCHES_FORM_A_RING";

use Answer::{Abstain, Approve, Reject};

/// A verification by document and community that reaches its target by neither a document nor nothing.
fn by_both(course: Course) -> Plan {
    Plan {
        methods: vec![by_document, by_community],
        target_score: 50,
        course,
        ..Plan::default()
    }
}

/// Waits until a verification shows a method so.
async fn shows(verification: &Verification, of: Method, status: MethodStatus) -> anyhow::Result<VerificationState> {
    let what = format!("{} to be {status:?}", of.as_str());
    eventually(DEADLINE, &what, async || {
        let query = verification.handle.query(
            VerificationWorkflow::verification_state,
            (),
            WorkflowQueryOptions::default(),
        );
        let state = query.await.ok()?;
        let is_so = method(&state.methods, of).is_ok_and(|shown| shown.0 == status);
        is_so.then_some(state)
    })
    .await
}

#[test]
fn document_and_community_run_side_by_side_and_what_both_find_is_one_score() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let verification = stack.verify(by_both(Course::default())).await?;
        let community = CommunityRun::of_verification(stack, &verification);
        let asked = community.has_invited(10).await?;
        assert_eq!((asked.phase, asked.approvals_needed), (Phase::Collecting, 3));
        // The document is found and scored while the community is asked.
        let state = shows(&verification, Method::Document, MethodStatus::Accepted).await?;
        assert_eq!(method(&state.methods, Method::Community)?.0, MethodStatus::InProgress);

        community.vote(&[Approve, Approve, Approve]).await?;
        let state = verification.end().await??;
        assert_eq!(state.status, VerificationStatus::Completed);
        assert_eq!(
            method(&state.methods, Method::Community)?,
            (MethodStatus::Accepted, "QUORUM_REACHED")
        );
        let breakdown = &state.breakdown;
        // 30 by the document; three vouches of 23 points each, of which 50 count.
        assert_eq!((breakdown.score.get(), breakdown.level()), (80, Level::Gold));
        let vouches = breakdown.contributions.iter();
        let vouches = vouches.filter(|line| line.kind == EvidenceKind::CommunityVouch);
        assert_eq!(vouches.map(|line| line.points).collect::<Vec<_>>(), [23; 3]);
        let caps: Vec<_> = breakdown
            .caps
            .iter()
            .map(|cap| (cap.method.clone(), cap.points))
            .collect();
        assert_eq!(caps, [(Some(Method::Community.into()), -19)]);
        assert_eq!(
            state
                .next_steps
                .iter()
                .map(|step| step.method.as_str())
                .collect::<Vec<_>>(),
            ["in_person", "reputation"]
        );
        let seen = verification.script.seen().community;
        assert_eq!(seen.ends(), [ValidationEnd::Quorum]);
        assert_eq!(seen.votes.len(), 3);
        method_ends_as(&verification, Method::Community, WorkflowExecutionStatus::Completed).await?;
        record("orchestrator", "document-and-community", &verification.history().await?)?;
        record("community", "quorum", &community.history().await?)
    })
}

#[test]
fn a_document_that_fails_leaves_the_community_alone() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let course = Course {
            extraction: ExtractionScript::FindsNoDocument,
            ..Course::default()
        };
        let verification = stack.verify(by_both(course)).await?;
        let community = CommunityRun::of_verification(stack, &verification);
        let state = shows(&verification, Method::Document, MethodStatus::Failed).await?;
        assert_eq!(method(&state.methods, Method::Community)?.0, MethodStatus::InProgress);
        community.has_invited(10).await?;
        community.vote(&[Approve, Approve, Approve]).await?;
        let state = verification.end().await??;

        assert_eq!(
            (state.status, state.breakdown.score.get(), state.breakdown.level()),
            (VerificationStatus::Completed, 50, Level::Silver)
        );
        assert_eq!(
            method(&state.methods, Method::Document)?,
            (MethodStatus::Failed, "DOCUMENT_NOT_FOUND")
        );
        assert_eq!(method(&state.methods, Method::Community)?.0, MethodStatus::Accepted);
        let history = community.history().await?;
        assert_eq!(count(&history, EventType::WorkflowExecutionCancelRequested), 0);
        record(
            "orchestrator",
            "failed-document-and-community",
            &verification.history().await?,
        )
    })
}

#[test]
fn a_cancelled_verification_withdraws_the_validation() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let verification = stack.verify(by_both(Course::default())).await?;
        let community = CommunityRun::of_verification(stack, &verification);
        community.has_invited(10).await?;
        community.vote(&[Approve]).await?;
        let options = WorkflowCancelOptions::builder().reason("not needed".to_owned()).build();
        verification.handle.cancel(options).await?;
        let end = verification.end().await?;
        ensure!(
            matches!(end, Err(WorkflowGetResultError::Cancelled { .. })),
            "it ended as {end:?}"
        );
        // Where the child ends within the same workflow task, the task and its local activity are done again.
        let outcomes = verification.script.seen().outcomes;
        let is_cancelled = |record: &OutcomeRecord| record.outcome.status == VerificationStatus::Cancelled;
        ensure!(
            !outcomes.is_empty() && outcomes.iter().all(is_cancelled),
            "recorded as {outcomes:?}"
        );
        method_ends_as(&verification, Method::Community, WorkflowExecutionStatus::Canceled).await?;
        let seen = verification.script.seen().community;
        assert_eq!(seen.ends(), [ValidationEnd::Withdrawn], "the open requests are closed");
        record(
            "orchestrator",
            "cancelled-with-the-community",
            &verification.history().await?,
        )?;
        record("community", "withdrawn", &community.history().await?)
    })
}

/// Which answers come, and what they amount to after 72 hours: decision, reason, and vouches that count.
type Timeout = (&'static [Answer], &'static str, (Decision, &'static str, usize));

#[test]
fn after_72_hours_what_was_answered_counts_and_the_silent_were_reminded_twice() -> anyhow::Result<()> {
    let table: [Timeout; 4] = [
        (
            &[],
            "timed-out-without-answers",
            (Decision::Rejected, "TIMED_OUT_WITHOUT_VOUCHES", 0),
        ),
        (
            &[Approve],
            "timed-out-with-a-vouch",
            (Decision::Accepted, "TIMED_OUT_WITH_VOUCHES", 1),
        ),
        (
            &[Approve, Approve],
            "timed-out-with-two-vouches",
            (Decision::Accepted, "TIMED_OUT_WITH_VOUCHES", 2),
        ),
        (
            &[Approve, Reject],
            "timed-out-with-a-rejection",
            (Decision::Rejected, "TIMED_OUT_WITH_REJECTIONS", 0),
        ),
    ];
    on_stack(async |stack| {
        for timeout in table {
            times_out(stack, timeout).await?;
        }
        Ok(())
    })
}

async fn times_out(stack: &Stack, (answers, name, (decision, reason, vouches)): Timeout) -> anyhow::Result<()> {
    let community = CommunityRun::start(stack, Course::default()).await?;
    community.has_invited(10).await?;
    community.vote(answers).await?;
    community.let_time_pass().await?;
    assert_eq!(
        community.outcome().await?,
        (decision, reason.to_owned(), vouches),
        "{name}"
    );

    let history = community.history().await?;
    let virtually = lasted(&history)?;
    ensure!(
        (72 * HOUR..72 * HOUR + LATE).contains(&virtually),
        "it lasted {virtually:?}"
    );
    let seen = community.script.seen().community;
    assert_eq!(seen.ends(), [ValidationEnd::TimedOut]);
    let start = seen.invitations[0].invited_at_seconds;
    let reminders = seen.reminders.iter();
    let after: Vec<_> = reminders
        .map(|reminder| (reminder.reminder, (reminder.reminded_at_seconds - start) / 3600))
        .collect();
    assert_eq!(after, [(1, 24), (2, 48)], "in hours after the start");
    assert_eq!(seen.invitations[0].deadline_seconds - start, 72 * 3600);
    record("community", name, &history)
}

#[test]
fn somebody_else_is_asked_for_whoever_abstains() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let community = CommunityRun::start(stack, Course::default()).await?;
        community.has_invited(10).await?;
        community.vote(&[Abstain, Approve, Approve]).await?;
        let progress = community.has_invited(11).await?;
        assert_eq!((progress.approvals, progress.abstentions), (2, 1));
        let taken = community.answer(response(11, Approve)?).await?;
        assert_eq!(taken, ResponseTaken::Counted);
        assert_eq!(
            community.outcome().await?,
            (Decision::Accepted, "QUORUM_REACHED".to_owned(), 3)
        );
        let invitations = community.script.seen().community.invitations;
        let batches: Vec<_> = invitations.iter().map(|batch| (batch.batch, batch.count)).collect();
        assert_eq!(batches, [(1, 10), (2, 1)]);
        assert_eq!(invitations[0].deadline_seconds, invitations[1].deadline_seconds);
        record("community", "quorum-after-an-abstention", &community.history().await?)
    })
}

#[test]
fn it_ends_as_soon_as_not_enough_can_approve() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let of = |validators| Course {
            validators,
            ..Course::default()
        };
        let community = CommunityRun::start(stack, of(4)).await?;
        community.has_invited(4).await?;
        community.vote(&[Approve, Reject, Abstain]).await?;
        assert_eq!(
            community.outcome().await?,
            (Decision::Rejected, "QUORUM_OUT_OF_REACH".to_owned(), 0)
        );
        record("community", "out-of-reach", &community.history().await?)?;

        let community = CommunityRun::start(stack, of(2)).await?;
        assert_eq!(
            community.outcome().await?,
            (Decision::Rejected, "NOT_ENOUGH_VALIDATORS".to_owned(), 0)
        );
        let seen = community.script.seen().community;
        assert_eq!(seen.ends(), [ValidationEnd::OutOfReach]);
        record("community", "not-enough-validators", &community.history().await?)
    })
}

/// A validation whose vouches look made up, when a person is asked.
async fn in_review(stack: &Stack) -> anyhow::Result<CommunityRun> {
    let course = Course {
        suspicion: Some(SUSPICION),
        ..Course::default()
    };
    let community = CommunityRun::start(stack, course).await?;
    community.has_invited(10).await?;
    let early = community.decide_in_vain().await?;
    assert_eq!(early, "VALIDATION_NOT_IN_REVIEW");
    community.vote(&[Approve, Approve, Approve]).await?;
    community.waits_for_a_person().await?;
    Ok(community)
}

#[test]
fn a_person_decides_on_vouches_that_look_made_up() -> anyhow::Result<()> {
    on_stack(async |stack| {
        for (is_accepted, name, outcome) in [
            (true, "accepted-in-review", (Decision::Accepted, "REVIEW_ACCEPTED", 3)),
            (false, "rejected-in-review", (Decision::Rejected, "REVIEW_REJECTED", 0)),
        ] {
            let community = in_review(stack).await?;
            let late = community.answer_in_vain(response(4, Approve)?).await?;
            assert_eq!(late, "VALIDATION_OVER");
            assert_eq!(community.decide(is_accepted).await?, is_accepted);
            let (decision, reason, vouches) = outcome;
            assert_eq!(community.outcome().await?, (decision, reason.to_owned(), vouches));
            let seen = community.script.seen().community;
            let [ValidationEnd::Quorum, ValidationEnd::Reviewed(decided)] = &seen.ends()[..] else {
                bail!("counted as {:?}", seen.ends())
            };
            assert_eq!(
                (decided.is_accepted, decided.decided_by.as_str()),
                (is_accepted, "person:1")
            );
            record("community", name, &community.history().await?)?;
        }
        Ok(())
    })
}

#[test]
fn a_review_that_nobody_decides_ends_after_7_days() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let community = in_review(stack).await?;
        community.let_time_pass().await?;
        assert_eq!(
            community.outcome().await?,
            (Decision::Rejected, "REVIEW_EXPIRED".to_owned(), 0)
        );
        let history = community.history().await?;
        let virtually = lasted(&history)?;
        let week = 7 * 24 * HOUR;
        ensure!((week..week + LATE).contains(&virtually), "it lasted {virtually:?}");
        let seen = community.script.seen().community;
        assert_eq!(seen.ends(), [ValidationEnd::Quorum, ValidationEnd::ReviewExpired]);
        let asked = &seen.aggregations[0];
        assert_eq!(asked.review_until_seconds - asked.ended_at_seconds, 7 * 24 * 3600);
        record("community", "review-expired", &history)
    })
}

#[test]
fn a_cancellation_withdraws_a_review() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let community = in_review(stack).await?;
        community.cancel().await?;
        let end = community.end().await?;
        ensure!(
            matches!(end, Err(WorkflowGetResultError::Cancelled { .. })),
            "it ended as {end:?}"
        );
        let seen = community.script.seen().community;
        assert_eq!(seen.ends(), [ValidationEnd::Quorum, ValidationEnd::Withdrawn]);
        record("community", "withdrawn-in-review", &community.history().await?)
    })
}

#[test]
fn whoever_was_not_asked_or_has_answered_is_refused_and_a_repeat_is_not() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let community = CommunityRun::start(stack, Course::default()).await?;
        community.has_invited(10).await?;
        let approval = response(1, Approve)?;
        for _ in 0..2 {
            assert_eq!(community.answer(approval.clone()).await?, ResponseTaken::Counted);
        }
        let without_reason = {
            let mut rejection = response(2, Reject)?;
            rejection.reject_reason = None;
            rejection
        };
        let table = [
            (response(1, Approve)?, "VALIDATION_ANSWERED"),
            (response(1, Reject)?, "VALIDATION_ANSWERED"),
            (response(11, Approve)?, "VALIDATOR_NOT_INVITED"),
            (without_reason, "REJECT_REASON_MISMATCH"),
        ];
        for (refused, reason) in table {
            assert_eq!(community.answer_in_vain(refused).await?, reason);
        }
        let votes = community.votes().await?;
        let answered: Vec<_> = votes
            .iter()
            .filter_map(|vote| Some((vote.validator_id.get(), vote.answer?)))
            .collect();
        assert_eq!((votes.len(), answered), (10, vec![(1, Approve)]));
        assert_eq!(community.script.seen().community.votes.len(), 1);
        community.cancel().await
    })
}

#[test]
fn an_answer_by_signal_counts_and_what_is_none_is_ignored() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let community = CommunityRun::start(stack, Course::default()).await?;
        community.has_invited(10).await?;
        let ignored = [
            json!("please"),
            json!({ "validator_id": 0, "answer": "approve" }),
            json!({ "validator_id": 11, "answer": "approve" }),
            json!({ "validator_id": 1, "answer": "reject" }),
        ];
        for message in &ignored {
            community.signal(message).await?;
        }
        let counted = [
            json!({ "validator_id": 1, "answer": "reject", "reject_reason": "conduct", "of_a_newer_version": 1 }),
            json!({ "validator_id": 2, "answer": "approve" }),
            json!({ "validator_id": 3, "answer": "approve" }),
            json!({ "validator_id": 4, "answer": "approve" }),
        ];
        for message in &counted {
            community.signal(message).await?;
        }
        assert_eq!(
            community.outcome().await?,
            (Decision::Accepted, "QUORUM_REACHED".to_owned(), 3)
        );
        let progress = Progress {
            phase: Phase::Ended,
            invited: 10,
            approvals: 3,
            rejections: 1,
            abstentions: 0,
            approvals_needed: 3,
            signals_ignored: 4,
        };
        assert_eq!(community.progress().await?, progress);
        let votes = community.script.seen().community.votes;
        // Votes of one moment are recorded in any order.
        let mut reasons = votes.iter().filter_map(|vote| vote.response.reject_reason);
        assert_eq!((reasons.next(), reasons.next()), (Some(RejectReason::Conduct), None));
        record("community", "quorum-by-signals", &community.history().await?)
    })
}

#[test]
fn both_methods_keep_their_budget_of_events_and_workflow_tasks() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let verification = stack.verify(by_both(Course::default())).await?;
        let community = CommunityRun::of_verification(stack, &verification);
        // A query would take a workflow task of its own.
        eventually(DEADLINE, "a scored document and invited validators", async || {
            let seen = verification.script.seen();
            (!seen.scorings.is_empty() && !seen.community.invitations.is_empty()).then_some(())
        })
        .await?;
        community.vote(&[Approve, Approve, Approve]).await?;
        verification.end().await??;
        let histories = [
            verification.history().await?,
            verification.method_history(Method::Document).await?,
            verification.method_history(Method::Community).await?,
        ];
        let events: Vec<_> = histories.iter().map(|history| history.events.len()).collect();
        let tasks = histories
            .iter()
            .map(|history| count(history, EventType::WorkflowTaskCompleted));
        let tasks: Vec<_> = tasks.collect();
        println!(
            "verification by document and community, three votes: {} history events {events:?}, {} workflow tasks {tasks:?} \
             (parent, document, community)",
            events.iter().sum::<usize>(),
            tasks.iter().sum::<usize>()
        );
        let (most_events, most_tasks) = BUDGET;
        let listing = || histories.iter().map(event_types).collect::<Vec<_>>();
        ensure!(
            events.iter().sum::<usize>() <= most_events && tasks.iter().sum::<usize>() <= most_tasks,
            "over the budget of {BUDGET:?}: {:#?}",
            listing()
        );
        Ok(())
    })
}
