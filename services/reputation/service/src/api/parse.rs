//! From messages to typed values. What the field rules of the contract say is checked before a handler runs; here is what
//! needs the present or another field.

use crate::store::{CounterReason, EventKey, LineKey, NewActivity, NewCounter};
use jiff::Timestamp;
use mesh_proto::fields;
use mesh_proto::reputation::v1 as proto;
use mesh_runtime::Problem;
use mesh_runtime::paging::PageRequest;
use mesh_types::{Level, MemberId, Method, RequestId, Schedule, VerificationId};
use reputation_workflows::policy::activity::Activity;
use std::time::Duration;
use uuid::Uuid;

/// The longest range that is back-filled at once.
const LONGEST_BACKFILL: Duration = Duration::from_secs(366 * 24 * 3600);

/// What a reputation is asked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) member_id: MemberId,
    /// A whole second.
    pub(super) as_of: Timestamp,
    pub(super) target: Option<Level>,
    pub(super) page: PageRequest<PagedLine>,
}

/// The instant that all pages are for, in seconds since 1970-01-01 UTC, and the last line of the page before.
pub(super) type PagedLine = (i64, LineKey);

pub(super) fn get_reputation(request: &proto::GetReputationRequest, now: Timestamp) -> Result<Asked, Problem> {
    let target = match proto::Level::try_from(request.target_level) {
        Ok(proto::Level::Unspecified) => None,
        Ok(proto::Level::None) => Some(Level::None),
        Ok(proto::Level::Bronze) => Some(Level::Bronze),
        Ok(proto::Level::Silver) => Some(Level::Silver),
        Ok(proto::Level::Gold) => Some(Level::Gold),
        Err(_) => return Err(Problem::invalid_field("target_level", "must be one of the levels")),
    };
    let filter = ("GetReputation", request.member_id, request.as_of.map(|at| at.seconds));
    let page = PageRequest::<PagedLine>::parse(request.page_size, &request.page_token, &filter)?;
    let as_of = request.as_of.map_or(Ok(now), |at| fields::instant("as_of", at))?;
    let as_of_seconds = page
        .after()
        .map_or(as_of.as_second(), |(as_of_seconds, _)| *as_of_seconds);
    Ok(Asked {
        member_id: fields::member_id("member_id", request.member_id)?,
        as_of: Timestamp::from_second(as_of_seconds)
            .map_err(|_| Problem::invalid_field("page_token", "must be the next_page_token of the page before"))?,
        target,
        page,
    })
}

pub(crate) fn record_activity(
    request: &proto::RecordActivityRequest,
    now: Timestamp,
) -> Result<(RequestId, NewActivity), Problem> {
    let occurred_at = request
        .occurred_at
        .map_or(Ok(now), |at| fields::instant("occurred_at", at))?;
    if occurred_at > now {
        return Err(Problem::invalid_field("occurred_at", "must not be in the future"));
    }
    let activity = NewActivity {
        member_id: fields::member_id("member_id", request.member_id)?,
        activity: activity(request.activity.and_then(|activity| activity.activity))?,
        occurred_at: Timestamp::from_second(occurred_at.as_second()).map_err(Problem::internal)?,
    };
    Ok((fields::id("request_id", &request.request_id)?, activity))
}

fn activity(activity: Option<proto::activity::Activity>) -> Result<Activity, Problem> {
    use proto::activity::Activity as Message;
    let number = |path: &str, number: i32| {
        u32::try_from(number).map_err(|_| Problem::invalid_field(path, "must not be below 0"))
    };
    match activity {
        Some(Message::VolunteerHours(hours)) => Ok(Activity::VolunteerHours {
            minutes: number("activity.volunteer_hours.minutes", hours.minutes)?,
        }),
        Some(Message::ReviewReceived(review)) => Ok(Activity::ReviewReceived {
            rating: number("activity.review_received.rating", review.rating)?,
        }),
        None => Err(Problem::invalid_field("activity", "is required")),
    }
}

pub(crate) fn counter(request: &proto::CounterReputationEventRequest) -> Result<(RequestId, NewCounter), Problem> {
    let reason = match request.reason() {
        proto::CounterReason::Unspecified => return Err(Problem::invalid_field("reason", "must say why")),
        proto::CounterReason::RecordedInError => CounterReason::RecordedInError,
        proto::CounterReason::Disputed => CounterReason::Disputed,
        proto::CounterReason::Fraud => CounterReason::Fraud,
        proto::CounterReason::Revoked => return Err(Problem::invalid_field("reason", "must be a person's")),
    };
    let counter = NewCounter {
        event_id: fields::id("event_id", &request.event_id)?,
        reason,
    };
    Ok((fields::id("request_id", &request.request_id)?, counter))
}

pub(crate) fn counter_verification(
    request: &proto::CounterVerificationRequest,
) -> Result<(RequestId, VerificationId, Method), Problem> {
    let method = Method::parse(&request.method);
    Ok((
        fields::id("request_id", &request.request_id)?,
        fields::id("verification_id", &request.verification_id)?,
        method.ok_or_else(|| Problem::invalid_field("method", "must be a method of verifications"))?,
    ))
}

pub(super) fn list_revocations(request: &proto::ListRevocationsRequest) -> Result<PageRequest<Uuid>, Problem> {
    PageRequest::parse(request.page_size, &request.page_token, &"ListRevocations")
}

pub(super) fn list_events(
    request: &proto::ListReputationEventsRequest,
) -> Result<(MemberId, PageRequest<EventKey>), Problem> {
    let filter = ("ListReputationEvents", request.member_id);
    let page = PageRequest::parse(request.page_size, &request.page_token, &filter)?;
    Ok((fields::member_id("member_id", request.member_id)?, page))
}

pub(crate) fn decay(request_id: &str, number: i64) -> Result<(RequestId, MemberId), Problem> {
    Ok((
        fields::id("request_id", request_id)?,
        fields::member_id("member_id", number)?,
    ))
}

pub(super) fn schedule(request_id: &str, schedule_id: &str) -> Result<(RequestId, Schedule), Problem> {
    let request_id = fields::id("request_id", request_id)?;
    let schedule = Schedule::parse(schedule_id).ok_or_else(|| {
        let known = Schedule::ALL.map(Schedule::as_str).join(", ");
        Problem::invalid_field("schedule_id", format!("must be one of {known}"))
    })?;
    Ok((request_id, schedule))
}

/// A note for operators.
pub(super) fn note(text: &str) -> String {
    text.trim().to_owned()
}

pub(super) fn note_that_says_why(text: &str) -> Result<String, Problem> {
    match note(text) {
        note if note.is_empty() => Err(Problem::invalid_field("note", "must say why")),
        note => Ok(note),
    }
}

/// The range of a backfill.
pub(super) fn range(
    start: Option<prost_types::Timestamp>,
    end: Option<prost_types::Timestamp>,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), Problem> {
    let required = |path: &str, at: Option<prost_types::Timestamp>| fields::instant(path, fields::required(path, at)?);
    let (start, end) = (required("start_time", start)?, required("end_time", end)?);
    if end <= start || end > now {
        return Err(Problem::invalid_field(
            "end_time",
            "must be after start_time and not in the future",
        ));
    }
    let length = Duration::try_from(end.duration_since(start)).map_err(Problem::internal)?;
    if length > LONGEST_BACKFILL {
        return Err(Problem::invalid_field(
            "end_time",
            "must be at most 366 days after start_time",
        ));
    }
    Ok((start, end))
}
