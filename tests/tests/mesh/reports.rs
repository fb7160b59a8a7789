//! The scheduled workflows over the whole mesh: Temporal's own scheduler starts them, and `ReportService` shows what they wrote.

use crate::support::*;
use mesh_proto::orchestrator::v1 as proto;
use mesh_proto::orchestrator::v1::report_service_client::ReportServiceClient;
use mesh_proto::reputation::v1::Level;
use mesh_testkit::{ActingChannel, Mesh, eventually};
use tonic::Code;

const WEEKLY: &str = "weekly-verification-reminders";
const MONTHLY: &str = "monthly-verification-report";

fn reports_of(mesh: &Mesh) -> ReportServiceClient<ActingChannel> {
    ReportServiceClient::new(operator_of(mesh).by(channel(mesh, "orchestrator")))
}

/// Writes verifications of a new member into the read model, as they may have been long ago: status, start, end, score and
/// the outcome's methods.
async fn insert(mesh: &Mesh, member_id: i64, rows: &[(&str, &str, Option<&str>, i32, &str)]) {
    let mut statements = vec![format!(
        "INSERT INTO members (member_id, given_names, family_name, birth_date, registered_at, updated_at,
             profile_version)
         VALUES ({member_id}, 'Ida', '', '1980-05-06', now(), now(), 1)"
    )];
    for (status, started_at, ended_at, score, methods) in rows {
        // The truth of what is in progress is in its workflow.
        let (outcome, score, ended_at) = match ended_at {
            Some(end) => (
                format!(r#"'{{"methods": {methods}}}'"#),
                score.to_string(),
                format!("'{end}'"),
            ),
            None => ["NULL"; 3].map(str::to_owned).into(),
        };
        let id = new_request_id();
        statements.push(format!(
            "INSERT INTO verifications (verification_id, member_id, request, status, run_id, outcome, score,
                 started_at, ended_at, next_look_at)
             VALUES ('{id}', {member_id}, '{{}}', '{status}', 'long ago', {outcome},
                 {score}, '{started_at}', {ended_at}, 'infinity')",
        ));
    }
    let inserted = mesh.postgres.sql_at(&mesh.databases.orchestrator, &statements).await;
    inserted.expect("the rows are written");
}

async fn back_fill(mesh: &Mesh, schedule: &str, from: &str, to: &str) {
    let command = [
        "schedule",
        "backfill",
        "--schedule-id",
        schedule,
        "--overlap-policy",
        "AllowAll",
    ];
    let span = ["--start-time", from, "--end-time", to];
    let ran = mesh.temporal.command(&[command.as_slice(), &span].concat()).await;
    ran.expect("the schedule makes up for the runs");
}

/// A member's reminders, page by page.
async fn reminders(reports: &ReportServiceClient<ActingChannel>, member_id: i64) -> Vec<proto::VerificationReminder> {
    let (mut all, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = proto::ListVerificationRemindersRequest {
            member_id,
            page_size: 1,
            page_token,
        };
        let page = reports.clone().list_verification_reminders(request).await;
        let page = page.expect("a page comes").into_inner();
        all.extend(page.reminders);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return all;
        }
    }
}

