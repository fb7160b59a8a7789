//! From messages to typed values, once, with the path of every field that is wrong.

use crate::store::{CounterReason, EventPlace, NewFact};
use jiff::Timestamp;
use mesh_proto::reputation::v1 as proto;
use mesh_runtime::Problem;
use mesh_types::{EventId, IdError, Level, MemberId, RequestId, Schedule};
use prost::Message;
use reputation_workflows::policy::activity::{Activity, MAX_MINUTES, MAX_RATING};
use sha2::{Digest, Sha256};
use std::str::FromStr;
use std::time::Duration;
use uuid::Uuid;

/// Events on a page when the caller says nothing, and at most.
const PAGE_SIZE: (i32, i32) = (50, 100);
/// A note of a schedule is at most so many characters long.
const MAX_NOTE_CHARS: usize = 200;
/// The longest range that is back-filled at once.
const LONGEST_BACKFILL: Duration = Duration::from_secs(366 * 24 * 3600);

/// What a reputation is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) member_id: MemberId,
    pub(super) as_of: Timestamp,
    pub(super) target: Option<Level>,
}

pub(super) fn get_reputation(request: proto::GetReputationRequest, now: Timestamp) -> Result<Asked, Problem> {
    let target = match proto::Level::try_from(request.target_level) {
        Ok(proto::Level::Unspecified) => None,
        Ok(proto::Level::None) => Some(Level::None),
        Ok(proto::Level::Bronze) => Some(Level::Bronze),
        Ok(proto::Level::Silver) => Some(Level::Silver),
        Ok(proto::Level::Gold) => Some(Level::Gold),
        Err(_) => return Err(Problem::invalid_field("target_level", "must be one of the levels")),
    };
    Ok(Asked {
        member_id: member_id(request.member_id)?,
        as_of: request.as_of.map_or(Ok(now), |at| instant("as_of", at))?,
        target,
    })
}

/// The request's id, the fingerprint of what it says, and the fact.
pub(super) type Fact = (RequestId, [u8; 32], NewFact);

pub(super) fn record_activity(request: proto::RecordActivityRequest, now: Timestamp) -> Result<Fact, Problem> {
    let fingerprint = Sha256::digest(request.encode_to_vec()).into();
    let occurred_at = match request.occurred_at {
        None => now,
        Some(at) => instant("occurred_at", at)?,
    };
    if occurred_at > now || occurred_at < Timestamp::UNIX_EPOCH {
        return Err(Problem::invalid_field(
            "occurred_at",
            "must be from 1970 to the present",
        ));
    }
    let fact = NewFact::Activity {
        member_id: member_id(request.member_id)?,
        activity: activity(request.activity.and_then(|activity| activity.activity))?,
        occurred_at: Timestamp::from_second(occurred_at.as_second()).map_err(Problem::internal)?,
    };
    Ok((id("request_id", &request.request_id)?, fingerprint, fact))
}

fn activity(activity: Option<proto::activity::Activity>) -> Result<Activity, Problem> {
    use proto::activity::Activity as Message;
    match activity {
        Some(Message::VolunteerHours(hours)) => Ok(Activity::VolunteerHours {
            minutes: within("activity.volunteer_hours.minutes", hours.minutes, MAX_MINUTES)?,
        }),
        Some(Message::ReviewReceived(review)) => Ok(Activity::ReviewReceived {
            rating: within("activity.review_received.rating", review.rating, MAX_RATING)?,
        }),
        None => Err(Problem::invalid_field("activity", "must say what the member did")),
    }
}

fn within(path: &str, number: i32, most: u32) -> Result<u32, Problem> {
    let number = u32::try_from(number).ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| Problem::invalid_field(path, format!("must be from 1 to {most}")))
}

pub(super) fn counter(request: proto::CounterReputationEventRequest) -> Result<Fact, Problem> {
    let fingerprint = Sha256::digest(request.encode_to_vec()).into();
    let reason = match request.reason() {
        proto::CounterReason::Unspecified => return Err(Problem::invalid_field("reason", "must say why")),
        proto::CounterReason::RecordedInError => CounterReason::RecordedInError,
        proto::CounterReason::Disputed => CounterReason::Disputed,
        proto::CounterReason::Fraud => CounterReason::Fraud,
    };
    let fact = NewFact::Counter {
        event_id: id("event_id", &request.event_id)?,
        reason,
    };
    Ok((id("request_id", &request.request_id)?, fingerprint, fact))
}

