//! The gRPC face: parse, call, render.

mod parse;
mod render;

use crate::engine::Engine;
use crate::extraction::not_found;
use crate::intake::Intake;
use crate::review::ShownFile;
use crate::vault::Vault;
use crate::{review, submission};
use futures::stream::BoxStream;
use mesh_proto::document::v1::document_service_server::DocumentService;
use mesh_proto::document::v1::{
    BlockDocumentRequest, BlockDocumentResponse, ClaimReviewRequest, ClaimReviewResponse, DecideReviewRequest,
    DecideReviewResponse, EraseDocumentRequest, EraseDocumentResponse, GetDocumentVerificationRequest,
    GetDocumentVerificationResponse, GetReviewPageRequest, GetReviewPageResponse, ListEvidenceRequest,
    ListEvidenceResponse, ListReviewsRequest, ListReviewsResponse, SubmitDocumentRequest, SubmitDocumentResponse,
    UnblockDocumentRequest, UnblockDocumentResponse, UploadDocumentRequest, UploadDocumentResponse,
};
use mesh_runtime::{Problem, clock};
use mesh_types::Reason;
use parse::Meant;
use tonic::{Request, Response, Status, Streaming};

/// `voluntier.document.v1.DocumentService`.
#[derive(Clone)]
pub struct Api {
    vault: Vault,
    intake: Intake,
    engine: Engine,
}

impl Api {
    /// Over the service's tables and objects, its way in, and its workflows.
    pub fn new(vault: Vault, intake: Intake, engine: Engine) -> Self {
        Self { vault, intake, engine }
    }

    async fn verification(
        &self,
        request: GetDocumentVerificationRequest,
    ) -> Result<GetDocumentVerificationResponse, Problem> {
        let store = self.vault.store();
        let (document_id, verification_id) = match parse::meant(&request)? {
            Meant::Document(document_id) => (Some(document_id), None),
            Meant::Verification(id) => {
                let latest = store.find_latest_submission(id).await?;
                (latest.map(|latest| latest.document_id), Some(id))
            }
        };
        let document_id = document_id.ok_or_else(not_found)?;
        let standing = store.find_standing(document_id, verification_id).await?;
        let verification = render::verification(standing.ok_or_else(not_found)?);
        Ok(GetDocumentVerificationResponse {
            verification: Some(verification),
        })
    }

    async fn submit(&self, request: SubmitDocumentRequest) -> Result<SubmitDocumentResponse, Problem> {
        let taken = submission::submit(&self.vault, &self.engine, parse::submit_document(&request)?).await?;
        Ok(SubmitDocumentResponse {
            submission: taken.submission as i32,
            submissions_left: taken.submissions_left as i32,
        })
    }

    async fn list_waiting(&self, request: ListReviewsRequest) -> Result<ListReviewsResponse, Problem> {
        let now = clock::now();
        let (after, page_size) = parse::list_reviews(&request)?;
        let (reviews, last) = review::list(&self.vault, after, page_size, now).await?;
        Ok(ListReviewsResponse {
            reviews: reviews.into_iter().map(|review| render::review(review, now)).collect(),
            next_page_token: last.map(render::review_token).unwrap_or_default(),
        })
    }

    async fn claim(&self, request: ClaimReviewRequest) -> Result<ClaimReviewResponse, Problem> {
        let now = clock::now();
        let review_id = parse::id("review_id", &request.review_id)?;
        let reviewer_id = parse::member_id("reviewer_id", request.reviewer_id)?;
        let request_id = parse::id("request_id", &request.request_id)?;
        let review = review::claim(&self.vault, review_id, reviewer_id, request_id, now).await?;
        Ok(ClaimReviewResponse {
            review: Some(render::review(review, now)),
        })
    }

    async fn show_page(&self, request: GetReviewPageRequest) -> Result<ShownFile, Problem> {
        let review_id = parse::id("review_id", &request.review_id)?;
        let reviewer_id = parse::member_id("reviewer_id", request.reviewer_id)?;
        let page = parse::page_number("page_number", request.page_number)?;
        review::show_page(&self.vault, review_id, reviewer_id, page, clock::now()).await
    }

    async fn decide(&self, request: DecideReviewRequest) -> Result<DecideReviewResponse, Problem> {
        let decision = parse::decide_review(request)?;
        let decided = review::decide(&self.vault, &self.engine, &decision, clock::now()).await?;
        Ok(DecideReviewResponse {
            decided_at: Some(render::timestamp(decided.decided_at)),
        })
    }

    async fn list_proof(&self, request: ListEvidenceRequest) -> Result<ListEvidenceResponse, Problem> {
        let (verification_id, after, page_size) = parse::list_evidence(&request)?;
        let store = self.vault.store();
        let mut evidence = store.list_evidence(verification_id, after, page_size + 1).await?;
        let more = evidence.len() > page_size as usize;
        evidence.truncate(page_size as usize);
        let last = evidence.last().filter(|_| more);
        Ok(ListEvidenceResponse {
            next_page_token: last.map(render::evidence_token).unwrap_or_default(),
            evidence: evidence.into_iter().map(render::evidence).collect(),
        })
    }

