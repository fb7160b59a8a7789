//! `CommunityService`.

use super::{parse, render};
use crate::store::Direction;
use crate::{Network, Scores, Store, add_connection, get_trust, remove_connection};
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
}

impl CommunityApi {
    /// An API over the tables, the network in memory and the scores of members.
    pub fn new(store: Store, idempotency: IdempotencyStore, network: Network, scores: Scores) -> Self {
        Self {
            store,
            idempotency,
            network,
            scores,
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
}
