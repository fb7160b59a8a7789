//! Rows, and what they mean outside: a text in a table becomes a type here and nowhere else.

use jiff::Timestamp;
use jiff_sqlx::Timestamp as Instant;
use mesh_runtime::Problem;
use mesh_types::{
    Check, Decision, DocumentId, DocumentKind, EvidenceId, EvidenceKind, MemberId, RequestId, VerificationId,
};
use sqlx::types::Json;
use uuid::Uuid;

/// A document that was put into the object store and is to be recorded.
#[derive(Clone, Debug)]
pub struct NewDocument {
    /// Its new id.
    pub document_id: DocumentId,
    /// What its uploader chose.
    pub request_id: RequestId,
    /// Whose it is.
    pub member_id: MemberId,
    /// What it was announced as.
    pub kind: DocumentKind,
    /// Over the bytes of all pages in their order.
    pub sha256: [u8; 32],
    /// Its pages in their order, 1 to 50.
    pub pages: Vec<NewPage>,
}

impl NewDocument {
    /// The bytes of all pages.
    pub fn size_bytes(&self) -> i64 {
        self.pages.iter().map(|page| page.size_bytes).sum()
    }
}

/// A page of a new document.
#[derive(Clone, Debug)]
pub struct NewPage {
    /// By its first bytes: `image/png` or `image/jpeg`.
    pub media_type: &'static str,
    /// Its bytes.
    pub size_bytes: i64,
    /// Over its bytes.
    pub sha256: [u8; 32],
}

/// An upload as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedUpload {
    /// The document.
    pub document_id: DocumentId,
    /// Whose it is.
    pub member_id: MemberId,
    /// What it was announced as.
    pub kind: DocumentKind,
    /// Pages, 1 to 50.
    pub page_count: i32,
    /// Bytes of all pages.
    pub size_bytes: i64,
    /// Over the bytes of all pages in their order.
    pub sha256: Vec<u8>,
    /// Over each page's bytes, in their order.
    pub page_hashes: Vec<Vec<u8>>,
}

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The document.
    pub document_id: DocumentId,
    /// Whose it is.
    pub member_id: MemberId,
    /// Pages, 1 to 50.
    pub page_count: u32,
}

/// A page of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// From 1.
    pub number: u32,
    /// Over its bytes, as they were uploaded.
    pub sha256: [u8; 32],
    /// How often a reading was begun.
    pub attempts: u32,
    /// Whether there is a reading.
    pub is_read: bool,
}

/// How the check of a document stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The document.
    pub document_id: DocumentId,
    /// Whose it is.
    pub member_id: MemberId,
    /// What it was announced as.
    pub kind: DocumentKind,
    /// Pages, 1 to 50.
    pub page_count: i32,
    /// Pages read so far.
    pub pages_read: i32,
    /// The verification that it was last used in.
    pub verification_id: Option<VerificationId>,
    /// The checks in that verification; empty until they were made.
    pub checks: Vec<Check>,
    /// The ruling in that verification.
    pub ruling: Option<StoredRuling>,
}

/// A ruling as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRuling {
    /// What was decided.
    pub decision: Decision,
    /// The stable internal reason.
    pub internal_reason: String,
    /// A sentence for the member.
    pub member_reason: String,
    /// When it was decided.
    pub decided_at: Timestamp,
}

pub(super) struct UploadRow {
    pub(super) document_id: Uuid,
    pub(super) member_id: i64,
    pub(super) kind: String,
    pub(super) page_count: i32,
    pub(super) size_bytes: i64,
    pub(super) sha256: Vec<u8>,
    pub(super) page_hashes: Vec<Vec<u8>>,
}

pub(super) struct DocumentRow {
    pub(super) document_id: Uuid,
    pub(super) member_id: i64,
    pub(super) page_count: i32,
}

pub(super) struct PageRow {
    pub(super) page_number: i32,
    pub(super) sha256: Vec<u8>,
    pub(super) attempts: i32,
    pub(super) is_read: bool,
}

