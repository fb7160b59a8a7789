//! Three neighbours of all members: what they have earned, whom they trust, and their vouches.
//!
//! Each of them vouches once in each of the three verifications. With a fourth one it would be twelve vouches by three members
//! within a day, which looks made up, and a person would have to decide.

use super::calls::Calls;
use crate::screen::row;
use anyhow::Context;
use mesh_proto::community::v1 as community;
use mesh_proto::community::v1::community_service_client::CommunityServiceClient;
use mesh_proto::orchestrator::v1::CommunityMethod;
use mesh_proto::orchestrator::v1::method_request::Method;
use mesh_proto::reputation::v1 as reputation;
use mesh_proto::reputation::v1::reputation_service_client::ReputationServiceClient;
use mesh_testkit::{eventually, new_uuid};
use std::time::Duration;

/// The member from whom trust flows in the demo's mesh.
pub const TRUST_SEED: i64 = 100;

/// The longest that the trust network or an invitation is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest activity of a day that counts, in hours.
const HOURS_OF_A_DAY: i32 = 8;

struct Neighbour {
    member_id: i64,
    name: &'static str,
    /// What they gave; each full hour is a point, and who vouches has 50 or more. So a vouch gives 20 points or more, and three
    /// give all that the community can, 50.
    hours: i32,
}

const NEIGHBOURS: [Neighbour; 3] = [
    Neighbour {
        member_id: 101,
        name: "Ines",
        hours: 56,
    },
    Neighbour {
        member_id: 102,
        name: "Paul",
        hours: 72,
    },
    Neighbour {
        member_id: 103,
        name: "Rosa",
        hours: 88,
    },
];

/// The neighbours in one verification: they are asked, and vouch one after the other.
#[derive(Default)]
pub struct Neighbours {
    are_asked: bool,
    voted: usize,
}

impl Neighbours {
    /// Gives the neighbours what they have earned, and lets trust reach them.
    ///
    /// # Errors
    /// When a call fails.
    pub async fn move_in(calls: &Calls<'_>) -> anyhow::Result<()> {
        for neighbour in &NEIGHBOURS {
            neighbour.record_hours(calls).await?;
            connect(calls, TRUST_SEED, neighbour.member_id).await?;
        }
        Ok(())
    }

    /// The neighbours come to trust a member.
    ///
    /// # Errors
    /// When a call fails, or the trust network does not hear of it.
    pub async fn befriend(calls: &Calls<'_>, member_id: i64) -> anyhow::Result<()> {
        for neighbour in &NEIGHBOURS {
            connect(calls, neighbour.member_id, member_id).await?;
        }
        let know_the_member = eventually(PATIENCE, "the trust network to know the neighbours", async || {
            let connections = connections_that_count(calls, member_id).await.ok()?;
            (connections == NEIGHBOURS.len()).then_some(())
        });
        know_the_member.await?;
        let listed = NEIGHBOURS.each_ref().map(Neighbour::shown).join(", ");
        println!("{}", row("neighbours", listed));
        Ok(())
    }

    /// Goes on when so many vouches are shown: the first time the neighbours are asked, and each vouches when the vouch before is
    /// shown.
    ///
    /// # Errors
    /// When a neighbour is not asked, or a call fails.
    pub async fn go_on(&mut self, calls: &Calls<'_>, verification_id: &str, shown: usize) -> anyhow::Result<()> {
        if !self.are_asked {
            show_invitations(calls, verification_id).await?;
            self.are_asked = true;
        }
        if shown >= self.voted {
            self.vouch(calls, verification_id).await?;
        }
        Ok(())
    }

    /// Lets the next neighbour vouch, if one is left.
    async fn vouch(&mut self, calls: &Calls<'_>, verification_id: &str) -> anyhow::Result<()> {
        let Some(neighbour) = NEIGHBOURS.get(self.voted) else {
            return Ok(());
        };
        let answer = community::SubmitValidationRequest {
            request_id: new_uuid().to_string(),
            verification_id: verification_id.to_owned(),
            validator_id: neighbour.member_id,
            answer: community::ValidationAnswer::Approve.into(),
            reject_reason: community::RejectReason::Unspecified.into(),
        };
        let channel = calls.as_member(neighbour.member_id, "community")?;
        CommunityServiceClient::new(channel)
            .submit_validation(calls.traced(answer)?)
            .await
            .context("SubmitValidation")?;
        self.voted += 1;
        println!("{}", row("vote", format!("{} vouches", neighbour.shown())));
        Ok(())
    }
}

