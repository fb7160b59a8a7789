//! `VerificationService`: parse, call, render.

use super::{parse, render};
use crate::Store;
use crate::cancel_verification::cancel_verification;
use crate::read_model::{ReadModel, Snapshot, not_found};
use crate::start_verification::start_verification;
use crate::verifications::Verifications;
use crate::watches::Watches;
use futures::Stream;
use mesh_proto::orchestrator::v1 as proto;
use mesh_proto::orchestrator::v1::verification_service_server::VerificationService;
use mesh_runtime::idempotency::IdempotencyStore;
use mesh_runtime::{Access, Problem, clock};
use mesh_types::VerificationId;
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

    /// Looks up whose a verification is, before anything else is done: also an answer of before is not for others.
    async fn require_own(&self, access: &Access, id: VerificationId) -> Result<(), Problem> {
        let owner = async {
            let found = self.store.find_verification(id).await?;
            Ok(found.map(|found| found.member_id.get()))
        };
        access.require_owner(owner, not_found).await
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
        let id = parse::verification_id(&request.get_ref().verification_id)?;
        let access = Access::of(&request)?;
        self.require_own(&access, id).await?;
        let verification = render::verification(self.read_model.get(id).await?);
        let verification = Some(render::for_caller(&access, verification));
        Ok(Response::new(proto::GetVerificationResponse { verification }))
    }

    async fn watch_verification(
        &self,
        request: Request<proto::WatchVerificationRequest>,
    ) -> Result<Response<Watch>, Status> {
        let id = parse::verification_id(&request.get_ref().verification_id)?;
        let access = Access::of(&request)?;
        self.require_own(&access, id).await?;
        // An id that nobody knows is an error of the call, not of its stream.
        Ok(Response::new(Box::pin(self.watches.watch(id, access).await?)))
    }

    async fn cancel_verification(
        &self,
        request: Request<proto::CancelVerificationRequest>,
    ) -> Result<Response<proto::CancelVerificationResponse>, Status> {
        let (_, id) = parse::cancel_verification(request.get_ref())?;
        self.require_own(&Access::of(&request)?, id).await?;
        let answer =
            cancel_verification(&self.verifications, &self.idempotency, request.get_ref(), clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn list_verifications(
        &self,
        request: Request<proto::ListVerificationsRequest>,
    ) -> Result<Response<proto::ListVerificationsResponse>, Status> {
        let access = Access::of(&request)?;
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
                .map(|verification| render::for_caller(&access, verification))
                .collect(),
            next_page_token,
        }))
    }
}
