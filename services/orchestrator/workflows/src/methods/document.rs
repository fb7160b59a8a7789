//! The method document: the document service reads and checks an identity document.

use super::Subject;
use crate::timeouts::ChildLimits;
use document_workflows::DocumentVerificationWorkflow;
use document_workflows::contract::{DocumentVerificationRequest, ExtractionLimits, SubmissionLimits, TASK_QUEUE};
use mesh_types::{DocumentKind, MethodOutcome};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use temporalio_common::WorkflowDefinition;

/// Three submissions with a review of 7 days each fit in; the verification's own deadline is no later.
pub(super) const LIMITS: ChildLimits = ChildLimits {
    task_queue: TASK_QUEUE,
    time_limit: Duration::from_secs(30 * 24 * 3600),
    attempts: 3,
};

/// What the method needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentRequest {
    /// What the member says the document is.
    pub document_kind: DocumentKind,
    /// Where the document lies, as UploadDocument returned it.
    pub document_url: String,
}

pub(super) fn child(
    request: DocumentRequest,
    subject: Subject,
) -> (
    impl WorkflowDefinition<Input = DocumentVerificationRequest, Output = MethodOutcome> + 'static,
    DocumentVerificationRequest,
) {
    let input = DocumentVerificationRequest {
        verification_id: subject.verification_id,
        member_id: subject.member_id,
        document_url: request.document_url,
        document_kind: request.document_kind,
        limits: ExtractionLimits::default(),
        submission_limits: SubmissionLimits::default(),
    };
    (DocumentVerificationWorkflow::run, input)
}