pub(super) struct EvidenceRow {
    pub(super) evidence_id: Uuid,
    pub(super) kind: String,
}

pub(super) struct StandingRow {
    pub(super) document_id: Uuid,
    pub(super) member_id: i64,
    pub(super) kind: String,
    pub(super) page_count: i32,
    pub(super) pages_read: i64,
    pub(super) verification_id: Option<Uuid>,
    pub(super) checks: Option<Json<Vec<Check>>>,
    pub(super) decision: Option<String>,
    pub(super) internal_reason: Option<String>,
    pub(super) member_reason: Option<String>,
    pub(super) decided_at: Option<Instant>,
}

/// A row that no version of this code wrote.
#[derive(Debug, thiserror::Error)]
#[error("column {column} holds a value that is not known here")]
struct UnknownValue {
    column: &'static str,
}

fn known<T>(column: &'static str, value: Option<T>) -> Result<T, Problem> {
    value.ok_or_else(|| Problem::internal(UnknownValue { column }))
}

fn member(id: i64) -> Result<MemberId, Problem> {
    known("member_id", MemberId::try_from(id).ok())
}

fn kind(text: &str) -> Result<DocumentKind, Problem> {
    known("kind", DocumentKind::parse(text))
}

fn decision(text: &str) -> Result<Decision, Problem> {
    let all = [Decision::Accepted, Decision::Rejected, Decision::Resubmit];
    known("decision", all.into_iter().find(|decision| decision.as_str() == text))
}

impl TryFrom<UploadRow> for RecordedUpload {
    type Error = Problem;

    fn try_from(row: UploadRow) -> Result<Self, Problem> {
        Ok(Self {
            document_id: row.document_id.into(),
            member_id: member(row.member_id)?,
            kind: kind(&row.kind)?,
            page_count: row.page_count,
            size_bytes: row.size_bytes,
            sha256: row.sha256,
            page_hashes: row.page_hashes,
        })
    }
}

impl TryFrom<DocumentRow> for Document {
    type Error = Problem;

    fn try_from(row: DocumentRow) -> Result<Self, Problem> {
        Ok(Self {
            document_id: row.document_id.into(),
            member_id: member(row.member_id)?,
            page_count: known("page_count", row.page_count.try_into().ok())?,
        })
    }
}

impl TryFrom<PageRow> for Page {
    type Error = Problem;

    fn try_from(row: PageRow) -> Result<Self, Problem> {
        Ok(Self {
            number: known("page_number", row.page_number.try_into().ok())?,
            sha256: known("sha256", row.sha256.try_into().ok())?,
            attempts: known("attempts", row.attempts.try_into().ok())?,
            is_read: row.is_read,
        })
    }
}

impl EvidenceRow {
    pub(super) fn parse(self) -> Result<(EvidenceKind, EvidenceId), Problem> {
        let kind = EvidenceKind::ALL.into_iter().find(|kind| kind.as_str() == self.kind);
        Ok((known("kind", kind)?, self.evidence_id.into()))
    }
}

impl TryFrom<StandingRow> for Standing {
    type Error = Problem;

    fn try_from(row: StandingRow) -> Result<Self, Problem> {
        let ruling = match (row.decision, row.internal_reason, row.member_reason, row.decided_at) {
            (Some(text), Some(internal_reason), Some(member_reason), Some(decided_at)) => Some(StoredRuling {
                decision: decision(&text)?,
                internal_reason,
                member_reason,
                decided_at: decided_at.to_jiff(),
            }),
            _ => None,
        };
        Ok(Self {
            document_id: row.document_id.into(),
            member_id: member(row.member_id)?,
            kind: kind(&row.kind)?,
            page_count: row.page_count,
            pages_read: known("pages_read", row.pages_read.try_into().ok())?,
            verification_id: row.verification_id.map(VerificationId::from),
            checks: row.checks.map(|Json(checks)| checks).unwrap_or_default(),
            ruling,
        })
    }
}
