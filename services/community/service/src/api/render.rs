//! From typed values to messages.

use crate::get_trust::Trust;
use crate::store::Connection;
use community_trust::{LimitingCut, NetworkPoints, PointsPart, Withheld};
use mesh_proto::community::v1 as proto;
use mesh_proto::fields;
use mesh_runtime::Access;
use mesh_types::MemberId;
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
