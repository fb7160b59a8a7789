//! The trust network: members make connections, and what others said of them becomes points, if trust from the seeds reaches
//! them.

mod verifications;

use crate::support::*;
use futures::future::join_all;
use mesh_proto::community::v1 as proto;
use mesh_proto::community::v1::community_service_client::CommunityServiceClient;
use mesh_proto::reputation::v1 as reputation;
use mesh_testkit::{Acting, ActingChannel, Addresses, Mesh, ServiceProcess, ServiceSpec, Subcommand, eventually};
use std::time::{Duration, Instant};
use tonic::Code;
use tonic::transport::Endpoint;

/// How soon every answer knows a removed connection.
const REMOVED_WITHIN: Duration = Duration::from_secs(1);

type Communities = CommunityServiceClient<ActingChannel>;

fn add(from: i64, to: i64, hundredths: i32) -> proto::AddConnectionRequest {
    proto::AddConnectionRequest {
        request_id: new_request_id(),
        member_id: from,
        to_member_id: to,
        strength_hundredths: hundredths,
    }
}

fn remove(from: i64, to: i64) -> proto::RemoveConnectionRequest {
    proto::RemoveConnectionRequest {
        request_id: new_request_id(),
        member_id: from,
        to_member_id: to,
    }
}

fn list(member_id: i64, direction: proto::Direction) -> proto::ListConnectionsRequest {
    proto::ListConnectionsRequest {
        member_id,
        direction: direction.into(),
        page_size: 0,
        page_token: String::new(),
    }
}

/// The member themselves, in their role.
fn member(caller: &Caller, member_id: i64) -> Communities {
    caller.acting_as(member_id, &["member"]).communities
}

/// A member connects with another one.
pub async fn connect(caller: &Caller, from: i64, to: i64, hundredths: i32) {
    let (own, request) = (member(caller, from), add(from, to, hundredths));
    let connect = async || own.clone().add_connection(request.clone()).await;
    let added = until_answered("a connection", connect).await;
    added.expect("the connection is made");
}

async fn trust(communities: &Communities, member_id: i64) -> proto::GetTrustResponse {
    let request = proto::GetTrustRequest { member_id };
    // An instance that has just started, or that has no look in time, says when to try again.
    let ask = async || match communities.clone().get_trust(request).await {
        Err(status) if refusal(&status).retry => None,
        answer => Some(answer),
    };
    let answer = eventually(PATIENCE, "an answer", ask).await;
    let answer = answer.unwrap_or_else(|error| panic!("{error:#}"));
    answer.expect("everybody's trust can be worked out").into_inner()
}

fn points(trust: &proto::GetTrustResponse) -> &proto::NetworkPoints {
    trust.network_points.as_ref().expect("an answer has points")
}

/// A new member with this score, by hours that they gave, and with a full connection from the seed.
pub async fn trusted(caller: &Caller, seed: i64, score: i32) -> i64 {
    let member_id = new_member_id();
    give_hours(caller, member_id, score).await;
    connect(caller, seed, member_id, 100).await;
    member_id
}

/// So many points of activity, a point for an hour.
async fn give_hours(caller: &Caller, member_id: i64, score: i32) {
    let hours = (0..score).step_by(8).map(|given| (score - given).min(8));
    let recorded = hours.map(async |hours| {
        let minutes = 60 * hours;
        let hours = reputation::activity::Activity::VolunteerHours(reputation::VolunteerHours { minutes });
        let request = reputation::RecordActivityRequest {
            request_id: new_request_id(),
            member_id,
            activity: Some(reputation::Activity { activity: Some(hours) }),
            occurred_at: None,
        };
        let record = async || caller.reputations.clone().record_activity(request.clone()).await;
        until_answered("hours", record).await
    });
    for recorded in join_all(recorded).await {
        recorded.expect("the hours are recorded");
    }
}

/// Waits until a member has these network points.
async fn until_points(caller: &Caller, member_id: i64, expected: i32) {
    let known = async || (points(&trust(&caller.communities, member_id).await).points == expected).then_some(());
    eventually(PATIENCE, "the points", known).await.expect("they are known");
}

