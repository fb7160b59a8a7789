//! From messages to typed values. What the field rules of the contract say is checked before a handler runs; here is what
//! needs another field, and what is no rule of a single field.

use crate::identity::Identity;
use crate::store::{EvidenceKey, NewReviewDecision, ReviewKey};
use mesh_proto::document::v1::{
    ClaimReviewRequest, DecideReviewRequest, DocumentDecision, DocumentType, EraseDocumentRequest,
    GetReviewPageRequest, ListEvidenceRequest, ListReviewsRequest, ListRevocationsRequest, SubmitDocumentRequest,
};
use mesh_proto::fields;
use mesh_runtime::Problem;
use mesh_runtime::paging::PageRequest;
use mesh_types::{Decision, DocumentId, DocumentKind, DocumentUrl, MemberId, RequestId, ReviewId, VerificationId};
use uuid::Uuid;

/// A document for a verification that waits for one.
#[derive(Clone, Debug)]
pub struct NextDocument {
    /// What the caller chose.
    pub request_id: RequestId,
    /// The verification.
    pub verification_id: VerificationId,
    /// The document.
    pub document_url: DocumentUrl,
    /// What the member says it is.
    pub kind: DocumentKind,
}

/// What a request names a document by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meant {
    Document(DocumentId),
    Verification(VerificationId),
}

/// Exactly one of two fields is set.
pub(crate) fn meant(document_id: &str, verification_id: &str) -> Result<Meant, Problem> {
    match (document_id, verification_id) {
        (document, "") => Ok(Meant::Document(fields::id("document_id", document)?)),
        ("", verification) => Ok(Meant::Verification(fields::id("verification_id", verification)?)),
        _ => Err(Problem::invalid_field(
            "verification_id",
            "must be empty if document_id is set",
        )),
    }
}

/// The kind of document that a field at `path` names.
pub(crate) fn kind(path: &str, document_type: DocumentType) -> Result<DocumentKind, Problem> {
    match document_type {
        DocumentType::Passport => Ok(DocumentKind::Passport),
        DocumentType::DriversLicense => Ok(DocumentKind::DriversLicense),
        DocumentType::NationalId => Ok(DocumentKind::NationalId),
        DocumentType::Unspecified => Err(Problem::invalid_field(path, "must be one of the named values")),
    }
}

pub(crate) fn submit_document(request: &SubmitDocumentRequest) -> Result<NextDocument, Problem> {
    Ok(NextDocument {
        request_id: fields::id("request_id", &request.request_id)?,
        verification_id: fields::id("verification_id", &request.verification_id)?,
        document_url: DocumentUrl::parse(&request.document_url)
            .map_err(|error| Problem::invalid_field("document_url", error.to_string()))?,
        kind: kind("document_type", request.document_type())?,
    })
}

pub(super) fn list_reviews(request: &ListReviewsRequest) -> Result<PageRequest<ReviewKey>, Problem> {
    PageRequest::parse(request.page_size, &request.page_token, &"ListReviews")
}

pub(super) fn list_evidence(
    request: &ListEvidenceRequest,
) -> Result<(VerificationId, PageRequest<EvidenceKey>), Problem> {
    let verification_id = fields::id("verification_id", &request.verification_id)?;
    let filter = ("ListEvidence", verification_id);
    let page = PageRequest::parse(request.page_size, &request.page_token, &filter)?;
    Ok((verification_id, page))
}

pub(super) fn list_revocations(request: &ListRevocationsRequest) -> Result<PageRequest<Uuid>, Problem> {
    PageRequest::parse(request.page_size, &request.page_token, &"ListRevocations")
}

pub(crate) fn claim_review(request: &ClaimReviewRequest) -> Result<(RequestId, ReviewId), Problem> {
    Ok((
        fields::id("request_id", &request.request_id)?,
        fields::id("review_id", &request.review_id)?,
    ))
}

pub(crate) fn get_review_page(request: &GetReviewPageRequest) -> Result<(ReviewId, u32), Problem> {
    let page = u32::try_from(request.page_number);
    Ok((
        fields::id("review_id", &request.review_id)?,
        page.map_err(|_| Problem::invalid_field("page_number", "must be from 1"))?,
    ))
}

/// A decision, still without the work that it is made by and the physical document that it is about.
pub(crate) fn decide_review(
    request: &DecideReviewRequest,
    reviewer_id: MemberId,
) -> Result<NewReviewDecision, Problem> {
    let decision = match request.decision() {
        DocumentDecision::Accepted => Decision::Accepted,
        DocumentDecision::Rejected => Decision::Rejected,
        DocumentDecision::Resubmit => Decision::Resubmit,
        DocumentDecision::Unspecified | DocumentDecision::NeedsReview => {
            let wanted = "must be accepted, rejected or to be submitted again";
            return Err(Problem::invalid_field("decision", wanted));
        }
    };
    let member_text = request.member_text.trim().to_owned();
    if member_text.is_empty() && decision != Decision::Accepted {
        let wanted = "is required: the member must be told why";
        return Err(Problem::invalid_field("member_text", wanted));
    }
    if decision != Decision::Accepted {
        for (path, typed) in [
            ("issuing_state", &request.issuing_state),
            ("document_number", &request.document_number),
        ] {
            if !typed.is_empty() {
                return Err(Problem::invalid_field(
                    path,
                    "must be empty unless the document is accepted",
                ));
            }
        }
    }
    Ok(NewReviewDecision {
        decision_id: Uuid::nil(),
        review_id: fields::id("review_id", &request.review_id)?,
        reviewer_id,
        decision,
        reason_code: request.reason_code.clone(),
        member_text,
        internal_note: request.internal_note.trim().to_owned(),
        identity: Vec::new(),
        is_members_own: request.is_members_own,
    })
}

pub(super) fn erase_document(request: &EraseDocumentRequest) -> Result<DocumentId, Problem> {
    Ok(fields::id("document_id", &request.document_id)?)
}

/// The physical document that an administrator means. What is wrong with the number is said without the number.
pub(crate) fn identity(
    document_type: DocumentType,
    issuing_state: &str,
    document_number: &str,
) -> Result<Identity, Problem> {
    typed(kind("document_type", document_type)?, issuing_state, document_number)
}

/// The physical document of a kind that a reviewer typed; `None` if they typed none.
pub(crate) fn typed_identity(request: &DecideReviewRequest, kind: DocumentKind) -> Result<Option<Identity>, Problem> {
    match (request.issuing_state.trim(), request.document_number.trim()) {
        ("", "") => Ok(None),
        ("", _) => Err(Problem::invalid_field(
            "issuing_state",
            "is required with a document number",
        )),
        (issuing_state, document_number) => typed(kind, issuing_state, document_number).map(Some),
    }
}

fn typed(kind: DocumentKind, issuing_state: &str, document_number: &str) -> Result<Identity, Problem> {
    let identity = Identity::new(issuing_state, kind, document_number);
    identity.ok_or_else(|| Problem::invalid_field("document_number", "must have a letter or a digit"))
}

#[cfg(test)]
mod tests;
