//! `DocumentService`.

use super::{ownership, parse, render};
use crate::block_document::block_document;
use crate::claim_review::claim_review;
use crate::decide_review::decide_review;
use crate::erase_document::{erase_document, no_document};
use crate::extraction::not_found;
use crate::get_review_page::ReviewPages;
use crate::record_profile_change::record_profile_change;
use crate::release_document::release_document;
use crate::submit_document::submit_document;
use crate::temporal::Workflows;
use crate::unblock_document::unblock_document;
use crate::upload_document::Uploads;
use crate::vault::Vault;
use futures::stream::BoxStream;
use mesh_proto::document::v1 as proto;
use mesh_proto::document::v1::document_service_server::DocumentService;
use mesh_runtime::idempotency::IdempotencyStore;
use mesh_runtime::{Access, clock};
use tonic::{Request, Response, Status, Streaming};

/// Answers `DocumentService`.
#[derive(Clone)]
pub struct DocumentApi {
    vault: Vault,
    idempotency: IdempotencyStore,
    uploads: Uploads,
    review_pages: ReviewPages,
    workflows: Workflows,
}

impl DocumentApi {
    /// Over the service's tables and objects, its uploads, and its workflows.
    pub fn new(vault: Vault, idempotency: IdempotencyStore, uploads: Uploads, workflows: Workflows) -> Self {
        Self {
            review_pages: ReviewPages::new(vault.clone()),
            vault,
            idempotency,
            uploads,
            workflows,
        }
    }
}

#[tonic::async_trait]
impl DocumentService for DocumentApi {
    type GetReviewPageStream = BoxStream<'static, Result<proto::GetReviewPageResponse, Status>>;

    async fn upload_document(
        &self,
        request: Request<Streaming<proto::UploadDocumentRequest>>,
    ) -> Result<Response<proto::UploadDocumentResponse>, Status> {
        let access = Access::of(&request)?;
        Ok(Response::new(self.uploads.take(request.into_inner(), &access).await?))
    }

    async fn get_document_verification(
        &self,
        request: Request<proto::GetDocumentVerificationRequest>,
    ) -> Result<Response<proto::GetDocumentVerificationResponse>, Status> {
        let (access, store) = (Access::of(&request)?, self.vault.store());
        let request = request.get_ref();
        let meant = parse::meant(&request.document_id, &request.verification_id)?;
        let (document_id, verification_id) = ownership::require_own_meant(store, &access, meant).await?;
        let status = store.find_document_status(document_id, verification_id).await?;
        let status = status.ok_or_else(not_found)?;
        Ok(Response::new(proto::GetDocumentVerificationResponse {
            verification: Some(render::for_caller(&access, render::verification(status))),
        }))
    }

