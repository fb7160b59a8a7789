//! `DecideReview`: the reviewer who holds a review decides it, and the workflow that waits hears of it.

use crate::api::parse;
use crate::checking::{identity_of, to_claim};
use crate::identity::Identity;
use crate::store::NewReviewDecision;
use crate::temporal::Workflows;
use crate::vault::Vault;
use jiff::Timestamp;
use mesh_proto::document::v1::{DecideReviewRequest, DecideReviewResponse};
use mesh_proto::fields;
use mesh_runtime::Problem;
use mesh_runtime::idempotency::{Attempt, IdempotencyStore};
use mesh_types::{Check, CheckName, CheckResult, Decision};

const RPC: &str = "voluntier.document.v1.DocumentService/DecideReview";

/// Decides a review and hands the decision to the workflow, once for each request. The decision is committed first. A repeat
/// finds it by the id of the request's work and hands it over where that could not be done before.
///
/// # Errors
/// `INVALID_REQUEST`, `REVIEW_NOT_FOUND`, `REVIEW_NOT_CLAIMED`, `REVIEW_CLAIMED_BY_ANOTHER`, `REVIEW_OVER`,
/// `DOCUMENT_ERASED`, `DOCUMENT_NUMBER_KNOWN`; `DOCUMENT_UNREADABLE`, `KEY_UNAVAILABLE`; `TEMPORAL_UNAVAILABLE` when it is
/// decided and could not be handed over; those of [`IdempotencyStore::under_lease`].
pub async fn decide_review(
    (vault, idempotency, workflows): (&Vault, &IdempotencyStore, &Workflows),
    message: &DecideReviewRequest,
    decision: NewReviewDecision,
    now: Timestamp,
) -> Result<DecideReviewResponse, Problem> {
    let request_id = fields::id("request_id", &message.request_id)?;
    let work = async |attempt: Attempt| {
        let decision_id = attempt.resource_id.uuid();
        let decision = NewReviewDecision {
            decision_id,
            ..decision
        };
        let decision = with_identity(vault, message, decision, now).await?;
        let decided = vault.store().decide_review(&decision, now).await??;
        workflows.hand_over(&decided).await?;
        Ok(DecideReviewResponse {
            decided_at: Some(fields::timestamp(decided.decided_at)),
        })
    };
    idempotency.under_lease(RPC, request_id, message, now, work).await
}

/// Adds which physical document an acceptance is of: what the reviewer typed, or what was read if that is beyond doubt. A
/// decision that can't be, or is there already, needs none.
async fn with_identity(
    vault: &Vault,
    message: &DecideReviewRequest,
    mut decision: NewReviewDecision,
    now: Timestamp,
) -> Result<NewReviewDecision, Problem> {
    let review = vault.store().find_review(decision.review_id).await?;
    let held = review.and_then(|review| review.held_by(decision.reviewer_id, now).ok());
    let Some(held) = held.filter(|_| decision.decision == Decision::Accepted) else {
        return Ok(decision);
    };
    let review = held.review();
    let read = identity_of(vault, review.document_id, review.verification_id).await?;
    let typed = parse::typed_identity(message, review.kind)?;
    let is_sure = read.as_ref().is_some_and(Identity::is_whole) && !have_other_number(&review.checks);
    if typed.is_none() && !is_sure {
        let wanted = "is required: it was not read without doubt, so whoever accepts the document types it";
        let fields = ["issuing_state", "document_number"].map(|path| (path.to_owned(), wanted.to_owned()));
        return Err(Problem::invalid_fields(fields.to_vec()));
    }
    decision.identity = to_claim(vault.identity_hashes(&read), vault.identity_hashes(&typed));
    Ok(decision)
}

/// Whether print or barcode tells another number than the zone. Check digits that pass do not say which of them is right.
fn have_other_number(checks: &[Check]) -> bool {
    let of_number = [CheckName::PrintedDocumentNumber, CheckName::BarcodeDocumentNumber];
    let mut failed = checks.iter().filter(|check| check.result == CheckResult::Failed);
    failed.any(|check| of_number.iter().any(|name| check.name == *name))
}
