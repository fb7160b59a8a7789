use super::*;
use crate::testing::{at, cancelled, insert_span, store};
use mesh_testkit::fixtures::OrPanic;
use orchestrator_workflows::contract::default_remind_after_seconds;

/// What a run that stands for an instant writes.
async fn remind(store: &Store, as_of: &str) -> u64 {
    let round = ReminderRound::new(at(as_of), default_remind_after_seconds());
    store
        .insert_reminders(round, at("2026-11-25T12:00:00Z"))
        .await
        .or_panic()
}

async fn list(store: &Store, member_id: Option<MemberId>) -> Vec<(VerificationId, String)> {
    let filter = ReminderFilter { member_id };
    let reminders = store.list_reminders(filter, None, 10).await.or_panic();
    let line = |reminder: Reminder| (reminder.verification_id, reminder.week.monday().to_string());
    reminders.into_iter().map(line).collect()
}

#[tokio::test]
async fn a_verification_has_one_reminder_a_week_however_often_the_run_is_repeated() {
    let store = store().await;
    let id = insert_span(&store, 1, "2026-11-02T08:00:00Z", None).await;
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
    insert_span(&store, 1, "2026-11-02T08:00:00Z", None).await;
    let runs = futures::future::join_all((0..8).map(|_| remind(&store, "2026-11-23T09:00:00Z"))).await;
    assert_eq!(runs.into_iter().sum::<u64>(), 1);
}

#[tokio::test]
async fn a_member_is_reminded_only_after_more_than_seven_days() {
    let store = store().await;
    insert_span(&store, 1, "2026-11-16T09:00:00Z", None).await;
    assert_eq!(remind(&store, "2026-11-23T09:00:00Z").await, 0, "seven days, not more");
    assert_eq!(remind(&store, "2026-11-23T09:00:01Z").await, 1);
}

#[tokio::test]
async fn a_back_filled_week_is_written_as_it_stood() {
    let store = store().await;
    let ran = insert_span(
        &store,
        1,
        "2026-10-01T08:00:00Z",
        Some(("2026-11-10T08:00:00Z", cancelled())),
    )
    .await;
    insert_span(&store, 2, "2026-11-01T08:00:00Z", None).await;
    insert_span(
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
    let first = insert_span(&store, 1, "2026-10-01T08:00:00Z", None).await;
    let second = insert_span(&store, 2, "2026-10-01T08:00:00Z", None).await;
    remind(&store, "2026-11-16T09:00:00Z").await;
    remind(&store, "2026-11-23T09:00:00Z").await;
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let filter = ReminderFilter { member_id: None };
        let page = store.list_reminders(filter, after.as_ref(), 1).await;
        let Some(reminder) = page.or_panic().pop() else {
            break;
        };
        pages.push((reminder.verification_id, reminder.week.monday().to_string()));
        after = Some(ReminderKey {
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
async fn reminders_of_old_weeks_are_deleted_and_no_others() {
    let store = store().await;
    let id = insert_span(&store, 1, "2026-11-02T08:00:00Z", None).await;
    for as_of in ["2026-11-16T09:00:00Z", "2026-11-23T09:00:00Z", "2026-11-30T09:00:00Z"] {
        assert_eq!(remind(&store, as_of).await, 1);
    }
    assert_eq!(
        store.delete_reminders(at("2026-11-29T00:00:00Z"), 10).await.or_panic(),
        1
    );
    let expected = [(id, "2026-11-30".to_owned()), (id, "2026-11-23".to_owned())];
    assert_eq!(list(&store, None).await, expected);
}
