//! The next document of a verification that waits for one.

use crate::engine::{Engine, not_awaited};
use crate::extraction::named_document;
use crate::vault::Vault;
use document_workflows::contract::{Submission, SubmissionTaken};
use mesh_runtime::Problem;
use mesh_types::{DocumentKind, DocumentUrl, Reason, RequestId, VerificationId};

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

/// Gives a verification its next document; the same request again returns the same answer.
///
/// # Errors
/// `VERIFICATION_NOT_FOUND`, `DOCUMENT_NOT_FOUND`, `DOCUMENT_OF_ANOTHER_MEMBER`, `DOCUMENT_ERASED`,
/// `DOCUMENT_NOT_AWAITED`; `TEMPORAL_UNAVAILABLE`, `DATABASE_UNAVAILABLE`.
pub async fn submit(vault: &Vault, engine: &Engine, next: NextDocument) -> Result<SubmissionTaken, Problem> {
    let latest = vault.store().find_latest_submission(next.verification_id).await?;
    let latest = latest.ok_or_else(|| {
        let why = "no verification by document has this id";
        Problem::new(Reason::VerificationNotFound, why)
    })?;
    named_document(vault, &next.document_url, latest.member_id).await?;
    let submission = Submission {
        document_url: next.document_url.to_string(),
        document_kind: next.kind,
    };
    let run = latest.run.ok_or_else(not_awaited)?;
    engine.submit(run, submission, next.request_id).await
}
