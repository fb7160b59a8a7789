use super::parse;
use super::render::next_level;
use mesh_proto::reputation::v1 as proto;
use mesh_runtime::{FieldRules, Problem, clock};
use mesh_types::{Level, Score};

/// The fields that break a rule of the contract.
fn broken<M: prost::Message + prost::Name>(message: &M) -> Vec<String> {
    let rules = FieldRules::read(mesh_proto::FILE_DESCRIPTOR_SET, 1 << 20).expect("rules");
    paths(rules.check(message))
}

fn paths<T>(answer: Result<T, Problem>) -> Vec<String> {
    let problem = answer.err().expect("it is refused");
    problem.violations().iter().map(|(path, _)| path.clone()).collect()
}

fn request_id() -> String {
    clock::new_uuid().to_string()
}

fn hours(minutes: i32) -> Option<proto::Activity> {
    let hours = proto::activity::Activity::VolunteerHours(proto::VolunteerHours { minutes });
    Some(proto::Activity { activity: Some(hours) })
}

fn rating(rating: i32) -> Option<proto::Activity> {
    let review = proto::activity::Activity::ReviewReceived(proto::ReviewReceived { rating });
    Some(proto::Activity { activity: Some(review) })
}

#[test]
fn an_activity_that_cannot_be_right_is_refused_by_its_field() {
    let now = clock::now();
    let tomorrow = prost_types::Timestamp {
        seconds: now.as_second() + 86_400,
        nanos: 0,
    };
    let right = || proto::RecordActivityRequest {
        request_id: request_id(),
        member_id: 1,
        activity: hours(60),
        occurred_at: None,
    };
    assert!(parse::record_activity(&right(), now).is_ok());
    let table = [
        (
            proto::RecordActivityRequest {
                request_id: "x".to_owned(),
                ..right()
            },
            "request_id",
        ),
        (
            proto::RecordActivityRequest {
                member_id: 0,
                ..right()
            },
            "member_id",
        ),
        (
            proto::RecordActivityRequest {
                activity: None,
                ..right()
            },
            "activity",
        ),
        (
            proto::RecordActivityRequest {
                activity: hours(0),
                ..right()
            },
            "activity.volunteer_hours.minutes",
        ),
        (
            proto::RecordActivityRequest {
                activity: hours(1441),
                ..right()
            },
            "activity.volunteer_hours.minutes",
        ),
        (
            proto::RecordActivityRequest {
                activity: rating(6),
                ..right()
            },
            "activity.review_received.rating",
        ),
    ];
    for (request, path) in table {
        assert_eq!(broken(&request), [path]);
    }
    let table = [
        (
            proto::RecordActivityRequest {
                occurred_at: Some(tomorrow),
                ..right()
            },
            "occurred_at",
        ),
        (
            proto::RecordActivityRequest {
                occurred_at: Some(prost_types::Timestamp { seconds: 0, nanos: -1 }),
                ..right()
            },
            "occurred_at",
        ),
    ];
    for (request, path) in table {
        assert_eq!(paths(parse::record_activity(&request, now)), [path]);
    }
}

#[test]
fn lists_counters_schedules_and_ranges_are_refused_by_their_fields() {
    let now = clock::now();
    let listed = |page_size, token: &str| proto::ListReputationEventsRequest {
        member_id: 1,
        page_size,
        page_token: token.to_owned(),
    };
    assert_eq!(broken(&listed(201, "")), ["page_size"]);
    assert_eq!(paths(parse::list_events(&listed(0, "ü"))), ["page_token"]);
    let counter = proto::CounterReputationEventRequest {
        request_id: request_id(),
        event_id: "1".to_owned(),
        reason: 0,
    };
    assert_eq!(broken(&counter), ["event_id", "reason"]);

    assert_eq!(paths(parse::schedule(&request_id(), "hourly")), ["schedule_id"]);
    assert_eq!(paths(parse::note_that_says_why(" ")), ["note"]);
    let pause = proto::PauseScheduleRequest {
        request_id: request_id(),
        schedule_id: "x".to_owned(),
        note: "x".repeat(201),
    };
    assert_eq!(broken(&pause), ["note"]);
    let day = |days: i64| {
        Some(prost_types::Timestamp {
            seconds: now.as_second() + days * 86_400,
            nanos: 0,
        })
    };
    assert!(parse::range(day(-90), day(0), now).is_ok());
    let no_range = proto::BackfillScheduleRequest {
        request_id: request_id(),
        schedule_id: "x".to_owned(),
        start_time: None,
        end_time: None,
    };
    assert_eq!(broken(&no_range), ["start_time", "end_time"]);
    for (start, end, path) in [
        (day(-1), day(-1), "end_time"),
        (day(-1), day(1), "end_time"),
        (day(-367), day(0), "end_time"),
    ] {
        assert_eq!(paths(parse::range(start, end, now)), [path]);
    }
    let asked = proto::GetReputationRequest {
        member_id: 1,
        target_level: 9,
        page_size: 201,
        page_token: "x".repeat(501),
        ..Default::default()
    };
    assert_eq!(broken(&asked), ["target_level", "page_size", "page_token"]);
    let of_another_list = proto::GetReputationRequest {
        member_id: 1,
        page_token: "AAAA".to_owned(),
        ..Default::default()
    };
    assert_eq!(paths(parse::get_reputation(&of_another_list, now)), ["page_token"]);
}

#[test]
fn the_level_that_steps_lead_to_is_the_next_higher_one() {
    for (score, level) in [
        (0, Level::Bronze),
        (25, Level::Silver),
        (74, Level::Gold),
        (100, Level::Gold),
    ] {
        assert_eq!(next_level(Score::capped(score)), level, "{score}");
    }
}
