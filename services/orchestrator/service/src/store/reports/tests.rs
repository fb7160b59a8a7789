use super::*;
use crate::store::{Revocation, Revoked};
use crate::testing::{at, cancelled, ended, insert_span, store};
use mesh_testkit::fixtures::{OrPanic, reason};
use mesh_types::{RevocationReason, VerificationStatus};
use orchestrator_workflows::contract::MethodStatus;

fn month(text: &str) -> Month {
    Month::parse(text).expect("a month")
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
        insert_span(&store, number, started_at, Some((ended_at, state))).await;
    }
    insert_span(&store, 20, "2026-10-30T00:00:00Z", None).await;

    let count = |method: Method, accepted, not_accepted| MethodCount {
        method: method.into(),
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
        revoked: 0,
        levels: [
            (Level::None, 2),
            (Level::Bronze, 2),
            (Level::Silver, 1),
            (Level::Gold, 1),
        ],
        methods: vec![count(Method::Document, 3, 1), count(Method::Reputation, 1, 1)],
        median_seconds: Some(3600),
        trust_network: None,
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

    let network = TrustNetworkFigures {
        member_count: 9,
        passing_member_count: 8,
        connection_count: 7,
        connections_made: 6,
        connections_removed: 5,
    };
    for figures in [
        TrustNetworkFigures {
            member_count: 1,
            ..network
        },
        network,
    ] {
        store.record_trust_network(expected.month, &figures).await.or_panic();
    }
    let unwritten = store.record_trust_network(month("2026-09"), &network).await;
    assert_eq!(reason(unwritten), Reason::VerificationReportNotFound);

    let again = VerificationReport {
        trust_network: Some(network),
        computed_at: at("2026-11-25T12:00:00Z"),
        ..expected
    };
    store.record_report(again.month, again.computed_at).await.or_panic();
    assert_eq!(
        store.list_reports(None, 10).await.or_panic(),
        [again],
        "replaced, with the same figures, and the trust network stays"
    );
}

#[tokio::test]
async fn a_median_lies_between_the_two_in_the_middle_and_is_absent_where_nothing_completed() {
    let store = store().await;
    let completed = || ended(VerificationStatus::Completed, 50, &[]);
    insert_span(
        &store,
        1,
        "2026-10-01T00:00:00Z",
        Some(("2026-10-01T00:01:00Z", completed())),
    )
    .await;
    // An end is written in whole seconds, so it may lie before the start.
    insert_span(
        &store,
        2,
        "2026-10-01T00:00:00.9Z",
        Some(("2026-10-01T00:00:00Z", completed())),
    )
    .await;
    insert_span(
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
    let listed = store.list_reports(Some(&month("2026-10")), 10).await.or_panic();
    let listed: Vec<_> = listed.iter().map(|report| report.month.to_string()).collect();
    assert_eq!(listed, ["2026-09", "2026-08"]);
}

#[tokio::test]
async fn what_was_revoked_since_counts_as_revoked_and_gives_no_level() {
    let store = store().await;
    let end = || ended(VerificationStatus::Completed, 80, &[]);
    let mut ids = Vec::new();
    for number in [1, 2] {
        let span = Some(("2026-10-01T00:01:00Z", end()));
        ids.push(insert_span(&store, number, "2026-10-01T00:00:00Z", span).await);
    }
    let revocation = Revocation {
        verification_id: ids[0],
        revoked: Revoked {
            reason: RevocationReason::DocumentErased,
            at: at("2026-10-20T00:00:00Z"),
        },
        counter_due_at: None,
    };
    let applied = store.apply_revocations("document", ("", "next"), &[revocation]).await;
    assert!(applied.or_panic());
    let computed_at = at("2026-11-01T03:00:00Z");
    store.record_report(month("2026-10"), computed_at).await.or_panic();
    let report = store
        .find_report(month("2026-10"))
        .await
        .or_panic()
        .expect("it was written");
    assert_eq!((report.completed, report.revoked), (1, 1));
    assert_eq!(
        (report.levels[0], report.levels[3]),
        ((Level::None, 1), (Level::Gold, 1))
    );
}

#[tokio::test]
async fn a_row_that_this_version_cannot_read_stops_no_report() {
    let store = store().await;
    for number in [1, 2, 3] {
        let end = ended(
            VerificationStatus::Completed,
            50,
            &[(Method::Document, MethodStatus::Accepted)],
        );
        insert_span(
            &store,
            number,
            "2026-10-01T00:00:00Z",
            Some(("2026-10-01T00:01:00Z", end)),
        )
        .await;
    }
    let mut connection = store.connection().await.or_panic();
    for (outcome, member_id) in [(r#"{"methods": 7}"#, 1), (r#"{"methods": [{}, 3]}"#, 2)] {
        sqlx::query("UPDATE verifications SET outcome = $1::jsonb WHERE member_id = $2")
            .bind(outcome)
            .bind(member_id)
            .execute(&mut *connection)
            .await
            .expect("written");
    }
    let unreadable = store
        .record_report(month("2026-10"), at("2026-11-01T03:00:00Z"))
        .await
        .or_panic();
    assert_eq!(unreadable, 2, "they are counted");
    let report = store
        .find_report(month("2026-10"))
        .await
        .or_panic()
        .expect("it was written");
    assert_eq!((report.completed, report.methods.len()), (3, 1));
}

#[test]
fn levels_are_told_apart_where_the_rules_do() {
    assert_eq!(level_bounds(), [25, 50, 75]);
}
