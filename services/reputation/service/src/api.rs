//! `ReputationService`: parse, call, render.

mod once;
mod parse;
mod render;
mod schedules;
#[cfg(test)]
mod tests;

pub use schedules::ScheduleApi;

use crate::store::{NewEvent, NewFact, Recorded};
use crate::{Engine, Store};
use mesh_proto::reputation::v1 as proto;
use mesh_proto::reputation::v1::reputation_service_server::ReputationService;
use mesh_runtime::{Problem, clock};
use mesh_types::{EventId, Level, Reason, RequestId, Score};
use once::{Tried, request_id_reused};
use reputation_workflows::contract::decay_workflow_id;
use reputation_workflows::policy::standing::standing;
use reputation_workflows::policy::steps::steps_to;
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
        let message = request.into_inner();
        let (request_id, member_id) = parse::decay(&message.request_id, message.member_id)?;
        let request = once::Request::new(request_id, "StartDecay", &message);
        let run_id = once::once(&self.store, &request, |_| self.engine.start_decay(member_id)).await?;
        Ok(Response::new(proto::StartDecayResponse {
            workflow_id: decay_workflow_id(member_id),
            run_id,
        }))
    }

    async fn cancel_decay(
        &self,
        request: Request<proto::CancelDecayRequest>,
    ) -> Result<Response<proto::CancelDecayResponse>, Status> {
        let message = request.into_inner();
        let (request_id, member_id) = parse::decay(&message.request_id, message.member_id)?;
        let request = once::Request::new(request_id, "CancelDecay", &message);
        let cancel = |tried| async move {
            match self.engine.cancel_decay(member_id).await {
                // It was an earlier try of this request that ended it.
                Err(problem) if tried == Tried::Perhaps && problem.reason() == Reason::DecayNotRunning => {
                    Ok(decay_workflow_id(member_id))
                }
                done => done,
            }
        };
        once::once(&self.store, &request, cancel).await?;
        Ok(Response::new(proto::CancelDecayResponse {}))
    }
}
