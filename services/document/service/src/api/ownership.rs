//! Whose it is what a request names. It is looked up before anything else is done: a repeat of a request is answered from what
//! was stored, and must not get past the look. What is another's is answered as if it did not exist, but for reviews.

use super::parse::Meant;
use crate::extraction::not_found;
use crate::store::{HeldReview, Review, ReviewRefusal, Store};
use jiff::Timestamp;
use mesh_runtime::{Access, Problem};
use mesh_types::{DocumentId, MemberId, Reason, ReviewId, VerificationId};

pub(super) async fn require_own_document(
    store: &Store,
    access: &Access,
    document_id: DocumentId,
    missing: impl FnOnce() -> Problem,
) -> Result<(), Problem> {
    let owner = async {
        let document = store.find_document(document_id).await?;
        Ok(document.map(|document| document.member_id.get()))
    };
    access.require_owner(owner, missing).await
}

/// A verification that no document was submitted to is nobody's here.
pub(super) async fn require_own_verification(
    store: &Store,
    access: &Access,
    verification_id: VerificationId,
) -> Result<(), Problem> {
    let owner = async {
        let latest = store.find_latest_submission(verification_id).await?;
        Ok(latest.map(|latest| latest.member_id.get()))
    };
    access.require_owner(owner, no_verification).await
}

/// The document that is meant, and the verification where it is named by one. Nothing but the owner is read for that, so what is
/// another's costs as much as what is missing.
pub(super) async fn require_own_meant(
    store: &Store,
    access: &Access,
    meant: Meant,
) -> Result<(DocumentId, Option<VerificationId>), Problem> {
    match meant {
        Meant::Document(document_id) => {
            require_own_document(store, access, document_id, not_found).await?;
            Ok((document_id, None))
        }
        Meant::Verification(verification_id) => {
            let latest = store.find_latest_submission(verification_id).await?;
            let owner = latest.as_ref().map(|latest| latest.member_id.get());
            access.require_owner(async { Ok(owner) }, not_found).await?;
            let document_id = latest.ok_or_else(not_found)?.document_id;
            Ok((document_id, Some(verification_id)))
        }
    }
}

/// The reviewer who acts.
pub(super) fn reviewer(access: &Access) -> Result<MemberId, Problem> {
    MemberId::try_from(access.person()?).map_err(Problem::internal)
}

/// For who looks at pages: a review is assigned to who holds it.
pub(super) async fn require_held_review(
    store: &Store,
    access: &Access,
    review_id: ReviewId,
    now: Timestamp,
) -> Result<HeldReview, Problem> {
    let review = store.find_review(review_id).await?;
    require_held(access, review.ok_or(ReviewRefusal::NotFound)?, now)
}

/// For who decides: also whoever has decided the review before, who gets the first answer when they repeat their request. Whether
/// they may decide it now is asked where it is decided.
pub(super) async fn require_held_or_decided_review(
    store: &Store,
    access: &Access,
    review_id: ReviewId,
    now: Timestamp,
) -> Result<(), Problem> {
    let review = store.find_review(review_id).await?.ok_or(ReviewRefusal::NotFound)?;
    let reviewer_id = reviewer(access)?;
    if store.has_decided(review_id, reviewer_id).await? && access.admits_assignee(Some(reviewer_id.get())) {
        return Ok(());
    }
    require_held(access, review, now).map(drop)
}

/// The queue shows every open review to every reviewer, so one that is not theirs to work on is refused by what stands against it
/// and not hidden.
fn require_held(access: &Access, review: Review, now: Timestamp) -> Result<HeldReview, Problem> {
    let holder = review.claim_at(now).map(|claim| claim.reviewer_id.get());
    let is_theirs = access.admits_assignee(holder);
    let held = review.held_by(reviewer(access)?, now)?;
    is_theirs
        .then_some(held)
        .ok_or_else(|| ReviewRefusal::NotClaimed.into())
}

pub(crate) fn no_verification() -> Problem {
    Problem::new(Reason::VerificationNotFound, "no verification by document has this id")
}
