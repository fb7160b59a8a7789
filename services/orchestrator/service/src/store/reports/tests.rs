use super::*;
use crate::store::NewVerification;
use crate::testing::{OrPanic, member, new_verification, store};
use mesh_types::{Score, ScoreBreakdown, VerificationStatus};
use orchestrator_workflows::contract::{MethodState, MethodStatus, VerificationOutcome, default_quiet_seconds};

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn month(text: &str) -> Month {
    Month::parse(text).expect("a month")
}

/// A verification of a new member, from one instant to another.
async fn insert(
    store: &Store,
    number: i64,
    started_at: &str,
    end: Option<(&str, VerificationOutcome)>,
) -> VerificationId {
    let new = NewVerification {
        started_at: at(started_at),
        ..new_verification(member(store, number).await)
    };
    let id = crate::testing::insert(store, new).await;
    if let Some((ended_at, outcome)) = end {
        store
            .record_outcome(id, "the run", &outcome, at(ended_at))
            .await
            .or_panic();
    }
    id
}

fn ended(status: VerificationStatus, score: i64, methods: &[(Method, MethodStatus)]) -> VerificationOutcome {
    let state = |&(method, status): &(Method, MethodStatus)| MethodState {
        method,
        status,
        internal_reason: None,
        member_reason: String::new(),
    };
    VerificationOutcome {
        status,
        methods: methods.iter().map(state).collect(),
        breakdown: ScoreBreakdown {
            score: Score::capped(score),
            ..ScoreBreakdown::of(Vec::new())
        },
        next_steps: Vec::new(),
    }
}

fn cancelled() -> VerificationOutcome {
    ended(VerificationStatus::Cancelled, 0, &[])
}

/// What a run that stands for an instant writes.
async fn remind(store: &Store, as_of: &str) -> u64 {
    let round = ReminderRound::new(at(as_of), default_quiet_seconds());
    store
        .insert_reminders(round, at("2026-11-25T12:00:00Z"))
        .await
        .or_panic()
}

async fn list(store: &Store, member_id: Option<MemberId>) -> Vec<(VerificationId, String)> {
    let filter = ReminderFilter {
        member_id,
        after: None,
        limit: 10,
    };
    let reminders = store.list_reminders(&filter).await.or_panic();
    let line = |reminder: Reminder| (reminder.verification_id, reminder.week.monday().to_string());
    reminders.into_iter().map(line).collect()
}

#[tokio::test]
async fn a_verification_has_one_reminder_a_week_however_often_the_run_is_repeated() {
    let store = store().await;
    let id = insert(&store, 1, "2026-11-02T08:00:00Z", None).await;
    assert_eq!(remind(&store, "2026-11-23T09:00:00Z").await, 1);
    assert_eq!(remind(&store, "2026-11-23T09:00:00Z").await, 0, "repeated");
    assert_eq!(remind(&store, "2026-11-29T23:00:00Z").await, 0, "late, the same week");
    assert_eq!(remind(&store, "2026-11-30T09:00:00Z").await, 1);
    let expected = [(id, "2026-11-30".to_owned()), (id, "2026-11-23".to_owned())];
    assert_eq!(list(&store, None).await, expected);
}

#[tokio::test]
async fn runs_of_the_same_week_at_once_write_one_reminder() {
    let store = store().await;
    insert(&store, 1, "2026-11-02T08:00:00Z", None).await;
    let runs = futures::future::join_all((0..8).map(|_| remind(&store, "2026-11-23T09:00:00Z"))).await;
    assert_eq!(runs.into_iter().sum::<u64>(), 1);
}

#[tokio::test]
async fn a_member_is_reminded_only_after_more_than_seven_days() {
    let store = store().await;
    insert(&store, 1, "2026-11-16T09:00:00Z", None).await;
    assert_eq!(remind(&store, "2026-11-23T09:00:00Z").await, 0, "seven days, not more");
    assert_eq!(remind(&store, "2026-11-23T09:00:01Z").await, 1);
}

#[tokio::test]
async fn a_back_filled_week_is_written_as_it_stood() {
    let store = store().await;
    let ran = insert(
        &store,
        1,
        "2026-10-01T08:00:00Z",
        Some(("2026-11-10T08:00:00Z", cancelled())),
    )
    .await;
    insert(&store, 2, "2026-11-01T08:00:00Z", None).await;
    insert(
        &store,
        3,
        "2026-10-02T08:00:00Z",
        Some(("2026-11-02T09:00:00Z", cancelled())),
    )
    .await;
    assert_eq!(
        remind(&store, "2026-11-02T09:00:00Z").await,
        1,
        "one had only begun, one ended at that instant"
    );
    assert_eq!(list(&store, None).await, [(ran, "2026-11-02".to_owned())]);
    assert_eq!(remind(&store, "2026-11-02T09:00:00Z").await, 0, "back-filled again");
    assert_eq!(
        remind(&store, "2026-11-16T09:00:00Z").await,
        1,
        "the first has ended since"
    );
}

#[tokio::test]
async fn reminders_are_listed_by_member_and_page_by_page() {
    let store = store().await;
    let first = insert(&store, 1, "2026-10-01T08:00:00Z", None).await;
    let second = insert(&store, 2, "2026-10-01T08:00:00Z", None).await;
    remind(&store, "2026-11-16T09:00:00Z").await;
    remind(&store, "2026-11-23T09:00:00Z").await;
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let filter = ReminderFilter {
            member_id: None,
            after,
            limit: 1,
        };
        let Some(reminder) = store.list_reminders(&filter).await.or_panic().pop() else {
            break;
        };
        pages.push((reminder.verification_id, reminder.week.monday().to_string()));
        after = Some(ReminderPlace {
            week: reminder.week,
            verification_id: reminder.verification_id,
        });
    }
    let (newer, older) = ("2026-11-23".to_owned(), "2026-11-16".to_owned());
    let all = [
        (second, newer.clone()),
        (first, newer.clone()),
        (second, older.clone()),
        (first, older.clone()),
    ];
    assert_eq!(pages, all);
    assert_eq!(
        list(&store, MemberId::try_from(1).ok()).await,
        [(first, newer), (first, older)]
    );
}

