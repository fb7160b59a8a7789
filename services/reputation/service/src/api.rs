//! `ReputationService`: parse, call, render.

mod parse;
mod render;
mod schedules;
#[cfg(test)]
mod tests;

pub use schedules::ScheduleApi;

use crate::store::{DecayOperation, DecayRequestSeen, NewEvent, NewFact, Recorded};
use crate::{Engine, Store};
use mesh_proto::reputation::v1 as proto;
use mesh_proto::reputation::v1::reputation_service_server::ReputationService;
use mesh_runtime::{Problem, clock};
use mesh_types::{EventId, Level, MemberId, Reason, RequestId, Score};
use reputation_workflows::contract::decay_workflow_id;
use reputation_workflows::policy::standing::standing;
use reputation_workflows::policy::steps::steps_to;
use std::future::Future;
use tonic::{Request, Response, Status};

/// Answers `ReputationService`.
pub struct Api {
    store: Store,
    engine: Engine,
}

impl Api {
    /// An API over a ledger and the decay clocks.
    pub fn new(store: Store, engine: Engine) -> Self {
        Self { store, engine }
    }

    async fn record(
        &self,
        request_id: RequestId,
        fingerprint: [u8; 32],
        fact: NewFact,
    ) -> Result<proto::ReputationEvent, Problem> {
        let new = NewEvent {
            request_id,
            event_id: EventId::from(clock::new_uuid()),
            fingerprint,
            fact,
            recorded_at: clock::now(),
        };
        match self.store.record_event(&new).await? {
            Recorded::Done(event) => Ok(render::event(*event)),
            Recorded::RequestIdReused => Err(request_id_reused()),
            Recorded::NotFound => Err(Problem::new(
                Reason::EventNotFound,
                "no event of the ledger has this id",
            )),
            Recorded::NotCounterable => Err(Problem::new(
                Reason::EventNotCounterable,
                "the event is countered already, or is a counter itself; record what is right as a new event",
            )),
        }
    }

    /// Does something to a member's decay clock once for each request; returns the run it was done to.
    async fn once<F: Future<Output = Result<String, Problem>>>(
        &self,
        (request_id, member_id): (RequestId, MemberId),
        operation: DecayOperation,
        work: impl FnOnce() -> F,
    ) -> Result<String, Problem> {
        match self.store.find_decay_request(request_id, member_id, operation).await? {
            Some(DecayRequestSeen::Done(run_id)) => return Ok(run_id),
            Some(DecayRequestSeen::RequestIdReused) => return Err(request_id_reused()),
            None => {}
        }
        // A crash between the two leaves what a repeat finds: a clock that runs is found again, one that ended has ended.
        let run_id = work().await?;
        self.store
            .insert_decay_request(request_id, member_id, operation, &run_id, clock::now())
            .await?;
        Ok(run_id)
    }
}

fn request_id_reused() -> Problem {
    let message = "this request_id was used for something else; choose a new one";
    Problem::new(Reason::RequestIdReused, message)
}

/// The level above a score; gold above gold.
fn next_level(score: Score) -> Level {
    let higher = Level::ALL.into_iter().find(|level| *level > Level::of(score));
    higher.unwrap_or(Level::Gold)
}

#[tonic::async_trait]
impl ReputationService for Api {
    async fn get_reputation(
        &self,
        request: Request<proto::GetReputationRequest>,
    ) -> Result<Response<proto::GetReputationResponse>, Status> {
        let asked = parse::get_reputation(request.into_inner(), clock::now())?;
        let ledger = self.store.list_ledger(asked.member_id).await?;
        let at = asked.as_of.as_second();
        let standing = standing(&ledger, at);
        let target = asked.target.unwrap_or_else(|| next_level(standing.breakdown.score));
        let steps = steps_to(target.least_score(), &ledger, at);
        Ok(Response::new(render::reputation(&asked, standing, steps)))
    }

    async fn record_activity(
        &self,
        request: Request<proto::RecordActivityRequest>,
    ) -> Result<Response<proto::RecordActivityResponse>, Status> {
        let (request_id, fingerprint, fact) = parse::record_activity(request.into_inner(), clock::now())?;
        let event = Some(self.record(request_id, fingerprint, fact).await?);
        Ok(Response::new(proto::RecordActivityResponse { event }))
    }

    async fn counter_reputation_event(
        &self,
        request: Request<proto::CounterReputationEventRequest>,
    ) -> Result<Response<proto::CounterReputationEventResponse>, Status> {
        let (request_id, fingerprint, fact) = parse::counter(request.into_inner())?;
        let event = Some(self.record(request_id, fingerprint, fact).await?);
        Ok(Response::new(proto::CounterReputationEventResponse { event }))
    }

    async fn list_reputation_events(
        &self,
        request: Request<proto::ListReputationEventsRequest>,
    ) -> Result<Response<proto::ListReputationEventsResponse>, Status> {
        let (member_id, before, page_size) = parse::list_events(request.into_inner())?;
        // One more tells whether there is a next page.
        let events = self.store.list_events(member_id, before, page_size + 1).await?;
        Ok(Response::new(render::page(events, page_size)))
    }

    async fn start_decay(
        &self,
        request: Request<proto::StartDecayRequest>,
    ) -> Result<Response<proto::StartDecayResponse>, Status> {
        let request = request.into_inner();
        let (request_id, member_id) = parse::decay(&request.request_id, request.member_id)?;
        let start = || self.engine.start_decay(member_id);
        let run_id = self.once((request_id, member_id), DecayOperation::Start, start).await?;
        Ok(Response::new(proto::StartDecayResponse {
            workflow_id: decay_workflow_id(member_id),
            run_id,
        }))
    }

    async fn cancel_decay(
        &self,
        request: Request<proto::CancelDecayRequest>,
    ) -> Result<Response<proto::CancelDecayResponse>, Status> {
        let request = request.into_inner();
        let (request_id, member_id) = parse::decay(&request.request_id, request.member_id)?;
        let cancel = || self.engine.cancel_decay(member_id);
        self.once((request_id, member_id), DecayOperation::Cancel, cancel)
            .await?;
        Ok(Response::new(proto::CancelDecayResponse {}))
    }
}
