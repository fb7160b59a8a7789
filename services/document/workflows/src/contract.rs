//! What crosses the wire to and from the document service's workers: each name stands here and nowhere else.
//!
//! No message carries personal data: a document is named by its id, and what was read stays in the service's database.

use mesh_types::{Check, Decision, DocumentId, DocumentKind, Evidence, EvidenceKind, MemberId, VerificationId};
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

/// The task queue of workflows and activities.
pub const TASK_QUEUE: &str = "document";
/// Workflow: verifies one document.
pub const DOCUMENT_VERIFICATION_WORKFLOW: &str = "DocumentVerificationWorkflow";
/// Activity: reads every page of a document.
pub const EXTRACT_DOCUMENT_DATA: &str = "extract_document_data";
/// Activity: checks what was read, also against the member's profile.
pub const CHECK_DOCUMENT_VALIDITY: &str = "check_document_validity";
/// Local activity: records the ruling and the evidence.
pub const STORE_VERIFICATION_EVIDENCE: &str = "store_verification_evidence";

/// Input of [`crate::DocumentVerificationWorkflow`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentVerificationRequest {
    /// The verification that the document is for.
    pub verification_id: VerificationId,
    /// Whose document it must be.
    pub member_id: MemberId,
    /// Where it lies, as UploadDocument returned it.
    pub document_url: String,
    /// What the member says it is.
    pub document_kind: DocumentKind,
    /// Time limits; the defaults are domain.md's.
    #[serde(default)]
    pub limits: ExtractionLimits,
}

/// Time limits of the extraction, in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExtractionLimits {
    /// One attempt, start to close.
    pub start_to_close_seconds: u64,
    /// The longest silence between two heartbeats before the attempt is given to another worker.
    pub heartbeat_seconds: u64,
    /// Attempts in all.
    pub attempts: u32,
}

impl Default for ExtractionLimits {
    fn default() -> Self {
        Self {
            start_to_close_seconds: 300,
            heartbeat_seconds: 30,
            attempts: 3,
        }
    }
}

/// What came of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentOutcome {
    /// Accepted, rejected or to be submitted again.
    pub decision: Decision,
    /// A sentence for the member.
    pub member_reason: String,
    /// The stable internal reason, e.g. `DOCUMENT_EXPIRED`.
    pub internal_reason: String,
    /// Evidence for the scoring rules; empty unless accepted.
    pub evidence: Vec<Evidence>,
}

/// Input of `extract_document_data`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtractionRequest {
    /// The verification that the document is for.
    pub verification_id: VerificationId,
    /// Whose document it must be.
    pub member_id: MemberId,
    /// Where it lies.
    pub document_url: String,
}

/// What `extract_document_data` read, without what stands there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extraction {
    /// The document, by whose id the other activities find what was read.
    pub document_id: DocumentId,
    /// Pages read.
    pub page_count: u32,
    /// Pages on which a machine-readable zone was read.
    pub mrz_pages: u32,
}

/// Heartbeat details of `extract_document_data`; what was read so far is in the service's database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtractionProgress {
    /// Pages read so far.
    pub page: u32,
    /// Pages of the document.
    pub total_pages: u32,
    /// `page` of `total_pages` in whole percent, 0 to 100.
    pub progress_pct: u8,
}

/// Input of `check_document_validity`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidityRequest {
    /// The verification that the document is for.
    pub verification_id: VerificationId,
    /// The document.
    pub document_id: DocumentId,
    /// Whose document it must be.
    pub member_id: MemberId,
    /// What the member says it is.
    pub document_kind: DocumentKind,
    /// The instant that expiry and age are judged at, in seconds since 1970-01-01 UTC.
    pub as_of_seconds: i64,
}

/// Every check of a document, in the order in which a person reads them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validity {
    /// The checks.
    pub checks: Vec<Check>,
}

/// Input of `store_verification_evidence`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulingRecord {
    /// The verification that the document is for.
    pub verification_id: VerificationId,
    /// The document.
    pub document_id: DocumentId,
    /// What was ruled.
    pub ruling: Ruling,
    /// When, in seconds since 1970-01-01 UTC.
    pub decided_at_seconds: i64,
}

/// What the checks of a document amount to (see [`crate::policy::decide`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// Accepted, rejected or to be submitted again.
    pub decision: Decision,
    /// The stable internal reason.
    pub internal_reason: String,
    /// A sentence for the member.
    pub member_reason: String,
    /// What the document proves; empty unless accepted.
    pub proves: Vec<EvidenceKind>,
}

/// The evidence as it was stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEvidence {
    /// Each piece with its id.
    pub evidence: Vec<Evidence>,
}

/// The activities that the service's worker runs.
pub struct DocumentActivities;

#[activity_definitions]
impl DocumentActivities {
    /// Reads every page by OCR, with a heartbeat for each; a retry goes on after the last page that was read.
    #[activity(name = EXTRACT_DOCUMENT_DATA)]
    pub fn extract_document_data(request: ExtractionRequest) -> Result<Extraction, ActivityError> {
        unimplemented!()
    }

    /// Checks what was read: check digits, printed fields, dates, the member's profile.
    #[activity(name = CHECK_DOCUMENT_VALIDITY)]
    pub fn check_document_validity(request: ValidityRequest) -> Result<Validity, ActivityError> {
        unimplemented!()
    }

    /// Records the ruling and the evidence; the same document and verification again return the same evidence.
    #[activity(name = STORE_VERIFICATION_EVIDENCE)]
    pub fn store_verification_evidence(record: RulingRecord) -> Result<StoredEvidence, ActivityError> {
        unimplemented!()
    }
}

/// The markers that an implementation names in `#[activity(definition = …)]`.
pub mod definitions {
    pub use super::document_activities::{CheckDocumentValidity, ExtractDocumentData, StoreVerificationEvidence};
}
