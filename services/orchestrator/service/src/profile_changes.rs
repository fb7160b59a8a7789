//! Tells the document service that a member's names or birth date have changed, so that what rested on the old ones ends. It
//! answers by its list of revocations. Each change is told until it was heard; told twice it changes nothing.

use crate::Store;
use crate::methods::DocumentClient;
use jiff::Timestamp;
use mesh_proto::document::v1::RecordProfileChangeRequest;
use mesh_runtime::{Problem, ServiceParts, clock, from_peer};
use mesh_types::{MemberId, Reason};
use std::time::Duration;

/// How long a call to the document service may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How many members are claimed at once.
const MEMBERS_AT_ONCE: i64 = 20;

/// Tells of changed profiles.
#[derive(Clone)]
pub struct ProfileChanges {
    store: Store,
    documents: DocumentClient,
}

impl ProfileChanges {
    /// Over a store and the document service.
    pub fn new(store: Store, documents: DocumentClient) -> Self {
        Self { store, documents }
    }

    /// Adds the work to a service.
    pub fn tell_every(self, interval: Duration, parts: ServiceParts) -> ServiceParts {
        parts.every(interval, "telling of changed profiles", move || {
            let changes = self.clone();
            async move { changes.tell(clock::now()).await }
        })
    }

    /// Tells of the changes that are due by `now`.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`, and `PEER_UNAVAILABLE` when the document service is away; what was not told is due again later.
    async fn tell(&self, now: Timestamp) -> Result<(), Problem> {
        loop {
            let due = self.store.claim_changed_profiles(now, MEMBERS_AT_ONCE).await?;
            if due.is_empty() {
                return Ok(());
            }
            let mut is_away = None;
            for (member_id, profile_version) in due {
                // One that can't be told holds up no other.
                if let Err(problem) = self.tell_one(member_id, profile_version).await {
                    tracing::error!(%problem, "a changed profile can't be told");
                    is_away = is_away.or(Some(problem).filter(|problem| problem.reason() == Reason::PeerUnavailable));
                }
            }
            if let Some(problem) = is_away {
                return Err(problem);
            }
        }
    }

    async fn tell_one(&self, member_id: MemberId, profile_version: i64) -> Result<(), Problem> {
        let mut request = tonic::Request::new(RecordProfileChangeRequest {
            request_id: clock::new_uuid().to_string(),
            member_id: member_id.get(),
            profile_version,
        });
        request.set_timeout(CALL_TIMEOUT);
        let told = self.documents.clone().record_profile_change(request).await;
        told.map_err(from_peer)?;
        self.store.record_profile_told(member_id, profile_version).await
    }
}
