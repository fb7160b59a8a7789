//! `DecideValidation`: a person decides on vouches that look made up.

use crate::Store;
use crate::api::parse;
use crate::store::no_validation;
use crate::temporal::Workflows;
use community_workflows::contract::ReviewDecision;
use jiff::Timestamp;
use mesh_proto::community::v1::{DecideValidationRequest, DecideValidationResponse};
use mesh_runtime::idempotency::{Attempt, IdempotencyStore};
use mesh_runtime::{Access, Problem};
use mesh_types::{MemberId, Reason};

const RPC: &str = "voluntier.community.v1.CommunityService/DecideValidation";

/// Gives a person's decision to the workflow, once for each request.
///
/// # Errors
/// `INVALID_REQUEST`, `VALIDATION_NOT_FOUND`, `REVIEW_OF_ONESELF`, `VALIDATION_NOT_IN_REVIEW`, `TEMPORAL_UNAVAILABLE`; those of
/// [`IdempotencyStore::under_lease`].
pub async fn decide_validation(
    (store, idempotency, workflows): (&Store, &IdempotencyStore, &Workflows),
    access: &Access,
    request: &DecideValidationRequest,
    now: Timestamp,
) -> Result<DecideValidationResponse, Problem> {
    let (request_id, verification_id, is_accepted) = parse::decide_validation(request)?;
    let reviewer = MemberId::try_from(access.person()?).map_err(Problem::internal)?;
    let work = async |_: Attempt| {
        let validation = store.find_validation(verification_id).await?;
        let validation = validation.ok_or_else(no_validation)?;
        let is_involved = validation.member_id == reviewer
            || store.find_standing(verification_id, reviewer).await?.as_deref() == Some("CHOSEN");
        if is_involved {
            let message = "nobody decides on vouches for themselves, or on those that they were asked for";
            return Err(Problem::new(Reason::ReviewOfOneself, message));
        }
        let decided = ReviewDecision {
            is_accepted,
            decided_by: access.actor().to_string(),
        };
        // The workflow knows the update of a repeat by the request's id, also when the review has ended by it.
        if validation.counted.is_some() && workflows.decide(validation.run, decided, request_id).await? {
            return Ok(DecideValidationResponse {});
        }
        let message = "no person has to decide on this validation, or one has decided";
        Err(Problem::new(Reason::ValidationNotInReview, message))
    };
    idempotency.under_lease(RPC, request_id, request, now, work).await
}
