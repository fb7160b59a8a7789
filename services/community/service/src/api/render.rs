//! From typed values to messages.

use crate::get_trust::Trust;
use crate::store::{Connection, OpenRequest, RecordedVote, Validation};
use community_trust::{LimitingCut, NetworkPoints, PointsPart, Withheld};
use community_workflows::contract::Answer;
use mesh_proto::community::v1 as proto;
use mesh_proto::fields;
use mesh_runtime::Access;
use mesh_types::{Decision, MemberId};
use std::cmp::Reverse;

pub(crate) fn connection(connection: Connection) -> proto::Connection {
    proto::Connection {
        member_id: connection.from.get(),
        to_member_id: connection.to.get(),
        strength_hundredths: connection.strength.hundredths().into(),
        created_at: Some(fields::timestamp(connection.created_at)),
        changed_at: Some(fields::timestamp(connection.changed_at)),
    }
}

pub(super) fn trust(member_id: MemberId, trust: Trust) -> proto::GetTrustResponse {
    let left_out = i32::try_from(trust.left_out).unwrap_or(i32::MAX);
    proto::GetTrustResponse {
        member_id: member_id.get(),
        passes_gate: trust.explanation.passes,
        limiting_cut: trust.explanation.limiting_cut.map(limiting_cut),
        network_points: Some(network_points(trust.points, left_out)),
    }
}

/// The answer as the caller may read it: a member reads what each connection gives, but neither what the other said nor their
/// score.
pub(super) fn for_caller(answer: proto::GetTrustResponse, access: &Access) -> proto::GetTrustResponse {
    match access.may_be_anybodys() {
        true => answer,
        false => for_its_member(answer),
    }
}

pub(super) fn for_its_member(mut answer: proto::GetTrustResponse) -> proto::GetTrustResponse {
    for part in answer.network_points.iter_mut().flat_map(|points| &mut points.parts) {
        part.strength_hundredths = 0;
        part.score = 0;
    }
    answer
}

fn limiting_cut(cut: LimitingCut) -> proto::LimitingCut {
    let size = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
    proto::LimitingCut {
        capacity: size(cut.capacity),
        members_behind: size(cut.members_behind),
    }
}

fn network_points(mut points: NetworkPoints, connections_left_out: i32) -> proto::NetworkPoints {
    points.parts.retain(|part| part.ten_thousandths > 0);
    // By what they say and not by whom, so that the order tells nothing.
    points
        .parts
        .sort_unstable_by_key(|part| Reverse((part.ten_thousandths, part.strength)));
    let withheld = match points.withheld {
        None => proto::Withheld::Unspecified,
        Some(Withheld::DoesNotPass) => proto::Withheld::DoesNotPassGate,
        Some(Withheld::BelowMinimum) => proto::Withheld::BelowMinimum,
    };
    proto::NetworkPoints {
        points: points.points.into(),
        sum_ten_thousandths: ten_thousandths(points.sum_ten_thousandths),
        withheld: withheld.into(),
        parts: points.parts.into_iter().map(part).collect(),
        connections_left_out,
    }
}

fn part(part: PointsPart) -> proto::PointsPart {
    proto::PointsPart {
        ten_thousandths: ten_thousandths(part.ten_thousandths),
        strength_hundredths: part.strength.hundredths().into(),
        score: part.score.get().into(),
    }
}

fn ten_thousandths(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn validation_request(request: OpenRequest) -> proto::ValidationRequest {
    proto::ValidationRequest {
        verification_id: request.verification_id.to_string(),
        display_name: request.display_name,
        relationship: request.relationship,
        invited_at: Some(fields::timestamp(request.invited_at)),
        deadline: Some(fields::timestamp(request.deadline)),
    }
}

/// How a validation stands; a member is not told the internal reason.
pub(super) fn progress(validation: Validation, shows_internal_reason: bool) -> proto::ValidationProgress {
    let number = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
    let mut shown = proto::ValidationProgress {
        verification_id: validation.verification_id.to_string(),
        phase: proto::ValidationPhase::Collecting.into(),
        invited: number(validation.invited),
        approvals: number(validation.approvals),
        rejections: number(validation.rejections),
        abstentions: number(validation.abstentions),
        approvals_needed: validation.approvals_needed,
        requested_at: Some(fields::timestamp(validation.requested_at)),
        deadline: Some(fields::timestamp(validation.deadline)),
        ..Default::default()
    };
    let Some(counted) = validation.counted else {
        return shown;
    };
    match counted.outcome.decision {
        Decision::NeedsReview => {
            shown.set_phase(proto::ValidationPhase::InReview);
            shown.deadline = counted.review_until.map(fields::timestamp);
        }
        Decision::Accepted => shown.set_phase(proto::ValidationPhase::Accepted),
        Decision::Rejected | Decision::Resubmit => shown.set_phase(proto::ValidationPhase::Rejected),
    }
    if counted.outcome.decision != Decision::NeedsReview {
        shown.ended_at = Some(fields::timestamp(counted.ended_at));
    }
    shown.confidence_ten_thousandths = counted.confidence;
    shown.member_reason = counted.outcome.member_reason;
    if shows_internal_reason {
        shown.internal_reason = counted.outcome.internal_reason;
    }
    shown
}

pub(super) fn review(validation: Validation, votes: Vec<RecordedVote>) -> proto::ValidationReview {
    proto::ValidationReview {
        member_id: validation.member_id.get(),
        progress: Some(progress(validation, true)),
        votes: votes.into_iter().map(vote).collect(),
    }
}

fn vote(vote: RecordedVote) -> proto::ReviewedVote {
    let answer = match vote.answer {
        Answer::Approve => proto::ValidationAnswer::Approve,
        Answer::Reject => proto::ValidationAnswer::Reject,
        Answer::Abstain => proto::ValidationAnswer::Abstain,
    };
    let reject_reason = match vote.reject_reason.as_deref() {
        None => proto::RejectReason::Unspecified,
        Some("identity_doubtful") => proto::RejectReason::IdentityDoubtful,
        Some("conduct") => proto::RejectReason::Conduct,
        Some("safety") => proto::RejectReason::Safety,
        Some(_) => proto::RejectReason::Other,
    };
    proto::ReviewedVote {
        validator_id: vote.validator_id.get(),
        answer: answer.into(),
        reject_reason: reject_reason.into(),
        reputation: vote.reputation.get().into(),
        voted_at: Some(fields::timestamp(vote.voted_at)),
    }
}