impl Neighbour {
    fn shown(&self) -> String {
        format!("{} (score {})", self.name, self.hours)
    }

    async fn record_hours(&self, calls: &Calls<'_>) -> anyhow::Result<()> {
        use reputation::activity::Activity;
        let mut ledger = ReputationServiceClient::new(calls.as_operator("reputation")?);
        let days = (0..self.hours).step_by(HOURS_OF_A_DAY as usize);
        for hours in days.map(|given| (self.hours - given).min(HOURS_OF_A_DAY)) {
            let hours = Activity::VolunteerHours(reputation::VolunteerHours { minutes: 60 * hours });
            let request = reputation::RecordActivityRequest {
                request_id: new_uuid().to_string(),
                member_id: self.member_id,
                activity: Some(reputation::Activity { activity: Some(hours) }),
                occurred_at: None,
            };
            ledger
                .record_activity(calls.traced(request)?)
                .await
                .context("RecordActivity")?;
        }
        Ok(())
    }

    /// What waits for the neighbour's answer in a verification; none while nothing does.
    async fn invitation(
        &self,
        calls: &Calls<'_>,
        verification_id: &str,
    ) -> anyhow::Result<Option<community::ValidationRequest>> {
        let request = community::ListValidationRequestsRequest {
            validator_id: self.member_id,
            ..Default::default()
        };
        let channel = calls.as_member(self.member_id, "community")?;
        let listed = CommunityServiceClient::new(channel)
            .list_validation_requests(calls.traced(request)?)
            .await
            .context("ListValidationRequests")?;
        let mut requests = listed.into_inner().requests.into_iter();
        Ok(requests.find(|request| request.verification_id == verification_id))
    }
}

/// Keeps what the member shows to those who are asked; the method by it.
///
/// # Errors
/// When the call fails.
pub async fn introduce(calls: &Calls<'_>, member_id: i64, name: &str) -> anyhow::Result<Method> {
    const LONGEST_NAME: usize = 100;
    let request = community::CreateIntroductionRequest {
        request_id: new_uuid().to_string(),
        member_id,
        display_name: name.chars().take(LONGEST_NAME).collect(),
        relationship: "We live in the same house.".to_owned(),
    };
    let kept = CommunityServiceClient::new(calls.as_member(member_id, "community")?)
        .create_introduction(calls.traced(request)?)
        .await
        .context("CreateIntroduction")?;
    let introduction_id = kept.into_inner().introduction_id;
    Ok(Method::Community(CommunityMethod { introduction_id }))
}

/// Prints what the neighbours are asked, when each of them is.
async fn show_invitations(calls: &Calls<'_>, verification_id: &str) -> anyhow::Result<()> {
    println!();
    for neighbour in &NEIGHBOURS {
        let what = format!("an invitation of {}", neighbour.name);
        let look = async || match neighbour.invitation(calls, verification_id).await {
            Ok(invitation) => invitation.map(Ok),
            Err(error) => Some(Err(error)),
        };
        let invitation = eventually(PATIENCE, &what, look).await??;
        let (to, whom, why) = (neighbour.name, &invitation.display_name, &invitation.relationship);
        println!(
            "{}",
            row("invitation", format!("{to} is asked about {whom}, who says: {why}"))
        );
    }
    Ok(())
}

/// A member connects with another one, by full trust.
async fn connect(calls: &Calls<'_>, from: i64, to: i64) -> anyhow::Result<()> {
    let request = community::AddConnectionRequest {
        request_id: new_uuid().to_string(),
        member_id: from,
        to_member_id: to,
        strength_hundredths: 100,
    };
    CommunityServiceClient::new(calls.as_member(from, "community")?)
        .add_connection(calls.traced(request)?)
        .await
        .context("AddConnection")?;
    Ok(())
}

/// How many connections to a member count.
async fn connections_that_count(calls: &Calls<'_>, member_id: i64) -> anyhow::Result<usize> {
    let request = community::GetTrustRequest { member_id };
    let trust = CommunityServiceClient::new(calls.as_operator("community")?)
        .get_trust(calls.traced(request)?)
        .await
        .context("GetTrust")?;
    let points = trust.into_inner().network_points;
    Ok(points.map_or(0, |points| points.parts.len()))
}
