//! `SubmitDocument`: the next document of a verification that waits for one.

use crate::api::ownership::no_verification;
use crate::api::parse::NextDocument;
use crate::extraction::named_document;
use crate::temporal::Workflows;
use crate::vault::Vault;
use document_workflows::contract::Submission;
use jiff::Timestamp;
use mesh_proto::document::v1::{SubmitDocumentRequest, SubmitDocumentResponse};
use mesh_runtime::Problem;
use mesh_runtime::idempotency::{Attempt, IdempotencyStore};

const RPC: &str = "voluntier.document.v1.DocumentService/SubmitDocument";

/// Gives a verification its next document, once for each request. The workflow knows a repeated update by the request's id.
///
/// # Errors
/// `INVALID_REQUEST`, `VERIFICATION_NOT_FOUND`, `DOCUMENT_NOT_FOUND`, `DOCUMENT_OF_ANOTHER_MEMBER`, `DOCUMENT_ERASED`,
/// `DOCUMENT_NOT_AWAITED`, `TEMPORAL_UNAVAILABLE`; those of [`IdempotencyStore::under_lease`].
pub async fn submit_document(
    (vault, idempotency, workflows): (&Vault, &IdempotencyStore, &Workflows),
    message: &SubmitDocumentRequest,
    next: NextDocument,
    now: Timestamp,
) -> Result<SubmitDocumentResponse, Problem> {
    let work = async |_: Attempt| {
        let latest = vault.store().find_latest_submission(next.verification_id).await?;
        let latest = latest.ok_or_else(no_verification)?;
        named_document(vault, &next.document_url, latest.member_id).await?;
        let submission = Submission {
            document_url: next.document_url.to_string(),
            document_kind: next.kind,
        };
        let taken = workflows.submit(latest.run, submission, next.request_id).await?;
        Ok(SubmitDocumentResponse {
            submission: taken.submission as i32,
            submissions_left: taken.submissions_left as i32,
        })
    };
    idempotency.under_lease(RPC, next.request_id, message, now, work).await
}
