//! What a member's app says to the mesh: register, upload, introduce, start, watch.

use super::Arguments;
use super::calls::Calls;
use super::material::Material;
use super::neighbours::{self, Neighbours};
use super::watching::{Waiting, Watching};
use crate::screen::row;
use anyhow::Context;
use mesh_proto::document::v1 as document;
use mesh_proto::document::v1::document_service_client::DocumentServiceClient;
use mesh_proto::orchestrator::v1 as orchestrator;
use mesh_proto::orchestrator::v1::VerificationStatus;
use mesh_proto::orchestrator::v1::member_service_client::MemberServiceClient;
use mesh_proto::orchestrator::v1::verification_service_client::VerificationServiceClient;
use mesh_testkit::{Mesh, new_uuid};
use std::process::ExitCode;

/// The member of the demo: a platform would send its user id, and the member's token.
const MEMBER_ID: i64 = 1;
/// Bytes of a picture in one message.
const CHUNK_BYTES: usize = 256 * 1024;
/// Silver: more than a document reaches alone.
const TARGET_SCORE: i32 = 50;

/// Carries one verification through, as far as it goes without a member and a reviewer, and prints each step. The exit
/// status is success when the document is accepted.
///
/// # Errors
/// When a call fails.
pub async fn run(mesh: &Mesh, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let material = Material::of(arguments)?;
    let calls = &Calls::of(mesh);
    let (name, birth_date) = (material.shown_name(), &material.birth_date);
    println!("\n{}", row("member", format!("{MEMBER_ID}: {name}, born {birth_date}")));
    register(calls, &material).await?;
    Neighbours::move_in(calls, MEMBER_ID).await?;
    let upload = upload(calls, &material).await?;
    let (id, pages, bytes) = (&upload.document_id, upload.page_count, upload.size_bytes);
    println!("{}", row("document", format!("{id}: {pages} page(s), {bytes} bytes")));
    let introduction_id = neighbours::introduce(calls, MEMBER_ID, &name).await?;
    let started = start(calls, &material, upload.document_url, introduction_id).await?;
    let (workflow, run) = (&started.workflow_id, &started.run_id);
    println!("{}", row("verification", &started.verification_id));
    println!("{}\n", row("workflow", format!("{workflow}, run {run}")));
    let accepted = watch(calls, started.verification_id, arguments.keep).await?;
    println!("\n{}", row("trace", &calls.trace_id));
    Ok(if accepted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn register(calls: &Calls<'_>, material: &Material) -> anyhow::Result<()> {
    let mut members = MemberServiceClient::new(calls.as_member(MEMBER_ID, "orchestrator")?);
    let profile = orchestrator::MemberProfile {
        given_names: material.given_names.clone(),
        family_name: material.family_name.clone(),
        birth_date: material.birth_date.clone(),
        email: String::new(),
    };
    let request = orchestrator::RegisterMemberRequest {
        request_id: new_uuid().to_string(),
        member_id: MEMBER_ID,
        profile: Some(profile),
    };
    members
        .register_member(calls.traced(request)?)
        .await
        .context("RegisterMember")?;
    Ok(())
}

async fn upload(calls: &Calls<'_>, material: &Material) -> anyhow::Result<document::UploadDocumentResponse> {
    use document::upload_document_request::{Header, Page, Part};
    let mut parts = vec![Part::Header(Header {
        request_id: new_uuid().to_string(),
        member_id: MEMBER_ID,
        document_type: material.document_type.into(),
    })];
    for picture in &material.pictures {
        parts.push(Part::Page(Page {}));
        parts.extend(picture.chunks(CHUNK_BYTES).map(|chunk| Part::Chunk(chunk.to_vec())));
    }
    let messages: Vec<_> = parts
        .into_iter()
        .map(|part| document::UploadDocumentRequest { part: Some(part) })
        .collect();
    let mut documents = DocumentServiceClient::new(calls.as_member(MEMBER_ID, "document")?);
    let stream = calls.traced(tokio_stream::iter(messages))?;
    Ok(documents
        .upload_document(stream)
        .await
        .context("UploadDocument")?
        .into_inner())
}

async fn start(
    calls: &Calls<'_>,
    material: &Material,
    document_url: String,
    introduction_id: String,
) -> anyhow::Result<orchestrator::StartVerificationResponse> {
    use orchestrator::method_request::Method;
    let document = Method::Document(orchestrator::DocumentMethod {
        document_type: material.document_type.into(),
        document_url,
    });
    let community = Method::Community(orchestrator::CommunityMethod { introduction_id });
    let methods = [document, community].map(|method| orchestrator::MethodRequest { method: Some(method) });
    let request = orchestrator::StartVerificationRequest {
        request_id: new_uuid().to_string(),
        member_id: MEMBER_ID,
        target_score: Some(TARGET_SCORE),
        methods: methods.into(),
        timeout: None,
    };
    let mut verifications = VerificationServiceClient::new(calls.as_member(MEMBER_ID, "orchestrator")?);
    Ok(verifications
        .start_verification(calls.traced(request)?)
        .await
        .context("StartVerification")?
        .into_inner())
}

/// Shows the verification until it ends, or, if it is kept, until it waits for somebody; the neighbours vouch once the document was
/// looked at. Whether the document was accepted.
async fn watch(calls: &Calls<'_>, verification_id: String, keep: bool) -> anyhow::Result<bool> {
    let mut verifications = VerificationServiceClient::new(calls.as_member(MEMBER_ID, "orchestrator")?);
    let request = orchestrator::WatchVerificationRequest {
        verification_id: verification_id.clone(),
    };
    let mut changes = verifications
        .watch_verification(calls.traced(request)?)
        .await
        .context("WatchVerification")?
        .into_inner();
    let (mut watching, mut neighbours) = (Watching::default(), Neighbours::default());
    let (mut told, mut invitations_shown, mut cancelled) = (None, false, false);
    while let Some(change) = changes.message().await.context("WatchVerification")? {
        let Some(verification) = change.verification else {
            continue;
        };
        watching.show(&verification);
        let waiting = Waiting::of(&verification);
        if waiting.is_some() && waiting != told {
            waiting
                .iter()
                .for_each(|waiting| waiting.explain(&verification_id, calls.mesh));
            told = waiting;
            if keep {
                break;
            }
        }
        if verification.status() != VerificationStatus::InProgress || !watching.document_was_looked_at() {
            continue;
        }
        if watching.community_was_in_vain() {
            if told.is_some() && !cancelled {
                cancel(calls, &verification_id).await?;
                cancelled = true;
            }
            continue;
        }
        if !invitations_shown {
            neighbours.show_invitations(calls, &verification_id).await?;
            invitations_shown = true;
        }
        // Each vote is shown before the next one.
        if watching.approvals() >= neighbours.voted() {
            neighbours.vouch(calls, &verification_id).await?;
        }
    }
    Ok(watching.document_was_accepted())
}

async fn cancel(calls: &Calls<'_>, verification_id: &str) -> anyhow::Result<()> {
    println!("\nnobody answers in a demo, so the verification is cancelled (with --keep it goes on waiting)");
    let mut verifications = VerificationServiceClient::new(calls.as_member(MEMBER_ID, "orchestrator")?);
    let request = orchestrator::CancelVerificationRequest {
        request_id: new_uuid().to_string(),
        verification_id: verification_id.to_owned(),
    };
    verifications
        .cancel_verification(calls.traced(request)?)
        .await
        .context("CancelVerification")?;
    Ok(())
}
