//! `SubmitValidation`: a validator answers.

use crate::Store;
use crate::api::parse;
use crate::store::Validation;
use crate::temporal::Workflows;
use community_workflows::contract::{ResponseTaken, ValidatorResponse, VoteRecorded};
use jiff::Timestamp;
use mesh_proto::community::v1::{SubmitValidationRequest, SubmitValidationResponse};
use mesh_runtime::Problem;
use mesh_runtime::idempotency::{Attempt, IdempotencyStore};
use mesh_types::{Reason, RequestId, VerificationId};

const RPC: &str = "voluntier.community.v1.CommunityService/SubmitValidation";

/// Gives a validator's answer to the workflow, once for each request. The workflow knows a repeated update by the request's id.
///
/// # Errors
/// `INVALID_REQUEST`, `REJECT_REASON_MISMATCH`, `VALIDATOR_NOT_INVITED`, `VALIDATION_OF_ONESELF`, `VALIDATION_ANSWERED`,
/// `VALIDATION_OVER`, the reasons for which a validator may not vouch, `TEMPORAL_UNAVAILABLE`; those of
/// [`IdempotencyStore::under_lease`].
pub async fn submit_validation(
    (store, idempotency, workflows): (&Store, &IdempotencyStore, &Workflows),
    request: &SubmitValidationRequest,
    now: Timestamp,
) -> Result<SubmitValidationResponse, Problem> {
    let (request_id, verification_id, response) = parse::submit_validation(request)?;
    let work = async |_: Attempt| {
        let validation = match look(store, verification_id, &response).await? {
            Look::IsCounted => return Ok(SubmitValidationResponse {}),
            Look::MayAnswer(validation) => validation,
        };
        match workflows.submit(validation.run, response.clone(), request_id).await? {
            Some(ResponseTaken::Counted) => Ok(SubmitValidationResponse {}),
            Some(ResponseTaken::Refused { reason }) => Err(refused(&reason)),
            // The workflow refuses what its tables tell the reason of, and else is over.
            None => match look(store, verification_id, &response).await? {
                Look::IsCounted => Ok(SubmitValidationResponse {}),
                Look::MayAnswer(_) => Err(refused(Reason::ValidationOver.as_str())),
            },
        }
    };
    idempotency.under_lease(RPC, request_id, request, now, work).await
}

/// What the tables know of an answer.
enum Look {
    /// It counts already.
    IsCounted,
    /// Nothing is against it.
    MayAnswer(Box<Validation>),
}

/// The look of the tables at an answer: who is told no needs no workflow for it.
async fn look(store: &Store, verification_id: VerificationId, response: &ValidatorResponse) -> Result<Look, Problem> {
    let validator_id = response.validator_id;
    // To a stranger a verification that there is looks like one that there is not.
    let validation = store.find_validation(verification_id).await?;
    let validation = validation.ok_or_else(|| refused(Reason::ValidatorNotInvited.as_str()))?;
    if validation.member_id == validator_id {
        return Err(refused(Reason::ValidationOfOneself.as_str()));
    }
    match store.find_vote(verification_id, validator_id).await? {
        Some(VoteRecorded::Recorded { answer, request_id }) => match is_this(response, answer, request_id) {
            true => Ok(Look::IsCounted),
            false => Err(refused(Reason::ValidationAnswered.as_str())),
        },
        Some(VoteRecorded::Refused { reason }) => Err(refused(&reason)),
        None if validation.counted.is_some() => Err(refused(Reason::ValidationOver.as_str())),
        None => match store.find_standing(verification_id, validator_id).await? {
            Some(standing) if standing == "CHOSEN" => Ok(Look::MayAnswer(Box::new(validation))),
            Some(standing) => Err(refused(&standing)),
            None => Err(refused(Reason::ValidatorNotInvited.as_str())),
        },
    }
}

fn is_this(
    response: &ValidatorResponse,
    answer: community_workflows::contract::Answer,
    request_id: Option<RequestId>,
) -> bool {
    request_id.is_some() && request_id == response.request_id && answer == response.answer
}

/// The refusal of a reason's text; who is in reserve was not invited.
fn refused(reason: &str) -> Problem {
    let known = Reason::ALL.iter().copied().find(|known| known.as_str() == reason);
    let (reason, message) = match known.unwrap_or(Reason::ValidatorNotInvited) {
        reason @ Reason::ValidationOfOneself => (reason, "nobody vouches for themselves"),
        reason @ Reason::ValidationAnswered => (reason, "this validator has answered already; the first answer counts"),
        reason @ Reason::ValidationOver => (reason, "the validation is over and takes no answers any more"),
        reason @ Reason::RejectReasonMismatch => (reason, "a rejection needs a reason, and nothing else has one"),
        reason @ Reason::VouchIsReciprocal => (
            reason,
            "the member vouched for this validator less than 90 days ago, and nobody vouches back within that time",
        ),
        reason @ Reason::TooManyOpenRequests => (
            reason,
            "this member had 5 open requests when validators were chosen, so they were not asked",
        ),
        reason @ Reason::ValidatorScoreTooLow => (reason, "validators need a score of at least 50"),
        reason @ Reason::ValidatorNotTrusted => (reason, "trust from the seeds does not reach this member"),
        reason @ Reason::Internal => (reason, "the answer could not be recorded; it may be sent again"),
        _ => (
            Reason::ValidatorNotInvited,
            "this member was not asked to vouch in this verification",
        ),
    };
    Problem::new(reason, message)
}
