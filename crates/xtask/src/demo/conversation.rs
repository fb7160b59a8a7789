//! What a member's app says to the mesh: register, upload, start, watch.

use super::Arguments;
use super::material::Material;
use super::watching::{Waiting, Watching};
use crate::screen::row;
use anyhow::Context;
use mesh_proto::document::v1 as document;
use mesh_proto::document::v1::document_service_client::DocumentServiceClient;
use mesh_proto::orchestrator::v1 as orchestrator;
use mesh_proto::orchestrator::v1::member_service_client::MemberServiceClient;
use mesh_proto::orchestrator::v1::verification_service_client::VerificationServiceClient;
use mesh_testkit::{Acting, Mesh, new_uuid};
use std::process::ExitCode;
use tonic::Request;

/// The member of the demo: a platform would send its user id, and the member's token.
const MEMBER_ID: i64 = 1;
/// Bytes of a picture in one message.
const CHUNK_BYTES: usize = 256 * 1024;
/// What a single document can reach: bronze.
const TARGET_SCORE: i32 = 25;

/// Carries one verification through, as far as it goes without a member and a reviewer, and prints each step. The exit
/// status is success when the document is accepted.
///
/// # Errors
/// When a call fails.
pub async fn run(mesh: &Mesh, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let material = Material::of(arguments)?;
    let trace_id = new_uuid().simple().to_string();
    let (name, birth_date) = (material.shown_name(), &material.birth_date);
    println!("\n{}", row("member", format!("{MEMBER_ID}: {name}, born {birth_date}")));
    register(mesh, &material, &trace_id).await?;
    let upload = upload(mesh, &material, &trace_id).await?;
    let (id, pages, bytes) = (&upload.document_id, upload.page_count, upload.size_bytes);
    println!("{}", row("document", format!("{id}: {pages} page(s), {bytes} bytes")));
    let started = start(mesh, &material, upload.document_url, &trace_id).await?;
    let (workflow, run) = (&started.workflow_id, &started.run_id);
    println!("{}", row("verification", &started.verification_id));
    println!("{}\n", row("workflow", format!("{workflow}, run {run}")));
    let accepted = watch(mesh, started.verification_id, arguments.keep, &trace_id).await?;
    println!("\n{}", row("trace", &trace_id));
    Ok(if accepted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn register(mesh: &Mesh, material: &Material, trace_id: &str) -> anyhow::Result<()> {
    let mut members = MemberServiceClient::new(member(mesh).by(mesh.channel("orchestrator")?));
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
        .register_member(traced(request, trace_id)?)
        .await
        .context("RegisterMember")?;
    Ok(())
}

async fn upload(mesh: &Mesh, material: &Material, trace_id: &str) -> anyhow::Result<document::UploadDocumentResponse> {
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
    let mut documents = DocumentServiceClient::new(member(mesh).by(mesh.channel("document")?));
    let stream = traced(tokio_stream::iter(messages), trace_id)?;
    Ok(documents
        .upload_document(stream)
        .await
        .context("UploadDocument")?
        .into_inner())
}

async fn start(
    mesh: &Mesh,
    material: &Material,
    document_url: String,
    trace_id: &str,
) -> anyhow::Result<orchestrator::StartVerificationResponse> {
    use orchestrator::method_request::Method;
    let method = Method::Document(orchestrator::DocumentMethod {
        document_type: material.document_type.into(),
        document_url,
    });
    let request = orchestrator::StartVerificationRequest {
        request_id: new_uuid().to_string(),
        member_id: MEMBER_ID,
        target_score: Some(TARGET_SCORE),
        methods: vec![orchestrator::MethodRequest { method: Some(method) }],
        timeout: None,
    };
    let mut verifications = VerificationServiceClient::new(member(mesh).by(mesh.channel("orchestrator")?));
    Ok(verifications
        .start_verification(traced(request, trace_id)?)
        .await
        .context("StartVerification")?
        .into_inner())
}

/// Shows the verification until it ends, or, if it is kept, until it waits for somebody; whether its document was accepted.
async fn watch(mesh: &Mesh, verification_id: String, keep: bool, trace_id: &str) -> anyhow::Result<bool> {
    let mut verifications = VerificationServiceClient::new(member(mesh).by(mesh.channel("orchestrator")?));
    let request = orchestrator::WatchVerificationRequest {
        verification_id: verification_id.clone(),
    };
    let mut changes = verifications
        .watch_verification(traced(request, trace_id)?)
        .await
        .context("WatchVerification")?
        .into_inner();
    let (mut watching, mut told) = (Watching::default(), false);
    while let Some(change) = changes.message().await.context("WatchVerification")? {
        let Some(verification) = change.verification else {
            continue;
        };
        watching.show(&verification);
        let Some(waiting) = Waiting::of(&verification).filter(|_| !told) else {
            continue;
        };
        told = true;
        waiting.explain(&verification_id, &mesh.document.grpc_url());
        if keep {
            break;
        }
        cancel(mesh, &verification_id, trace_id).await?;
    }
    Ok(watching.accepted())
}

async fn cancel(mesh: &Mesh, verification_id: &str, trace_id: &str) -> anyhow::Result<()> {
    println!("\nnobody answers in a demo, so the verification is cancelled (with --keep it goes on waiting)");
    let mut verifications = VerificationServiceClient::new(member(mesh).by(mesh.channel("orchestrator")?));
    let request = orchestrator::CancelVerificationRequest {
        request_id: new_uuid().to_string(),
        verification_id: verification_id.to_owned(),
    };
    verifications
        .cancel_verification(traced(request, trace_id)?)
        .await
        .context("CancelVerification")?;
    Ok(())
}

/// The platform's backend, on behalf of the member.
fn member(mesh: &Mesh) -> Acting {
    Acting::platform(&mesh.issuer().token(MEMBER_ID, &["member"]))
}

/// A request that belongs to the demo's trace (W3C trace context), so that one trace shows the whole conversation.
fn traced<T>(message: T, trace_id: &str) -> anyhow::Result<Request<T>> {
    let span_id = &new_uuid().simple().to_string()[..16];
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("traceparent", format!("00-{trace_id}-{span_id}-01").parse()?);
    Ok(request)
}