/// The member, the place after which the page begins, and its size.
pub(super) fn list_events(
    request: proto::ListReputationEventsRequest,
) -> Result<(MemberId, Option<EventPlace>, i64), Problem> {
    let (usual, most) = PAGE_SIZE;
    let size = match request.page_size {
        0 => usual,
        size if (1..=most).contains(&size) => size,
        _ => return Err(Problem::invalid_field("page_size", format!("must be from 1 to {most}"))),
    };
    let place =
        match request.page_token.as_str() {
            "" => None,
            token => Some(place(token).ok_or_else(|| {
                Problem::invalid_field("page_token", "must be the next_page_token of the page before")
            })?),
        };
    Ok((member_id(request.member_id)?, place, i64::from(size)))
}

/// A page token: the microsecond and the id of the last event of the page.
pub(super) fn page_token(place: EventPlace) -> String {
    format!(
        "{:016x}{}",
        place.occurred_at.as_microsecond(),
        place.event_id.uuid().simple()
    )
}

fn place(token: &str) -> Option<EventPlace> {
    let (instant, event) = token.split_at_checked(16)?;
    Some(EventPlace {
        occurred_at: Timestamp::from_microsecond(i64::from_str_radix(instant, 16).ok()?).ok()?,
        event_id: EventId::from(Uuid::try_parse(event).ok()?),
    })
}

pub(super) fn decay(request_id: &str, number: i64) -> Result<(RequestId, MemberId), Problem> {
    Ok((id("request_id", request_id)?, member_id(number)?))
}

pub(super) fn schedule(request_id: &str, schedule_id: &str) -> Result<(RequestId, Schedule), Problem> {
    let request_id = id("request_id", request_id)?;
    let schedule = Schedule::parse(schedule_id).ok_or_else(|| {
        let known = Schedule::ALL.map(Schedule::as_str).join(", ");
        Problem::invalid_field("schedule_id", format!("must be one of {known}"))
    })?;
    Ok((request_id, schedule))
}

/// A note for operators.
pub(super) fn note(text: &str) -> Result<String, Problem> {
    let note = text.trim();
    if note.chars().count() > MAX_NOTE_CHARS || note.chars().any(char::is_control) {
        let wanted = format!("must be at most {MAX_NOTE_CHARS} characters without control characters");
        return Err(Problem::invalid_field("note", wanted));
    }
    Ok(note.to_owned())
}

pub(super) fn note_that_says_why(text: &str) -> Result<String, Problem> {
    let note = note(text)?;
    if note.is_empty() {
        return Err(Problem::invalid_field("note", "must say why"));
    }
    Ok(note)
}

/// The range of a backfill.
pub(super) fn range(
    start: Option<prost_types::Timestamp>,
    end: Option<prost_types::Timestamp>,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), Problem> {
    let required = |path: &str, at: Option<prost_types::Timestamp>| {
        instant(path, at.ok_or_else(|| Problem::invalid_field(path, "must be set"))?)
    };
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

fn instant(path: &str, at: prost_types::Timestamp) -> Result<Timestamp, Problem> {
    let instant = Timestamp::new(at.seconds, at.nanos)
        .ok()
        .filter(|_| (0..1_000_000_000).contains(&at.nanos));
    instant.ok_or_else(|| Problem::invalid_field(path, "must be an instant from year 1 to 9999"))
}

fn id<T: FromStr<Err = IdError>>(path: &str, text: &str) -> Result<T, Problem> {
    text.parse()
        .map_err(|error: IdError| Problem::invalid_field(path, error.to_string()))
}

fn member_id(number: i64) -> Result<MemberId, Problem> {
    MemberId::try_from(number).map_err(|error| Problem::invalid_field("member_id", error.to_string()))
}
