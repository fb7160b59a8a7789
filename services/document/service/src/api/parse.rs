//! From messages to typed values, once, with the path of every field that is wrong.

use crate::identity::Identity;
use crate::store::{EvidencePlace, NewDecision, ReviewPlace};
use crate::submission::NextDocument;
use crate::upload::{MAX_PAGES, kind};
use jiff::Timestamp;
use mesh_proto::document::v1::{
    DecideReviewRequest, DocumentDecision, GetDocumentVerificationRequest, ListEvidenceRequest, ListReviewsRequest,
    SubmitDocumentRequest,
};
use mesh_runtime::Problem;
use mesh_types::{Decision, DocumentId, DocumentUrl, IdError, MemberId, VerificationId};
use std::str::FromStr;
use uuid::Uuid;

/// Things on a page when the caller says nothing, and at most.
const PAGE_SIZE: (u32, u32) = (50, 100);
/// A reason code is at most so many characters long.
const MAX_CODE_CHARS: usize = 64;
/// A sentence for the member is at most so many characters long.
const MAX_MEMBER_TEXT_CHARS: usize = 500;
/// A note for other reviewers is at most so many characters long.
const MAX_NOTE_CHARS: usize = 2_000;
/// No document has a longer number; ICAO's take 9 characters, long ones 22, AAMVA's 25.
const MAX_NUMBER_CHARS: usize = 64;

/// Which check is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meant {
    Document(DocumentId),
    Verification(VerificationId),
}

pub(super) fn id<T: FromStr<Err = IdError>>(path: &str, text: &str) -> Result<T, Problem> {
    text.parse()
        .map_err(|error: IdError| Problem::invalid_field(path, error.to_string()))
}

pub(super) fn member_id(path: &str, number: i64) -> Result<MemberId, Problem> {
    MemberId::try_from(number).map_err(|error| Problem::invalid_field(path, error.to_string()))
}

pub(super) fn page_number(path: &str, number: i32) -> Result<u32, Problem> {
    let page = u32::try_from(number).ok();
    page.filter(|page| (1..=MAX_PAGES as u32).contains(page))
        .ok_or_else(|| Problem::invalid_field(path, format!("must be from 1 to {MAX_PAGES}")))
}

pub(super) fn meant(request: &GetDocumentVerificationRequest) -> Result<Meant, Problem> {
    match (request.document_id.as_str(), request.verification_id.as_str()) {
        (document, "") => Ok(Meant::Document(id("document_id", document)?)),
        ("", verification) => Ok(Meant::Verification(id("verification_id", verification)?)),
        _ => Err(Problem::invalid_field(
            "verification_id",
            "must be empty if document_id is set",
        )),
    }
}

pub(super) fn submit_document(request: &SubmitDocumentRequest) -> Result<NextDocument, Problem> {
    Ok(NextDocument {
        request_id: id("request_id", &request.request_id)?,
        verification_id: id("verification_id", &request.verification_id)?,
        document_url: DocumentUrl::parse(&request.document_url)
            .map_err(|error| Problem::invalid_field("document_url", error.to_string()))?,
        kind: kind("document_type", request.document_type)?,
    })
}

pub(super) fn list_reviews(request: &ListReviewsRequest) -> Result<(Option<ReviewPlace>, u32), Problem> {
    let place = place(&request.page_token)?.map(|(requested_at, id)| ReviewPlace {
        requested_at,
        review_id: id.into(),
    });
    Ok((place, page_size(request.page_size)?))
}

pub(super) fn list_evidence(
    request: &ListEvidenceRequest,
) -> Result<(VerificationId, Option<EvidencePlace>, u32), Problem> {
    let verification_id = id("verification_id", &request.verification_id)?;
    let place = place(&request.page_token)?.map(|(created_at, id)| EvidencePlace {
        created_at,
        evidence_id: id.into(),
    });
    Ok((verification_id, place, page_size(request.page_size)?))
}

fn page_size(size: i32) -> Result<u32, Problem> {
    let (default, most) = PAGE_SIZE;
    match u32::try_from(size) {
        Ok(0) => Ok(default),
        Ok(size) if size <= most => Ok(size),
        _ => Err(Problem::invalid_field(
            "page_size",
            format!("must be from 1 to {most}, or 0 for {default}"),
        )),
    }
}

