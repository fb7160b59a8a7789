//! The service is killed when it has held a verifier and cannot say so.

use super::support::{Place, by_person, preference};
use crate::support::*;
use mesh_proto::fields::timestamp_of_seconds;
use mesh_proto::in_person::v1 as proto;
use mesh_proto::orchestrator::v1 as orchestrator;
use mesh_runtime::clock;
use mesh_testkit::{Fault, Mesh, eventually};

async fn number(mesh: &Mesh, sql: &str) -> i64 {
    let database = mesh.databases.of("in-person").expect("it has one");
    let answer = mesh.postgres.sql_at(database, &[sql.to_owned()]).await;
    answer.expect("it answers").trim().parse().expect("a number")
}

/// The community service is away, so that the search waits; then Temporal is, so that nobody hears what was held. After the kill another
/// process looks for a verifier anew, and finds that one is held.
#[tokio::test]
async fn a_service_that_is_killed_between_hold_and_report_holds_one_slot_and_frees_it() {
    let mesh = Mesh::builder().proxied().start().await.expect("the mesh starts");
    let caller = Caller::of(&mesh);
    let proxies = mesh.proxies.as_ref().expect("it has proxies");
    let place = Place::new();
    // The only one, at the only time: looked for anew, they are not free.
    place.verifier(&caller, 1).await;
    let start = clock::now().as_second() / 86_400 * 86_400 + 2 * 86_400;
    let free = proto::FreeTime {
        start: Some(timestamp_of_seconds(start)),
        end: Some(timestamp_of_seconds(start + 1_800)),
    };
    let member_id = caller.register(passport(69).truth()).await;
    let preference = preference(&caller, &place, member_id, vec![free]).await;
    proxies.services["community"].set(Fault::Cut);
    let started = caller
        .start(by_person(member_id, &preference, 30))
        .await
        .expect("it starts");
    let child = format!("verification-{}-in_person-1", started.verification_id);
    let describe = ["workflow", "describe", "--workflow-id", &child, "--output", "json"];
    let is_at_work = async || {
        let described = mesh.temporal.command(&describe).await.ok()?;
        described.contains("PENDING_WORKFLOW_TASK_STATE_STARTED").then_some(())
    };
    let at_work = eventually(PATIENCE, "the search to begin", is_at_work).await;
    at_work.unwrap_or_else(|error| panic!("{error:#}"));
    proxies.temporal.set(Fault::Cut);
    proxies.services["community"].set(Fault::None);
    let is_held = async || (number(&mesh, "SELECT count(*) FROM appointments").await == 1).then_some(());
    let held = eventually(PATIENCE, "a verifier to be held", is_held).await;
    held.unwrap_or_else(|error| panic!("{error:#}"));

    let service = mesh.service("in-person").expect("a service of the mesh");
    service.sigkill().await;
    proxies.temporal.set(Fault::None);
    service.restart().await.expect("it starts again");
    let is_known = async || {
        let query = ["workflow", "query", "--workflow-id", &child, "--type", "progress"];
        let progress = mesh.temporal.command(&query).await.ok()?;
        progress.contains("booked").then_some(())
    };
    let known = eventually(PATIENCE, "the workflow to know of it", is_known).await;
    known.unwrap_or_else(|error| panic!("{error:#}"));
    assert_eq!(number(&mesh, "SELECT count(*) FROM appointments").await, 1, "one hold");
    assert_eq!(
        number(
            &mesh,
            "SELECT count(*) FROM notifications WHERE kind = 'APPOINTMENT_INVITATION'"
        )
        .await,
        2
    );

    let cancel = orchestrator::CancelVerificationRequest {
        request_id: new_request_id(),
        verification_id: started.verification_id.clone(),
    };
    let cancelled = async || caller.verifications.clone().cancel_verification(cancel.clone()).await;
    until_answered("the cancellation", cancelled)
        .await
        .expect("it is cancelled");
    let is_free =
        async || (number(&mesh, "SELECT count(*) FROM appointments WHERE ended_at IS NULL").await == 0).then_some(());
    let free = eventually(PATIENCE, "the slot to be free", is_free).await;
    free.unwrap_or_else(|error| panic!("{error:#}"));
    mesh.stop().await.expect("it stops");
}
