//! `ReputationService`: parse, read, render.

use crate::Store;
use mesh_proto::reputation::v1 as proto;
use mesh_proto::reputation::v1::reputation_service_server::ReputationService;
use mesh_runtime::{Problem, clock};
use mesh_types::MemberId;
use reputation_workflows::policy;
use tonic::{Request, Response, Status};

/// Answers `ReputationService`.
pub struct Api {
    store: Store,
}

impl Api {
    /// An API over a ledger.
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

#[tonic::async_trait]
impl ReputationService for Api {
    async fn get_reputation(
        &self,
        request: Request<proto::GetReputationRequest>,
    ) -> Result<Response<proto::GetReputationResponse>, Status> {
        let member_id = MemberId::try_from(request.into_inner().member_id)
            .map_err(|error| Problem::invalid_field("member_id", error.to_string()))?;
        let now = clock::now();
        let breakdown = policy::standing(self.store.list_contributions(member_id).await?);
        Ok(Response::new(proto::GetReputationResponse {
            member_id: member_id.get(),
            next_steps: policy::next_steps(&breakdown).into_iter().map(Into::into).collect(),
            breakdown: Some(breakdown.into()),
            as_of: Some(prost_types::Timestamp {
                seconds: now.as_second(),
                nanos: now.subsec_nanosecond(),
            }),
        }))
    }
}
