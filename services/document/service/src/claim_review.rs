//! `ClaimReview`: one reviewer takes a review.

use crate::api::{parse, render};
use crate::store::{ReviewClaim, claim_review as claim_row};
use jiff::{SignedDuration, Timestamp};
use mesh_proto::document::v1::{ClaimReviewRequest, ClaimReviewResponse};
use mesh_runtime::Problem;
use mesh_runtime::idempotency::{IdempotencyStore, ResourceId};
use mesh_types::MemberId;
use sqlx::PgConnection;

const RPC: &str = "voluntier.document.v1.DocumentService/ClaimReview";

/// How long a reviewer holds a review.
pub const CLAIM_LENGTH: SignedDuration = SignedDuration::from_mins(15);

/// Takes a review for a reviewer, for [`CLAIM_LENGTH`] from `now`, once for each request.
///
/// # Errors
/// `INVALID_REQUEST`, `REVIEW_NOT_FOUND`, `REVIEW_CLAIMED_BY_ANOTHER`, `REVIEW_OVER`, `REVIEW_OF_ONESELF`,
/// `DOCUMENT_ERASED`; those of [`IdempotencyStore::in_transaction`].
pub async fn claim_review(
    idempotency: &IdempotencyStore,
    reviewer_id: MemberId,
    message: &ClaimReviewRequest,
    now: Timestamp,
) -> Result<ClaimReviewResponse, Problem> {
    let (request_id, review_id) = parse::claim_review(message)?;
    let claim = ReviewClaim {
        reviewer_id,
        until: now + CLAIM_LENGTH,
    };
    let work = async |connection: &mut PgConnection, _: ResourceId| {
        let review = claim_row(connection, review_id, claim, now).await??;
        Ok(ClaimReviewResponse {
            review: Some(render::review(review, now)),
        })
    };
    idempotency.in_transaction(RPC, request_id, message, now, work).await
}
