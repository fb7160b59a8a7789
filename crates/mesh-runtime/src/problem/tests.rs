use super::*;
use temporalio_sdk::activities::ActivityError;

#[test]
fn each_class_has_its_own_code() {
    let table = [
        (Class::InvalidArgument, Code::InvalidArgument),
        (Class::NotFound, Code::NotFound),
        (Class::AlreadyExists, Code::AlreadyExists),
        (Class::FailedPrecondition, Code::FailedPrecondition),
        (Class::Unauthenticated, Code::Unauthenticated),
        (Class::PermissionDenied, Code::PermissionDenied),
        (Class::ResourceExhausted, Code::ResourceExhausted),
        (Class::Unavailable, Code::Unavailable),
        (Class::DeadlineExceeded, Code::DeadlineExceeded),
        (Class::Cancelled, Code::Cancelled),
        (Class::Internal, Code::Internal),
    ];
    for (class, expected) in table {
        assert_eq!(code(class), expected, "{class:?}");
    }
}

#[test]
fn every_reason_travels_as_error_info_and_reads_back() {
    for reason in Reason::ALL.iter().copied() {
        let status = Status::from(Problem::new(reason, "text").with_metadata("key", "value"));
        // Over the wire: what a peer gets is what was written into headers.
        let mut headers = http::HeaderMap::new();
        status.add_header(&mut headers).expect("a status fits headers");
        let status = Status::from_header_map(&headers).expect("a status");
        assert_eq!(status.code(), code(reason.class()), "{reason}");
        let details = status.get_error_details();
        let info = details.error_info().expect("ErrorInfo");
        assert_eq!(
            (info.reason.as_str(), info.domain.as_str()),
            (reason.as_str(), "voluntier")
        );
        let is_unavailable = reason.class() == Class::Unavailable;
        assert_eq!(
            details.retry_info().and_then(|info| info.retry_delay),
            is_unavailable.then_some(Duration::from_secs(1))
        );
        if reason.class() != Class::Internal {
            assert_eq!(info.metadata.get("key").map(String::as_str), Some("value"));
            assert_eq!(status.message(), "text");
        }
        let back = from_peer(status).reason();
        let lets_us_call = reason.class() != Class::Unauthenticated
            && !matches!(reason, Reason::CallerNotAllowed | Reason::RoleNotAllowed);
        assert_eq!(
            back,
            if is_unavailable || !lets_us_call {
                Reason::PeerUnavailable
            } else {
                reason
            }
        );
    }
}

#[test]
fn a_bad_field_is_named_by_its_path() {
    let problem =
        Problem::invalid_field("page.content", "must not be empty").with_violation("page.number", "starts at 1");
    let status = Status::from(problem);
    let details = status.get_error_details();
    let fields: Vec<_> = details
        .bad_request()
        .expect("BadRequest")
        .field_violations
        .iter()
        .map(|v| v.field.as_str())
        .collect();
    assert_eq!(fields, ["page.content", "page.number"]);
    assert_eq!(from_peer(status).violations().len(), 2);
}

#[test]
fn an_internal_answer_carries_no_inner_text() {
    let problem = Problem::new(Reason::Internal, "row 17 is odd")
        .with_metadata("table", "secret")
        .with_source(std::io::Error::other("secret cause"));
    let status = Status::from(problem);
    assert_eq!(status.message(), "internal error");
    let text = format!("{status:?} {:?}", status.get_error_details());
    assert!(!text.contains("secret") && !text.contains("row 17"), "{text}");
}

#[test]
fn a_problem_in_an_activity_keeps_its_type_and_says_whether_a_retry_helps() {
    fn activity(problem: Problem) -> Result<(), ActivityError> {
        Err(problem)?
    }
    for reason in Reason::ALL.iter().copied() {
        let Err(ActivityError::Application(failure)) = activity(Problem::new(reason, "text")) else {
            panic!("{reason} is an application failure");
        };
        assert_eq!(failure.type_name(), Some(reason.as_str()));
        assert_eq!(failure.is_non_retryable(), !reason.class().is_retryable(), "{reason}");
    }
}

#[test]
fn a_database_that_is_away_is_unavailable_and_a_wrong_statement_is_ours() {
    let refused = sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::ConnectionRefused));
    assert_eq!(Problem::from(refused).reason(), Reason::DatabaseUnavailable);
    assert_eq!(
        Problem::from(sqlx::Error::PoolTimedOut).reason(),
        Reason::DatabaseUnavailable
    );
    assert_eq!(Problem::from(sqlx::Error::RowNotFound).reason(), Reason::Internal);
}

#[test]
fn a_database_that_fails_over_or_runs_out_is_away_and_a_broken_rule_is_not() {
    for state in [
        "08006", "25006", "40001", "40P01", "53100", "53300", "55P03", "57014", "57P01", "57P03", "58030",
    ] {
        assert!(super::is_passing(state), "{state}");
    }
    // Division by zero, unique violation, undefined table, out of range, data corrupted.
    for state in ["22012", "23505", "42P01", "22003", "XX001"] {
        assert!(!super::is_passing(state), "{state}");
    }
}

#[test]
fn temporal_that_is_away_is_unavailable_and_its_other_refusals_are_ours() {
    let away = || Status::unavailable("connection refused");
    assert_eq!(
        from_temporal(WorkflowStartError::Rpc(away())).reason(),
        Reason::TemporalUnavailable
    );
    assert_eq!(
        from_temporal(WorkflowQueryError::Rpc(away())).reason(),
        Reason::TemporalUnavailable
    );
    assert_eq!(
        from_temporal(WorkflowInteractionError::Rpc(away())).reason(),
        Reason::TemporalUnavailable
    );
    assert_eq!(
        from_temporal(WorkflowUpdateError::Rpc(away())).reason(),
        Reason::TemporalUnavailable
    );
    assert_eq!(
        from_temporal(WorkflowGetResultError::Rpc(away())).reason(),
        Reason::TemporalUnavailable
    );
    assert_eq!(
        from_temporal(AsyncActivityError::Rpc(away())).reason(),
        Reason::TemporalUnavailable
    );
    assert_eq!(
        from_temporal(ClientError::Rpc(away())).reason(),
        Reason::TemporalUnavailable
    );
    let nested = WorkflowUpdateWithStartError::Start(WorkflowStartError::Rpc(away()));
    assert_eq!(from_temporal(nested).reason(), Reason::TemporalUnavailable);
    let wrong = WorkflowInteractionError::Rpc(Status::invalid_argument("no such thing"));
    assert_eq!(from_temporal(wrong).reason(), Reason::Internal);
}

#[test]
fn what_a_peer_says_without_a_reason_is_not_passed_on() {
    assert_eq!(from_peer(Status::unavailable("gone")).reason(), Reason::PeerUnavailable);
    assert_eq!(
        from_peer(Status::deadline_exceeded("late")).reason(),
        Reason::DeadlineExceeded
    );
    assert_eq!(from_peer(Status::unknown("?")).reason(), Reason::Internal);
    assert_eq!(
        from_peer(Status::invalid_argument("we sent nonsense")).reason(),
        Reason::Internal
    );
}