    async fn submit_document(
        &self,
        request: Request<proto::SubmitDocumentRequest>,
    ) -> Result<Response<proto::SubmitDocumentResponse>, Status> {
        let next = parse::submit_document(request.get_ref())?;
        let access = Access::of(&request)?;
        ownership::require_own_verification(self.vault.store(), &access, next.verification_id).await?;
        let through = (&self.vault, &self.idempotency, &self.workflows);
        let answer = submit_document(through, request.get_ref(), next, clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn list_reviews(
        &self,
        request: Request<proto::ListReviewsRequest>,
    ) -> Result<Response<proto::ListReviewsResponse>, Status> {
        let now = clock::now();
        let page = parse::list_reviews(request.get_ref())?;
        let store = self.vault.store();
        let reviews = store.list_reviews(page.after().copied(), page.limit(), now).await?;
        let (reviews, next_page_token) = page.page(reviews, |last| last.key());
        Ok(Response::new(proto::ListReviewsResponse {
            reviews: reviews.into_iter().map(|review| render::review(review, now)).collect(),
            next_page_token,
        }))
    }

    async fn claim_review(
        &self,
        request: Request<proto::ClaimReviewRequest>,
    ) -> Result<Response<proto::ClaimReviewResponse>, Status> {
        let reviewer_id = ownership::reviewer(&Access::of(&request)?)?;
        let answer = claim_review(&self.idempotency, reviewer_id, request.get_ref(), clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn get_review_page(
        &self,
        request: Request<proto::GetReviewPageRequest>,
    ) -> Result<Response<Self::GetReviewPageStream>, Status> {
        let (access, store) = (Access::of(&request)?, self.vault.store());
        let (review_id, page_number) = parse::get_review_page(request.get_ref())?;
        let held = ownership::require_held_review(store, &access, review_id, clock::now()).await?;
        let page = self.review_pages.show(&held, page_number).await?;
        Ok(Response::new(Box::pin(page)))
    }

    async fn decide_review(
        &self,
        request: Request<proto::DecideReviewRequest>,
    ) -> Result<Response<proto::DecideReviewResponse>, Status> {
        let (access, now) = (Access::of(&request)?, clock::now());
        let decision = parse::decide_review(request.get_ref(), ownership::reviewer(&access)?)?;
        ownership::require_held_or_decided_review(self.vault.store(), &access, decision.review_id, now).await?;
        let through = (&self.vault, &self.idempotency, &self.workflows);
        let answer = decide_review(through, request.get_ref(), decision, now).await?;
        Ok(Response::new(answer))
    }

    async fn list_evidence(
        &self,
        request: Request<proto::ListEvidenceRequest>,
    ) -> Result<Response<proto::ListEvidenceResponse>, Status> {
        let (verification_id, page) = parse::list_evidence(request.get_ref())?;
        let store = self.vault.store();
        ownership::require_own_verification(store, &Access::of(&request)?, verification_id).await?;
        let evidence = store
            .list_evidence(verification_id, page.after().copied(), page.limit())
            .await?;
        let (evidence, next_page_token) = page.page(evidence, |last| last.key());
        Ok(Response::new(proto::ListEvidenceResponse {
            evidence: evidence.into_iter().map(render::evidence).collect(),
            next_page_token,
        }))
    }

    async fn block_document(
        &self,
        request: Request<proto::BlockDocumentRequest>,
    ) -> Result<Response<proto::BlockDocumentResponse>, Status> {
        let (access, through) = (Access::of(&request)?, (&self.vault, &self.idempotency));
        let answer = block_document(through, access.actor(), request.get_ref(), clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn unblock_document(
        &self,
        request: Request<proto::UnblockDocumentRequest>,
    ) -> Result<Response<proto::UnblockDocumentResponse>, Status> {
        let (access, through) = (Access::of(&request)?, (&self.vault, &self.idempotency));
        let answer = unblock_document(through, access.actor(), request.get_ref(), clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn release_document(
        &self,
        request: Request<proto::ReleaseDocumentRequest>,
    ) -> Result<Response<proto::ReleaseDocumentResponse>, Status> {
        let access = Access::of(&request)?;
        let answer = release_document(&self.idempotency, access.actor(), request.get_ref(), clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn erase_document(
        &self,
        request: Request<proto::EraseDocumentRequest>,
    ) -> Result<Response<proto::EraseDocumentResponse>, Status> {
        let document_id = parse::erase_document(request.get_ref())?;
        let access = Access::of(&request)?;
        ownership::require_own_document(self.vault.store(), &access, document_id, no_document).await?;
        let through = (&self.vault, &self.idempotency);
        let answer = erase_document(through, access.actor(), request.get_ref(), clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn record_profile_change(
        &self,
        request: Request<proto::RecordProfileChangeRequest>,
    ) -> Result<Response<proto::RecordProfileChangeResponse>, Status> {
        let answer = record_profile_change(&self.idempotency, request.get_ref(), clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn list_revocations(
        &self,
        request: Request<proto::ListRevocationsRequest>,
    ) -> Result<Response<proto::ListRevocationsResponse>, Status> {
        let page = parse::list_revocations(request.get_ref())?;
        let store = self.vault.store();
        let revocations = store.list_revocations(page.after().copied(), page.limit()).await?;
        let (revocations, next_page_token) = page.page_to_follow(revocations, |last| last.revocation_id);
        Ok(Response::new(proto::ListRevocationsResponse {
            revocations: revocations.into_iter().map(render::revocation).collect(),
            next_page_token,
        }))
    }
}
