//! What a member's app says to the mesh, whoever the member is: register, upload, start, watch, cancel.

use super::calls::Calls;
use super::material::{Material, Profile};
use crate::screen::row;
use anyhow::Context;
use mesh_proto::document::v1 as document;
use mesh_proto::document::v1::document_service_client::DocumentServiceClient;
use mesh_proto::orchestrator::v1 as orchestrator;
use mesh_proto::orchestrator::v1::Verification;
use mesh_proto::orchestrator::v1::member_service_client::MemberServiceClient;
use mesh_proto::orchestrator::v1::method_request::Method;
use mesh_proto::orchestrator::v1::verification_service_client::VerificationServiceClient;
use mesh_testkit::{ActingChannel, new_uuid};

/// Bytes of a picture in one message.
const CHUNK_BYTES: usize = 256 * 1024;

/// A member of the demo: a platform would send its user id, and the member's token.
pub struct Member<'a> {
    /// How the mesh is called.
    pub calls: &'a Calls<'a>,
    /// The user id.
    pub id: i64,
}

impl Member<'_> {
    /// Registers the member, and prints who they are.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn register(&self, profile: &Profile) -> anyhow::Result<()> {
        let (id, name, birth_date) = (self.id, profile.shown_name(), &profile.birth_date);
        println!("{}", row("member", format!("{id}: {name}, born {birth_date}")));
        let mut members = MemberServiceClient::new(self.calls.as_member(self.id, "orchestrator")?);
        let profile = orchestrator::MemberProfile {
            given_names: profile.given_names.clone(),
            family_name: profile.family_name.clone(),
            birth_date: profile.birth_date.clone(),
            email: String::new(),
        };
        let request = orchestrator::RegisterMemberRequest {
            request_id: new_uuid().to_string(),
            member_id: self.id,
            profile: Some(profile),
        };
        members
            .register_member(self.calls.traced(request)?)
            .await
            .context("RegisterMember")?;
        Ok(())
    }

    /// Uploads a document, and prints what the mesh makes of it; the method by it.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn upload(&self, material: &Material) -> anyhow::Result<Method> {
        use document::upload_document_request::{Header, Page, Part};
        let mut parts = vec![Part::Header(Header {
            request_id: new_uuid().to_string(),
            member_id: self.id,
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
        let mut documents = DocumentServiceClient::new(self.calls.as_member(self.id, "document")?);
        let stream = self.calls.traced(tokio_stream::iter(messages))?;
        let upload = documents.upload_document(stream).await.context("UploadDocument")?;
        let upload = upload.into_inner();
        let (id, pages, bytes) = (&upload.document_id, upload.page_count, upload.size_bytes);
        println!("{}", row("document", format!("{id}: {pages} page(s), {bytes} bytes")));
        Ok(Method::Document(orchestrator::DocumentMethod {
            document_type: material.document_type.into(),
            document_url: upload.document_url,
        }))
    }

    /// Starts a verification, and prints where to look for it; its id.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn start(&self, methods: Vec<Method>, target_score: i32) -> anyhow::Result<String> {
        let methods = methods.into_iter();
        let request = orchestrator::StartVerificationRequest {
            request_id: new_uuid().to_string(),
            member_id: self.id,
            target_score: Some(target_score),
            methods: methods
                .map(|method| orchestrator::MethodRequest { method: Some(method) })
                .collect(),
            timeout: None,
        };
        let mut verifications = self.verifications()?;
        let started = verifications
            .start_verification(self.calls.traced(request)?)
            .await
            .context("StartVerification")?
            .into_inner();
        let (workflow, run) = (&started.workflow_id, &started.run_id);
        println!("{}", row("verification", &started.verification_id));
        println!("{}\n", row("workflow", format!("{workflow}, run {run}")));
        Ok(started.verification_id)
    }

    /// Watches a verification.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn watch(&self, verification_id: &str) -> anyhow::Result<Changes> {
        let request = orchestrator::WatchVerificationRequest {
            verification_id: verification_id.to_owned(),
        };
        let mut verifications = self.verifications()?;
        let stream = verifications
            .watch_verification(self.calls.traced(request)?)
            .await
            .context("WatchVerification")?
            .into_inner();
        Ok(Changes {
            stream,
            _open: verifications,
        })
    }

    /// Cancels a verification.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn cancel(&self, verification_id: &str) -> anyhow::Result<()> {
        let request = orchestrator::CancelVerificationRequest {
            request_id: new_uuid().to_string(),
            verification_id: verification_id.to_owned(),
        };
        self.verifications()?
            .cancel_verification(self.calls.traced(request)?)
            .await
            .context("CancelVerification")?;
        Ok(())
    }

    fn verifications(&self) -> anyhow::Result<VerificationServiceClient<ActingChannel>> {
        let channel = self.calls.as_member(self.id, "orchestrator")?;
        Ok(VerificationServiceClient::new(channel))
    }
}

/// A verification as it changes.
pub struct Changes {
    stream: tonic::Streaming<orchestrator::WatchVerificationResponse>,
    /// The connection of the stream.
    _open: VerificationServiceClient<ActingChannel>,
}

impl Changes {
    /// The verification after its next change; none when it has ended.
    ///
    /// # Errors
    /// When the watch breaks off.
    pub async fn next(&mut self) -> anyhow::Result<Option<Verification>> {
        while let Some(change) = self.stream.message().await.context("WatchVerification")? {
            if change.verification.is_some() {
                return Ok(change.verification);
            }
        }
        Ok(None)
    }
}
