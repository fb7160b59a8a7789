//! A repeated request does nothing twice.

use crate::support::*;
use futures::future::join_all;
use mesh_proto::orchestrator::v1 as proto;
use tonic::Code;
use tonic_types::StatusExt;

#[tokio::test]
async fn a_hundred_equal_starts_at_once_start_one_verification_and_another_one_is_refused_by_its_name() {
    let caller = Caller::of(shared_mesh().await);
    let passport = passport(30);
    let member_id = caller.register(passport.truth()).await;
    let pages: Vec<_> = (0..10).map(|_| picture(&passport)).collect();
    let document_url = caller.upload(member_id, &pages).await.document_url;
    let request = by_document(member_id, document_url.clone());

    let answers = join_all((0..100).map(|_| caller.start(request.clone()))).await;
    let first = answers[0].as_ref().expect("it starts").clone();
    for answer in &answers {
        assert_eq!(answer.as_ref().ok(), Some(&first));
    }
    let others = join_all((0..20).map(|_| caller.start(by_document(member_id, document_url.clone())))).await;
    for other in others {
        let status = other.expect_err("one at a time");
        assert_eq!(
            (status.code(), refusal(&status).reason.as_str()),
            (Code::AlreadyExists, "VERIFICATION_IN_PROGRESS")
        );
        let info = status.get_details_error_info().expect("it says which");
        assert_eq!(info.metadata.get("verification_id"), Some(&first.verification_id));
    }
    let query = format!("user_id = {member_id} AND WorkflowType = 'VerificationWorkflow'");
    let count = ["workflow", "count", "--query", &query];
    let runs = shared_mesh().await.temporal.command(&count).await;
    assert_eq!(runs.expect("Temporal counts").trim(), "Total: 1");

    let changed = proto::StartVerificationRequest {
        target_score: Some(99),
        ..request.clone()
    };
    let status = caller
        .start(changed)
        .await
        .expect_err("another content under the same id");
    assert_eq!(
        (status.code(), refusal(&status).reason.as_str()),
        (Code::AlreadyExists, "REQUEST_ID_REUSED")
    );
    caller.end_of(&first.verification_id).await;
    assert_eq!(caller.start(request).await.ok(), Some(first), "also after its end");
}

#[tokio::test]
async fn a_repeated_upload_is_one_document_and_other_content_is_refused() {
    let caller = Caller::of(shared_mesh().await);
    let passport = passport(31);
    let parts = upload_parts(new_member_id(), &[picture(&passport)]);
    let answers = join_all((0..5).map(|_| caller.try_upload(parts.clone()))).await;
    let first = answers[0].as_ref().expect("it is taken").clone();
    for answer in &answers {
        assert_eq!(answer.as_ref().expect("it is taken"), &first);
    }
    let mut changed = upload_parts(1, &[specimen::to_png(&specimen::letter_page(31))]);
    changed[0] = parts[0].clone();
    let status = caller
        .try_upload(changed)
        .await
        .expect_err("another content under the same id");
    assert_eq!(
        (status.code(), refusal(&status).reason.as_str()),
        (Code::AlreadyExists, "REQUEST_ID_REUSED")
    );
}

#[tokio::test]
async fn members_are_registered_and_changed_once_for_each_request() {
    let caller = Caller::of(shared_mesh().await);
    let profile = |family_name: &str| {
        Some(proto::MemberProfile {
            given_names: "Ida".to_owned(),
            family_name: family_name.to_owned(),
            birth_date: "1980-05-06".to_owned(),
            email: "ida@example.org".to_owned(),
        })
    };
    let member_id = new_member_id();
    let register = |request_id: String, family_name: &str| {
        let request = proto::RegisterMemberRequest {
            request_id,
            member_id,
            profile: profile(family_name),
        };
        let mut members = caller.members.clone();
        async move { Ok::<_, tonic::Status>(members.register_member(request).await?.into_inner()) }
    };
    let id = new_request_id();
    let first = register(id.clone(), "Tabor").await.expect("she is registered");
    assert_eq!(register(id.clone(), "Tabor").await.ok(), Some(first));
    let reused = register(id, "Other").await.expect_err("another content");
    assert_eq!(refusal(&reused).reason, "REQUEST_ID_REUSED");
    let again = register(new_request_id(), "Tabor")
        .await
        .expect_err("registered already");
    assert_eq!(refusal(&again).reason, "MEMBER_ALREADY_REGISTERED");

    let request = proto::UpdateMemberRequest {
        request_id: new_request_id(),
        member_id,
        profile: profile("Tabor-Lin"),
    };
    for _ in 0..2 {
        let updated = caller
            .members
            .clone()
            .update_member(request.clone())
            .await
            .expect("it is changed")
            .into_inner();
        assert_eq!(updated.member.and_then(|member| member.profile), profile("Tabor-Lin"));
    }
}
