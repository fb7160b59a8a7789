//! The rules of the method in person, and what all four methods cost together.

use super::community_run::CommunityRun;
use super::fakes::{HoldScript, MeetingScript, NOT_CONFIRMED, confirmed, verifier};
use super::in_person_run::{InPersonRun, MeetingPlan, nothing, unreadable};
use super::scenarios::{method, method_ends_as};
use super::support::{
    Clock, DEADLINE, Plan, by_community, by_document, by_person, by_reputation, count, event_types, lasted, on_stack,
    record,
};
use anyhow::ensure;
use community_workflows::contract::Answer::Approve;
use in_person_workflows::contract::{CloseReason, MeetingRules, Phase, Progress, SearchRequest, Slot, Standing};
use mesh_testkit::eventually;
use mesh_types::{Decision, EvidenceKind, Method, VerificationStatus};
use orchestrator_workflows::contract::MethodStatus;
use std::time::Duration;
use temporalio_client::WorkflowExecutionStatus;
use temporalio_client::errors::WorkflowGetResultError;
use temporalio_common::protos::temporal::api::enums::v1::EventType;
use temporalio_common::protos::temporal::api::history::v1::History;

const HOUR: Duration = Duration::from_secs(3600);
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
/// What the clock may be late by, where it is not waited for.
const LATE: Duration = Duration::from_secs(60);
/// What the budget of all methods side by side allows: history events and workflow tasks, parent and all children together. The parent has
/// one task for each child that ends and one for each scoring; that two children begin may take one task or two.
const BUDGET: (usize, usize) = (132, 21);

use EvidenceKind::{InPersonMet, InPersonOriginalDocument};

/// A plan in which nothing is unusual but what a script says.
fn with(meetings: MeetingScript) -> MeetingPlan {
    MeetingPlan {
        meetings,
        ..MeetingPlan::default()
    }
}

/// The same where time is skipped.
fn skipping_with(meetings: MeetingScript) -> MeetingPlan {
    MeetingPlan {
        clock: Clock::Skipping,
        ..with(meetings)
    }
}

/// The outcome of a meeting that confirms the member, with so many pieces of evidence.
fn met(evidence: usize) -> (Decision, String, usize) {
    (Decision::Accepted, "MET_IN_PERSON".to_owned(), evidence)
}

fn rejected(reason: &str) -> (Decision, String, usize) {
    (Decision::Rejected, reason.to_owned(), 0)
}

/// How many whole hours are between two instants in seconds.
fn hours(from_seconds: i64, until_seconds: i64) -> i64 {
    (until_seconds - from_seconds) / 3600
}

/// How many whole hours are between one search and the next.
fn pauses(searches: &[SearchRequest]) -> Vec<i64> {
    let pairs = searches.windows(2);
    pairs
        .map(|pair| hours(pair[0].from_seconds, pair[1].from_seconds))
        .collect()
}

fn ensure_lasted(history: &History, virtually: Duration) -> anyhow::Result<()> {
    let took = lasted(history)?;
    ensure!((virtually..virtually + LATE).contains(&took), "it lasted {took:?}");
    Ok(())
}

#[test]
fn a_meeting_with_an_original_document_proves_two_things() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let meeting = InPersonRun::start(stack, MeetingPlan::default()).await?;
        let appointment = meeting.has_booked(1).await?;
        assert_eq!(appointment.verifier_id, verifier(1));
        meeting
            .report(confirmed(&[InPersonMet, InPersonOriginalDocument]))
            .await?;
        assert_eq!(meeting.outcome().await?, met(2));
        let progress = Progress {
            phase: Phase::Ended,
            appointments: 1,
            member_no_shows: 0,
        };
        assert_eq!(meeting.progress().await?, progress);
        let seen = meeting.script.seen().in_person;
        assert_eq!((seen.searches.len(), seen.holds.len(), seen.looks.len()), (1, 1, 1));
        assert!(seen.closings.is_empty(), "what has ended is not closed");
        record("in-person", "met-with-original-document", &meeting.history().await?)
    })
}

#[test]
fn a_change_is_looked_at_whatever_the_signal_holds() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let meeting = InPersonRun::start(stack, MeetingPlan::default()).await?;
        let booked = meeting.has_booked(1).await?;
        meeting.signal(Standing::CheckedIn, unreadable()).await?;
        meeting.comes_to(Phase::CheckedIn).await?;
        assert_eq!(meeting.appointment().await?, Some(booked));
        meeting.signal(confirmed(&[InPersonMet]), nothing()).await?;
        assert_eq!(meeting.outcome().await?, met(1));
        assert_eq!(meeting.script.seen().in_person.looks.len(), 2);
        record("in-person", "met-by-signals", &meeting.history().await?)
    })
}

