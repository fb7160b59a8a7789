//! What a person types who accepts a document whose number was not read.

use super::{Client, reason, served};
use crate::checking::record_decision;
use crate::store::Found;
use crate::testing::{ANOTHER_MEMBER, MEMBER, World, member, new_verification};
use document_workflows::contract::{DecisionRecord, DocumentDecision as Decided, StoredEvidence};
use mesh_proto::document::v1::{ClaimReviewRequest, DecideReviewRequest, DocumentDecision, DocumentType};
use mesh_runtime::clock;
use mesh_testkit::fixtures::OrPanic;
use mesh_types::{Decision, EvidenceKind, ReviewId};
use sqlx::Row;
use tonic::Status;

const REVIEWER: i64 = 7;

fn accepting(review_id: ReviewId, issuing_state: &str, document_number: &str) -> DecideReviewRequest {
    DecideReviewRequest {
        request_id: clock::new_uuid().to_string(),
        review_id: review_id.to_string(),
        decision: DocumentDecision::Accepted.into(),
        reason_code: "LOOKS_RIGHT".to_owned(),
        issuing_state: issuing_state.to_owned(),
        document_number: document_number.to_owned(),
        ..Default::default()
    }
}

/// The review of a member's document on which nothing was read, and what records its acceptance.
async fn held(world: &World, client: &mut Client, member_id: i64) -> (ReviewId, DecisionRecord) {
    let (document_id, verification_id) = (world.uploaded_by(member_id).await.document_id, new_verification());
    let review_id = world.in_review(document_id, verification_id).await;
    let claim = ClaimReviewRequest {
        request_id: clock::new_uuid().to_string(),
        review_id: review_id.to_string(),
    };
    client.claim_review(claim).await.expect("it is free");
    let record = DecisionRecord {
        verification_id,
        document_id,
        decided: Decided {
            decision: Decision::Accepted,
            internal_reason: "LOOKS_RIGHT".to_owned(),
            member_reason: "A person accepted it.".to_owned(),
            proves: vec![EvidenceKind::DocumentAccepted.into()],
        },
        decided_at_seconds: clock::now().as_second(),
    };
    (review_id, record)
}

fn paths<T: std::fmt::Debug>(answer: Result<T, Status>) -> Vec<String> {
    let refused = answer.expect_err("must be refused");
    let sentences = refused
        .message()
        .split("; ")
        .filter_map(|sentence| sentence.split_once(": "));
    sentences.map(|(path, _)| path.to_owned()).collect()
}

/// Every row of every table, as text.
async fn whole_database(world: &World) -> String {
    let tables = sqlx::query("SELECT relname::text FROM pg_stat_user_tables");
    let mut text = String::new();
    for table in tables.fetch_all(&world.pool).await.expect("the tables") {
        let table: String = table.get(0);
        let select = format!("SELECT coalesce(string_agg(entry::text, ' '), '') FROM \"{table}\" entry");
        let rows = sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(select));
        text += &rows.fetch_one(&world.pool).await.expect("the rows");
    }
    text
}

#[tokio::test]
async fn a_person_who_accepts_types_the_number() {
    let world = World::new().await;
    let (server, _) = served(&world).await;
    let mut client = Client::new(server.channel_as(REVIEWER, &["reviewer"]));
    let (review_id, record) = held(&world, &mut client, MEMBER).await;
    for (typed, expected) in [
        (("", ""), vec!["issuing_state", "document_number"]),
        (("UTO", ""), vec!["document_number"]),
        (("", "L898902C3"), vec!["issuing_state"]),
    ] {
        let decision = accepting(review_id, typed.0, typed.1);
        assert_eq!(paths(client.decide_review(decision).await), expected);
    }
    let decision = accepting(review_id, "UTO", "l898-902 c3");
    client.decide_review(decision).await.expect("it is decided");
    let StoredEvidence { evidence, refused, .. } = record_decision(&world.vault, record).await.or_panic();
    assert_eq!((evidence.len(), refused), (1, None));

    // The document is the member's now, in whatever spelling.
    let identity = super::super::parse::identity(DocumentType::Passport, "uto", "L898902C3").or_panic();
    let hashes = world.vault.identity_hashes([&identity]);
    let found = world
        .store
        .find_identity(&hashes, member(ANOTHER_MEMBER))
        .await
        .or_panic();
    assert_eq!(found.in_use, Found::SameDocument);
    let found = world.store.find_identity(&hashes, member(MEMBER)).await.or_panic();
    assert_eq!(found.in_use, Found::Nothing);
    let stored = whole_database(&world).await.to_lowercase();
    assert!(stored.contains("looks_right"), "the rows were read");
    for spelling in [
        "l898902c3",
        "l898-902 c3",
        &hex::encode("L898902C3"),
        &hex::encode("l898-902 c3"),
    ] {
        assert!(!stored.contains(spelling), "{spelling} is stored");
    }

    // Another member's with the same number, of another issuer as it seems.
    let (review_id, record) = held(&world, &mut client, ANOTHER_MEMBER).await;
    let decision = accepting(review_id, "UTA", "L898902C3");
    assert_eq!(
        reason(client.decide_review(decision).await).as_deref(),
        Some("DOCUMENT_NUMBER_KNOWN")
    );
    let decision = DecideReviewRequest {
        is_members_own: true,
        ..accepting(review_id, "UTA", "L898902C3")
    };
    client.decide_review(decision).await.expect("the reviewer made sure");
    let stored = record_decision(&world.vault, record).await.or_panic();
    assert_eq!(stored.refused, None);
}
