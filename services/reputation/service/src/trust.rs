//! How far others trust a member, asked of the community service.

use futures::future::BoxFuture;
use mesh_proto::community::v1::community_service_client::CommunityServiceClient;
use mesh_proto::community::v1::{self as proto, GetTrustRequest, GetTrustResponse};
use mesh_runtime::{PeerChannel, Problem, from_peer};
use mesh_types::scoring::MOST_NETWORK_POINTS;
use mesh_types::{MemberId, Reason, Score};
use reputation_workflows::policy::{NetworkPoints, Withheld};
use std::sync::Arc;
use std::time::Duration;
use tonic::Status;

/// How long a call may take: an attempt of the activity that asks has 10 s.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

type Ask = dyn Fn(GetTrustRequest) -> BoxFuture<'static, Result<GetTrustResponse, Status>> + Send + Sync;

/// Asks for network points.
#[derive(Clone)]
pub struct Trust {
    ask: Arc<Ask>,
}

impl Trust {
    /// By a client of the community service.
    pub fn new(communities: CommunityServiceClient<PeerChannel>) -> Self {
        Self::answered_by(move |request| {
            let mut communities = communities.clone();
            async move { communities.get_trust(request).await.map(tonic::Response::into_inner) }
        })
    }

    /// By whatever answers as the community service does.
    pub(crate) fn answered_by<F>(ask: impl Fn(GetTrustRequest) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<GetTrustResponse, Status>> + Send + 'static,
    {
        Self {
            ask: Arc::new(move |request| Box::pin(ask(request))),
        }
    }

    /// The points of a member by the trust network of now.
    ///
    /// # Errors
    /// `PEER_UNAVAILABLE` when they can't be known at present.
    pub async fn of(&self, member_id: MemberId) -> Result<NetworkPoints, Problem> {
        let request = GetTrustRequest {
            member_id: member_id.get(),
        };
        let answer = tokio::time::timeout(CALL_TIMEOUT, (self.ask)(request)).await;
        let answer = answer.map_err(|_| {
            let message = "the community service does not answer in time";
            Problem::new(Reason::PeerUnavailable, message)
        })?;
        let points = answer.map_err(from_peer)?.network_points;
        network_points(&points.ok_or_else(|| Problem::internal("the community service answered without points"))?)
    }
}

fn network_points(answer: &proto::NetworkPoints) -> Result<NetworkPoints, Problem> {
    let points = u8::try_from(answer.points).ok();
    match points.filter(|points| *points <= MOST_NETWORK_POINTS) {
        None => Err(Problem::internal(
            "the community service answered with points out of their range",
        )),
        Some(0) => Ok(NetworkPoints::Withheld(match answer.withheld() {
            proto::Withheld::DoesNotPassGate => Withheld::DoesNotPassGate,
            proto::Withheld::BelowMinimum => Withheld::BelowMinimum,
            // Which is also how a reason of a newer version reads.
            proto::Withheld::Unspecified => Withheld::Otherwise,
        })),
        Some(points) => Ok(NetworkPoints::Given(Score::capped(points.into()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{OrPanic, member, trust_points};
    use tonic::Code;

    async fn told(answer: Result<GetTrustResponse, Status>) -> Result<NetworkPoints, Reason> {
        let trust = Trust::answered_by(move |_| std::future::ready(answer.clone()));
        trust.of(member(1)).await.map_err(|problem| problem.reason())
    }

    #[tokio::test]
    async fn points_are_taken_as_they_are_and_none_with_the_reason() {
        use proto::Withheld as Why;
        let given = |points| Ok(NetworkPoints::Given(Score::capped(points)));
        let none = |why| Ok(NetworkPoints::Withheld(why));
        let table = [
            ((5, Why::Unspecified), given(5)),
            ((15, Why::Unspecified), given(15)),
            ((0, Why::DoesNotPassGate), none(Withheld::DoesNotPassGate)),
            ((0, Why::BelowMinimum), none(Withheld::BelowMinimum)),
            ((0, Why::Unspecified), none(Withheld::Otherwise)),
            ((16, Why::Unspecified), Err(Reason::Internal)),
            ((-1, Why::Unspecified), Err(Reason::Internal)),
        ];
        for ((points, why), expected) in table {
            assert_eq!(told(Ok(trust_points(points, why))).await, expected, "{points} {why:?}");
        }
        let mut newer = trust_points(0, Why::Unspecified);
        newer.network_points.as_mut().expect("points").withheld = 99;
        assert_eq!(told(Ok(newer)).await, none(Withheld::Otherwise));
        assert_eq!(told(Ok(GetTrustResponse::default())).await, Err(Reason::Internal));
    }

    #[tokio::test]
    async fn who_does_not_know_yet_or_is_away_is_asked_again() {
        let loading = Problem::new(Reason::TrustNetworkLoading, "it is read");
        for status in [loading.into(), Status::new(Code::Unavailable, "nobody is there")] {
            assert_eq!(told(Err(status)).await, Err(Reason::PeerUnavailable));
        }
        assert!(Reason::PeerUnavailable.class().is_retryable());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_an_answer_longer_than_5_s() {
        let begun = tokio::time::Instant::now();
        let silent = Trust::answered_by(|_| std::future::pending());
        let refused = silent.of(member(1)).await.map(drop);
        assert_eq!(
            refused.map_err(|problem| problem.reason()),
            Err(Reason::PeerUnavailable)
        );
        assert_eq!(begun.elapsed(), CALL_TIMEOUT);
        let asked = Trust::answered_by(|request| async move {
            Ok(trust_points(request.member_id as i32, proto::Withheld::Unspecified))
        });
        let seven = asked.of(member(7)).await.or_panic();
        assert_eq!(seven, NetworkPoints::Given(Score::capped(7)), "it asks for the member");
    }
}