#[test]
fn a_meeting_that_does_not_confirm_rejects() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let meeting = InPersonRun::start(stack, MeetingPlan::default()).await?;
        meeting.has_booked(1).await?;
        meeting.report(NOT_CONFIRMED).await?;
        assert_eq!(meeting.outcome().await?, rejected("IDENTITY_NOT_CONFIRMED"));
        record("in-person", "not-confirmed", &meeting.history().await?)
    })
}

#[test]
fn after_a_cancellation_by_the_verifier_somebody_else_is_booked() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let meeting = InPersonRun::start(stack, MeetingPlan::default()).await?;
        let first = meeting.has_booked(1).await?;
        meeting.report(Standing::CancelledByVerifier).await?;
        let second = meeting.has_booked(2).await?;
        assert_eq!((first.verifier_id, second.verifier_id), (verifier(1), verifier(2)));
        meeting.report(confirmed(&[InPersonMet])).await?;
        assert_eq!(meeting.outcome().await?, met(1));
        let seen = meeting.script.seen().in_person;
        let excluded: Vec<_> = seen.searches.iter().map(|search| search.excluded.clone()).collect();
        assert_eq!(excluded, [vec![], vec![verifier(1)]]);
        let numbers: Vec<_> = seen.holds.iter().map(|hold| hold.number).collect();
        assert_eq!(numbers, [1, 2]);
        record("in-person", "another-after-a-cancellation", &meeting.history().await?)
    })
}

#[test]
fn the_first_no_show_of_the_member_is_let_pass_and_the_second_is_not() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let meeting = InPersonRun::start(stack, MeetingPlan::default()).await?;
        for appointment in [1, 2] {
            meeting.has_booked(appointment).await?;
            meeting.report(Standing::NoShowOfMember).await?;
        }
        assert_eq!(meeting.outcome().await?, rejected("MEMBER_DID_NOT_COME"));
        let progress = meeting.progress().await?;
        assert_eq!((progress.appointments, progress.member_no_shows), (2, 2));
        record("in-person", "member-did-not-come", &meeting.history().await?)
    })
}

#[test]
fn a_no_show_of_a_verifier_never_counts_against_the_member() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let meeting = InPersonRun::start(stack, MeetingPlan::default()).await?;
        for appointment in [1, 2, 3] {
            meeting.has_booked(appointment).await?;
            meeting.report(Standing::NoShowOfVerifier).await?;
        }
        let fourth = meeting.has_booked(4).await?;
        assert_eq!(fourth.verifier_id, verifier(4));
        assert_eq!(meeting.progress().await?.member_no_shows, 0);
        meeting.report(confirmed(&[InPersonMet])).await?;
        assert_eq!(meeting.outcome().await?, met(1));
        record("in-person", "three-verifiers-did-not-come", &meeting.history().await?)
    })
}

/// Nobody tells of the meeting either: what became of it is found when the appointment would be given up.
#[test]
fn where_nobody_is_available_it_is_searched_again_every_hour() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let meetings = MeetingScript {
            searches_in_vain: 3,
            standings: vec![confirmed(&[InPersonMet])],
            ..MeetingScript::default()
        };
        let meeting = InPersonRun::start(stack, skipping_with(meetings)).await?;
        assert_eq!(meeting.outcome().await?, met(1));
        let history = meeting.history().await?;
        // Three pauses, three hours to the appointment, half an hour, and a day.
        ensure_lasted(&history, 30 * HOUR + HOUR / 2)?;
        let seen = meeting.script.seen().in_person;
        assert_eq!(pauses(&seen.searches), [1, 1, 1]);
        let [booked] = &meeting.script.appointments()[..] else {
            anyhow::bail!("not one appointment");
        };
        let id = booked.appointment.appointment_id;
        assert_eq!(seen.closed(), [(Some(id), CloseReason::Unattended)]);
        assert!(seen.looks.is_empty(), "nobody told of a change");
        record("in-person", "booked-after-searches-in-vain", &history)
    })
}

#[test]
fn where_nobody_is_ever_available_it_ends_after_7_days() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let meetings = MeetingScript {
            verifiers: 0,
            ..MeetingScript::default()
        };
        // Fewer searches make a shorter history, and the server skips time 100 times at most.
        let rules = MeetingRules {
            search_pause_seconds: 6 * 3600,
            ..MeetingRules::default()
        };
        let plan = MeetingPlan {
            rules,
            ..skipping_with(meetings)
        };
        let meeting = InPersonRun::start(stack, plan).await?;
        assert_eq!(meeting.outcome().await?, rejected("MEETING_TIMED_OUT"));
        let history = meeting.history().await?;
        ensure_lasted(&history, WEEK)?;
        let seen = meeting.script.seen().in_person;
        assert_eq!(pauses(&seen.searches), [6; 27]);
        assert_eq!(seen.closed(), [(None, CloseReason::TimedOut)]);
        assert!(seen.holds.is_empty(), "nobody was there to hold");
        record("in-person", "nobody-was-available", &history)
    })
}