/// A token as [`token`] makes them; an empty one is the beginning.
fn place(token: &str) -> Result<Option<(Timestamp, Uuid)>, Problem> {
    if token.is_empty() {
        return Ok(None);
    }
    let parsed = || {
        let bytes: [u8; 24] = hex::decode(token).ok()?.try_into().ok()?;
        let (micros, id) = bytes.split_first_chunk::<8>()?;
        let instant = Timestamp::from_microsecond(i64::from_be_bytes(*micros)).ok()?;
        Some((instant, Uuid::from_slice(id).ok()?))
    };
    let place = parsed();
    if place.is_none() {
        let why = "must be the next_page_token of the page before";
        return Err(Problem::invalid_field("page_token", why));
    }
    Ok(place)
}

/// The token of a place in a list that is ordered by time and id.
pub(super) fn token(instant: Timestamp, id: Uuid) -> String {
    hex::encode([instant.as_microsecond().to_be_bytes().as_slice(), id.as_bytes()].concat())
}

pub(super) fn decide_review(request: DecideReviewRequest) -> Result<NewDecision, Problem> {
    let decision = match DocumentDecision::try_from(request.decision) {
        Ok(DocumentDecision::Accepted) => Decision::Accepted,
        Ok(DocumentDecision::Rejected) => Decision::Rejected,
        Ok(DocumentDecision::Resubmit) => Decision::Resubmit,
        Ok(DocumentDecision::Unspecified | DocumentDecision::NeedsReview) | Err(_) => {
            return Err(Problem::invalid_field(
                "decision",
                "must be accepted, rejected or to be submitted again",
            ));
        }
    };
    let member_text = text("member_text", &request.member_text, MAX_MEMBER_TEXT_CHARS)?;
    if member_text.is_empty() && decision != Decision::Accepted {
        return Err(Problem::invalid_field(
            "member_text",
            "is required: the member must be told why",
        ));
    }
    Ok(NewDecision {
        request_id: id("request_id", &request.request_id)?,
        review_id: id("review_id", &request.review_id)?,
        reviewer_id: member_id("reviewer_id", request.reviewer_id)?,
        decision,
        reason_code: reason_code("reason_code", request.reason_code)?,
        member_text,
        internal_note: text("internal_note", &request.internal_note, MAX_NOTE_CHARS)?,
    })
}

fn text(path: &str, text: &str, most: usize) -> Result<String, Problem> {
    let text = text.trim();
    if text.chars().count() > most {
        return Err(Problem::invalid_field(
            path,
            format!("must be at most {most} characters long"),
        ));
    }
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.chars().any(odd) {
        return Err(Problem::invalid_field(path, "must not hold control characters"));
    }
    Ok(text.to_owned())
}

pub(super) fn reason_code(path: &str, code: String) -> Result<String, Problem> {
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let is_code = code.len() <= MAX_CODE_CHARS
        && code.starts_with(|c: char| c.is_ascii_uppercase())
        && !code.ends_with('_')
        && !code.contains("__")
        && code.chars().all(plain);
    if is_code {
        Ok(code)
    } else {
        let why = format!("must be a code in UPPER_SNAKE_CASE, at most {MAX_CODE_CHARS} characters long");
        Err(Problem::invalid_field(path, why))
    }
}

/// The document of the world that an administrator means. What is wrong with the number is said without the number.
pub(super) fn identity(document_type: i32, issuing_state: &str, document_number: &str) -> Result<Identity, Problem> {
    let kind = kind("document_type", document_type)?;
    let issuer = issuing_state.trim();
    let is_state = (1..=3).contains(&issuer.len()) && issuer.chars().all(|c| c.is_ascii_alphabetic());
    let is_aamva = issuer.len() == 6 && issuer.chars().all(|c| c.is_ascii_digit());
    if !is_state && !is_aamva {
        return Err(Problem::invalid_field(
            "issuing_state",
            "must be a state's code of 1 to 3 letters, or an AAMVA issuer number of 6 digits",
        ));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-');
    let is_number = document_number.len() <= MAX_NUMBER_CHARS && document_number.chars().all(plain);
    let identity = is_number
        .then(|| Identity::new(issuer, kind, document_number))
        .flatten();
    identity.ok_or_else(|| {
        let why = format!(
            "must be letters and digits, spaces and hyphens between them, at most {MAX_NUMBER_CHARS} characters"
        );
        Problem::invalid_field("document_number", why)
    })
}

#[cfg(test)]
mod tests;
