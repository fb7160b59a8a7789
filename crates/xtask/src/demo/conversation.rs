//! What a member's app says to the mesh: register, upload, start, watch.

use super::Arguments;
use super::watching::Watching;
use anyhow::Context;
use jiff::civil::Date;
use mesh_proto::document::v1 as document;
use mesh_proto::document::v1::document_service_client::DocumentServiceClient;
use mesh_proto::orchestrator::v1 as orchestrator;
use mesh_proto::orchestrator::v1::member_service_client::MemberServiceClient;
use mesh_proto::orchestrator::v1::verification_service_client::VerificationServiceClient;
use mesh_testkit::{Mesh, new_uuid};
use std::process::ExitCode;
use tonic::Request;

/// The member of the demo: a platform would send its user id.
const MEMBER_ID: i64 = 1;
/// Bytes of a picture in one message.
const CHUNK_BYTES: usize = 256 * 1024;
/// What a single passport can reach: bronze.
const TARGET_SCORE: i32 = 25;

/// Carries one verification through and prints each step. The exit status is success when the document is accepted.
///
/// # Errors
/// When a call fails.
pub async fn run(mesh: &Mesh, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let today = today();
    let material = Material::of(arguments, today)?;
    let trace_id = new_uuid().simple().to_string();
    println!(
        "\nmember {MEMBER_ID}: {}, born {}",
        material.shown_name(),
        material.birth_date
    );
    register(mesh, &material, &trace_id).await?;
    let upload = upload(mesh, material.picture, &trace_id).await?;
    println!(
        "document {}: {} page, {} bytes",
        upload.document_id, upload.page_count, upload.size_bytes
    );
    let started = start(mesh, upload.document_url, &trace_id).await?;
    println!(
        "verification {}: workflow {}, run {}\n",
        started.verification_id, started.workflow_id, started.run_id
    );
    let accepted = watch(mesh, started.verification_id, &trace_id).await?;
    println!("\ntrace        {trace_id}");
    Ok(if accepted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The picture, and who the member says to be.
struct Material {
    given_names: String,
    family_name: String,
    birth_date: String,
    picture: Vec<u8>,
}

impl Material {
    fn of(arguments: &Arguments, today: Date) -> anyhow::Result<Self> {
        let options = specimen::SpecimenOptions::new(arguments.seed).today(today);
        let passport = if arguments.expired { options.expired() } else { options }.build();
        let truth = passport.truth();
        let (given_names, family_name) = match arguments.name.as_deref().map(str::trim) {
            None => (truth.given_names.clone(), truth.surname.clone()),
            Some(name) => match name.rsplit_once(' ') {
                None => (name.to_owned(), String::new()),
                Some((given, family)) => (given.trim().to_owned(), family.to_owned()),
            },
        };
        let picture = match &arguments.document {
            None => specimen::to_png(&passport.draw()),
            Some(file) => std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?,
        };
        let birth_date = arguments
            .birth_date
            .clone()
            .unwrap_or_else(|| truth.birth_date.to_string());
        Ok(Self {
            given_names,
            family_name,
            birth_date,
            picture,
        })
    }

    fn shown_name(&self) -> String {
        format!("{} {}", self.given_names, self.family_name).trim().to_owned()
    }
}

async fn register(mesh: &Mesh, material: &Material, trace_id: &str) -> anyhow::Result<()> {
    let mut members = MemberServiceClient::connect(mesh.orchestrator.grpc_url()).await?;
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

async fn upload(mesh: &Mesh, picture: Vec<u8>, trace_id: &str) -> anyhow::Result<document::UploadDocumentResponse> {
    use document::upload_document_request::{Header, Page, Part};
    let header = Header {
        request_id: new_uuid().to_string(),
        member_id: MEMBER_ID,
        document_type: document::DocumentType::Passport.into(),
    };
    let mut parts = vec![Part::Header(header), Part::Page(Page {})];
    parts.extend(picture.chunks(CHUNK_BYTES).map(|chunk| Part::Chunk(chunk.to_vec())));
    let messages: Vec<_> = parts
        .into_iter()
        .map(|part| document::UploadDocumentRequest { part: Some(part) })
        .collect();
    let mut documents = DocumentServiceClient::connect(mesh.document.grpc_url()).await?;
    let stream = traced(tokio_stream::iter(messages), trace_id)?;
    Ok(documents
        .upload_document(stream)
        .await
        .context("UploadDocument")?
        .into_inner())
}

async fn start(
    mesh: &Mesh,
    document_url: String,
    trace_id: &str,
) -> anyhow::Result<orchestrator::StartVerificationResponse> {
    use orchestrator::method_request::Method;
    let document_type = document::DocumentType::Passport.into();
    let method = Method::Document(orchestrator::DocumentMethod {
        document_type,
        document_url,
    });
    let request = orchestrator::StartVerificationRequest {
        request_id: new_uuid().to_string(),
        member_id: MEMBER_ID,
        target_score: Some(TARGET_SCORE),
        methods: vec![orchestrator::MethodRequest { method: Some(method) }],
        timeout: None,
    };
    let mut verifications = VerificationServiceClient::connect(mesh.orchestrator.grpc_url()).await?;
    Ok(verifications
        .start_verification(traced(request, trace_id)?)
        .await
        .context("StartVerification")?
        .into_inner())
}

/// Shows the verification until it ends; whether its document was accepted.
async fn watch(mesh: &Mesh, verification_id: String, trace_id: &str) -> anyhow::Result<bool> {
    let mut verifications = VerificationServiceClient::connect(mesh.orchestrator.grpc_url()).await?;
    let request = traced(orchestrator::WatchVerificationRequest { verification_id }, trace_id)?;
    let mut changes = verifications
        .watch_verification(request)
        .await
        .context("WatchVerification")?
        .into_inner();
    let mut watching = Watching::default();
    while let Some(change) = changes.message().await.context("WatchVerification")? {
        if let Some(verification) = change.verification {
            watching.show(&verification);
        }
    }
    Ok(watching.accepted())
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

#[expect(
    clippy::disallowed_methods,
    reason = "the drawn passport must be valid on the day the demo runs"
)]
fn today() -> Date {
    jiff::Zoned::now().date()
}
