//! A member sees and changes what is their own. What is another's is answered as if it did not exist.

use super::{Client, messages, served};
use crate::store::NewDecision;
use crate::testing::{ANOTHER_MEMBER, MEMBER, World, at, new_verification, png};
use mesh_proto::document::v1::{
    DocumentType, EraseDocumentRequest, GetDocumentVerificationRequest, ListEvidenceRequest, SubmitDocumentRequest,
};
use mesh_runtime::clock;
use mesh_testkit::Acting;
use mesh_testkit::fixtures::{OrPanic, Served};
use mesh_types::{Check, CheckName, CheckReason, Decision, DocumentKind};
use tonic::{Code, Status};

/// What a member may ask of the API, all of it about one document and verification.
struct Asking {
    client: Client,
    document_id: String,
    verification_id: String,
}

impl Asking {
    /// As a member who asks about a document that is theirs or another's.
    fn of(server: &Served, member_id: i64, document_id: &str, verification_id: &str) -> Self {
        Self {
            client: Client::new(server.channel_as(member_id, &["member"])),
            document_id: document_id.to_owned(),
            verification_id: verification_id.to_owned(),
        }
    }

    async fn document(&mut self) -> Result<(), Status> {
        let request = GetDocumentVerificationRequest {
            document_id: self.document_id.clone(),
            ..Default::default()
        };
        self.client.get_document_verification(request).await.map(drop)
    }

    async fn verification(&mut self) -> Result<(), Status> {
        let request = GetDocumentVerificationRequest {
            verification_id: self.verification_id.clone(),
            ..Default::default()
        };
        self.client.get_document_verification(request).await.map(drop)
    }

    async fn evidence(&mut self) -> Result<(), Status> {
        let request = ListEvidenceRequest {
            verification_id: self.verification_id.clone(),
            ..Default::default()
        };
        self.client.list_evidence(request).await.map(drop)
    }

    async fn submit(&mut self, request_id: &str, document_url: &str) -> Result<(), Status> {
        let request = SubmitDocumentRequest {
            request_id: request_id.to_owned(),
            verification_id: self.verification_id.clone(),
            document_url: document_url.to_owned(),
            document_type: DocumentType::Passport.into(),
        };
        self.client.submit_document(request).await.map(drop)
    }

    async fn erase(&mut self, request_id: &str) -> Result<(), Status> {
        let request = EraseDocumentRequest {
            request_id: request_id.to_owned(),
            document_id: self.document_id.clone(),
        };
        self.client.erase_document(request).await.map(drop)
    }

    /// All of it, each under a request id of its own.
    async fn everything(&mut self, document_url: &str) -> [Result<(), Status>; 5] {
        let request_id = || clock::new_uuid().to_string();
        [
            self.document().await,
            self.verification().await,
            self.evidence().await,
            self.submit(&request_id(), document_url).await,
            self.erase(&request_id()).await,
        ]
    }
}

fn bytes(answer: Result<(), Status>) -> (Code, String, Vec<u8>) {
    let status = answer.expect_err("it is hidden");
    (status.code(), status.message().to_owned(), status.details().to_vec())
}

#[tokio::test]
async fn what_is_anothers_is_answered_as_if_it_did_not_exist_and_stays_as_it_is() {
    let world = World::new().await;
    let (server, mut operator) = served(&world).await;
    let theirs = world.uploaded_by(ANOTHER_MEMBER).await;
    let mine = world.uploaded_by(MEMBER).await;
    let their_verification = new_verification();
    world.submitted(theirs.document_id, their_verification, 1).await;
    let their_document = theirs.document_id.to_string();
    let nobodys = clock::new_uuid().to_string();

    let mut hidden = Asking::of(&server, MEMBER, &their_document, &their_verification.to_string());
    let mut missing = Asking::of(&server, MEMBER, &nobodys, &nobodys);
    let pairs = hidden.everything(&mine.document_url).await.into_iter();
    for (hidden, missing) in pairs.zip(missing.everything(&mine.document_url).await) {
        let hidden = bytes(hidden);
        assert_eq!((hidden.0, &hidden), (Code::NotFound, &bytes(missing)));
    }
    assert!(
        world
            .vault
            .store()
            .find_document(theirs.document_id)
            .await
            .expect("asked")
            .expect("it is there")
            .erased_at
            .is_none()
    );

    // The owner may do all of it, and once they did, the stored answer is not another's either.
    let mut owner = Asking::of(
        &server,
        ANOTHER_MEMBER,
        &their_document,
        &their_verification.to_string(),
    );
    owner.document().await.expect("their own");
    owner.verification().await.expect("their own");
    owner.evidence().await.expect("their own");
    let request_id = clock::new_uuid().to_string();
    owner.erase(&request_id).await.expect("their own");
    owner.erase(&request_id).await.expect("answered as before");
    assert_eq!(bytes(hidden.erase(&request_id).await).0, Code::NotFound);
    let unused = ListEvidenceRequest {
        verification_id: nobodys,
        ..Default::default()
    };
    let listed = operator
        .list_evidence(unused)
        .await
        .expect("an operator sees an empty list");
    assert_eq!(listed.into_inner().evidence, []);
}

