use super::*;
use crate::testing::{at, ended, insert, insert_span, member, new_verification, store};
use futures::future::join_all;
use mesh_runtime::clock;
use mesh_testkit::fixtures::OrPanic;
use mesh_types::ScoreBreakdown;

fn ended_as(status: VerificationStatus) -> VerificationOutcome {
    VerificationOutcome {
        status,
        methods: Vec::new(),
        breakdown: ScoreBreakdown::nothing(),
        next_steps: Vec::new(),
    }
}

async fn status(store: &Store, id: VerificationId) -> (VerificationStatus, Option<String>) {
    let found = store.find_verification(id).await.or_panic().expect("it is there");
    (found.status.known().expect("a status of today"), found.run_id)
}

#[tokio::test]
async fn of_many_at_once_one_verification_of_a_member_is_inserted() {
    let store = store().await;
    let member_id = member(&store, 1).await;
    let new: Vec<_> = (0..30).map(|_| new_verification(member_id)).collect();
    let all = join_all(new.iter().map(|new| store.insert_verification(new))).await;
    let inserted = all
        .into_iter()
        .filter(|outcome| matches!(outcome, Ok(InsertOutcome::Inserted(_))))
        .count();
    assert_eq!(inserted, 1);
}

#[tokio::test]
async fn a_verification_that_is_inserted_again_is_found_also_after_its_end() {
    let store = store().await;
    let new = new_verification(member(&store, 1).await);
    for ended in [false, true] {
        match store.insert_verification(&new).await.or_panic() {
            InsertOutcome::Inserted(found) => assert_eq!(found.outcome.is_some(), ended),
            InsertOutcome::InProgress(_) => panic!("it is the same one"),
        }
        let end = ended_as(VerificationStatus::Completed);
        let recorded = store.record_outcome(new.verification_id, "the run", &end, clock::now());
        recorded.await.or_panic();
    }
}

#[tokio::test]
async fn an_end_is_recorded_once_and_makes_room_for_the_next() {
    let store = store().await;
    let member_id = member(&store, 1).await;
    let id = insert(&store, new_verification(member_id)).await;
    for status in [VerificationStatus::Timeout, VerificationStatus::Completed] {
        store
            .record_outcome(id, "the run", &ended_as(status), clock::now())
            .await
            .or_panic();
    }
    let expected = (VerificationStatus::Timeout, Some("the run".to_owned()));
    assert_eq!(status(&store, id).await, expected);
    let next = store.insert_verification(&new_verification(member_id)).await.or_panic();
    assert!(matches!(next, InsertOutcome::Inserted(_)));
}

#[tokio::test]
async fn a_look_at_another_run_ends_nothing() {
    let store = store().await;
    let id = insert(&store, new_verification(member(&store, 1).await)).await;
    store.record_run(id, "the run").await.or_panic();
    store.record_run(id, "a later one").await.or_panic();
    store
        .reconcile_outcome(id, "another run", &ended_as(VerificationStatus::Failed), clock::now())
        .await
        .or_panic();
    let expected = (VerificationStatus::InProgress, Some("the run".to_owned()));
    assert_eq!(status(&store, id).await, expected);
}

#[tokio::test]
async fn a_workflow_that_an_operator_reset_records_its_end_from_its_new_run() {
    let store = store().await;
    let id = insert(&store, new_verification(member(&store, 1).await)).await;
    store.record_run(id, "the run that was reset").await.or_panic();
    store
        .record_outcome(
            id,
            "the new run",
            &ended_as(VerificationStatus::Completed),
            clock::now(),
        )
        .await
        .or_panic();
    let expected = (VerificationStatus::Completed, Some("the new run".to_owned()));
    assert_eq!(status(&store, id).await, expected);
}

#[tokio::test]
async fn a_run_that_was_not_written_down_records_its_end_and_itself() {
    let store = store().await;
    let id = insert(&store, new_verification(member(&store, 1).await)).await;
    store
        .record_outcome(id, "the run", &ended_as(VerificationStatus::Completed), clock::now())
        .await
        .or_panic();
    store.record_run(id, "another run").await.or_panic();
    let expected = (VerificationStatus::Completed, Some("the run".to_owned()));
    assert_eq!(status(&store, id).await, expected);
}

#[tokio::test]
async fn verifications_in_progress_are_due_after_a_minute_and_claimed_by_one() {
    let store = store().await;
    let (mut unstarted, mut started) = (
        new_verification(member(&store, 1).await),
        new_verification(member(&store, 2).await),
    );
    (unstarted.started_at, started.started_at) = (at("2026-01-01T00:00:00Z"), at("2026-01-01T00:00:01Z"));
    let ended = new_verification(member(&store, 3).await);
    let ids = [insert(&store, unstarted).await, insert(&store, started).await];
    let ended = insert(&store, ended).await;
    store.record_run(ids[1], "the run").await.or_panic();
    store
        .record_outcome(ended, "the run", &ended_as(VerificationStatus::Failed), clock::now())
        .await
        .or_panic();

    let due = async |instant, limit| store.claim_due(at(instant), limit).await.or_panic();
    assert!(due("2026-01-01T00:00:59Z", 10).await.is_empty());
    assert_eq!(due("2026-01-01T00:01:01Z", 1).await, [ids[0]]);
    assert_eq!(due("2026-01-01T00:01:01Z", 10).await, [ids[1]]);
    // The one that is not started is due again in a minute, the other one in an hour.
    assert!(due("2026-01-01T00:02:00Z", 10).await.is_empty());
    assert_eq!(due("2026-01-01T00:02:01Z", 10).await, [ids[0]]);
    assert_eq!(due("2026-01-01T01:01:01Z", 10).await.len(), 2);
}

#[tokio::test]
async fn a_row_of_a_newer_version_hides_no_other() {
    let store = store().await;
    let outcome = || ended(VerificationStatus::Completed, 50, &[]);
    let ended_at = "2026-10-01T00:01:00Z";
    for number in [1, 2] {
        insert_span(&store, number, "2026-10-01T00:00:00Z", Some((ended_at, outcome()))).await;
    }
    let mut connection = store.connection().await.or_panic();
    let newer = r#"UPDATE verifications SET status = 'suspended',
                          request = jsonb_set(request, '{methods}', '[{"method": "by_video", "verifier": 7}]'),
                          outcome = jsonb_set(outcome, '{status}', '"suspended"')
                    WHERE member_id = 1"#;
    for statement in [
        "ALTER TABLE verifications DROP CONSTRAINT verifications_status_known",
        newer,
    ] {
        sqlx::query(statement).execute(&mut *connection).await.expect("written");
    }
    let all = VerificationFilter {
        member_id: None,
        status: None,
    };
    let listed = store.list_verifications(all, None, 10).await.or_panic();
    let statuses: Vec<&str> = listed.iter().map(|found| found.status.as_str()).collect();
    assert_eq!(statuses, ["completed", "suspended"]);
    let methods: Vec<_> = listed[1].request.methods.iter().map(StoredMethod::method).collect();
    assert_eq!(methods, [Open::Newer("by_video".to_owned())]);
    assert!(listed[1].outcome.is_some());
}
