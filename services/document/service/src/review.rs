//! A person's look at a document: asked for by the workflow, and closed. What reviewers do (claim, look at a page, decide) are
//! RPCs with files of their own.

use crate::extraction::not_found;
use crate::store::{Document, HeldReview, NewReview, Page, Requested, ReviewRefusal, Store, WaitingActivity};
use crate::vault::{Vault, erased};
use document_workflows::contract::{ReviewClosing, ReviewDecision, ReviewRequest};
use mesh_runtime::{Problem, clock};
use mesh_types::Reason;

/// Asks for a person's look; `None` while it waits for the decision.
///
/// # Errors
/// `DOCUMENT_NOT_FOUND`, `DOCUMENT_ERASED`; `REVIEW_OVER` when it was closed; `DATABASE_UNAVAILABLE`.
pub async fn request(
    vault: &Vault,
    request: ReviewRequest,
    waiting: WaitingActivity,
) -> Result<Option<ReviewDecision>, Problem> {
    let document = vault.store().find_document(request.document_id).await?;
    if document.ok_or_else(not_found)?.erased_at.is_some() {
        return Err(erased());
    }
    let review = NewReview {
        review_id: clock::new_uuid().into(),
        verification_id: request.verification_id,
        document_id: request.document_id,
        internal_reason: request.internal_reason,
        requested_at: crate::checking::instant("requested_at_seconds", request.requested_at_seconds)?,
        expires_at: crate::checking::instant("expires_at_seconds", request.expires_at_seconds)?,
        waiting,
    };
    match vault.store().request_review(&review).await? {
        Requested::Waiting => Ok(None),
        Requested::Decided(decision) => Ok(Some(decision)),
        Requested::Over => Err(ReviewRefusal::Over.into()),
    }
}

/// Closes a review that nobody decided; returns the decision if one came just before.
///
/// # Errors
/// `DATABASE_UNAVAILABLE`.
pub async fn close(vault: &Vault, closing: ReviewClosing) -> Result<Option<ReviewDecision>, Problem> {
    let ended_at = crate::checking::instant("ended_at_seconds", closing.ended_at_seconds)?;
    let store = vault.store();
    store
        .close_review(
            closing.verification_id,
            closing.document_id,
            closing.ended,
            ended_at,
            clock::new_uuid().into(),
        )
        .await
}

/// A page and its document, for the reviewer who holds the review.
///
/// # Errors
/// `DOCUMENT_NOT_FOUND` for a page that isn't there; `DATABASE_UNAVAILABLE`.
pub async fn find_page(store: &Store, held: &HeldReview, page_number: u32) -> Result<(Document, Page), Problem> {
    let document_id = held.review().document_id;
    let document = store.find_document(document_id).await?;
    let document = document.ok_or_else(not_found)?;
    let pages = store.list_pages(document_id).await?;
    let page = pages.into_iter().find(|page| page.number == page_number);
    let page = page.ok_or_else(|| Problem::new(Reason::DocumentNotFound, "the document has no such page"))?;
    Ok((document, page))
}

impl From<ReviewRefusal> for Problem {
    fn from(refusal: ReviewRefusal) -> Self {
        let (reason, why) = match refusal {
            ReviewRefusal::NotFound => (Reason::ReviewNotFound, "no review has this id"),
            ReviewRefusal::Erased => return erased(),
            ReviewRefusal::Over => (Reason::ReviewOver, "the review is decided, expired or withdrawn"),
            ReviewRefusal::OfOneself => (Reason::ReviewOfOneself, "nobody reviews a document of their own"),
            ReviewRefusal::ClaimedByAnother => (Reason::ReviewClaimedByAnother, "another reviewer holds the review"),
            ReviewRefusal::NotClaimed => (
                Reason::ReviewNotClaimed,
                "claim the review first; a claim ends after 15 minutes",
            ),
            ReviewRefusal::NumberKnown => (
                Reason::DocumentNumberKnown,
                "another member was accepted with a document of this kind and number, or one is on the blocklist: make sure \
                 that this one is the member's own, and say so by is_members_own",
            ),
        };
        Problem::new(reason, why)
    }
}

#[cfg(test)]
mod tests;
