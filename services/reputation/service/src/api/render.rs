//! From typed values to messages.

use super::parse::Asked;
use crate::store::{CounterReason, Event, EventFact, Reputation, Revocation};
use mesh_proto::common::v1 as common;
use mesh_proto::fields;
use mesh_proto::reputation::v1 as proto;
use mesh_types::{Level, Score};
use reputation_workflows::policy::activity::Activity;
use reputation_workflows::policy::steps::steps_to;

pub(super) fn reputation(asked: &Asked, found: Reputation) -> proto::GetReputationResponse {
    let (summary, at_seconds) = (found.summary, asked.as_of.as_second());
    let target = asked.target;
    let target = target.unwrap_or_else(|| next_level(summary.score_at(at_seconds).score()));
    let steps = steps_to(target.least_score(), &summary, at_seconds);
    let (lines, next_page_token) = asked.page.page(found.lines, |last| (at_seconds, last.key()));
    let contributions = lines.into_iter().map(|line| line.contribution).collect();
    proto::GetReputationResponse {
        member_id: asked.member_id.get(),
        breakdown: Some(summary.breakdown_at(at_seconds, contributions).into()),
        next_steps: steps.into_iter().map(Into::into).collect(),
        as_of: Some(fields::timestamp(asked.as_of)),
        anchored_at: summary.anchor_seconds.map(fields::timestamp_of_seconds),
        contribution_points: summary.points,
        next_page_token,
    }
}

/// The level above a score; gold above gold.
pub(super) fn next_level(score: Score) -> Level {
    let higher = Level::ALL.into_iter().find(|level| *level > Level::of(score));
    higher.unwrap_or(Level::Gold)
}

pub(crate) fn event(event: Event) -> proto::ReputationEvent {
    use proto::reputation_event::Fact;
    let fact = match event.fact {
        EventFact::Verification {
            verification_id,
            method,
            lines,
        } => Some(Fact::Verification(proto::VerificationFact {
            verification_id: verification_id.to_string(),
            method: method.as_str().to_owned(),
            contributions: lines.into_iter().map(Into::into).collect(),
        })),
        EventFact::Activity { activity, points } => Some(Fact::Activity(proto::ActivityFact {
            activity: activity.map(self::activity),
            points,
        })),
        EventFact::Counter { counters, reason } => Some(Fact::Counter(proto::CounterFact {
            event_id: counters.to_string(),
            reason: reason.map_or(proto::CounterReason::Unspecified, counter_reason).into(),
        })),
        EventFact::Newer => None,
        EventFact::LevelFall { before, after } => Some(Fact::LevelFall(proto::LevelFallFact {
            before: proto::Level::from(before).into(),
            after: proto::Level::from(after).into(),
        })),
    };
    proto::ReputationEvent {
        event_id: event.event_id.to_string(),
        member_id: event.member_id.get(),
        occurred_at: Some(fields::timestamp(event.occurred_at)),
        recorded_at: Some(fields::timestamp(event.recorded_at)),
        fact,
    }
}

pub(super) fn revocation(revocation: Revocation) -> common::Revocation {
    common::Revocation {
        verification_id: revocation.verification_id.to_string(),
        reason: common::RevocationReason::from(revocation.reason).into(),
        revoked_at: Some(fields::timestamp(revocation.revoked_at)),
    }
}

fn activity(activity: Activity) -> proto::Activity {
    use proto::activity::Activity as Message;
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let activity = match activity {
        Activity::VolunteerHours { minutes } => Message::VolunteerHours(proto::VolunteerHours {
            minutes: number(minutes),
        }),
        Activity::ReviewReceived { rating } => {
            Message::ReviewReceived(proto::ReviewReceived { rating: number(rating) })
        }
    };
    proto::Activity {
        activity: Some(activity),
    }
}

fn counter_reason(reason: CounterReason) -> proto::CounterReason {
    match reason {
        CounterReason::RecordedInError => proto::CounterReason::RecordedInError,
        CounterReason::Disputed => proto::CounterReason::Disputed,
        CounterReason::Fraud => proto::CounterReason::Fraud,
        CounterReason::Revoked => proto::CounterReason::Revoked,
    }
}
