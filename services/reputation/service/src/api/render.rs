//! From typed values to messages.

use super::parse::Asked;
use crate::store::{CounterReason, Event, EventFact};
use mesh_proto::fields;
use mesh_proto::reputation::v1 as proto;
use mesh_types::NextStep;
use reputation_workflows::policy::activity::Activity;
use reputation_workflows::policy::ledger_fold::LedgerFold;

pub(super) fn reputation(asked: &Asked, folded: LedgerFold, steps: Vec<NextStep>) -> proto::GetReputationResponse {
    proto::GetReputationResponse {
        member_id: asked.member_id.get(),
        breakdown: Some(folded.breakdown.into()),
        next_steps: steps.into_iter().map(Into::into).collect(),
        as_of: Some(fields::timestamp(asked.as_of)),
        anchored_at: folded.anchor_seconds.map(fields::timestamp_of_seconds),
    }
}

pub(crate) fn event(event: Event) -> proto::ReputationEvent {
    use proto::reputation_event::Fact;
    let fact = match event.fact {
        EventFact::Verification {
            verification_id,
            method,
            lines,
        } => Fact::Verification(proto::VerificationFact {
            verification_id: verification_id.to_string(),
            method: method.as_str().to_owned(),
            contributions: lines.into_iter().map(Into::into).collect(),
        }),
        EventFact::Activity { activity, points } => Fact::Activity(proto::ActivityFact {
            activity: Some(self::activity(activity)),
            points,
        }),
        EventFact::Counter { counters, reason } => Fact::Counter(proto::CounterFact {
            event_id: counters.to_string(),
            reason: counter_reason(reason).into(),
        }),
        EventFact::LevelFall { before, after } => Fact::LevelFall(proto::LevelFallFact {
            before: proto::Level::from(before).into(),
            after: proto::Level::from(after).into(),
        }),
    };
    proto::ReputationEvent {
        event_id: event.event_id.to_string(),
        member_id: event.member_id.get(),
        occurred_at: Some(fields::timestamp(event.occurred_at)),
        recorded_at: Some(fields::timestamp(event.recorded_at)),
        fact: Some(fact),
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
    }
}
