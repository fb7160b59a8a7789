//! `InPersonService`.

use super::{parse, render};
use crate::store::Key;
use crate::{Store, register_verifier, search_verifiers, update_verifier};
use mesh_proto::in_person::v1 as proto;
use mesh_proto::in_person::v1::in_person_service_server::InPersonService;
use mesh_runtime::idempotency::IdempotencyStore;
use mesh_runtime::{Access, clock};
use tonic::{Request, Response, Status};

/// Answers `InPersonService`.
pub struct InPersonApi {
    store: Store,
    idempotency: IdempotencyStore,
}

impl InPersonApi {
    /// An API over the tables.
    pub fn new(store: Store, idempotency: IdempotencyStore) -> Self {
        Self { store, idempotency }
    }
}

#[tonic::async_trait]
impl InPersonService for InPersonApi {
    async fn register_verifier(
        &self,
        request: Request<proto::RegisterVerifierRequest>,
    ) -> Result<Response<proto::RegisterVerifierResponse>, Status> {
        let message = request.get_ref();
        let answer = register_verifier::register_verifier(&self.idempotency, message, clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn update_verifier(
        &self,
        request: Request<proto::UpdateVerifierRequest>,
    ) -> Result<Response<proto::UpdateVerifierResponse>, Status> {
        let (access, message) = (Access::of(&request)?, request.get_ref());
        let answer = update_verifier::update_verifier(&self.idempotency, &access, message, clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn get_verifier(
        &self,
        request: Request<proto::GetVerifierRequest>,
    ) -> Result<Response<proto::GetVerifierResponse>, Status> {
        let verifier_id = parse::get_verifier(request.get_ref())?;
        let verifier = self.store.get_verifier(verifier_id).await?;
        Ok(Response::new(proto::GetVerifierResponse {
            verifier: Some(render::verifier(verifier)),
        }))
    }

    async fn search_verifiers(
        &self,
        request: Request<proto::SearchVerifiersRequest>,
    ) -> Result<Response<proto::SearchVerifiersResponse>, Status> {
        let (search, page) = parse::search_verifiers(request.get_ref(), clock::now())?;
        let after = page.after().map(|(bits, verifier_id)| Key {
            distance: f64::from_bits(*bits),
            verifier_id: *verifier_id,
        });
        let found = search_verifiers::search_verifiers(&self.store, &search, after, page.size()).await?;
        let next_page_token = found
            .goes_on_after
            .map(|key| page.token_after(&(key.distance.to_bits(), key.verifier_id)));
        Ok(Response::new(proto::SearchVerifiersResponse {
            verifiers: found.matches.into_iter().map(render::found).collect(),
            next_page_token: next_page_token.unwrap_or_default(),
        }))
    }
}
