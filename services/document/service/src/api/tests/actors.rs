//! Who did it stands in the tables, and the first one stays.

use super::{Client, served};
use crate::store::{NewDecision, Written};
use crate::testing::{MEMBER, World, at, new_verification};
use mesh_proto::document::v1::{
    BlockDocumentRequest, DocumentType, EraseDocumentRequest, ReleaseDocumentRequest, UnblockDocumentRequest,
};
use mesh_runtime::clock;
use mesh_testkit::fixtures::OrPanic;
use mesh_types::{Decision, DocumentId};

async fn actor(world: &World, select: &'static str) -> Option<String> {
    sqlx::query_scalar(select).fetch_one(&world.pool).await.expect("a row")
}

/// Who blocked and who unblocked what is on the blocklist no more.
async fn unblocked(world: &World) -> Vec<(String, String)> {
    let select = "SELECT DISTINCT blocked_by, unblocked_by FROM unblocked_documents
                   WHERE blocked_at <= unblocked_at AND reason_code = 'REPORTED_STOLEN' ORDER BY blocked_by";
    let rows = sqlx::query_as(select).fetch_all(&world.pool);
    rows.await.expect("the rows")
}

/// A document that its member was accepted with.
async fn accepted(world: &World) -> DocumentId {
    let document_id = world.uploaded_by(MEMBER).await.document_id;
    let identity = super::super::parse::identity(DocumentType::Passport, "UTO", "L898902C3").or_panic();
    let decision = NewDecision {
        verification_id: new_verification(),
        document_id,
        decision: Decision::Accepted,
        internal_reason: "ALL_CHECKS_PASSED".to_owned(),
        member_reason: String::new(),
        decided_at: at(10),
        identity: world.vault.identity_hashes([&identity]),
        evidence: Vec::new(),
        retention_class: "while_verification_counts",
        recorded_at: at(11),
    };
    let written = world.store.record_decision(&decision).await.or_panic();
    assert!(matches!(written, Written::Stands { .. }));
    document_id
}

#[tokio::test]
async fn who_releases_blocks_and_erases_stands_in_the_tables_and_the_first_stays() {
    let world = World::new().await;
    let (server, mut first) = served(&world).await;
    let mut second = Client::new(server.channel_as(2, &["operator"]));
    let mut member = Client::new(server.channel_as(MEMBER, &["member"]));
    let document_id = accepted(&world).await.to_string();
    let release = || ReleaseDocumentRequest {
        request_id: clock::new_uuid().to_string(),
        document_id: document_id.clone(),
        verification_id: String::new(),
        reason_code: "STOLEN_FROM_OWNER".to_owned(),
    };
    let block = || BlockDocumentRequest {
        request_id: clock::new_uuid().to_string(),
        document_type: DocumentType::Passport.into(),
        issuing_state: "UTO".to_owned(),
        document_number: "L898902C3".to_owned(),
        reason_code: "REPORTED_STOLEN".to_owned(),
    };
    let unblock = || UnblockDocumentRequest {
        request_id: clock::new_uuid().to_string(),
        document_type: DocumentType::Passport.into(),
        issuing_state: "UTO".to_owned(),
        document_number: "L898902C3".to_owned(),
    };
    let erase = || EraseDocumentRequest {
        request_id: clock::new_uuid().to_string(),
        document_id: document_id.clone(),
    };
    first.release_document(release()).await.expect("released");
    second
        .release_document(release())
        .await
        .expect("nothing is left to take");
    second.block_document(block()).await.expect("blocked");
    first.block_document(block()).await.expect("it is there");
    // Taken off the list, put there again and taken off again: each time it stands there who did so.
    first.unblock_document(unblock()).await.expect("unblocked");
    second.unblock_document(unblock()).await.expect("it is not there");
    assert_eq!(
        unblocked(&world).await,
        [("person:2".to_owned(), "person:1".to_owned())]
    );
    first.block_document(block()).await.expect("blocked again");
    let blocked = actor(&world, "SELECT DISTINCT blocked_by FROM blocked_documents").await;
    assert_eq!(blocked.as_deref(), Some("person:1"));
    second.unblock_document(unblock()).await.expect("unblocked again");
    let both = [("person:1", "person:2"), ("person:2", "person:1")];
    let both = both.map(|(blocked_by, unblocked_by)| (blocked_by.to_owned(), unblocked_by.to_owned()));
    assert_eq!(unblocked(&world).await, both);
    second.block_document(block()).await.expect("blocked once more");
    member.erase_document(erase()).await.expect("erased");
    first.erase_document(erase()).await.expect("it is erased");
    for (select, expected) in [
        ("SELECT DISTINCT released_by FROM document_identities", "person:1"),
        ("SELECT DISTINCT blocked_by FROM blocked_documents", "person:2"),
        ("SELECT erased_by FROM documents", "person:42"),
    ] {
        assert_eq!(actor(&world, select).await.as_deref(), Some(expected), "{select}");
    }
}
