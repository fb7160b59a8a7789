//! Who is connected to a member, asked of the community service.

use mesh_proto::community::v1::FindConnectedRequest;
use mesh_proto::community::v1::community_service_client::CommunityServiceClient;
use mesh_runtime::{PeerChannel, Problem, from_peer};
use mesh_types::{MemberId, Reason};
use std::collections::HashSet;
use std::time::Duration;

/// How long a call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(3);

/// Asks for connections.
#[derive(Clone)]
pub struct Connections {
    communities: CommunityServiceClient<PeerChannel>,
}

impl Connections {
    /// By a client of the community service.
    pub fn new(communities: CommunityServiceClient<PeerChannel>) -> Self {
        Self { communities }
    }

    /// Those of the others who have a connection with the member, whoever made it.
    ///
    /// # Errors
    /// `PEER_UNAVAILABLE` when it can't be known.
    pub async fn among(&self, member_id: MemberId, others: Vec<i64>) -> Result<HashSet<i64>, Problem> {
        if others.is_empty() {
            return Ok(HashSet::new());
        }
        let request = FindConnectedRequest {
            member_id: member_id.get(),
            other_member_ids: others,
        };
        let mut communities = self.communities.clone();
        let answer = tokio::time::timeout(CALL_TIMEOUT, communities.find_connected(request)).await;
        let answer = answer.map_err(|_| {
            let message = "the community service does not answer in time";
            Problem::new(Reason::PeerUnavailable, message)
        })?;
        let connected = answer.map_err(from_peer)?.into_inner().connected_member_ids;
        Ok(connected.into_iter().collect())
    }
}
