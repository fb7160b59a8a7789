//! What the scenarios share: one mesh, a caller of its API, and the reading of refusals.

use mesh_proto::community::v1::community_service_client::CommunityServiceClient;
use mesh_proto::document::v1 as document;
use mesh_proto::document::v1::document_service_client::DocumentServiceClient;
use mesh_proto::document::v1::upload_document_request::{Header, Page, Part};
use mesh_proto::in_person::v1::in_person_service_client::InPersonServiceClient;
use mesh_proto::orchestrator::v1 as orchestrator;
use mesh_proto::orchestrator::v1::member_service_client::MemberServiceClient;
use mesh_proto::orchestrator::v1::verification_service_client::VerificationServiceClient;
use mesh_proto::reputation::v1::reputation_service_client::ReputationServiceClient;
use mesh_testkit::{Acting, ActingChannel, Issuer, Mesh, eventually};
use specimen::{Passport, SpecimenOptions, Truth};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::OnceCell;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// The longest that any wait of a scenario lasts. Scenarios run side by side, and one may wait until another's fifty pages are
/// read.
pub const PATIENCE: Duration = Duration::from_secs(240);
/// What a single passport can reach.
pub const BRONZE: i32 = 25;

/// The mesh of all scenarios that harm no part of it.
pub async fn shared_mesh() -> &'static Mesh {
    static MESH: OnceCell<Mesh> = OnceCell::const_new();
    MESH.get_or_init(async || {
        Mesh::builder()
            .setting("orchestrator", "LOOK_AFTER_INTERVAL_SECONDS", "1")
            .setting("orchestrator", "FOLLOW_INTERVAL_SECONDS", "1")
            .setting("community", "TRUST_SEEDS", TRUST_SEED.to_string())
            // So that whoever is booked can meet at once: the next five minutes are within those of the check-in.
            .setting("in-person", "NOTICE_MINUTES", "0")
            .setting("in-person", "APPOINTMENT_MINUTES", "5")
            .setting("in-person", "CHECK_IN_MINUTES", "15")
            .start()
            .await
            .unwrap_or_else(|error| panic!("the mesh does not start: {error:#}"))
    })
    .await
}

