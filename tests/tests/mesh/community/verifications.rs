//! What others said of a member counts in a verification.

use super::{connect, give_hours, trusted, until_points};
use crate::support::*;
use mesh_proto::orchestrator::v1 as orchestrator;
use mesh_proto::orchestrator::v1::VerificationStatus;
use mesh_proto::reputation::v1 as reputation;
use mesh_testkit::{Mesh, eventually};
use std::collections::BTreeSet;

/// A verification by the method reputation alone.
fn by_reputation(member_id: i64, target_score: i32) -> orchestrator::StartVerificationRequest {
    let method = orchestrator::method_request::Method::Reputation(orchestrator::ReputationMethod {});
    orchestrator::StartVerificationRequest {
        request_id: new_request_id(),
        member_id,
        target_score: Some(target_score),
        methods: vec![orchestrator::MethodRequest { method: Some(method) }],
        timeout: None,
    }
}

/// The kind and the points of each line.
fn lines(contributions: &[reputation::Contribution]) -> Vec<(&str, i32)> {
    contributions
        .iter()
        .map(|line| (line.kind.as_str(), line.points))
        .collect()
}

#[tokio::test]
async fn trust_is_a_line_of_its_own_in_a_verification_and_in_the_ledger() {
    let caller = Caller::of(shared_mesh().await);
    let ida = caller.register(passport(63).truth()).await;
    let maker = trusted(&caller, TRUST_SEED, 80).await;
    connect(&caller, maker, ida, 100).await;
    give_hours(&caller, ida, 56).await;
    until_points(&caller, ida, 12).await;

    let started = caller.start(by_reputation(ida, 27)).await.expect("it starts");
    let end = caller.end_of(&started.verification_id).await;
    assert_eq!(end.status(), VerificationStatus::Completed);
    let breakdown = end.breakdown.expect("a breakdown");
    // 56 points of activity give 15: 10 + 46 × 10 / 90.
    assert_eq!(
        lines(&breakdown.contributions),
        [("activity_history", 15), ("trust_network", 12)]
    );
    assert_eq!((breakdown.score, breakdown.caps.len()), (27, 0));
    let left = end.next_steps.iter().find(|step| step.method == "reputation");
    assert_eq!(left.map(|step| step.points), Some(35 - 27));

    let list = reputation::ListReputationEventsRequest {
        member_id: ida,
        ..Default::default()
    };
    let listed = caller.reputations.clone().list_reputation_events(list).await;
    let of_verification = listed.expect("a page").into_inner().events.into_iter();
    let of_verification = of_verification.filter_map(|event| match event.fact {
        Some(reputation::reputation_event::Fact::Verification(fact)) => Some(fact),
        _ => None,
    });
    let of_verification: Vec<_> = of_verification.collect();
    assert_eq!(of_verification.len(), 1, "{of_verification:?}");
    let ids = |lines: &[reputation::Contribution]| -> BTreeSet<(String, i32)> {
        lines
            .iter()
            .map(|line| (line.evidence_id.clone(), line.points))
            .collect()
    };
    assert_eq!(ids(&of_verification[0].contributions), ids(&breakdown.contributions));
    // Neither counts in the reputation, of which others' points are made.
    let request = reputation::GetReputationRequest {
        member_id: ida,
        ..Default::default()
    };
    let own = caller.reputations.clone().get_reputation(request).await;
    let own = own.expect("everybody has one").into_inner().breakdown;
    assert_eq!(own.map(|own| own.score), Some(56));

    let stranger = caller.register(passport(64).truth()).await;
    let started = caller.start(by_reputation(stranger, 27)).await.expect("it starts");
    let end = caller.end_of(&started.verification_id).await;
    assert_eq!(end.status(), VerificationStatus::Failed);
    assert_eq!(
        end.methods[0].internal_reason,
        "TRUST_NETWORK_DOES_NOT_PASS_GATE, ACTIVITY_HISTORY_TOO_SMALL"
    );
}

/// One that begins while it is away is assessed when it is back, by the 8 points that the member has.
pub(super) async fn one_waits_for_the_community_service(mesh: &Mesh, caller: &Caller, member_id: i64) {
    let community = mesh.service("community").expect("a service of the mesh");
    community.sigkill().await;
    let started = caller.start(by_reputation(member_id, 8)).await.expect("it starts");
    let child = format!("verification-{}-reputation-1", started.verification_id);
    let is_told = async || {
        let describe = ["workflow", "describe", "--workflow-id", &child, "--output", "json"];
        let described = mesh.temporal.command(&describe).await.ok()?;
        described.contains("PEER_UNAVAILABLE").then_some(())
    };
    eventually(PATIENCE, "an attempt without the peer", is_told)
        .await
        .expect("it is made");
    let shown = caller.get(&started.verification_id).await.expect("it is shown");
    assert_eq!(shown.status(), VerificationStatus::InProgress);
    community.restart().await.expect("it starts again");
    let end = caller.end_of(&started.verification_id).await;
    assert_eq!(end.status(), VerificationStatus::Completed);
    let breakdown = end.breakdown.expect("a breakdown");
    assert_eq!(lines(&breakdown.contributions), [("trust_network", 8)]);
}
