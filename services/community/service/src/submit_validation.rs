//! `SubmitValidation`: a validator answers.

use crate::Store;
use crate::api::parse;
use crate::store::Validation;
use crate::temporal::Workflows;
use community_workflows::contract::{Answer, ResponseTaken, ValidatorResponse, VoteRecorded};
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
        let validation = may_answer(store, verification_id, &response).await?;
        // The workflow has the word, also where the table has this very vote, or even the end: a workflow task that was lost with
        // its worker leaves both behind, and the workflow learns of them by the repeat alone.
        match workflows.submit(validation.run, response.clone(), request_id).await? {
            Some(ResponseTaken::Counted) => Ok(SubmitValidationResponse {}),
            Some(ResponseTaken::Refused { reason }) => Err(refused(&reason)),
            None => what_stands((store, workflows), verification_id, (&response, request_id)).await,
        }
    };
    idempotency.under_lease(RPC, request_id, request, now, work).await
}

/// The validation, where the member was asked. Who was not is told why, and needs no workflow for it.
async fn may_answer(
    store: &Store,
    verification_id: VerificationId,
    response: &ValidatorResponse,
) -> Result<Validation, Problem> {
    let validator_id = response.validator_id;
    // To a stranger a verification that there is looks like one that there is not.
    let validation = store.find_validation(verification_id).await?;
    let validation = validation.ok_or_else(|| refused(Reason::ValidatorNotInvited.as_str()))?;
    if validation.member_id == validator_id {
        return Err(refused(Reason::ValidationOfOneself.as_str()));
    }
    match store.find_standing(verification_id, validator_id).await?.as_deref() {
        Some("CHOSEN") => match store.find_vote(verification_id, validator_id).await? {
            Some(VoteRecorded::Recorded { answer, request_id }) if !is_this(response, answer, request_id) => {
                Err(refused(Reason::ValidationAnswered.as_str()))
            }
            Some(VoteRecorded::Refused { reason }) => Err(refused(&reason)),
            Some(VoteRecorded::Recorded { .. }) | None => Ok(validation),
        },
        Some(standing) => Err(refused(standing)),
        None => Err(refused(Reason::ValidatorNotInvited.as_str())),
    }
}

/// What the table says of an answer that the workflow refused, or that came after its end. Until the votes are counted, one that the
/// table has and the workflow refuses is one that the workflow does not know: it was recorded, and the task in which that
/// happened was lost. Sent again, it gets there. Even the count may be of a task that was lost, and this the last answer that is sent:
/// so the workflow is told of it, and comes to the end that the table has.
async fn what_stands(
    (store, workflows): (&Store, &Workflows),
    verification_id: VerificationId,
    (response, request_id): (&ValidatorResponse, RequestId),
) -> Result<SubmitValidationResponse, Problem> {
    match store.find_vote(verification_id, response.validator_id).await? {
        Some(VoteRecorded::Recorded {
            answer,
            request_id: sent_by,
        }) if is_this(response, answer, sent_by) => {
            let validation = store.find_validation(verification_id).await?;
            if let Some(validation) = validation.filter(|validation| validation.counted.is_some()) {
                workflows.tell_of_vote(validation.run, response, request_id).await?;
                return Ok(SubmitValidationResponse {});
            }
            let message = "the answer is recorded, but the workflow has not taken it; send it again";
            Err(Problem::new(Reason::TemporalUnavailable, message))
        }
        Some(VoteRecorded::Recorded { .. }) => Err(refused(Reason::ValidationAnswered.as_str())),
        Some(VoteRecorded::Refused { reason }) => Err(refused(&reason)),
        None => Err(refused(Reason::ValidationOver.as_str())),
    }
}

fn is_this(response: &ValidatorResponse, answer: Answer, request_id: Option<RequestId>) -> bool {
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
