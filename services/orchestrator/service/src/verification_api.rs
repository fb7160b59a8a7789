//! `VerificationService`: parse, call, render.

use crate::start::{ensure_started, start};
use crate::view::View;
use crate::{Engine, Store, parse, render};
use futures::Stream;
use mesh_proto::document::v1::document_service_client::DocumentServiceClient;
use mesh_proto::orchestrator::v1 as proto;
use mesh_proto::orchestrator::v1::verification_service_server::VerificationService;
use mesh_runtime::{PeerChannel, Problem};
use mesh_types::{Reason, VerificationId, VerificationStatus};
use orchestrator_workflows::contract::workflow_id;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tonic::{Request, Response, Status};

/// Answers `VerificationService`.
pub struct VerificationApi {
    store: Store,
    engine: Engine,
    view: View,
    watch_interval: Duration,
}

impl VerificationApi {
    /// An API over a store, the workflows and the document service.
    pub fn new(
        store: Store,
        engine: Engine,
        documents: DocumentServiceClient<PeerChannel>,
        watch_interval: Duration,
    ) -> Self {
        Self {
            view: View::new(store.clone(), engine.clone(), documents),
            store,
            engine,
            watch_interval,
        }
    }

    async fn cancel(&self, request: proto::CancelVerificationRequest) -> Result<(), Problem> {
        let request_id = parse::request_id(&request.request_id)?;
        let id = parse::verification_id(&request.verification_id)?;
        let found = self.store.find_verification(id).await?;
        let found = found.ok_or_else(|| Problem::new(Reason::VerificationNotFound, "no verification has this id"))?;
        match found.status {
            VerificationStatus::Cancelled => Ok(()),
            VerificationStatus::InProgress => {
                ensure_started(&self.store, &self.engine, &found).await?;
                self.engine.cancel(found.request.member_id, request_id).await
            }
            ended => Err(Problem::new(
                Reason::VerificationEnded,
                format!("the verification ended as {}", ended.as_str()),
            )),
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
        let new = parse::start_verification(request.into_inner())?;
        let workflow_id = workflow_id(new.member_id);
        let started = start(&self.store, &self.engine, new).await?;
        Ok(Response::new(proto::StartVerificationResponse {
            verification_id: started.verification_id.to_string(),
            workflow_id,
            run_id: started.run_id,
        }))
    }

    async fn get_verification(
        &self,
        request: Request<proto::GetVerificationRequest>,
    ) -> Result<Response<proto::GetVerificationResponse>, Status> {
        let id = parse::verification_id(&request.into_inner().verification_id)?;
        let verification = Some(self.view.get(id).await?);
        Ok(Response::new(proto::GetVerificationResponse { verification }))
    }

    async fn watch_verification(
        &self,
        request: Request<proto::WatchVerificationRequest>,
    ) -> Result<Response<Watch>, Status> {
        let id = parse::verification_id(&request.into_inner().verification_id)?;
        // An id that nobody knows is an error of the call, not of its stream.
        let first = self.view.get(id).await?;
        let mut ticks = interval(self.watch_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let watcher = Watcher {
            view: self.view.clone(),
            id,
            ticks,
            next: Some(first),
            shown: None,
            ended: false,
        };
        Ok(Response::new(Box::pin(futures::stream::unfold(watcher, Watcher::step))))
    }

    async fn cancel_verification(
        &self,
        request: Request<proto::CancelVerificationRequest>,
    ) -> Result<Response<proto::CancelVerificationResponse>, Status> {
        self.cancel(request.into_inner()).await?;
        Ok(Response::new(proto::CancelVerificationResponse {}))
    }

    async fn list_verifications(
        &self,
        request: Request<proto::ListVerificationsRequest>,
    ) -> Result<Response<proto::ListVerificationsResponse>, Status> {
        let mut filter = parse::list_verifications(request.into_inner())?;
        let page_size = filter.limit;
        filter.limit += 1; // one more tells whether there is a next page
        let mut rows = self.store.list_verifications(&filter).await?;
        let more = rows.len() as i64 > page_size;
        rows.truncate(page_size as usize);
        let next_page_token = match rows.last() {
            Some(last) if more => last.request.verification_id.uuid().simple().to_string(),
            _ => String::new(),
        };
        let render = |row: &crate::store::Verification| {
            let state = row.state.clone().unwrap_or_else(|| render::initial_state(row));
            render::verification(row, state, None)
        };
        Ok(Response::new(proto::ListVerificationsResponse {
            verifications: rows.iter().map(render).collect(),
            next_page_token,
        }))
    }
}

/// A verification that is watched: shown whenever it changed, until it has ended.
struct Watcher {
    view: View,
    id: VerificationId,
    ticks: Interval,
    next: Option<proto::Verification>,
    shown: Option<proto::Verification>,
    ended: bool,
}

impl Watcher {
    async fn step(mut self) -> Option<(Result<proto::WatchVerificationResponse, Status>, Self)> {
        while !self.ended {
            let now = match self.next.take() {
                Some(first) => Ok(first),
                None => {
                    self.ticks.tick().await;
                    self.view.get(self.id).await
                }
            };
            match now {
                Err(problem) => {
                    self.ended = true;
                    return Some((Err(problem.into()), self));
                }
                Ok(verification) if self.shown.as_ref() == Some(&verification) => {}
                Ok(verification) => {
                    self.ended = verification.status() != proto::VerificationStatus::InProgress;
                    self.shown = Some(verification.clone());
                    return Some((
                        Ok(proto::WatchVerificationResponse {
                            verification: Some(verification),
                        }),
                        self,
                    ));
                }
            }
        }
        None
    }
}