#[tokio::test]
async fn whose_a_document_is_is_asked_before_its_check_is_read() {
    let world = World::new().await;
    let (server, _) = served(&world).await;
    let theirs = world.uploaded_by(ANOTHER_MEMBER).await.document_id;
    let their_verification = new_verification();
    world.submitted(theirs, their_verification, 1).await;
    // Whoever reads these checks fails.
    let unreadable = "INSERT INTO document_checks
                          (verification_id, document_id, document_kind, checks, profile_version, rule_version, checked_at)
                      VALUES ($1, $2, 'passport', '\"none\"', 1, 1, now())";
    let unreadable = sqlx::query(unreadable)
        .bind(their_verification.uuid())
        .bind(theirs.uuid());
    unreadable.execute(&world.pool).await.expect("inserted");
    let (document, verification) = (theirs.to_string(), their_verification.to_string());
    let mut owner = Asking::of(&server, ANOTHER_MEMBER, &document, &verification);
    let mut another = Asking::of(&server, MEMBER, &document, &verification);
    for (own, hidden) in [
        (owner.document().await, another.document().await),
        (owner.verification().await, another.verification().await),
    ] {
        assert_eq!((bytes(own).0, bytes(hidden).0), (Code::Internal, Code::NotFound));
    }
}

#[tokio::test]
async fn a_member_reads_a_sentence_where_operators_and_services_read_what_is_known_of_others() {
    let world = World::new().await;
    let (server, operator) = served(&world).await;
    let (document_id, verification_id) = (world.uploaded_by(MEMBER).await.document_id, new_verification());
    world.submitted(document_id, verification_id, 1).await;
    let checks = [
        Check::passed(CheckName::NotExpired, CheckReason::NotExpired),
        Check::passed(CheckName::NotInUseByAnother, CheckReason::NotInUse),
        Check::failed(CheckName::NotBlocklisted, CheckReason::Blocklisted),
    ];
    let kind = DocumentKind::Passport;
    let recorded = world
        .store
        .record_checks(document_id, verification_id, kind, (&checks, 1), at(1));
    recorded.await.or_panic();
    let decision = NewDecision {
        verification_id,
        document_id,
        decision: Decision::Rejected,
        identity: Vec::new(),
        internal_reason: "DOCUMENT_BLOCKLISTED".to_owned(),
        member_reason: "We can't accept this document.".to_owned(),
        decided_at: at(2),
        evidence: Vec::new(),
        retention_class: "while_verification_counts",
        recorded_at: at(2),
    };
    world.store.record_decision(&decision).await.or_panic();

    let whole = ["not_expired", "not_in_use_by_another", "not_blocklisted"];
    let orchestrator = Client::new(server.channel_of(&Acting::service("orchestrator")));
    let member = Client::new(server.channel_as(MEMBER, &["member"]));
    for (mut client, internal_reason, names) in [
        (operator, "DOCUMENT_BLOCKLISTED", &whole[..]),
        (orchestrator, "DOCUMENT_BLOCKLISTED", &whole[..]),
        (member, "", &whole[..1]),
    ] {
        let request = GetDocumentVerificationRequest {
            verification_id: verification_id.to_string(),
            ..Default::default()
        };
        let answer = client.get_document_verification(request).await.expect("answered");
        let shown = answer.into_inner().verification.expect("a check");
        let found: Vec<&str> = shown.checks.iter().map(|check| check.name.as_str()).collect();
        assert_eq!((shown.internal_reason.as_str(), &found[..]), (internal_reason, names));
        assert_eq!(shown.member_reason, "We can't accept this document.");
    }
}

#[tokio::test]
async fn a_member_uploads_for_themselves_alone_and_what_another_would_store_is_not_stored() {
    let world = World::new().await;
    let (server, _) = served(&world).await;
    let upload = async |member_id: i64, request_id: &str| {
        let mut client = Client::new(server.channel_as(member_id, &["member"]));
        client.upload_document(messages(request_id, vec![png(1)])).await
    };
    let request_id = clock::new_uuid().to_string();
    let refused = upload(ANOTHER_MEMBER, &request_id).await.expect_err("not theirs");
    assert_eq!(
        (refused.code(), super::reason::<()>(Err(refused)).as_deref()),
        (Code::NotFound, Some("OBJECT_NOT_FOUND"))
    );
    assert_eq!(world.object_count(), 0);
    upload(MEMBER, &request_id).await.expect("their own");
    assert_eq!(world.object_count(), 1);
    upload(ANOTHER_MEMBER, &request_id)
        .await
        .expect_err("the stored answer is not theirs");
}