#[tokio::test]
async fn a_report_counts_what_ended_in_the_month_and_what_was_in_progress_at_its_end() {
    use MethodStatus::{Accepted, Failed, Rejected};
    use VerificationStatus::{Completed, Timeout};
    let store = store().await;
    let document = |status| (Method::Document, status);
    let reputation = |status| (Method::Reputation, status);
    let verifications = [
        // The first and the last microsecond of October; 1 and 3 hours, and 10 minutes.
        (
            "2026-09-30T23:00:00Z",
            "2026-10-01T00:00:00Z",
            ended(Completed, 25, &[document(Accepted)]),
        ),
        (
            "2026-10-02T00:00:00Z",
            "2026-10-02T03:00:00Z",
            ended(Completed, 75, &[document(Accepted), reputation(Rejected)]),
        ),
        (
            "2026-10-31T23:50:00Z",
            "2026-10-31T23:59:59.999999Z",
            ended(Completed, 50, &[document(Accepted)]),
        ),
        (
            "2026-10-05T00:00:00Z",
            "2026-10-09T00:00:00Z",
            ended(VerificationStatus::Failed, 24, &[document(Failed)]),
        ),
        (
            "2026-09-10T00:00:00Z",
            "2026-10-10T00:00:00Z",
            ended(Timeout, 49, &[reputation(Accepted)]),
        ),
        ("2026-10-11T00:00:00Z", "2026-10-12T00:00:00Z", cancelled()),
        // Of other months; the second and the third were in progress when October ended.
        (
            "2026-09-01T00:00:00Z",
            "2026-09-30T23:59:59Z",
            ended(Completed, 100, &[document(Accepted)]),
        ),
        (
            "2026-10-20T00:00:00Z",
            "2026-11-01T00:00:00Z",
            ended(Completed, 100, &[document(Accepted)]),
        ),
        ("2026-10-20T00:00:00Z", "2026-11-20T00:00:00Z", cancelled()),
        ("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", cancelled()),
    ];
    for (number, (started_at, ended_at, state)) in (1..).zip(verifications) {
        insert(&store, number, started_at, Some((ended_at, state))).await;
    }
    insert(&store, 20, "2026-10-30T00:00:00Z", None).await;

    let count = |method, accepted, not_accepted| MethodCount {
        method,
        accepted,
        not_accepted,
    };
    let expected = VerificationReport {
        month: month("2026-10"),
        in_progress: 3,
        completed: 3,
        failed: 1,
        cancelled: 1,
        timed_out: 1,
        levels: [
            (Level::None, 2),
            (Level::Bronze, 2),
            (Level::Silver, 1),
            (Level::Gold, 1),
        ],
        methods: vec![count(Method::Document, 3, 1), count(Method::Reputation, 1, 1)],
        median_seconds: Some(3600),
        computed_at: at("2026-11-01T03:00:00Z"),
    };
    store
        .record_report(expected.month, expected.computed_at)
        .await
        .or_panic();
    assert_eq!(
        store.find_report(expected.month).await.or_panic(),
        Some(expected.clone())
    );

    let again = VerificationReport {
        computed_at: at("2026-11-25T12:00:00Z"),
        ..expected
    };
    store.record_report(again.month, again.computed_at).await.or_panic();
    let all = ReportFilter {
        before: None,
        limit: 10,
    };
    assert_eq!(
        store.list_reports(&all).await.or_panic(),
        [again],
        "replaced, with the same figures"
    );
}

#[tokio::test]
async fn a_median_lies_between_the_two_in_the_middle_and_is_absent_where_nothing_completed() {
    let store = store().await;
    let completed = || ended(VerificationStatus::Completed, 50, &[]);
    insert(
        &store,
        1,
        "2026-10-01T00:00:00Z",
        Some(("2026-10-01T00:01:00Z", completed())),
    )
    .await;
    // An end is written in whole seconds, so it may lie before the start.
    insert(
        &store,
        2,
        "2026-10-01T00:00:00.9Z",
        Some(("2026-10-01T00:00:00Z", completed())),
    )
    .await;
    insert(
        &store,
        3,
        "2026-09-01T00:00:00Z",
        Some(("2026-09-02T00:00:00Z", cancelled())),
    )
    .await;
    for (text, median) in [("2026-10", Some(30)), ("2026-09", None), ("2026-08", None)] {
        store
            .record_report(month(text), at("2026-11-01T03:00:00Z"))
            .await
            .or_panic();
        let report = store.find_report(month(text)).await.or_panic().expect("it was written");
        assert_eq!(report.median_seconds, median, "{text}");
    }
    let two = ReportFilter {
        before: Some(month("2026-10")),
        limit: 10,
    };
    let listed = store.list_reports(&two).await.or_panic();
    let listed: Vec<_> = listed.iter().map(|report| report.month.to_string()).collect();
    assert_eq!(listed, ["2026-09", "2026-08"]);
}

#[test]
fn levels_are_told_apart_where_the_rules_do() {
    assert_eq!(level_bounds(), [25, 50, 75]);
}
