//! What crosses the wire to and from the document service's workers: each name stands here and nowhere else.
//!
//! No message carries personal data: a document is named by its id, and what was read stays in the service's database.

use mesh_types::{
    Check, Decision, DocumentId, DocumentKind, Evidence, EvidenceKind, MemberId, MethodOutcome, Open, ReviewId,
    VerificationId,
};
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

/// The task queue of workflows and short activities.
pub const TASK_QUEUE: &str = "document";
/// The task queue of `extract_document_data` alone: its slots are the processor's cores, so that reading never starves the
/// short activities.
pub const OCR_TASK_QUEUE: &str = "document-ocr";
/// Workflow: verifies one document.
pub const DOCUMENT_VERIFICATION_WORKFLOW: &str = "DocumentVerificationWorkflow";
/// Activity: reads every page of a document.
pub const EXTRACT_DOCUMENT_DATA: &str = "extract_document_data";
/// Activity: checks what was read, also against the member's profile.
pub const CHECK_DOCUMENT_VALIDITY: &str = "check_document_validity";
/// Local activity: records the decision and the evidence.
pub const STORE_VERIFICATION_EVIDENCE: &str = "store_verification_evidence";
/// Activity, completed asynchronously: a person decides.
pub const REQUEST_DOCUMENT_REVIEW: &str = "request_document_review";
/// Local activity: closes a review that nobody decided.
pub const CLOSE_DOCUMENT_REVIEW: &str = "close_document_review";
/// Update: the next document, after one that could not be read.
pub const SUBMIT_DOCUMENT: &str = "submit_document";
/// Query: how the verification of the document stands now.
pub const DOCUMENT_STATE: &str = "document_state";

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
    /// Time limits of the extraction.
    pub limits: ExtractionLimits,
    /// How often the member may submit, and how long a person has.
    pub submission_limits: SubmissionLimits,
}

/// How often a member may submit a document, and how long a person may take to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SubmissionLimits {
    /// Submissions in one verification, the first included; from 1.
    pub submissions: u32,
    /// How long a review waits for a decision, in seconds.
    pub review_seconds: u64,
}

impl Default for SubmissionLimits {
    fn default() -> Self {
        Self {
            submissions: 3,
            review_seconds: 7 * 24 * 3600,
        }
    }
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
pub type DocumentOutcome = MethodOutcome;

/// Input of `extract_document_data`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtractionRequest {
    /// The verification that the document is for.
    pub verification_id: VerificationId,
    /// Whose document it must be.
    pub member_id: MemberId,
    /// Where it lies.
    pub document_url: String,
    /// Which submission of the verification it is, from 1.
    pub submission: u32,
}

/// Payload of the update `submit_document`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// Where the document lies, as UploadDocument returned it.
    pub document_url: String,
    /// What the member says it is.
    pub document_kind: DocumentKind,
}

/// Answer of the update `submit_document`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmissionTaken {
    /// Which submission of the verification it is, from 1.
    pub submission: u32,
    /// How many more there may be.
    pub submissions_left: u32,
}

/// Where the verification of a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Its pages are read.
    Extracting,
    /// What was read is checked and recorded.
    Checking,
    /// A person decides.
    InReview,
    /// Another document is waited for.
    AwaitingSubmission,
    /// It has ended.
    Ended,
}

/// Answer of the query `document_state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentState {
    /// Where it is.
    pub phase: Phase,
    /// Which submission of the verification it is, from 1.
    pub submission: u32,
    /// How many more there may be.
    pub submissions_left: u32,
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
    /// What they amount to. The activity decides, not the workflow: a verification that waits for months replays under
    /// whatever the rules are then, and has to come to the same.
    pub decided: DocumentDecision,
    /// The version of the rules that decided ([`crate::policy::RULE_VERSION`]).
    pub rule_version: u16,
}

/// Input of `store_verification_evidence`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// The verification that the document is for.
    pub verification_id: VerificationId,
    /// The document.
    pub document_id: DocumentId,
    /// What was decided.
    pub decided: DocumentDecision,
    /// When, in seconds since 1970-01-01 UTC.
    pub decided_at_seconds: i64,
}

