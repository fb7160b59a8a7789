//! From messages to typed values. What the field rules of the contract say is checked before a handler runs; here is what
//! needs another field.

use crate::store::{Direction, NewConnection};
use community_trust::Strength;
use community_workflows::contract::{Answer, RejectReason, ValidatorResponse};
use jiff::Timestamp;
use mesh_proto::community::v1 as proto;
use mesh_proto::fields;
use mesh_runtime::Problem;
use mesh_runtime::paging::PageRequest;
use mesh_types::{MemberId, Reason, RequestId, VerificationId};

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

pub(super) fn find_connected(request: &proto::FindConnectedRequest) -> Result<(MemberId, &[i64]), Problem> {
    let member_id = fields::member_id("member_id", request.member_id)?;
    Ok((member_id, &request.other_member_ids))
}

pub(super) fn get_trust(request: &proto::GetTrustRequest) -> Result<MemberId, Problem> {
    Ok(fields::member_id("member_id", request.member_id)?)
}

pub(crate) fn create_introduction(
    request: &proto::CreateIntroductionRequest,
) -> Result<(RequestId, MemberId), Problem> {
    for (path, text) in [
        ("display_name", &request.display_name),
        ("relationship", &request.relationship),
    ] {
        if text.trim().is_empty() {
            return Err(Problem::invalid_field(path, "must not be blank"));
        }
    }
    let request_id = fields::id("request_id", &request.request_id)?;
    Ok((request_id, fields::member_id("member_id", request.member_id)?))
}

/// The last row of a page: its instant in microseconds since 1970-01-01 UTC, as the tables hold it, and its verification.
pub(super) type PageKey = (i64, VerificationId);

/// A key as the tables are asked with it.
pub(super) fn page_key(key: Option<&PageKey>) -> Result<Option<(Timestamp, VerificationId)>, Problem> {
    let read = |(micros, id): &PageKey| {
        let instant = Timestamp::from_microsecond(*micros);
        let wrong = |_| Problem::invalid_field("page_token", "must be the next_page_token of the page before");
        Ok((instant.map_err(wrong)?, *id))
    };
    key.map(read).transpose()
}

pub(super) fn list_validation_requests(
    request: &proto::ListValidationRequestsRequest,
) -> Result<(MemberId, PageRequest<PageKey>), Problem> {
    let filter = ("ListValidationRequests", request.validator_id);
    let page = PageRequest::parse(request.page_size, &request.page_token, &filter)?;
    Ok((fields::member_id("validator_id", request.validator_id)?, page))
}

pub(super) fn list_validation_reviews(
    request: &proto::ListValidationReviewsRequest,
) -> Result<PageRequest<PageKey>, Problem> {
    PageRequest::parse(request.page_size, &request.page_token, &"ListValidationReviews")
}

pub(super) fn get_validation_progress(
    request: &proto::GetValidationProgressRequest,
) -> Result<VerificationId, Problem> {
    Ok(fields::id("verification_id", &request.verification_id)?)
}

pub(crate) fn submit_validation(
    request: &proto::SubmitValidationRequest,
) -> Result<(RequestId, VerificationId, ValidatorResponse), Problem> {
    use proto::{RejectReason as Wire, ValidationAnswer};
    let one_of = |path: &str| Problem::invalid_field(path, "must be one of the named values");
    let answer = match ValidationAnswer::try_from(request.answer) {
        Ok(ValidationAnswer::Approve) => Answer::Approve,
        Ok(ValidationAnswer::Reject) => Answer::Reject,
        Ok(ValidationAnswer::Abstain) => Answer::Abstain,
        Ok(ValidationAnswer::Unspecified) | Err(_) => return Err(one_of("answer")),
    };
    let reject_reason = match Wire::try_from(request.reject_reason) {
        Ok(Wire::Unspecified) => None,
        Ok(Wire::IdentityDoubtful) => Some(RejectReason::IdentityDoubtful),
        Ok(Wire::Conduct) => Some(RejectReason::Conduct),
        Ok(Wire::Safety) => Some(RejectReason::Safety),
        Ok(Wire::Other) => Some(RejectReason::Other),
        Err(_) => return Err(one_of("reject_reason")),
    };
    if (answer == Answer::Reject) != reject_reason.is_some() {
        let message = "a rejection needs a reason, and nothing else has one";
        let problem = Problem::new(Reason::RejectReasonMismatch, message);
        return Err(problem.with_violation("reject_reason", "must be set for a rejection and for nothing else"));
    }
    let request_id: RequestId = fields::id("request_id", &request.request_id)?;
    let response = ValidatorResponse {
        validator_id: fields::member_id("validator_id", request.validator_id)?,
        answer,
        reject_reason,
        request_id: Some(request_id),
    };
    Ok((
        request_id,
        fields::id("verification_id", &request.verification_id)?,
        response,
    ))
}

pub(crate) fn decide_validation(
    request: &proto::DecideValidationRequest,
) -> Result<(RequestId, VerificationId, bool), Problem> {
    let is_accepted = match proto::ValidationDecision::try_from(request.decision) {
        Ok(proto::ValidationDecision::Accept) => true,
        Ok(proto::ValidationDecision::Reject) => false,
        Ok(proto::ValidationDecision::Unspecified) | Err(_) => {
            return Err(Problem::invalid_field("decision", "must be one of the named values"));
        }
    };
    let request_id = fields::id("request_id", &request.request_id)?;
    Ok((
        request_id,
        fields::id("verification_id", &request.verification_id)?,
        is_accepted,
    ))
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
