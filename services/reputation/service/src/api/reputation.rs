//! `ReputationService`.

use super::{parse, render};
use crate::{Store, Workflows, cancel_decay, counter_event, counter_verification, record_activity, start_decay};
use mesh_proto::reputation::v1 as proto;
use mesh_proto::reputation::v1::reputation_service_server::ReputationService;
use mesh_runtime::idempotency::IdempotencyStore;
use mesh_runtime::{Access, clock};
use tonic::{Request, Response, Status};

/// Answers `ReputationService`.
pub struct ReputationApi {
    store: Store,
    idempotency: IdempotencyStore,
    workflows: Workflows,
}

impl ReputationApi {
    /// An API over a ledger and the decay clocks.
    pub fn new(store: Store, idempotency: IdempotencyStore, workflows: Workflows) -> Self {
        Self {
            store,
            idempotency,
            workflows,
        }
    }
}

#[tonic::async_trait]
impl ReputationService for ReputationApi {
    async fn get_reputation(
        &self,
        request: Request<proto::GetReputationRequest>,
    ) -> Result<Response<proto::GetReputationResponse>, Status> {
        let asked = parse::get_reputation(request.get_ref(), clock::now())?;
        let (after, limit) = (asked.page.after().map(|(_, line)| *line), asked.page.limit());
        let found = self
            .store
            .reputation(asked.member_id, asked.as_of, after, limit)
            .await?;
        Ok(Response::new(render::reputation(&asked, found)))
    }

    async fn record_activity(
        &self,
        request: Request<proto::RecordActivityRequest>,
    ) -> Result<Response<proto::RecordActivityResponse>, Status> {
        let (access, through) = (Access::of(&request)?, (&self.store, &self.idempotency));
        let message = request.get_ref();
        let answer = record_activity::record_activity(through, access.actor(), message, clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn counter_reputation_event(
        &self,
        request: Request<proto::CounterReputationEventRequest>,
    ) -> Result<Response<proto::CounterReputationEventResponse>, Status> {
        let (access, through) = (Access::of(&request)?, (&self.store, &self.idempotency));
        let message = request.get_ref();
        let answer = counter_event::counter_event(through, access.actor(), message, clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn counter_verification(
        &self,
        request: Request<proto::CounterVerificationRequest>,
    ) -> Result<Response<proto::CounterVerificationResponse>, Status> {
        let (access, through) = (Access::of(&request)?, (&self.store, &self.idempotency));
        let message = request.get_ref();
        let answer = counter_verification::counter_verification(through, access.actor(), message, clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn list_revocations(
        &self,
        request: Request<proto::ListRevocationsRequest>,
    ) -> Result<Response<proto::ListRevocationsResponse>, Status> {
        let page = parse::list_revocations(request.get_ref())?;
        let revocations = self.store.list_revocations(page.after().copied(), page.limit()).await?;
        let (revocations, next_page_token) = page.page_to_follow(revocations, |last| last.revocation_id);
        Ok(Response::new(proto::ListRevocationsResponse {
            revocations: revocations.into_iter().map(render::revocation).collect(),
            next_page_token,
        }))
    }

    async fn list_reputation_events(
        &self,
        request: Request<proto::ListReputationEventsRequest>,
    ) -> Result<Response<proto::ListReputationEventsResponse>, Status> {
        let (member_id, page) = parse::list_events(request.get_ref())?;
        let events = self
            .store
            .list_events(member_id, page.after().copied(), page.limit())
            .await?;
        let (events, next_page_token) = page.page(events, |last| last.key());
        Ok(Response::new(proto::ListReputationEventsResponse {
            events: events.into_iter().map(render::event).collect(),
            next_page_token,
        }))
    }

    async fn start_decay(
        &self,
        request: Request<proto::StartDecayRequest>,
    ) -> Result<Response<proto::StartDecayResponse>, Status> {
        let answer =
            start_decay::start_decay(&self.idempotency, &self.workflows, request.get_ref(), clock::now()).await?;
        Ok(Response::new(answer))
    }

    async fn cancel_decay(
        &self,
        request: Request<proto::CancelDecayRequest>,
    ) -> Result<Response<proto::CancelDecayResponse>, Status> {
        let answer =
            cancel_decay::cancel_decay(&self.idempotency, &self.workflows, request.get_ref(), clock::now()).await?;
        Ok(Response::new(answer))
    }
}
