//! From messages to typed values. What the field rules of the contract say is checked before a handler runs; here is what
//! needs another field.

use crate::store::{Direction, NewConnection};
use community_trust::Strength;
use mesh_proto::community::v1 as proto;
use mesh_proto::fields;
use mesh_runtime::Problem;
use mesh_runtime::paging::PageRequest;
use mesh_types::{MemberId, Reason, RequestId};

pub(crate) fn add_connection(request: &proto::AddConnectionRequest) -> Result<(RequestId, NewConnection), Problem> {
    let (from, to) = two_members(request.member_id, request.to_member_id)?;
    let hundredths = u8::try_from(request.strength_hundredths).ok();
    let strength = hundredths.and_then(|hundredths| Strength::try_from(hundredths).ok());
    let strength = strength
        .filter(|strength| *strength != Strength::NONE)
        .ok_or_else(|| Problem::invalid_field("strength_hundredths", "must be from 1 to 100"))?;
    let new = NewConnection { from, to, strength };
    Ok((fields::id("request_id", &request.request_id)?, new))
}

pub(crate) fn remove_connection(
    request: &proto::RemoveConnectionRequest,
) -> Result<(RequestId, MemberId, MemberId), Problem> {
    let (from, to) = two_members(request.member_id, request.to_member_id)?;
    Ok((fields::id("request_id", &request.request_id)?, from, to))
}

pub(super) fn list_connections(
    request: &proto::ListConnectionsRequest,
) -> Result<(MemberId, Direction, PageRequest<MemberId>), Problem> {
    let direction = match proto::Direction::try_from(request.direction) {
        Ok(proto::Direction::Unspecified | proto::Direction::MadeBy) => Direction::MadeBy,
        Ok(proto::Direction::MadeTo) => Direction::MadeTo,
        Err(_) => return Err(Problem::invalid_field("direction", "must be one of the directions")),
    };
    let filter = ("ListConnections", request.member_id, direction == Direction::MadeTo);
    let page = PageRequest::parse(request.page_size, &request.page_token, &filter)?;
    Ok((fields::member_id("member_id", request.member_id)?, direction, page))
}

pub(super) fn get_trust(request: &proto::GetTrustRequest) -> Result<MemberId, Problem> {
    Ok(fields::member_id("member_id", request.member_id)?)
}

fn two_members(from: i64, to: i64) -> Result<(MemberId, MemberId), Problem> {
    let members = (
        fields::member_id("member_id", from)?,
        fields::member_id("to_member_id", to)?,
    );
    if from != to {
        return Ok(members);
    }
    let problem = Problem::new(Reason::ConnectionToOneself, "a member has no connection to themselves");
    Err(problem.with_violation("to_member_id", "must be another member"))
}
