//! A look that is stale ends and cancels nothing: what is asked of a verification reaches that verification alone.

use crate::support::*;
use futures::future::{join, join_all};
use mesh_proto::orchestrator::v1 as proto;
use mesh_proto::orchestrator::v1::VerificationStatus;
use mesh_testkit::{Mesh, eventually};
use tonic::Status;

/// A verification that ends by itself within a moment, below its target.
fn by_reputation(member_id: i64) -> proto::StartVerificationRequest {
    let method = proto::method_request::Method::Reputation(proto::ReputationMethod {});
    proto::StartVerificationRequest {
        request_id: new_request_id(),
        member_id,
        methods: vec![proto::MethodRequest { method: Some(method) }],
        ..Default::default()
    }
}

async fn terminate(mesh: &Mesh, workflow_id: &str) {
    let terminated = mesh
        .temporal
        .command(&["workflow", "terminate", "--workflow-id", workflow_id])
        .await;
    terminated.unwrap_or_else(|error| panic!("{error:#}"));
}

async fn get(caller: &Caller, verification_id: &str) -> Result<proto::Verification, Status> {
    let request = proto::GetVerificationRequest {
        verification_id: verification_id.to_owned(),
    };
    let answer = caller.verifications.clone().get_verification(request).await?;
    Ok(answer
        .into_inner()
        .verification
        .expect("an answer holds what was asked for"))
}

async fn cancel(caller: &Caller, verification_id: &str) -> Result<(), Status> {
    let request = proto::CancelVerificationRequest {
        request_id: new_request_id(),
        verification_id: verification_id.to_owned(),
    };
    caller.verifications.clone().cancel_verification(request).await?;
    Ok(())
}

#[tokio::test]
async fn a_verification_whose_workflow_was_terminated_makes_room_when_the_next_one_is_asked_for() {
    let mesh = shared_mesh().await;
    let caller = Caller::of(mesh);
    let passport = passport(32);
    let pages: Vec<_> = (0..10).map(|_| picture(&passport)).collect();
    let member_id = caller.register(passport.truth()).await;
    let document_url = caller.upload(member_id, &pages).await.document_url;
    let started = caller
        .start(by_document(member_id, document_url))
        .await
        .expect("it starts");
    terminate(mesh, &started.workflow_id).await;

    let read = get(&caller, &started.verification_id).await.expect("it is shown");
    assert_eq!(read.status(), VerificationStatus::InProgress, "a read ends nothing");
    let document_url = caller.upload(member_id, &[picture(&passport)]).await.document_url;
    let next = caller.start(by_document(member_id, document_url)).await;
    let next = next.expect("there is room again");
    let end = get(&caller, &started.verification_id).await.expect("it is shown");
    assert_eq!(end.status(), VerificationStatus::Failed);
    assert_eq!(end.methods[0].internal_reason, "WORKFLOW_CLOSED");
    let next = caller.end_of(&next.verification_id).await;
    assert_eq!(next.status(), VerificationStatus::Completed);
}

#[tokio::test]
async fn a_cancel_that_arrives_after_the_next_verification_began_cancels_nothing() {
    let mesh = shared_mesh().await;
    let caller = Caller::of(mesh);
    let passport = passport(33);
    let member_id = caller.register(passport.truth()).await;
    let document_url = caller.upload(member_id, &[picture(&passport)]).await.document_url;
    for _ in 0..5 {
        let first = caller.start(by_reputation(member_id)).await.expect("it starts");
        // Cancels are on their way all the time while the first one ends and the next one begins.
        let late = async {
            for _ in 0..20 {
                let answers = join_all((0..5).map(|_| cancel(&caller, &first.verification_id))).await;
                for status in answers.into_iter().filter_map(Result::err) {
                    assert_eq!(refusal(&status).reason, "VERIFICATION_ENDED");
                }
            }
        };
        let start = async || caller.start(by_document(member_id, document_url.clone())).await.ok();
        let (next, ()) = join(eventually(PATIENCE, "the next one to begin", start), late).await;
        let next = next.unwrap_or_else(|error| panic!("{error}"));
        let end = caller.end_of(&next.verification_id).await;
        assert_eq!(end.status(), VerificationStatus::Completed, "nobody cancelled this one");
    }
}

#[tokio::test]
async fn reads_that_race_with_starts_end_no_verification() {
    const STARTS: usize = 20;
    const READS: usize = 20;
    let caller = Caller::of(shared_mesh().await);
    let passport = passport(34);
    let members = join_all((0..STARTS).map(|_| caller.register(passport.truth()))).await;
    let one = async |member_id: i64| {
        let list = async || {
            let request = proto::ListVerificationsRequest {
                member_id,
                ..Default::default()
            };
            let listed = caller.verifications.clone().list_verifications(request).await.ok()?;
            Some(listed.into_inner().verifications.first()?.verification_id.clone())
        };
        let reads = async {
            // The row is there before its workflow is.
            let found = eventually(PATIENCE, "the row", list).await;
            let id = found.unwrap_or_else(|error| panic!("{error}"));
            for _ in 0..READS {
                // A worker under load may answer too late.
                match get(&caller, &id).await {
                    Err(status) => assert!(refusal(&status).retry, "{status}"),
                    Ok(shown) => assert_ne!(shown.methods[0].internal_reason, "WORKFLOW_CLOSED"),
                }
            }
        };
        let (started, ()) = join(caller.start(by_reputation(member_id)), reads).await;
        let end = caller.end_of(&started.expect("it starts").verification_id).await;
        assert_eq!(end.status(), VerificationStatus::Failed);
        assert_eq!(end.methods[0].status(), proto::MethodStatus::Rejected, "its own end");
    };
    join_all(members.into_iter().map(one)).await;
}
