//! From typed values to messages.

use crate::store::{DocumentStatus, NewDocument, Review, Revocation, StoredDecision, StoredEvidenceItem};
use bytes::Bytes;
use document_workflows::contract::SubmissionLimits;
use document_workflows::policy;
use jiff::Timestamp;
use mesh_proto::common::v1 as common;
use mesh_proto::document::v1 as proto;
use mesh_proto::document::v1::get_review_page_response::Part;
use mesh_proto::fields;
use mesh_runtime::Access;
use mesh_types::{Check, CheckResult, Decision, DocumentKind};

/// Bytes of a file in one message: 64 KiB.
const CHUNK_BYTES: usize = 64 << 10;

pub(crate) fn uploaded(document: &NewDocument, document_url: String) -> proto::UploadDocumentResponse {
    proto::UploadDocumentResponse {
        document_id: document.document_id.to_string(),
        document_url,
        page_count: document.page_count() as i32,
        size_bytes: document.size_bytes(),
        sha256: hex::encode(document.sha256),
    }
}

pub(super) fn verification(status: DocumentStatus) -> proto::DocumentVerification {
    let answer = proto::DocumentVerification {
        document_id: status.document_id.to_string(),
        member_id: status.member_id.get(),
        document_type: document_type(status.kind).into(),
        page_count: status.page_count as i32,
        pages_read: status.pages_read as i32,
        verification_id: status.verification_id.map(|id| id.to_string()).unwrap_or_default(),
        submission: status.submission.unwrap_or_default() as i32,
        submissions_left: submissions_left(&status) as i32,
        hints: hints(&status),
        checks: status.checks.into_iter().map(check).collect(),
        ..proto::DocumentVerification::default()
    };
    match status.decided {
        Some(decided) => with_decision(answer, decided),
        None => answer,
    }
}

/// What the caller may read of it.
pub(super) fn for_caller(access: &Access, verification: proto::DocumentVerification) -> proto::DocumentVerification {
    match access.may_be_anybodys() {
        true => verification,
        false => verification.for_its_member(),
    }
}

fn with_decision(answer: proto::DocumentVerification, decided: StoredDecision) -> proto::DocumentVerification {
    let decision = match decided.decision {
        Decision::Accepted => proto::DocumentDecision::Accepted,
        Decision::Rejected => proto::DocumentDecision::Rejected,
        Decision::Resubmit => proto::DocumentDecision::Resubmit,
        Decision::NeedsReview => proto::DocumentDecision::NeedsReview,
    };
    proto::DocumentVerification {
        decision: decision.into(),
        member_reason: decided.member_reason,
        internal_reason: decided.internal_reason,
        decided_at: Some(fields::timestamp(decided.decided_at)),
        ..answer
    }
}

/// By the usual limits of a verification; what a verification grants beyond or below it, its workflow knows alone.
fn submissions_left(status: &DocumentStatus) -> u32 {
    let decision = status.decided.as_ref().map(|decided| decided.decision);
    match (status.submission, decision) {
        (None, _) | (_, Some(Decision::Accepted | Decision::Rejected)) => 0,
        (Some(submission), _) => SubmissionLimits::default().submissions.saturating_sub(submission),
    }
}

/// Only what is to be submitted again can be bettered.
fn hints(status: &DocumentStatus) -> Vec<String> {
    let again = status
        .decided
        .as_ref()
        .is_some_and(|decided| decided.decision == Decision::Resubmit);
    if !again {
        return Vec::new();
    }
    let hints = policy::hints(&status.checks);
    hints.into_iter().map(str::to_owned).collect()
}

pub(crate) fn review(review: Review, now: Timestamp) -> proto::Review {
    let claim = review.claim_at(now);
    proto::Review {
        review_id: review.review_id.to_string(),
        document_id: review.document_id.to_string(),
        verification_id: review.verification_id.to_string(),
        document_type: document_type(review.kind).into(),
        page_count: review.page_count as i32,
        internal_reason: review.internal_reason,
        checks: review.checks.into_iter().map(check).collect(),
        requested_at: Some(fields::timestamp(review.requested_at)),
        expires_at: Some(fields::timestamp(review.expires_at)),
        claimed_by: claim.map(|claim| claim.reviewer_id.get()).unwrap_or_default(),
        claimed_until: claim.map(|claim| fields::timestamp(claim.until)),
    }
}

/// One message after the other, so that a file is held in memory once.
pub(crate) fn review_page(
    media_type: String,
    bytes: Bytes,
) -> impl Iterator<Item = proto::GetReviewPageResponse> + Send + 'static {
    let chunks = (0..bytes.len()).step_by(CHUNK_BYTES).map(move |from| {
        let to = bytes.len().min(from + CHUNK_BYTES);
        Part::Chunk(bytes[from..to].to_vec())
    });
    let parts = std::iter::once(Part::MediaType(media_type)).chain(chunks);
    parts.map(|part| proto::GetReviewPageResponse { part: Some(part) })
}

pub(super) fn evidence(item: StoredEvidenceItem) -> proto::EvidenceItem {
    proto::EvidenceItem {
        evidence_id: item.evidence_id.to_string(),
        document_id: item.document_id.to_string(),
        document_type: document_type(item.document_kind).into(),
        submission: item.submission as i32,
        proves: item.proves.as_str().to_owned(),
        sha256: hex::encode(item.sha256),
        retention_class: item.retention_class,
        created_at: Some(fields::timestamp(item.created_at)),
    }
}

pub(super) fn revocation(revocation: Revocation) -> common::Revocation {
    common::Revocation {
        verification_id: revocation.verification_id.to_string(),
        reason: common::RevocationReason::from(revocation.reason).into(),
        revoked_at: Some(fields::timestamp(revocation.revoked_at)),
    }
}

fn document_type(kind: DocumentKind) -> proto::DocumentType {
    match kind {
        DocumentKind::Passport => proto::DocumentType::Passport,
        DocumentKind::DriversLicense => proto::DocumentType::DriversLicense,
        DocumentKind::NationalId => proto::DocumentType::NationalId,
    }
}

fn check(check: Check) -> proto::DocumentCheck {
    let result = match check.result {
        CheckResult::Passed => proto::CheckResult::Passed,
        CheckResult::Failed => proto::CheckResult::Failed,
        CheckResult::NotApplicable => proto::CheckResult::NotApplicable,
    };
    proto::DocumentCheck {
        name: check.name.as_str().to_owned(),
        result: result.into(),
        reason: check.reason.to_string(),
    }
}
