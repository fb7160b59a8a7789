//! `MemberService`: parse, call, render.

use super::{parse, render};
use crate::Store;
use crate::register_member::register_member;
use crate::update_member::update_member;
use mesh_proto::orchestrator::v1 as proto;
use mesh_proto::orchestrator::v1::member_service_server::MemberService;
use mesh_runtime::idempotency::IdempotencyStore;
use mesh_runtime::{Problem, clock};
use mesh_types::Reason;
use tonic::{Request, Response, Status};

/// Answers `MemberService`.
pub struct MemberApi {
    store: Store,
    idempotency: IdempotencyStore,
}

impl MemberApi {
    /// An API over a store.
    pub fn new(store: Store, idempotency: IdempotencyStore) -> Self {
        Self { store, idempotency }
    }
}

#[tonic::async_trait]
impl MemberService for MemberApi {
    async fn register_member(
        &self,
        request: Request<proto::RegisterMemberRequest>,
    ) -> Result<Response<proto::RegisterMemberResponse>, Status> {
        let answer = register_member(&self.idempotency, request.get_ref(), clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn get_member(
        &self,
        request: Request<proto::GetMemberRequest>,
    ) -> Result<Response<proto::GetMemberResponse>, Status> {
        let member_id = parse::get_member(request.get_ref())?;
        let member = self.store.find_member(member_id).await?.ok_or_else(not_found)?;
        Ok(Response::new(proto::GetMemberResponse {
            member: Some(render::member(member)),
        }))
    }

    async fn update_member(
        &self,
        request: Request<proto::UpdateMemberRequest>,
    ) -> Result<Response<proto::UpdateMemberResponse>, Status> {
        let answer = update_member(&self.idempotency, request.get_ref(), clock::now()).await?;
        Ok(Response::new(answer))
    }
}

fn not_found() -> Problem {
    Problem::new(Reason::MemberNotFound, "no member has this id; register it first")
}
