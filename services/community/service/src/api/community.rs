//! `CommunityService`.

use super::{parse, render};
use crate::store::Direction;
use crate::store::no_validation;
use crate::temporal::Workflows;
use crate::{
    Network, Scores, Store, add_connection, create_introduction, decide_validation, get_trust, remove_connection,
    submit_validation,
};
use mesh_proto::community::v1 as proto;
use mesh_proto::community::v1::community_service_server::CommunityService;
use mesh_runtime::idempotency::IdempotencyStore;
use mesh_runtime::{Access, Problem, clock};
use mesh_types::Reason;
use tonic::{Request, Response, Status};

/// Answers `CommunityService`.
pub struct CommunityApi {
    store: Store,
    idempotency: IdempotencyStore,
    network: Network,
    scores: Scores,
    workflows: Workflows,
}

impl CommunityApi {
    /// An API over the tables, the network in memory, the scores of members, and the workflows of validations.
    pub fn new(
        (store, idempotency): (Store, IdempotencyStore),
        network: Network,
        scores: Scores,
        workflows: Workflows,
    ) -> Self {
        Self {
            store,
            idempotency,
            network,
            scores,
            workflows,
        }
    }
}

#[tonic::async_trait]
impl CommunityService for CommunityApi {
    async fn add_connection(
        &self,
        request: Request<proto::AddConnectionRequest>,
    ) -> Result<Response<proto::AddConnectionResponse>, Status> {
        let (access, through) = (Access::of(&request)?, (&self.store, &self.idempotency));
        let message = request.get_ref();
        let answer = add_connection::add_connection(through, access.actor(), message, clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn remove_connection(
        &self,
        request: Request<proto::RemoveConnectionRequest>,
    ) -> Result<Response<proto::RemoveConnectionResponse>, Status> {
        let (access, through) = (Access::of(&request)?, (&self.store, &self.idempotency));
        let message = request.get_ref();
        let answer = remove_connection::remove_connection(through, access.actor(), message, clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn list_connections(
        &self,
        request: Request<proto::ListConnectionsRequest>,
    ) -> Result<Response<proto::ListConnectionsResponse>, Status> {
        let access = Access::of(&request)?;
        let (member_id, direction, page) = parse::list_connections(request.get_ref())?;
        if direction == Direction::MadeTo && !access.may_be_anybodys() {
            let message = "a member may list the connections that they made, not those that others made to them";
            return Err(Problem::new(Reason::RoleNotAllowed, message).into());
        }
        let connections = self
            .store
            .list_connections((member_id, direction), page.after().copied(), page.limit())
            .await?;
        let (connections, next_page_token) = page.page(connections, |last| match direction {
            Direction::MadeBy => last.to,
            Direction::MadeTo => last.from,
        });
        Ok(Response::new(proto::ListConnectionsResponse {
            connections: connections.into_iter().map(render::connection).collect(),
            next_page_token,
        }))
    }

    async fn find_connected(
        &self,
        request: Request<proto::FindConnectedRequest>,
    ) -> Result<Response<proto::FindConnectedResponse>, Status> {
        let (member_id, others) = parse::find_connected(request.get_ref())?;
        let connected_member_ids = self.store.find_connected(member_id, others).await?;
        Ok(Response::new(proto::FindConnectedResponse { connected_member_ids }))
    }

    async fn get_trust(
        &self,
        request: Request<proto::GetTrustRequest>,
    ) -> Result<Response<proto::GetTrustResponse>, Status> {
        let access = Access::of(&request)?;
        let member_id = parse::get_trust(request.get_ref())?;
        let trust = get_trust::get_trust((&self.network, &self.scores), member_id).await?;
        let answer = render::trust(member_id, trust);
        Ok(Response::new(render::for_caller(answer, &access)))
    }

    async fn create_introduction(
        &self,
        request: Request<proto::CreateIntroductionRequest>,
    ) -> Result<Response<proto::CreateIntroductionResponse>, Status> {
        let message = request.get_ref();
        let answer = create_introduction::create_introduction(&self.idempotency, message, clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn list_validation_requests(
        &self,
        request: Request<proto::ListValidationRequestsRequest>,
    ) -> Result<Response<proto::ListValidationRequestsResponse>, Status> {
        let (validator_id, page) = parse::list_validation_requests(request.get_ref())?;
        let after = parse::page_key(page.after())?;
        let open = self
            .store
            .list_open_requests(validator_id, after, (clock::now(), page.limit()));
        let (open, next_page_token) = page.page(open.await?, |last| {
            (last.deadline.as_microsecond(), last.verification_id)
        });
        Ok(Response::new(proto::ListValidationRequestsResponse {
            requests: open.into_iter().map(render::validation_request).collect(),
            next_page_token,
        }))
    }

    async fn submit_validation(
        &self,
        request: Request<proto::SubmitValidationRequest>,
    ) -> Result<Response<proto::SubmitValidationResponse>, Status> {
        let through = (&self.store, &self.idempotency, &self.workflows);
        let answer = submit_validation::submit_validation(through, request.get_ref(), clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn get_validation_progress(
        &self,
        request: Request<proto::GetValidationProgressRequest>,
    ) -> Result<Response<proto::GetValidationProgressResponse>, Status> {
        let access = Access::of(&request)?;
        let verification_id = parse::get_validation_progress(request.get_ref())?;
        let validation = self.store.find_validation(verification_id).await?;
        let owner = validation.as_ref().map(|validation| validation.member_id.get());
        access.require_owner(async { Ok(owner) }, no_validation).await?;
        let validation = validation.ok_or_else(no_validation)?;
        Ok(Response::new(proto::GetValidationProgressResponse {
            progress: Some(render::progress(validation, access.may_be_anybodys())),
        }))
    }

    async fn list_validation_reviews(
        &self,
        request: Request<proto::ListValidationReviewsRequest>,
    ) -> Result<Response<proto::ListValidationReviewsResponse>, Status> {
        let page = parse::list_validation_reviews(request.get_ref())?;
        let waiting = self
            .store
            .list_reviews(parse::page_key(page.after())?, page.limit())
            .await?;
        let (waiting, next_page_token) = page.page(waiting, |last| {
            (last.review_until.as_microsecond(), last.verification_id)
        });
        let mut reviews = Vec::with_capacity(waiting.len());
        for one in waiting {
            // One that was decided meanwhile is left out.
            if let Some(validation) = self.store.find_validation(one.verification_id).await? {
                let votes = self.store.list_votes(one.verification_id).await?;
                reviews.push(render::review(validation, votes));
            }
        }
        Ok(Response::new(proto::ListValidationReviewsResponse {
            reviews,
            next_page_token,
        }))
    }

    async fn decide_validation(
        &self,
        request: Request<proto::DecideValidationRequest>,
    ) -> Result<Response<proto::DecideValidationResponse>, Status> {
        let (access, message) = (Access::of(&request)?, request.get_ref());
        let through = (&self.store, &self.idempotency, &self.workflows);
        let answer = decide_validation::decide_validation(through, &access, message, clock::now()).await?;
        Ok(Response::new(answer))
    }
}
