//! The gRPC face: parse, call, render.

use crate::intake::Intake;
use crate::store::{RecordedUpload, Standing, Store, StoredRuling};
use crate::upload::Upload;
use mesh_proto::document::v1::document_service_server::DocumentService;
use mesh_proto::document::v1::{
    CheckResult, DocumentCheck, DocumentDecision, DocumentType, DocumentVerification, GetDocumentVerificationRequest,
    GetDocumentVerificationResponse, UploadDocumentRequest, UploadDocumentResponse,
};
use mesh_runtime::Problem;
use mesh_types::{Check, Decision, DocumentId, DocumentKind, Reason};
use tonic::{Request, Response, Status, Streaming};

/// `voluntier.document.v1.DocumentService`.
#[derive(Clone)]
pub struct Api {
    store: Store,
    intake: Intake,
}

impl Api {
    /// Over the service's tables and its way in.
    pub fn new(store: Store, intake: Intake) -> Self {
        Self { store, intake }
    }

    async fn upload(&self, messages: Streaming<UploadDocumentRequest>) -> Result<UploadDocumentResponse, Problem> {
        let _place = self.intake.place().await;
        let upload = Upload::receive(messages).await?;
        let recorded = self.intake.store(upload).await?;
        Ok(uploaded(&recorded, self.intake.document_url(&recorded)))
    }

    async fn verification(&self, document_id: &str) -> Result<DocumentVerification, Problem> {
        let parsed = document_id.parse::<DocumentId>();
        let document_id = parsed.map_err(|error| Problem::invalid_field("document_id", error.to_string()))?;
        let standing = self.store.find_standing(document_id).await?;
        standing
            .map(verification)
            .ok_or_else(|| Problem::new(Reason::DocumentNotFound, "no document has this id"))
    }
}

#[tonic::async_trait]
impl DocumentService for Api {
    async fn upload_document(
        &self,
        request: Request<Streaming<UploadDocumentRequest>>,
    ) -> Result<Response<UploadDocumentResponse>, Status> {
        Ok(Response::new(self.upload(request.into_inner()).await?))
    }

    async fn get_document_verification(
        &self,
        request: Request<GetDocumentVerificationRequest>,
    ) -> Result<Response<GetDocumentVerificationResponse>, Status> {
        let verification = self.verification(&request.get_ref().document_id).await?;
        Ok(Response::new(GetDocumentVerificationResponse {
            verification: Some(verification),
        }))
    }
}

fn uploaded(recorded: &RecordedUpload, document_url: String) -> UploadDocumentResponse {
    UploadDocumentResponse {
        document_id: recorded.document_id.to_string(),
        document_url,
        page_count: recorded.page_count,
        size_bytes: recorded.size_bytes,
        sha256: hex::encode(&recorded.sha256),
    }
}

fn verification(standing: Standing) -> DocumentVerification {
    let document_type = match standing.kind {
        DocumentKind::Passport => DocumentType::Passport,
        DocumentKind::DriversLicense => DocumentType::DriversLicense,
        DocumentKind::NationalId => DocumentType::NationalId,
    };
    let answer = DocumentVerification {
        document_id: standing.document_id.to_string(),
        member_id: standing.member_id.get(),
        document_type: document_type.into(),
        page_count: standing.page_count,
        pages_read: standing.pages_read,
        verification_id: standing.verification_id.map(|id| id.to_string()).unwrap_or_default(),
        checks: standing.checks.into_iter().map(check).collect(),
        ..DocumentVerification::default()
    };
    match standing.ruling {
        Some(ruling) => ruled(answer, ruling),
        None => answer,
    }
}

fn ruled(answer: DocumentVerification, ruling: StoredRuling) -> DocumentVerification {
    let decision = match ruling.decision {
        Decision::Accepted => DocumentDecision::Accepted,
        Decision::Rejected => DocumentDecision::Rejected,
        Decision::Resubmit => DocumentDecision::Resubmit,
        Decision::NeedsReview => DocumentDecision::NeedsReview,
    };
    let decided_at = prost_types::Timestamp {
        seconds: ruling.decided_at.as_second(),
        nanos: ruling.decided_at.subsec_nanosecond(),
    };
    DocumentVerification {
        decision: decision.into(),
        member_reason: ruling.member_reason,
        internal_reason: ruling.internal_reason,
        decided_at: Some(decided_at),
        ..answer
    }
}

fn check(check: Check) -> DocumentCheck {
    let result = match check.result {
        mesh_types::CheckResult::Passed => CheckResult::Passed,
        mesh_types::CheckResult::Failed => CheckResult::Failed,
        mesh_types::CheckResult::NotApplicable => CheckResult::NotApplicable,
    };
    DocumentCheck {
        name: check.name.as_str().to_owned(),
        result: result.into(),
        reason: check.reason,
    }
}

#[cfg(test)]
mod tests;