    async fn block(&self, request: BlockDocumentRequest) -> Result<(), Problem> {
        let request_id = parse::id("request_id", &request.request_id)?;
        let identity = parse::identity(request.document_type, &request.issuing_state, &request.document_number)?;
        let reason_code = parse::reason_code("reason_code", request.reason_code)?;
        let hashes = self.vault.identity_hashes(Some(&identity));
        let store = self.vault.store();
        store.block(&hashes, &reason_code, request_id, clock::now()).await
    }

    async fn unblock(&self, request: UnblockDocumentRequest) -> Result<(), Problem> {
        parse::id::<mesh_types::RequestId>("request_id", &request.request_id)?;
        let identity = parse::identity(request.document_type, &request.issuing_state, &request.document_number)?;
        let hashes = self.vault.identity_hashes(Some(&identity));
        self.vault.store().unblock(&hashes).await
    }

    async fn erase(&self, request: EraseDocumentRequest) -> Result<EraseDocumentResponse, Problem> {
        parse::id::<mesh_types::RequestId>("request_id", &request.request_id)?;
        let document_id = parse::id("document_id", &request.document_id)?;
        let erased_at = self.vault.erase(document_id, clock::now()).await?;
        let no_document = || Problem::new(Reason::DocumentNotFound, "no document has this id");
        Ok(EraseDocumentResponse {
            erased_at: Some(render::timestamp(erased_at.ok_or_else(no_document)?)),
        })
    }
}

#[tonic::async_trait]
impl DocumentService for Api {
    type GetReviewPageStream = BoxStream<'static, Result<GetReviewPageResponse, Status>>;

    async fn upload_document(
        &self,
        request: Request<Streaming<UploadDocumentRequest>>,
    ) -> Result<Response<UploadDocumentResponse>, Status> {
        let recorded = self.intake.take(request.into_inner()).await?;
        let document_url = self.intake.document_url(&recorded);
        Ok(Response::new(render::uploaded(&recorded, document_url)))
    }

    async fn get_document_verification(
        &self,
        request: Request<GetDocumentVerificationRequest>,
    ) -> Result<Response<GetDocumentVerificationResponse>, Status> {
        Ok(Response::new(self.verification(request.into_inner()).await?))
    }

    async fn submit_document(
        &self,
        request: Request<SubmitDocumentRequest>,
    ) -> Result<Response<SubmitDocumentResponse>, Status> {
        Ok(Response::new(self.submit(request.into_inner()).await?))
    }

    async fn list_reviews(
        &self,
        request: Request<ListReviewsRequest>,
    ) -> Result<Response<ListReviewsResponse>, Status> {
        Ok(Response::new(self.list_waiting(request.into_inner()).await?))
    }

    async fn claim_review(
        &self,
        request: Request<ClaimReviewRequest>,
    ) -> Result<Response<ClaimReviewResponse>, Status> {
        Ok(Response::new(self.claim(request.into_inner()).await?))
    }

    async fn get_review_page(
        &self,
        request: Request<GetReviewPageRequest>,
    ) -> Result<Response<Self::GetReviewPageStream>, Status> {
        let file = self.show_page(request.into_inner()).await?;
        let parts = futures::stream::iter(render::shown_file(file).map(Ok));
        Ok(Response::new(Box::pin(parts)))
    }

    async fn decide_review(
        &self,
        request: Request<DecideReviewRequest>,
    ) -> Result<Response<DecideReviewResponse>, Status> {
        Ok(Response::new(self.decide(request.into_inner()).await?))
    }

    async fn list_evidence(
        &self,
        request: Request<ListEvidenceRequest>,
    ) -> Result<Response<ListEvidenceResponse>, Status> {
        Ok(Response::new(self.list_proof(request.into_inner()).await?))
    }

    async fn block_document(
        &self,
        request: Request<BlockDocumentRequest>,
    ) -> Result<Response<BlockDocumentResponse>, Status> {
        self.block(request.into_inner()).await?;
        Ok(Response::new(BlockDocumentResponse {}))
    }

    async fn unblock_document(
        &self,
        request: Request<UnblockDocumentRequest>,
    ) -> Result<Response<UnblockDocumentResponse>, Status> {
        self.unblock(request.into_inner()).await?;
        Ok(Response::new(UnblockDocumentResponse {}))
    }

    async fn erase_document(
        &self,
        request: Request<EraseDocumentRequest>,
    ) -> Result<Response<EraseDocumentResponse>, Status> {
        Ok(Response::new(self.erase(request.into_inner()).await?))
    }
}

#[cfg(test)]
mod tests;
