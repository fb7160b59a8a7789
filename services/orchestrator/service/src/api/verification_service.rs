//! `VerificationService`: parse, call, render.

use super::{parse, render};
use crate::Store;
use crate::cancel_verification::cancel_verification;
use crate::read_model::{ReadModel, Snapshot};
use crate::start_verification::start_verification;
use crate::verifications::Verifications;
use crate::watches::Watches;
use futures::Stream;
use mesh_proto::orchestrator::v1 as proto;
use mesh_proto::orchestrator::v1::verification_service_server::VerificationService;
use mesh_runtime::clock;
use mesh_runtime::idempotency::IdempotencyStore;
use std::pin::Pin;
use tonic::{Request, Response, Status};

/// Answers `VerificationService`.
pub struct VerificationApi {
    store: Store,
    idempotency: IdempotencyStore,
    verifications: Verifications,
    read_model: ReadModel,
    watches: Watches,
}

impl VerificationApi {
    /// An API over a store, the requests that came, what starts verifications and what reads them.
    pub fn new(
        store: Store,
        idempotency: IdempotencyStore,
        verifications: Verifications,
        read_model: ReadModel,
        watches: Watches,
    ) -> Self {
        Self {
            store,
            idempotency,
            verifications,
            read_model,
            watches,
        }
    }
}

type Watch = Pin<Box<dyn Stream<Item = Result<proto::WatchVerificationResponse, Status>> + Send>>;

#[tonic::async_trait]
impl VerificationService for VerificationApi {
    type WatchVerificationStream = Watch;

    async fn start_verification(
        &self,
        request: Request<proto::StartVerificationRequest>,
    ) -> Result<Response<proto::StartVerificationResponse>, Status> {
        let answer =
            start_verification(&self.verifications, &self.idempotency, request.get_ref(), clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn get_verification(
        &self,
        request: Request<proto::GetVerificationRequest>,
    ) -> Result<Response<proto::GetVerificationResponse>, Status> {
        let id = parse::verification_id(&request.into_inner().verification_id)?;
        let verification = Some(render::verification(self.read_model.get(id).await?));
        Ok(Response::new(proto::GetVerificationResponse { verification }))
    }

    async fn watch_verification(
        &self,
        request: Request<proto::WatchVerificationRequest>,
    ) -> Result<Response<Watch>, Status> {
        let id = parse::verification_id(&request.into_inner().verification_id)?;
        // An id that nobody knows is an error of the call, not of its stream.
        Ok(Response::new(Box::pin(self.watches.watch(id).await?)))
    }

    async fn cancel_verification(
        &self,
        request: Request<proto::CancelVerificationRequest>,
    ) -> Result<Response<proto::CancelVerificationResponse>, Status> {
        let answer =
            cancel_verification(&self.verifications, &self.idempotency, request.get_ref(), clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn list_verifications(
        &self,
        request: Request<proto::ListVerificationsRequest>,
    ) -> Result<Response<proto::ListVerificationsResponse>, Status> {
        let (filter, page) = parse::list_verifications(request.get_ref())?;
        let rows = self
            .store
            .list_verifications(filter, page.after(), page.limit())
            .await?;
        let (rows, next_page_token) = page.page(rows, |row| row.verification_id);
        Ok(Response::new(proto::ListVerificationsResponse {
            verifications: rows
                .into_iter()
                .map(Snapshot::of_row)
                .map(render::verification)
                .collect(),
            next_page_token,
        }))
    }
}
