//! Follows what other services took away from verifications: a document that was blocked, released or erased or whose profile
//! changed, evidence that was countered. Each service lists it in the order in which it was committed; here is kept how far each list was followed, so a
//! service that is away delays a revocation and never loses it.

use crate::Store;
use crate::methods::DocumentClient;
use crate::store::{Revocation, Revoked, ToCounter};
use jiff::Timestamp;
use mesh_proto::common::v1 as proto;
use mesh_proto::reputation::v1::CounterVerificationRequest;
use mesh_proto::reputation::v1::reputation_service_client::ReputationServiceClient;
use mesh_proto::{document, fields, reputation};
use mesh_runtime::{PeerChannel, Problem, ServiceParts, clock, from_peer};
use mesh_types::{Method, Reason};
use std::time::Duration;
use tonic::{Request, Status};

/// How long a call to a peer may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Entries of a list that are asked for at once.
const PAGE_SIZE: i32 = 200;
/// How many verifications are claimed at once to be countered. A process that dies leaves so many to the next attempt.
const COUNTERS_AT_ONCE: i64 = 20;

/// A service that lists revocations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Followed {
    /// It blocks, releases and erases documents, and hears of changed profiles.
    Document,
    /// It counters evidence.
    Reputation,
}

impl Followed {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Reputation => "reputation",
        }
    }

    /// When the points of a verification are to be countered because of what this service took away: a counter is in the
    /// ledger already.
    fn counter_due_at(self, now: Timestamp) -> Option<Timestamp> {
        (self == Self::Document).then_some(now)
    }
}

/// Follows the revocations of other services.
#[derive(Clone)]
pub struct Revocations {
    store: Store,
    documents: DocumentClient,
    reputations: ReputationServiceClient<PeerChannel>,
}

impl Revocations {
    /// Over a store and the services that are followed.
    pub fn new(store: Store, documents: DocumentClient, reputations: ReputationServiceClient<PeerChannel>) -> Self {
        Self {
            store,
            documents,
            reputations,
        }
    }

    /// Adds the work to a service.
    pub fn follow_every(self, interval: Duration, parts: ServiceParts) -> ServiceParts {
        let [documents, reputations, points] = [(); 3].map(|()| self.clone());
        // Apart, so that a service that is away holds up nothing of another.
        parts
            .every(interval, "following what happens to documents", move || {
                let revocations = documents.clone();
                async move { revocations.follow(Followed::Document, clock::now()).await }
            })
            .every(interval, "following what is countered", move || {
                let revocations = reputations.clone();
                async move { revocations.follow(Followed::Reputation, clock::now()).await }
            })
            .every(interval, "countering what documents gave", move || {
                let revocations = points.clone();
                async move { revocations.counter(clock::now()).await }
            })
    }

    /// Applies what a service has listed since the last time.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`, and that of the service when it is away; the next time goes on from there.
    async fn follow(&self, followed: Followed, now: Timestamp) -> Result<(), Problem> {
        loop {
            let from = self.store.next_page_of(followed.as_str()).await?;
            let listed = match self.list(followed, &from).await {
                // A place that the service does not understand any more. What is listed once more changes nothing.
                Err(status) if is_refused(&status) && !from.is_empty() => self.list(followed, "").await,
                listed => listed,
            };
            let (revocations, next) = listed.map_err(from_peer)?;
            if revocations.is_empty() {
                return Ok(());
            }
            let revocations: Vec<_> = revocations
                .iter()
                .filter_map(|listed| read(listed, followed.counter_due_at(now)))
                .collect();
            let pages = (from.as_str(), next.as_str());
            if !self
                .store
                .apply_revocations(followed.as_str(), pages, &revocations)
                .await?
            {
                // Another instance is at it.
                return Ok(());
            }
            tracing::info!(
                service = followed.as_str(),
                count = revocations.len(),
                "revocations were followed"
            );
        }
    }

    async fn list(&self, followed: Followed, page_token: &str) -> Result<(Vec<proto::Revocation>, String), Status> {
        let page_token = page_token.to_owned();
        match followed {
            Followed::Document => {
                let asked = document::v1::ListRevocationsRequest {
                    page_size: PAGE_SIZE,
                    page_token,
                };
                let page = self
                    .documents
                    .clone()
                    .list_revocations(within(asked))
                    .await?
                    .into_inner();
                Ok((page.revocations, page.next_page_token))
            }
            Followed::Reputation => {
                let asked = reputation::v1::ListRevocationsRequest {
                    page_size: PAGE_SIZE,
                    page_token,
                };
                let page = self
                    .reputations
                    .clone()
                    .list_revocations(within(asked))
                    .await?
                    .into_inner();
                Ok((page.revocations, page.next_page_token))
            }
        }
    }

    /// Counters in the ledger what verifications earned by a document that was taken away since.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`, and that of the reputation service when it is away; what is not done is due again later.
    async fn counter(&self, now: Timestamp) -> Result<(), Problem> {
        loop {
            let due = self.store.claim_to_counter(now, COUNTERS_AT_ONCE).await?;
            if due.is_empty() {
                return Ok(());
            }
            let mut is_away = None;
            for to_counter in due {
                // One that can't be countered holds up no other: it may be its member's row that is held.
                if let Err(problem) = self.counter_one(to_counter).await {
                    let verification_id = to_counter.verification_id;
                    tracing::error!(%verification_id, %problem, "what a verification earned can't be countered");
                    is_away = is_away.or(Some(problem).filter(|problem| problem.reason() == Reason::PeerUnavailable));
                }
            }
            if let Some(problem) = is_away {
                return Err(problem);
            }
        }
    }

    async fn counter_one(&self, to_counter: ToCounter) -> Result<(), Problem> {
        let request = CounterVerificationRequest {
            request_id: clock::new_uuid().to_string(),
            verification_id: to_counter.verification_id.to_string(),
            method: Method::Document.as_str().to_owned(),
        };
        let countered = self.reputations.clone().counter_verification(within(request)).await;
        countered.map_err(from_peer)?;
        if to_counter.is_settled {
            self.store.record_countered(to_counter.verification_id).await?;
        }
        Ok(())
    }
}

fn within<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(CALL_TIMEOUT);
    request
}

fn is_refused(status: &Status) -> bool {
    mesh_proto::reason(status).as_deref() == Some(Reason::InvalidRequest.as_str())
}

/// An entry of a list. One that can't be read is left out: it must not hold up those after it.
fn read(listed: &proto::Revocation, counter_due_at: Option<Timestamp>) -> Option<Revocation> {
    let verification_id = fields::id("verification_id", &listed.verification_id);
    let at = fields::required("revoked_at", listed.revoked_at).and_then(|at| fields::instant("revoked_at", at));
    match (verification_id, at) {
        (Ok(verification_id), Ok(at)) => Some(Revocation {
            verification_id,
            revoked: Revoked {
                reason: listed.reason().into(),
                at,
            },
            counter_due_at,
        }),
        _ => {
            tracing::error!(verification_id = listed.verification_id, "a revocation can't be read");
            None
        }
    }
}