#[test]
fn an_appointment_of_which_nobody_says_anything_is_given_up_after_a_day() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let meetings = MeetingScript {
            verifiers: 10,
            ..MeetingScript::default()
        };
        let meeting = InPersonRun::start(stack, skipping_with(meetings)).await?;
        assert_eq!(meeting.outcome().await?, rejected("MEETING_TIMED_OUT"));
        let history = meeting.history().await?;
        ensure_lasted(&history, WEEK)?;
        let seen = meeting.script.seen().in_person;
        let booked = meeting.script.appointments();
        // Each takes three hours, half an hour and a day; a seventh would end after the 7 days.
        assert_eq!(booked.len(), 6);
        for (given_up, search) in booked.iter().zip(&seen.searches[1..]) {
            assert_eq!(given_up.standing, Standing::Unattended);
            assert_eq!(hours(given_up.appointment.slot.end_seconds, search.from_seconds), 24);
        }
        let ids = booked.iter().map(|booked| booked.appointment.appointment_id);
        let mut closed: Vec<_> = ids.map(|id| (Some(id), CloseReason::Unattended)).collect();
        closed.push((None, CloseReason::TimedOut));
        assert_eq!(seen.closed(), closed);
        record("in-person", "nobody-said-anything", &history)
    })
}

#[test]
fn an_appointment_that_is_to_come_when_the_time_is_over_is_withdrawn() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let rules = MeetingRules {
            total_seconds: 12 * 3600,
            ..MeetingRules::default()
        };
        let plan = MeetingPlan {
            rules,
            ..skipping_with(MeetingScript::default())
        };
        let meeting = InPersonRun::start(stack, plan).await?;
        assert_eq!(meeting.outcome().await?, rejected("MEETING_TIMED_OUT"));
        let history = meeting.history().await?;
        ensure_lasted(&history, 12 * HOUR)?;
        let booked = meeting.script.appointments();
        let stands: Vec<_> = booked.iter().map(|booked| booked.standing.clone()).collect();
        assert_eq!(stands, [Standing::Withdrawn]);
        let id = booked[0].appointment.appointment_id;
        let seen = meeting.script.seen().in_person;
        assert_eq!(seen.closed(), [(Some(id), CloseReason::TimedOut)]);
        record("in-person", "timed-out-while-booked", &history)
    })
}

#[test]
fn an_appointment_that_was_moved_is_given_up_by_its_new_time() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let meetings = MeetingScript {
            standings: vec![Standing::Booked, confirmed(&[InPersonMet])],
            ..MeetingScript::default()
        };
        let meeting = InPersonRun::start(stack, with(meetings)).await?;
        let booked = meeting.has_booked(1).await?;
        let moved = Slot {
            start_seconds: booked.slot.start_seconds + 48 * 3600,
            end_seconds: booked.slot.end_seconds + 48 * 3600,
        };
        meeting.move_to(moved).await?;
        let shown = meeting.has_moved_to(moved).await?;
        assert_eq!(shown.appointment_id, booked.appointment_id);
        meeting.let_time_pass().await?;
        assert_eq!(meeting.outcome().await?, met(1));
        let seen = meeting.script.seen().in_person;
        assert_eq!(seen.searches.len(), 2);
        assert_eq!(hours(moved.end_seconds, seen.searches[1].from_seconds), 24);
        record("in-person", "moved", &meeting.history().await?)
    })
}

#[test]
fn where_all_were_booked_by_others_meanwhile_it_is_searched_again_at_once() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let meetings = MeetingScript {
            holds: HoldScript::FindsAllTakenAtFirst,
            ..MeetingScript::default()
        };
        let meeting = InPersonRun::start(stack, with(meetings)).await?;
        meeting.has_booked(1).await?;
        meeting.report(confirmed(&[InPersonMet])).await?;
        assert_eq!(meeting.outcome().await?, met(1));
        let seen = meeting.script.seen().in_person;
        let numbers: Vec<_> = seen.holds.iter().map(|hold| hold.number).collect();
        assert_eq!((seen.searches.len(), numbers), (2, vec![1, 1]));
        let history = meeting.history().await?;
        assert_eq!(count(&history, EventType::TimerFired), 0, "there was a pause");
        record("in-person", "all-taken-at-the-hold", &history)
    })
}

