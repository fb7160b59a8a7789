use super::*;
use mesh_runtime::clock;

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
    assert!(parse::record_activity(right(), now).is_ok());
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
        assert_eq!(paths(parse::record_activity(request, now)), [path]);
    }
}

#[test]
fn the_same_words_have_the_same_fingerprint_also_without_an_instant() {
    let request = proto::RecordActivityRequest {
        request_id: request_id(),
        member_id: 1,
        activity: hours(60),
        occurred_at: None,
    };
    let fingerprint = |request: proto::RecordActivityRequest| {
        parse::record_activity(request, clock::now())
            .map(|(_, fingerprint, _)| fingerprint)
            .ok()
    };
    assert_eq!(fingerprint(request.clone()), fingerprint(request.clone()));
    let other = proto::RecordActivityRequest {
        activity: hours(61),
        ..request.clone()
    };
    assert_ne!(fingerprint(request), fingerprint(other));
}

#[test]
fn lists_counters_schedules_and_ranges_are_refused_by_their_fields() {
    let now = clock::now();
    let listed = |page_size, token: &str| {
        let page_token = token.to_owned();
        parse::list_events(proto::ListReputationEventsRequest {
            member_id: 1,
            page_size,
            page_token,
        })
    };
    assert_eq!(paths(listed(101, "")), ["page_size"]);
    for token in [
        "x",
        "ü",
        "0000000000000000",
        "zzzzzzzzzzzzzzzz018f3c6e7d1a7bb29c550f1f2a3b4c5d",
    ] {
        assert_eq!(paths(listed(0, token)), ["page_token"], "{token}");
    }
    let place = crate::store::EventPlace {
        occurred_at: now,
        event_id: EventId::from(clock::new_uuid()),
    };
    assert_eq!(
        listed(0, &parse::page_token(place))
            .ok()
            .and_then(|(_, place, _)| place),
        Some(place)
    );

    let counter = proto::CounterReputationEventRequest {
        request_id: request_id(),
        event_id: request_id(),
        reason: 0,
    };
    assert_eq!(paths(parse::counter(counter.clone())), ["reason"]);
    let counter = proto::CounterReputationEventRequest {
        event_id: "1".to_owned(),
        reason: 1,
        ..counter
    };
    assert_eq!(paths(parse::counter(counter)), ["event_id"]);

    assert_eq!(paths(parse::schedule(&request_id(), "hourly")), ["schedule_id"]);
    assert_eq!(paths(parse::note_that_says_why(" ")), ["note"]);
    assert_eq!(paths(parse::note(&"x".repeat(201))), ["note"]);
    let day = |days: i64| {
        Some(prost_types::Timestamp {
            seconds: now.as_second() + days * 86_400,
            nanos: 0,
        })
    };
    assert!(parse::range(day(-90), day(0), now).is_ok());
    for (start, end, path) in [
        (None, day(0), "start_time"),
        (day(-1), None, "end_time"),
        (day(-1), day(-1), "end_time"),
        (day(-1), day(1), "end_time"),
        (day(-367), day(0), "end_time"),
    ] {
        assert_eq!(paths(parse::range(start, end, now)), [path]);
    }
    let asked = proto::GetReputationRequest {
        member_id: 1,
        as_of: None,
        target_level: 9,
    };
    assert_eq!(paths(parse::get_reputation(asked, now)), ["target_level"]);
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