#[tokio::test]
async fn a_member_makes_changes_lists_and_removes_their_connections() {
    let caller = Caller::of(shared_mesh().await);
    let [ida, first, second] = [(); 3].map(|()| new_member_id());
    let own = member(&caller, ida);
    let made = own.clone().add_connection(add(ida, second, 80)).await;
    let made = made.expect("it is made").into_inner().connection.expect("a connection");
    assert_eq!(
        (made.member_id, made.to_member_id, made.strength_hundredths),
        (ida, second, 80)
    );
    assert_eq!(made.created_at, made.changed_at);
    own.clone()
        .add_connection(add(ida, first, 10))
        .await
        .expect("it is made");
    let changed = own.clone().add_connection(add(ida, second, 20)).await;
    let changed = changed
        .expect("it is changed")
        .into_inner()
        .connection
        .expect("a connection");
    assert_eq!((changed.strength_hundredths, changed.created_at), (20, made.created_at));

    let mut listed = Vec::new();
    let mut page = proto::ListConnectionsRequest {
        page_size: 1,
        ..list(ida, proto::Direction::Unspecified)
    };
    loop {
        let answer = own
            .clone()
            .list_connections(page.clone())
            .await
            .expect("a page")
            .into_inner();
        listed.extend(answer.connections);
        if answer.next_page_token.is_empty() {
            break;
        }
        page.page_token = answer.next_page_token;
    }
    let listed: Vec<_> = listed
        .iter()
        .map(|one| (one.to_member_id, one.strength_hundredths))
        .collect();
    assert_eq!(listed, [(first, 10), (second, 20)]);

    own.clone()
        .remove_connection(remove(ida, first))
        .await
        .expect("it is removed");
    let left = own.clone().list_connections(list(ida, proto::Direction::MadeBy)).await;
    assert_eq!(left.expect("a list").into_inner().connections, [changed]);
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_reason() {
    let caller = Caller::of(shared_mesh().await);
    let [ida, other] = [(); 2].map(|()| new_member_id());
    let own = member(&caller, ida);
    let refused = async |request| {
        let status = own.clone().add_connection(request).await.expect_err("it is refused");
        refusal(&status)
    };
    assert_eq!(
        refused(add(ida, ida, 50)).await,
        bad_field("CONNECTION_TO_ONESELF", "to_member_id")
    );
    assert_eq!(
        refused(add(ida, other, 0)).await,
        bad_field("INVALID_REQUEST", "strength_hundredths")
    );
    assert_eq!(
        refused(add(ida, other, 101)).await,
        bad_field("INVALID_REQUEST", "strength_hundredths")
    );
    let missing = own
        .clone()
        .remove_connection(remove(ida, other))
        .await
        .expect_err("there is none");
    let missing = refusal(&missing);
    assert_eq!(
        (missing.code, missing.reason.as_str()),
        (Code::NotFound, "CONNECTION_NOT_FOUND")
    );
}

#[tokio::test]
async fn anothers_connections_are_hidden_and_so_is_who_trusts_a_member() {
    let caller = Caller::of(shared_mesh().await);
    let [ida, other] = [(); 2].map(|()| new_member_id());
    connect(&caller, ida, other, 50).await;
    let stranger = member(&caller, other);
    let refusals = [
        stranger.clone().add_connection(add(ida, other, 100)).await.err(),
        stranger.clone().remove_connection(remove(ida, other)).await.err(),
        stranger
            .clone()
            .list_connections(list(ida, proto::Direction::MadeBy))
            .await
            .err(),
        stranger
            .clone()
            .get_trust(proto::GetTrustRequest { member_id: ida })
            .await
            .err(),
    ];
    for status in refusals {
        let refusal = refusal(&status.expect("it is refused"));
        assert_eq!(
            (refusal.code, refusal.reason.as_str()),
            (Code::NotFound, "OBJECT_NOT_FOUND")
        );
    }
    let who = stranger
        .clone()
        .list_connections(list(other, proto::Direction::MadeTo))
        .await;
    assert_eq!(refusal(&who.expect_err("it is refused")).reason, "ROLE_NOT_ALLOWED");
    let who = caller
        .communities
        .clone()
        .list_connections(list(other, proto::Direction::MadeTo))
        .await;
    let who = who.expect("an operator may").into_inner().connections;
    assert_eq!(who.iter().map(|one| one.member_id).collect::<Vec<_>>(), [ida]);
}

#[tokio::test]
async fn points_follow_from_strengths_and_scores_and_a_removed_connection_gives_none() {
    let caller = Caller::of(shared_mesh().await);
    let ida = new_member_id();
    let nobody = trust(&caller.communities, ida).await;
    assert_eq!(
        (nobody.passes_gate, points(&nobody).withheld()),
        (false, proto::Withheld::DoesNotPassGate)
    );
    assert!(nobody.limiting_cut.is_some());

    let (one, two, three) = tokio::join!(
        trusted(&caller, TRUST_SEED, 56),
        trusted(&caller, TRUST_SEED, 80),
        // A score that does not count.
        trusted(&caller, TRUST_SEED, 50)
    );
    connect(&caller, one, ida, 50).await;
    connect(&caller, three, ida, 100).await;
    // 0.5 × 0.56 × 15 = 4.2, which is less than 5.
    let known = async || {
        let answer = trust(&caller.communities, ida).await;
        (points(&answer).sum_ten_thousandths == 42_000).then_some(answer)
    };
    let too_few = eventually(PATIENCE, "the connections", known)
        .await
        .expect("they are known");
    assert_eq!((too_few.passes_gate, points(&too_few).points), (true, 0));
    assert_eq!(points(&too_few).withheld(), proto::Withheld::BelowMinimum);

    connect(&caller, two, ida, 60).await;
    let known = async || {
        let answer = trust(&caller.communities, ida).await;
        (points(&answer).points > 0).then_some(answer)
    };
    let answer = eventually(PATIENCE, "the new connection", known)
        .await
        .expect("it is known");
    let parts = |answer: &proto::GetTrustResponse| {
        let part = |part: &proto::PointsPart| (part.ten_thousandths, part.strength_hundredths, part.score);
        points(answer).parts.iter().map(part).collect::<Vec<_>>()
    };
    // 0.6 × 0.8 × 15 = 7.2 besides: 11.4 in all.
    assert_eq!(
        (points(&answer).points, points(&answer).sum_ten_thousandths),
        (11, 114_000)
    );
    assert_eq!(parts(&answer), [(72_000, 60, 80), (42_000, 50, 56)]);
    // The member reads what they were given, not what others said and who they are.
    let own = trust(&member(&caller, ida), ida).await;
    assert_eq!(parts(&own), [(72_000, 0, 0), (42_000, 0, 0)]);
    let service = Caller::of_service(shared_mesh().await, "reputation");
    assert_eq!(trust(&service.communities, ida).await, answer);

    let removed = member(&caller, two).remove_connection(remove(two, ida)).await;
    removed.expect("it is removed");
    let removed_at = Instant::now();
    let gone = async || (points(&trust(&caller.communities, ida).await).sum_ten_thousandths == 42_000).then_some(());
    eventually(PATIENCE, "the connection to count no more", gone)
        .await
        .expect("it does not");
    let took = removed_at.elapsed();
    println!("a removed connection was known after {took:?}");
    assert!(took < REMOVED_WITHIN, "{took:?}");
}

#[tokio::test]
async fn accounts_that_nobody_trusts_give_each_other_nothing() {
    let caller = Caller::of(shared_mesh().await);
    let group: Vec<i64> = (0..4).map(|_| new_member_id()).collect();
    for from in &group {
        for to in group.iter().filter(|to| *to != from) {
            connect(&caller, *from, *to, 100).await;
        }
    }
    // A connection by one of them to somebody who is trusted changes nothing for the group.
    let outside = trusted(&caller, TRUST_SEED, 0).await;
    connect(&caller, group[0], outside, 100).await;
    for one in &group {
        let answer = trust(&caller.communities, *one).await;
        assert!(!answer.passes_gate && points(&answer).points == 0, "{answer:?}");
        let cut = answer.limiting_cut.expect("who does not pass is told the cut");
        assert_eq!(cut.capacity, 0, "{cut:?}");
    }
    let seed = trust(&caller.communities, TRUST_SEED).await;
    assert!(seed.passes_gate, "{seed:?}");
}

/// Another instance of the community service over the same database, and a client of it.
async fn another_instance(mesh: &Mesh) -> (ServiceProcess, Communities) {
    let spec = mesh.service("community").expect("a service of the mesh").spec();
    let spec = ServiceSpec {
        subcommand: Subcommand::Api,
        addresses: Addresses::Free,
        ..spec.clone()
    };
    let another = ServiceProcess::prepare(spec).expect("it is built");
    another.restart().await.expect("it starts");
    let tls = mesh.pki().client("platform").expect("a certificate");
    let endpoint = Endpoint::from_shared(another.grpc_url()).and_then(|endpoint| endpoint.tls_config(tls));
    let channel = endpoint.expect("an address").connect_lazy();
    (another, CommunityServiceClient::new(operator_of(mesh).by(channel)))
}

#[tokio::test]
async fn every_instance_knows_a_removed_connection_within_a_second() {
    let mesh = shared_mesh().await;
    let caller = Caller::of(mesh);
    let (maker, (_process, another)) = tokio::join!(trusted(&caller, TRUST_SEED, 56), another_instance(mesh));
    let mut slowest = Duration::ZERO;
    for _ in 0..5 {
        let ida = new_member_id();
        connect(&caller, maker, ida, 100).await;
        let is_known = async || (points(&trust(&another, ida).await).points == 8).then_some(());
        eventually(PATIENCE, "the connection", is_known)
            .await
            .expect("it is known");
        let removed = member(&caller, maker).remove_connection(remove(maker, ida)).await;
        removed.expect("it is removed");
        let removed_at = Instant::now();
        let is_gone = async || (points(&trust(&another, ida).await).points == 0).then_some(());
        eventually(PATIENCE, "the connection to count no more", is_gone)
            .await
            .expect("it does not");
        slowest = slowest.max(removed_at.elapsed());
    }
    println!("another instance knew a removed connection after {slowest:?} at most");
    assert!(slowest < REMOVED_WITHIN, "{slowest:?}");
}

#[tokio::test]
async fn without_scores_there_are_no_points_and_without_seeds_nobody_passes() {
    const SEED: i64 = 7;
    let mesh = Mesh::builder()
        .setting("community", "TRUST_SEEDS", SEED.to_string())
        .start();
    let mesh = mesh.await.expect("the mesh starts");
    let caller = Caller::of(&mesh);
    let ida = caller.register(passport(65).truth()).await;
    let maker = trusted(&caller, SEED, 56).await;
    connect(&caller, maker, ida, 100).await;
    until_points(&caller, ida, 8).await;

    mesh.reputation.sigkill().await;
    let status = caller
        .communities
        .clone()
        .get_trust(proto::GetTrustRequest { member_id: ida })
        .await;
    let told = refusal(&status.expect_err("no scores, no points"));
    assert_eq!(
        (told.code, told.reason.as_str(), told.retry),
        (Code::Unavailable, "PEER_UNAVAILABLE", true)
    );
    // Nobody's score matters for whom nobody is connected to.
    assert_eq!(points(&trust(&caller.communities, new_member_id()).await).points, 0);
    mesh.reputation.restart().await.expect("it starts again");
    until_points(&caller, ida, 8).await;
    verifications::one_waits_for_the_community_service(&mesh, &caller, ida).await;

    let spec = mesh.service("community").expect("a service of the mesh").spec().clone();
    let mut settings = spec.settings.clone();
    settings.retain(|(name, _)| name != "TRUST_SEEDS");
    let seedless = ServiceProcess::prepare(ServiceSpec {
        subcommand: Subcommand::Api,
        addresses: Addresses::Free,
        settings,
        ..spec
    });
    let seedless = seedless.expect("it is built");
    seedless.restart().await.expect("it starts");
    let tls = mesh.pki().client("platform").expect("a certificate");
    let endpoint = Endpoint::from_shared(seedless.grpc_url()).and_then(|endpoint| endpoint.tls_config(tls));
    let acting: Acting = operator_of(&mesh);
    let communities = CommunityServiceClient::new(acting.by(endpoint.expect("an address").connect_lazy()));
    assert!(!trust(&communities, SEED).await.passes_gate);
    assert!(
        seedless.log_tail().contains("no seeds of trust"),
        "{}",
        seedless.log_tail()
    );
    mesh.stop().await.expect("it drains");
}