/// A member that no other scenario knows.
pub fn new_member_id() -> i64 {
    static NEXT: AtomicI64 = AtomicI64::new(1000);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A request id that no other call has.
pub fn new_request_id() -> String {
    mesh_runtime::clock::new_uuid().to_string()
}

/// A specimen that is valid today, and the same every day.
pub fn passport(seed: u64) -> Passport {
    specimen_options(seed).build()
}

/// A specimen to be changed before it is drawn.
pub fn specimen_options(seed: u64) -> SpecimenOptions {
    SpecimenOptions::new(seed).valid_until(specimen::FAR_EXPIRY_DATE)
}

/// The specimen as a picture.
pub fn picture(passport: &Passport) -> Vec<u8> {
    specimen::to_png(&passport.draw())
}

/// Who acts unless a scenario says otherwise, with the role `operator`.
pub const OPERATOR: i64 = 1;

/// The platform, for an operator.
pub fn operator_of(mesh: &Mesh) -> Acting {
    Acting::platform(&mesh.issuer().token(OPERATOR, &["operator"]))
}

/// The member from whom trust flows in the shared mesh; no scenario makes connections to them.
pub const TRUST_SEED: i64 = 900;

/// A channel to a service, as the platform.
pub fn channel(mesh: &Mesh, service: &str) -> Channel {
    channel_as(mesh, "platform", service)
}

/// A channel to a service, with the certificate of any caller.
pub fn channel_as(mesh: &Mesh, caller: &str, service: &str) -> Channel {
    let channel = mesh.channel_as(caller, service);
    channel.unwrap_or_else(|error| panic!("no channel to {service}: {error:#}"))
}

fn channels_of(mesh: &Mesh, caller: &str) -> [Channel; 5] {
    ["orchestrator", "document", "community", "in-person", "reputation"]
        .map(|service| channel_as(mesh, caller, service))
}

/// Calls as a caller does that is told to try again; `call` sends the same request each time.
pub async fn until_answered<T>(what: &str, call: impl AsyncFn() -> Result<T, Status>) -> Result<T, Status> {
    let attempt = async || match call().await {
        Err(status) if status.code() == Code::Unavailable => None,
        answer => Some(answer),
    };
    let answered = eventually(PATIENCE, what, attempt).await;
    answered.unwrap_or_else(|error| Err(Status::deadline_exceeded(error.to_string())))
}

/// A caller of a mesh, as the platform's backend for a person. Its channels belong to the test's own runtime.
#[derive(Clone)]
pub struct Caller {
    pub members: MemberServiceClient<ActingChannel>,
    pub verifications: VerificationServiceClient<ActingChannel>,
    pub documents: DocumentServiceClient<ActingChannel>,
    pub communities: CommunityServiceClient<ActingChannel>,
    pub verifiers: InPersonServiceClient<ActingChannel>,
    pub reputations: ReputationServiceClient<ActingChannel>,
    /// What each of its calls proves.
    pub acting: Acting,
    channels: [Channel; 5],
    issuer: Arc<Issuer>,
}

impl Caller {
    /// For an operator. It connects at the first call, and again whenever a service was away.
    pub fn of(mesh: &Mesh) -> Self {
        Self::new(channels_of(mesh, "platform"), mesh.issuer().clone(), operator_of(mesh))
    }

    /// For a service that acts for itself.
    pub fn of_service(mesh: &Mesh, name: &'static str) -> Self {
        Self::new(channels_of(mesh, name), mesh.issuer().clone(), Acting::service(name))
    }

    /// The same for a person with these roles.
    pub fn acting_as(&self, person: i64, roles: &[&str]) -> Self {
        let acting = Acting::platform(&self.issuer.token(person, roles));
        Self::new(self.channels.clone(), self.issuer.clone(), acting)
    }

    fn new(channels: [Channel; 5], issuer: Arc<Issuer>, acting: Acting) -> Self {
        let [orchestrator, document, community, in_person, reputation] =
            channels.clone().map(|channel| acting.by(channel));
        Self {
            members: MemberServiceClient::new(orchestrator.clone()),
            verifications: VerificationServiceClient::new(orchestrator),
            documents: DocumentServiceClient::new(document),
            communities: CommunityServiceClient::new(community),
            verifiers: InPersonServiceClient::new(in_person),
            reputations: ReputationServiceClient::new(reputation),
            acting,
            channels,
            issuer,
        }
    }

    /// Registers the holder of a specimen as a new member.
    pub async fn register(&self, truth: &Truth) -> i64 {
        let member_id = new_member_id();
        let profile = orchestrator::MemberProfile {
            given_names: truth.given_names.clone(),
            family_name: truth.surname.clone(),
            birth_date: truth.birth_date.to_string(),
            email: String::new(),
        };
        let request = orchestrator::RegisterMemberRequest {
            request_id: new_request_id(),
            member_id,
            profile: Some(profile),
        };
        let register = async || self.members.clone().register_member(request.clone()).await;
        let registered = until_answered("the member's registration", register).await;
        registered.expect("the member is registered");
        member_id
    }

    /// Uploads a document of these pages.
    pub async fn upload(&self, member_id: i64, pages: &[Vec<u8>]) -> document::UploadDocumentResponse {
        let parts = upload_parts(member_id, pages);
        let uploaded = until_answered("the upload", async || self.try_upload(parts.clone()).await).await;
        uploaded.expect("the upload is taken")
    }

    /// Uploads message by message.
    pub async fn try_upload(&self, parts: Vec<Part>) -> Result<document::UploadDocumentResponse, Status> {
        let messages: Vec<_> = parts
            .into_iter()
            .map(|part| document::UploadDocumentRequest { part: Some(part) })
            .collect();
        let answer = self
            .documents
            .clone()
            .upload_document(futures::stream::iter(messages))
            .await?;
        Ok(answer.into_inner())
    }

    /// A verification as it is shown now.
    pub async fn get(&self, verification_id: &str) -> Result<orchestrator::Verification, Status> {
        let request = orchestrator::GetVerificationRequest {
            verification_id: verification_id.to_owned(),
        };
        let answer = self.verifications.clone().get_verification(request).await?;
        Ok(answer
            .into_inner()
            .verification
            .expect("an answer holds what was asked for"))
    }

    /// Starts a verification.
    pub async fn start(
        &self,
        request: orchestrator::StartVerificationRequest,
    ) -> Result<orchestrator::StartVerificationResponse, Status> {
        Ok(self
            .verifications
            .clone()
            .start_verification(request)
            .await?
            .into_inner())
    }

    /// Registers the holder, uploads the pages, starts a verification by them; returns member and verification.
    pub async fn start_with(&self, truth: &Truth, pages: &[Vec<u8>]) -> (i64, String) {
        let member_id = self.register(truth).await;
        let verification_id = self.start_for(member_id, pages).await;
        (member_id, verification_id)
    }

    /// Uploads the pages of a registered member and starts a verification by them.
    pub async fn start_for(&self, member_id: i64, pages: &[Vec<u8>]) -> String {
        let document_url = self.upload(member_id, pages).await.document_url;
        let request = by_document(member_id, document_url);
        let started = until_answered("the start", async || self.start(request.clone()).await).await;
        started.expect("the verification starts").verification_id
    }

    /// Every change of a verification until it ends.
    pub async fn watch(&self, verification_id: &str) -> Vec<orchestrator::Verification> {
        self.watch_until(verification_id, |_| false).await
    }

    /// Every change of a verification until one that is wanted, or until it ends.
    pub async fn watch_until(
        &self,
        verification_id: &str,
        wanted: impl Fn(&orchestrator::Verification) -> bool,
    ) -> Vec<orchestrator::Verification> {
        let request = orchestrator::WatchVerificationRequest {
            verification_id: verification_id.to_owned(),
        };
        // While a worker starts again, no query is answered; a caller that is told to try again does.
        let begin = async || match self.verifications.clone().watch_verification(request.clone()).await {
            Err(status) if refusal(&status).retry => None,
            begun => Some(begun),
        };
        let begun = eventually(PATIENCE, "the watch to begin", begin)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let mut changes = begun.expect("the watch begins").into_inner();
        let mut seen: Vec<orchestrator::Verification> = Vec::new();
        let all = async {
            while !seen.last().is_some_and(&wanted)
                && let Some(change) = changes.message().await.expect("the watch goes on")
            {
                seen.extend(change.verification);
            }
        };
        tokio::time::timeout(PATIENCE, all)
            .await
            .expect("the verification comes to what is wanted, or ends");
        seen
    }

    /// A verification when its first method has come to a status.
    pub async fn comes_to(
        &self,
        verification_id: &str,
        status: orchestrator::MethodStatus,
    ) -> orchestrator::Verification {
        let mut seen = self
            .watch_until(verification_id, |shown| shown.methods[0].status() == status)
            .await;
        let last = seen.pop().expect("a watched verification was shown at least once");
        assert_eq!(
            last.methods[0].status(),
            status,
            "{:?}",
            last.methods[0].internal_reason
        );
        last
    }

    /// Gives a verification its next document.
    pub async fn submit(
        &self,
        verification_id: &str,
        document_url: String,
    ) -> Result<document::SubmitDocumentResponse, Status> {
        let request = document::SubmitDocumentRequest {
            request_id: new_request_id(),
            verification_id: verification_id.to_owned(),
            document_url,
            document_type: document::DocumentType::Passport.into(),
        };
        Ok(self.documents.clone().submit_document(request).await?.into_inner())
    }

    /// How a verification ends.
    pub async fn end_of(&self, verification_id: &str) -> orchestrator::Verification {
        self.watch(verification_id)
            .await
            .pop()
            .expect("a watched verification was shown at least once")
    }

    /// How the check of a document stands.
    pub async fn document(&self, document_id: &str) -> document::DocumentVerification {
        let request = document::GetDocumentVerificationRequest {
            document_id: document_id.to_owned(),
            verification_id: String::new(),
        };
        let answer = self
            .documents
            .clone()
            .get_document_verification(request)
            .await
            .expect("the document is known");
        answer
            .into_inner()
            .verification
            .expect("an answer holds what was asked for")
    }
}

/// A document-only verification that a passport can complete.
pub fn by_document(member_id: i64, document_url: String) -> orchestrator::StartVerificationRequest {
    let document_type = document::DocumentType::Passport.into();
    let document = orchestrator::DocumentMethod {
        document_type,
        document_url,
    };
    let method = orchestrator::method_request::Method::Document(document);
    orchestrator::StartVerificationRequest {
        request_id: new_request_id(),
        member_id,
        target_score: Some(BRONZE),
        methods: vec![orchestrator::MethodRequest { method: Some(method) }],
        timeout: None,
    }
}

/// The messages of an upload.
pub fn upload_parts(member_id: i64, pages: &[Vec<u8>]) -> Vec<Part> {
    let document_type = document::DocumentType::Passport.into();
    let mut parts = vec![Part::Header(Header {
        request_id: new_request_id(),
        member_id,
        document_type,
    })];
    for page in pages {
        parts.push(Part::Page(Page {}));
        parts.extend(page.chunks(512 * 1024).map(|chunk| Part::Chunk(chunk.to_vec())));
    }
    parts
}

/// What a refused caller is told.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: Code,
    pub reason: String,
    pub path: String,
    pub retry: bool,
}

/// Reads a refusal.
pub fn refusal(status: &Status) -> Refusal {
    let details = status.get_error_details();
    let path = details
        .bad_request()
        .and_then(|bad| bad.field_violations.first())
        .map(|violation| violation.field.clone());
    Refusal {
        code: status.code(),
        reason: mesh_proto::reason(status).unwrap_or_default(),
        path: path.unwrap_or_default(),
        retry: details.retry_info().is_some(),
    }
}

/// A refusal of a wrong field.
pub fn bad_field(reason: &str, path: &str) -> Refusal {
    Refusal {
        code: Code::InvalidArgument,
        reason: reason.to_owned(),
        path: path.to_owned(),
        retry: false,
    }
}