/// What the checks of a document amount to (see [`crate::policy::decide`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentDecision {
    /// Accepted, rejected or to be submitted again.
    pub decision: Decision,
    /// The stable internal reason.
    pub internal_reason: String,
    /// A sentence for the member.
    pub member_reason: String,
    /// What the document proves; empty unless accepted.
    pub proves: Vec<Open<EvidenceKind>>,
}

/// The evidence as it was stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEvidence {
    /// Each piece with its id.
    pub evidence: Vec<Evidence>,
    /// Why an acceptance could not be recorded; then nothing was written.
    #[serde(default)]
    pub refused: Option<Refusal>,
    /// The final decision on the same document that was recorded before and stands, where it says otherwise. The evidence is
    /// that decision's.
    #[serde(default)]
    pub stands: Option<DocumentDecision>,
}

/// What stands against accepting a document at the moment when it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Another member was accepted with it in the meantime.
    InUseByAnother,
    /// It is on the blocklist.
    Blocklisted,
    /// Its kind and number have become known of another document, and no person said that it is the member's own.
    NumberKnown,
    /// It was erased.
    Erased,
    /// The member's names or birth date have changed since it was compared with them.
    ProfileChanged,
}

/// Input of `request_document_review`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewRequest {
    /// The verification that the document is for.
    pub verification_id: VerificationId,
    /// The document.
    pub document_id: DocumentId,
    /// Why a person has to look, e.g. `SINGLE_SOURCE`.
    pub internal_reason: String,
    /// When it was asked for, in seconds since 1970-01-01 UTC.
    pub requested_at_seconds: i64,
    /// When it ends without a decision, in seconds since 1970-01-01 UTC.
    pub expires_at_seconds: i64,
}

/// What a person decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewDecision {
    /// The review.
    pub review_id: ReviewId,
    /// Accepted, rejected or to be submitted again.
    pub decision: Decision,
    /// A stable code, `UPPER_SNAKE_CASE`. What the reviewer wrote stays in the service's database: free text may hold
    /// personal data.
    pub reason_code: String,
}

/// Input of `close_document_review`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewClosing {
    /// The verification that the document is for.
    pub verification_id: VerificationId,
    /// The document.
    pub document_id: DocumentId,
    /// How it ended.
    pub ended: ReviewEnd,
    /// When, in seconds since 1970-01-01 UTC.
    pub ended_at_seconds: i64,
}

/// How a review ended without a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewEnd {
    /// Nobody decided in time.
    Expired,
    /// The verification was cancelled.
    Withdrawn,
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

    /// Records the decision and the evidence; the same document and verification again return the same evidence.
    #[activity(name = STORE_VERIFICATION_EVIDENCE)]
    pub fn store_verification_evidence(record: DecisionRecord) -> Result<StoredEvidence, ActivityError> {
        unimplemented!()
    }

    /// Asks for a person's review and waits for its decision, without a worker: `DecideReview` completes it. Each attempt
    /// looks first whether the decision is there already, so that a completion that was lost is made up for.
    #[activity(name = REQUEST_DOCUMENT_REVIEW)]
    pub fn request_document_review(request: ReviewRequest) -> Result<ReviewDecision, ActivityError> {
        unimplemented!()
    }

    /// Closes a review that nobody decided. Returns the decision that came just before, if one did.
    #[activity(name = CLOSE_DOCUMENT_REVIEW)]
    pub fn close_document_review(closing: ReviewClosing) -> Result<Option<ReviewDecision>, ActivityError> {
        unimplemented!()
    }
}

/// The markers that an implementation names in `#[activity(definition = …)]`.
pub mod definitions {
    pub use super::document_activities::{
        CheckDocumentValidity, CloseDocumentReview, ExtractDocumentData, RequestDocumentReview,
        StoreVerificationEvidence,
    };
}
