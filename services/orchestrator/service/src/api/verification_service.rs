//! `VerificationService`: parse, call, render.

use super::{parse, render};
use crate::Store;
use crate::cancel_verification::cancel_verification;
use crate::read_model::{ReadModel, Snapshot};
use crate::start_verification::start_verification;
use crate::verifications::Verifications;
use futures::Stream;
use mesh_proto::orchestrator::v1 as proto;
use mesh_proto::orchestrator::v1::verification_service_server::VerificationService;
use mesh_runtime::clock;
use mesh_runtime::idempotency::IdempotencyStore;
use mesh_types::VerificationId;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Interval, interval};
use tonic::{Request, Response, Status};

/// Answers `VerificationService`.
pub struct VerificationApi {
    store: Store,
    idempotency: IdempotencyStore,
    verifications: Verifications,
    read_model: ReadModel,
    watch_interval: Duration,
}

impl VerificationApi {
    /// An API over a store, the requests that came, what starts verifications and what reads them.
    pub fn new(
        store: Store,
        idempotency: IdempotencyStore,
        verifications: Verifications,
        read_model: ReadModel,
        watch_interval: Duration,
    ) -> Self {
        Self {
            store,
            idempotency,
            verifications,
            read_model,
            watch_interval,
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
        let first = render::verification(self.read_model.get(id).await?);
        let watcher = Watcher {
            read_model: self.read_model.clone(),
            id,
            ticks: interval(self.watch_interval),
            pause: self.watch_interval,
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

/// The longest pause between two looks at a verification that does not change, unless a longer one is configured: many are
/// watched while a person decides.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A verification that is watched: shown whenever it changed, until it has ended.
struct Watcher {
    read_model: ReadModel,
    id: VerificationId,
    ticks: Interval,
    /// Until the next look: the interval after a change, and twice as long after each look that saw none.
    pause: Duration,
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
                    self.ticks.reset_after(self.pause);
                    self.ticks.tick().await;
                    self.pause = (2 * self.pause).min(LONGEST_PAUSE.max(self.ticks.period()));
                    self.read_model.get(self.id).await.map(render::verification)
                }
            };
            match now {
                Err(problem) => {
                    self.ended = true;
                    return Some((Err(problem.into()), self));
                }
                Ok(verification) if self.shown.as_ref() == Some(&verification) => {}
                // The workflow does not answer at this moment; what was shown is newer.
                Ok(verification) if verification.progress_unknown && self.shown.is_some() => {}
                Ok(verification) => {
                    self.ended = verification.status() != proto::VerificationStatus::InProgress;
                    self.shown = Some(verification.clone());
                    self.pause = self.ticks.period();
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
