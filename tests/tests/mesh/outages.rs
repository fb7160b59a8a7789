//! What is away makes a call UNAVAILABLE, never wrong; the services live on and recover by themselves.

use crate::support::*;
use mesh_proto::orchestrator::v1::{GetMemberRequest, GetVerificationRequest, MethodStatus, VerificationStatus};
use mesh_testkit::{Engine, Mesh, ServiceProcess, eventually, http_get};
use tokio::task::JoinSet;
use tonic::{Code, Status};

fn unavailable(status: &Status) -> (Code, bool) {
    let refusal = refusal(status);
    (refusal.code, refusal.retry)
}

async fn becomes(service: &ServiceProcess, ready: bool) {
    let what = format!("{} to be ready: {ready}", service.name());
    let look = async || (service.is_ready().await == ready).then_some(());
    eventually(PATIENCE, &what, look)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let alive = http_get(&format!("{}/livez", service.health_url()))
        .await
        .map(|(status, _)| status);
    assert_eq!(
        alive.ok(),
        Some(200),
        "an outage of another never ends {}",
        service.name()
    );
}

#[tokio::test]
async fn without_postgresql_calls_are_unavailable_until_it_is_back() {
    let mesh = Mesh::builder()
        .postgres(Engine::Own)
        .start()
        .await
        .expect("the mesh starts");
    let caller = Caller::of(&mesh);
    let passport = passport(40);
    let member_id = caller.register(passport.truth()).await;
    let document_url = caller.upload(member_id, &[picture(&passport)]).await.document_url;
    let request = by_document(member_id, document_url);

    mesh.postgres.kill().await.expect("it is ours to kill");
    let status = caller
        .start(request.clone())
        .await
        .expect_err("no database, no verification");
    assert_eq!(
        (unavailable(&status), refusal(&status).reason.as_str()),
        ((Code::Unavailable, true), "DATABASE_UNAVAILABLE")
    );
    for service in [&mesh.orchestrator, &mesh.document, &mesh.reputation] {
        becomes(service, false).await;
    }

    mesh.postgres.restart().await.expect("it starts again");
    for service in [&mesh.orchestrator, &mesh.document, &mesh.reputation] {
        becomes(service, true).await;
    }
    let started = caller.start(request).await.expect("the same request goes through now");
    assert_eq!(
        caller.end_of(&started.verification_id).await.status(),
        VerificationStatus::Completed
    );
}

#[tokio::test]
async fn without_temporal_calls_are_unavailable_until_it_is_back() {
    let mesh = Mesh::start().await.expect("the mesh starts");
    let caller = Caller::of(&mesh);
    let passport = passport(41);
    let member_id = caller.register(passport.truth()).await;
    let document_url = caller.upload(member_id, &[picture(&passport)]).await.document_url;
    let request = by_document(member_id, document_url);
    // This one is in progress all the while, and watched: it waits for its member's next picture.
    let blank = specimen::to_png(&specimen::blank_page());
    let (waiting_member, waiting) = caller.start_with(passport.truth(), &[blank]).await;
    caller.comes_to(&waiting, MethodStatus::Resubmit).await;
    let mut watching = JoinSet::new();
    watching.spawn({
        let (caller, waiting) = (caller.clone(), waiting.clone());
        async move { caller.end_of(&waiting).await }
    });

    mesh.temporal.kill().await.expect("it is ours to kill");
    let status = caller
        .start(request.clone())
        .await
        .expect_err("no engine, no verification");
    assert_eq!(
        (unavailable(&status), refusal(&status).reason.as_str()),
        ((Code::Unavailable, true), "TEMPORAL_UNAVAILABLE")
    );
    let member = caller.members.clone().get_member(GetMemberRequest { member_id }).await;
    assert!(member.is_ok(), "what needs no engine goes on: {member:?}");
    for service in [&mesh.orchestrator, &mesh.document, &mesh.reputation] {
        assert!(
            service.is_ready().await,
            "{} goes on with what needs no engine",
            service.name()
        );
    }
    let asked = GetVerificationRequest {
        verification_id: waiting.clone(),
    };
    let shown = caller.verifications.clone().get_verification(asked).await;
    let shown = shown.expect("the row is there").into_inner().verification;
    let shown = shown.expect("an answer holds what was asked for");
    assert_eq!(shown.status(), VerificationStatus::InProgress);
    assert!(shown.progress_unknown && shown.breakdown.is_none(), "{shown:?}");

    mesh.temporal.restart().await.expect("it starts again");
    for service in [&mesh.orchestrator, &mesh.document, &mesh.reputation] {
        becomes(service, true).await;
    }
    let started = caller.start(request).await.expect("the same request goes through now");
    assert_eq!(
        caller.end_of(&started.verification_id).await.status(),
        VerificationStatus::Completed
    );
    let next = crate::support::passport(42);
    let next = caller.upload(waiting_member, &[picture(&next)]).await.document_url;
    caller.submit(&waiting, next).await.expect("it is awaited");
    let end = watching.join_next().await.expect("it is one task");
    let end = end.expect("the watch outlives the outage");
    assert_eq!(end.methods[0].internal_reason, "NAME_MISMATCH");
}