#[test]
fn a_cancellation_frees_what_is_held() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let nobody = MeetingScript {
            verifiers: 0,
            ..MeetingScript::default()
        };
        let searching = InPersonRun::start(stack, with(nobody)).await?;
        searching.comes_to(Phase::Searching).await?;
        let booked = InPersonRun::start(stack, MeetingPlan::default()).await?;
        booked.has_booked(1).await?;
        for (meeting, name, held) in [
            (searching, "withdrawn-while-searching", vec![]),
            (booked, "withdrawn-while-booked", vec![Standing::Withdrawn]),
        ] {
            meeting.cancel().await?;
            let end = meeting.end().await?;
            ensure!(
                matches!(end, Err(WorkflowGetResultError::Cancelled { .. })),
                "it ended as {end:?}"
            );
            let closed = meeting.script.seen().in_person.closed();
            assert_eq!(closed, [(None, CloseReason::Withdrawn)], "{name}");
            let booked = meeting.script.appointments();
            let stands: Vec<_> = booked.into_iter().map(|booked| booked.standing).collect();
            assert_eq!(stands, held, "{name}");
            assert_eq!(meeting.progress().await?.phase, Phase::Ended);
            record("in-person", name, &meeting.history().await?)?;
        }
        Ok(())
    })
}

#[test]
fn a_change_that_is_told_before_the_hold_has_answered_is_looked_at() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let meetings = MeetingScript {
            holds: HoldScript::AnswersWhenItMay,
            ..MeetingScript::default()
        };
        let meeting = InPersonRun::start(stack, with(meetings)).await?;
        // The local activity, whose answer gets lost, and the ordinary one.
        eventually(DEADLINE, "the second attempt to hold", async || {
            (meeting.script.seen().in_person.holds.len() == 2).then_some(())
        })
        .await?;
        meeting.report(confirmed(&[InPersonMet])).await?;
        assert_eq!(meeting.progress().await?.phase, Phase::Searching);
        meeting.script.let_hold_answer();
        assert_eq!(meeting.outcome().await?, met(1));
        let seen = meeting.script.seen().in_person;
        assert_eq!((seen.looks.len(), seen.closings.len()), (1, 0));
        assert_eq!(meeting.script.appointments().len(), 1, "the same number is held once");
        record("in-person", "told-before-the-hold-answered", &meeting.history().await?)
    })
}

#[test]
fn four_methods_keep_their_budget_of_events_and_workflow_tasks() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let plan = Plan {
            methods: vec![by_document, by_community, by_person, by_reputation],
            target_score: 100,
            ..Plan::default()
        };
        let verification = stack.verify(plan).await?;
        let script = &verification.script;
        let community = CommunityRun::of_verification(stack, &verification);
        let meeting = InPersonRun::of_verification(stack, &verification);
        // A query would take a workflow task of its own.
        eventually(DEADLINE, "every method to have begun", async || {
            let seen = script.seen();
            let is_asked = !seen.community.invitations.is_empty() && !script.appointments().is_empty();
            (is_asked && !seen.scorings.is_empty()).then_some(())
        })
        .await?;
        method_ends_as(&verification, Method::Reputation, WorkflowExecutionStatus::Completed).await?;
        meeting
            .report(confirmed(&[InPersonMet, InPersonOriginalDocument]))
            .await?;
        eventually(DEADLINE, "the meeting to be scored", async || {
            (script.seen().scorings.len() > 1).then_some(())
        })
        .await?;
        community.vote(&[Approve, Approve, Approve]).await?;
        let state = verification.end().await??;
        // 30 by the document, 40 by the meeting and 50 by the community, of which 100 count.
        assert_eq!(
            (state.status, state.breakdown.score.get()),
            (VerificationStatus::Completed, 100)
        );
        assert_eq!(
            method(&state.methods, Method::InPerson)?,
            (MethodStatus::Accepted, "MET_IN_PERSON")
        );
        let histories = [
            verification.history().await?,
            verification.method_history(Method::Document).await?,
            verification.method_history(Method::Community).await?,
            verification.method_history(Method::InPerson).await?,
            verification.method_history(Method::Reputation).await?,
        ];
        let events: Vec<_> = histories.iter().map(|history| history.events.len()).collect();
        let tasks = histories
            .iter()
            .map(|history| count(history, EventType::WorkflowTaskCompleted));
        let tasks: Vec<_> = tasks.collect();
        println!(
            "verification by all four methods, three votes, one appointment: {} history events {events:?}, {} workflow tasks \
             {tasks:?} (parent, document, community, in person, reputation)",
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
        record("orchestrator", "four-methods", &histories[0])
    })
}
