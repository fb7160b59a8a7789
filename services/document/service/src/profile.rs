//! What the orchestrator knows of a member, for the comparison with the document.

use document_policy::Profile;
use mesh_proto::orchestrator::v1::GetMemberRequest;
use mesh_proto::orchestrator::v1::member_service_client::MemberServiceClient;
use mesh_runtime::{PeerChannel, Problem, from_peer};
use mesh_types::MemberId;
use std::time::Duration;

/// An answer that takes longer is worth another try more than a longer wait.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The profiles, at the orchestrator.
#[derive(Clone)]
pub struct Profiles {
    members: MemberServiceClient<PeerChannel>,
}

/// A member's profile as it stood at an instant. Personal data.
pub struct MemberProfile {
    /// What documents are compared with.
    pub profile: Profile,
    /// Grows with each change.
    pub version: i64,
}

/// A profile that the orchestrator should never have let in.
#[derive(Debug, thiserror::Error)]
#[error("the orchestrator's answer lacks {0}")]
struct Incomplete(&'static str);

impl Profiles {
    /// Over a channel to the orchestrator.
    pub fn new(channel: PeerChannel) -> Self {
        Self {
            members: MemberServiceClient::new(channel),
        }
    }

    /// The member's profile. Personal data: for comparing only.
    ///
    /// # Errors
    /// `MEMBER_NOT_FOUND`; `PEER_UNAVAILABLE` when the orchestrator is away.
    pub async fn get(&self, member_id: MemberId) -> Result<MemberProfile, Problem> {
        let mut request = tonic::Request::new(GetMemberRequest {
            member_id: member_id.get(),
        });
        request.set_timeout(TIMEOUT);
        let answer = self
            .members
            .clone()
            .get_member(request)
            .await
            .map_err(from_peer)?
            .into_inner();
        let member = answer.member.unwrap_or_default();
        let version = member.profile_version;
        let profile = member
            .profile
            .ok_or_else(|| Problem::internal(Incomplete("a profile")))?;
        // The parser's own error would repeat the text, which is personal data.
        let birth_date = profile
            .birth_date
            .parse()
            .map_err(|_| Problem::internal(Incomplete("a birth date")))?;
        Ok(MemberProfile {
            profile: Profile {
                given_names: profile.given_names,
                family_name: profile.family_name,
                birth_date,
            },
            version,
        })
    }
}
