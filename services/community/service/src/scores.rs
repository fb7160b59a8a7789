//! The scores of members, asked of the reputation service.

use futures::{StreamExt, TryStreamExt};
use mesh_proto::reputation::v1::GetReputationRequest;
use mesh_proto::reputation::v1::reputation_service_client::ReputationServiceClient;
use mesh_runtime::{PeerChannel, Problem, from_peer};
use mesh_types::{MemberId, Reason, Score};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Scores that one answer asks for at once.
const AT_ONCE: usize = 16;
/// Scores that this instance asks for at once; who wants more waits, until their deadline.
const AT_ONCE_IN_ALL: usize = 64;
/// How long one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(3);

/// Asks for scores. Clones share the bound on calls.
#[derive(Clone)]
pub struct Scores {
    reputations: ReputationServiceClient<PeerChannel>,
    calls: Arc<Semaphore>,
}

impl Scores {
    /// By a client of the reputation service.
    pub fn new(reputations: ReputationServiceClient<PeerChannel>) -> Self {
        Self {
            reputations,
            calls: Arc::new(Semaphore::new(AT_ONCE_IN_ALL)),
        }
    }

    /// The scores of all these members, within the deadline of the present RPC.
    ///
    /// # Errors
    /// `PEER_UNAVAILABLE` when one of them can't be known.
    pub async fn of(&self, members: Vec<MemberId>) -> Result<HashMap<MemberId, Score>, Problem> {
        let asked = members
            .into_iter()
            .map(async |member| Ok((member, self.of_one(member).await?)));
        futures::stream::iter(asked)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn of_one(&self, member_id: MemberId) -> Result<Score, Problem> {
        let _call = self.calls.acquire().await.map_err(Problem::internal)?;
        let request = GetReputationRequest {
            member_id: member_id.get(),
            // Only the score counts here, and the smallest page has it as well.
            page_size: 1,
            ..Default::default()
        };
        let mut reputations = self.reputations.clone();
        let answer = tokio::time::timeout(CALL_TIMEOUT, reputations.get_reputation(request)).await;
        let answer = answer.map_err(|_| {
            let message = "the reputation service does not answer in time";
            Problem::new(Reason::PeerUnavailable, message)
        })?;
        let breakdown = answer.map_err(from_peer)?.into_inner().breakdown;
        let score = breakdown.and_then(|breakdown| u8::try_from(breakdown.score).ok());
        let score = score.and_then(|score| Score::try_from(score).ok());
        score.ok_or_else(|| Problem::internal("the reputation service answered without a score"))
    }
}