async fn wait_for_reminders(reports: &ReportServiceClient<ActingChannel>, member_id: i64, count: usize) -> Vec<String> {
    let look = async || {
        let found = reminders(reports, member_id).await;
        (found.len() >= count).then(|| found.into_iter().map(|reminder| reminder.week).collect())
    };
    eventually(PATIENCE, "the reminders", look)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

/// How many runs of a schedule have ended in order.
async fn wait_for_runs(mesh: &Mesh, schedule: &str, count: usize) {
    let query = format!("TemporalScheduledById = '{schedule}' AND ExecutionStatus = 'Completed'");
    let command = ["workflow", "list", "--query", &query, "--output", "jsonl"];
    let look = async || {
        let listed = mesh.temporal.command(&command).await.ok()?;
        (listed.lines().filter(|line| !line.trim().is_empty()).count() >= count).then_some(())
    };
    eventually(PATIENCE, "the runs to end", look)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
}

#[tokio::test]
async fn a_verification_that_stands_still_is_reminded_of_once_a_week() {
    let mesh = Mesh::start().await.expect("the mesh starts");
    let reports = reports_of(&mesh);
    let (still, ended) = (new_member_id(), new_member_id());
    insert(&mesh, still, &[("in_progress", "2024-01-03T00:00:00Z", None, 0, "[]")]).await;
    let end = Some("2024-01-16T12:00:00Z");
    insert(&mesh, ended, &[("cancelled", "2024-01-03T00:00:00Z", end, 0, "[]")]).await;

    // Mondays: the 8th is too early, on the 15th both stand still, on the 22nd one has ended.
    for runs in [3, 6] {
        back_fill(&mesh, WEEKLY, "2024-01-07T00:00:00Z", "2024-01-23T00:00:00Z").await;
        wait_for_runs(&mesh, WEEKLY, runs).await;
        assert_eq!(
            wait_for_reminders(&reports, still, 2).await,
            ["2024-01-22", "2024-01-15"]
        );
        assert_eq!(wait_for_reminders(&reports, ended, 1).await, ["2024-01-15"]);
    }

    let triggered = mesh.temporal.command(&["schedule", "trigger", "--schedule-id", WEEKLY]);
    triggered.await.expect("it runs now");
    let weeks = wait_for_reminders(&reports, still, 3).await;
    assert_eq!(weeks.len(), 3, "this week's is added: {weeks:?}");
}

#[tokio::test]
async fn the_report_of_a_month_is_written_once_and_shown() {
    let mesh = Mesh::builder().setting("community", "TRUST_SEEDS", "11").start().await;
    let mesh = mesh.expect("the mesh starts");
    let mut reports = reports_of(&mesh);
    let request = |month: &str| proto::GetVerificationReportRequest {
        month: month.to_owned(),
    };
    let absent = reports.get_verification_report(request("2024-02")).await;
    let absent = refusal(&absent.expect_err("it was not written yet"));
    assert_eq!(
        (absent.code, absent.reason.as_str()),
        (Code::NotFound, "VERIFICATION_REPORT_NOT_FOUND")
    );
    let wrong = reports.get_verification_report(request("February")).await;
    let wrong = refusal(&wrong.expect_err("that is no month"));
    assert_eq!(wrong, bad_field("INVALID_REQUEST", "month"));

    let accepted = r#"[{"method": "document", "status": "accepted"}]"#;
    let rejected = r#"[{"method": "document", "status": "rejected"}]"#;
    let rows = [
        (
            "completed",
            "2024-02-03T00:00:00Z",
            Some("2024-02-03T00:01:00Z"),
            30,
            accepted,
        ),
        (
            "completed",
            "2024-02-04T00:00:00Z",
            Some("2024-02-04T00:05:00Z"),
            55,
            accepted,
        ),
        (
            "failed",
            "2024-02-05T00:00:00Z",
            Some("2024-02-05T00:02:00Z"),
            0,
            rejected,
        ),
        ("in_progress", "2024-02-20T00:00:00Z", None, 0, "[]"),
    ];
    insert(&mesh, new_member_id(), &rows).await;
    // Of the trust network, only the first change was made before the month ended.
    let connected = [("2024-02-07", 11, 12), ("2024-03-01", 11, 13)].map(|(day, from, to)| {
        format!(
            "INSERT INTO connection_changes (from_member, to_member, new_strength, changed_by, changed_at)
             VALUES ({from}, {to}, 100, 'person:{from}', '{day}T00:00:00Z')"
        )
    });
    let community = mesh.databases.of("community").expect("it has one");
    let inserted = mesh.postgres.sql_at(community, &connected).await;
    inserted.expect("the history is written");
    for runs in [1, 2] {
        back_fill(&mesh, MONTHLY, "2024-03-01T00:00:00Z", "2024-03-02T00:00:00Z").await;
        wait_for_runs(&mesh, MONTHLY, runs).await;
        let answer = reports.get_verification_report(request("2024-02")).await;
        let report = answer.expect("it was written").into_inner().report.expect("a report");
        assert_eq!(report.month, "2024-02");
        use proto::VerificationStatus::{Cancelled, Completed, Failed, InProgress, Revoked, Timeout};
        let statuses: Vec<_> = report.statuses.iter().map(|line| (line.status(), line.count)).collect();
        let expected = [
            (InProgress, 1),
            (Completed, 2),
            (Failed, 1),
            (Cancelled, 0),
            (Timeout, 0),
            (Revoked, 0),
        ];
        assert_eq!(statuses, expected);
        let levels: Vec<_> = report.levels.iter().map(|line| (line.level(), line.count)).collect();
        assert_eq!(
            levels,
            [
                (Level::None, 1),
                (Level::Bronze, 1),
                (Level::Silver, 1),
                (Level::Gold, 0)
            ]
        );
        let methods: Vec<_> = report
            .methods
            .iter()
            .map(|line| (line.method(), line.accepted, line.not_accepted))
            .collect();
        assert_eq!(methods, [(proto::Method::Document, 2, 1)]);
        assert_eq!(report.median_time_to_complete.map(|time| time.seconds), Some(180));
        let expected = proto::TrustNetworkFigures {
            member_count: 2,
            passing_member_count: 2,
            connection_count: 1,
            connections_made: 1,
            connections_removed: 0,
        };
        assert_eq!(report.trust_network, Some(expected));

        let all = reports.list_verification_reports(proto::ListVerificationReportsRequest::default());
        let listed = all.await.expect("a page comes").into_inner();
        assert_eq!((listed.reports, listed.next_page_token.as_str()), (vec![report], ""));
    }
}

#[tokio::test]
async fn without_schedules_and_search_attributes_a_verification_ends_all_the_same() {
    let mesh = Mesh::builder()
        .setting("orchestrator", "SCHEDULES", "false")
        .setting("orchestrator", "SEARCH_ATTRIBUTES", "false")
        .start()
        .await
        .expect("the mesh starts");
    let caller = Caller::of(&mesh);
    let member_id = caller.register(passport(70).truth()).await;
    let method = proto::method_request::Method::Reputation(proto::ReputationMethod {});
    let request = proto::StartVerificationRequest {
        request_id: new_request_id(),
        member_id,
        methods: vec![proto::MethodRequest { method: Some(method) }],
        ..Default::default()
    };
    let started = caller.start(request).await.expect("the verification starts");
    let end = caller.end_of(&started.verification_id).await;
    assert_eq!(
        end.status(),
        proto::VerificationStatus::Failed,
        "no reputation, no points"
    );

    let id = ["--workflow-id", &started.workflow_id];
    let describe = [["workflow", "describe"].as_slice(), &id, &["--output", "json"]].concat();
    let shown = mesh.temporal.command(&describe).await.expect("Temporal knows it");
    assert!(!shown.contains("verification_status"), "{shown}");
    let schedules = mesh.temporal.command(&["schedule", "list", "--output", "jsonl"]).await;
    let schedules = schedules.expect("Temporal lists them");
    let ours = [WEEKLY, MONTHLY].map(|id| schedules.contains(id));
    assert_eq!(ours, [false; 2], "{schedules}");
}
