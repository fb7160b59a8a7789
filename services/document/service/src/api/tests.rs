mod actors;
mod ownership;
mod reviews;
mod typed;

use super::DocumentApi;
use crate::extraction::NOTHING_READ;
use crate::testing::{ANOTHER_MEMBER, MEMBER, STAFF, World, at, new_verification, png, workflows};
use mesh_proto::document::v1::document_service_client::DocumentServiceClient;
use mesh_proto::document::v1::document_service_server::DocumentServiceServer;
use mesh_proto::document::v1::get_review_page_response;
use mesh_proto::document::v1::upload_document_request::{Header, Page, Part};
use mesh_proto::document::v1::{
    BlockDocumentRequest, ClaimReviewRequest, DecideReviewRequest, DocumentDecision, DocumentType,
    DocumentVerification, EraseDocumentRequest, GetDocumentVerificationRequest, GetReviewPageRequest,
    ListReviewsRequest, SubmitDocumentRequest, UnblockDocumentRequest, UploadDocumentRequest,
};
use mesh_runtime::{ServiceParts, clock};
use mesh_testkit::ActingChannel;
use mesh_testkit::fixtures::Served;
use mesh_types::{DocumentId, Reason};
use tonic::Status;

const MESSAGE_LIMIT: usize = 4 << 20;

type Client = DocumentServiceClient<ActingChannel>;

/// The API of a world under the kit's layer, and an operator's client of it. It ends with the first value.
async fn served(world: &World) -> (Served, Client) {
    let idempotency = world.idempotency.clone();
    let api = DocumentApi::new(
        world.vault.clone(),
        idempotency,
        world.uploads.clone(),
        workflows().await,
    );
    let api = DocumentServiceServer::new(api).max_decoding_message_size(MESSAGE_LIMIT);
    let served = Served::start(ServiceParts::new(mesh_proto::FILE_DESCRIPTOR_SET).grpc(api)).await;
    let client = DocumentServiceClient::new(served.channel());
    (served, client)
}

fn messages(request_id: &str, chunks: Vec<Vec<u8>>) -> impl tokio_stream::Stream<Item = UploadDocumentRequest> + use<> {
    let document_type = DocumentType::Passport.into();
    let header = Header {
        request_id: request_id.to_owned(),
        member_id: MEMBER,
        document_type,
    };
    let chunks = chunks.into_iter().map(Part::Chunk);
    let parts: Vec<Part> = [Part::Header(header), Part::Page(Page {})]
        .into_iter()
        .chain(chunks)
        .collect();
    tokio_stream::iter(parts.into_iter().map(|part| UploadDocumentRequest { part: Some(part) }))
}

#[tokio::test]
async fn an_upload_is_answered_with_its_url_and_its_standing_follows_the_reading() {
    let world = World::new().await;
    let (_server, mut client) = served(&world).await;
    let request_id = clock::new_uuid().to_string();
    let picture = png(1);
    let (head, tail) = picture.split_at(10);
    let chunks = vec![head.to_vec(), tail.to_vec()];
    let first = client
        .upload_document(messages(&request_id, chunks.clone()))
        .await
        .expect("stored")
        .into_inner();
    let again = client
        .upload_document(messages(&request_id, chunks))
        .await
        .expect("answered")
        .into_inner();
    assert_eq!(first, again);
    let path = format!("/store/members/{MEMBER}/documents/{}", first.document_id);
    assert!(
        first.document_url.starts_with("file:///") && first.document_url.ends_with(&path),
        "{}",
        first.document_url
    );
    assert_eq!(
        (first.page_count, first.size_bytes as usize, first.sha256.len()),
        (1, picture.len(), 64)
    );

    let document_id: DocumentId = first.document_id.parse().expect("an id");
    let verification_id = new_verification();
    world.submitted(document_id, verification_id, 2).await;
    let kept = world
        .vault
        .insert_reading(document_id, 1, &NOTHING_READ, clock::now())
        .await;
    kept.expect("kept");
    let expected = DocumentVerification {
        document_id: first.document_id,
        member_id: MEMBER,
        document_type: DocumentType::Passport.into(),
        page_count: 1,
        pages_read: 1,
        verification_id: verification_id.to_string(),
        submission: 2,
        submissions_left: 1,
        ..DocumentVerification::default()
    };
    let by_document = GetDocumentVerificationRequest {
        document_id: document_id.to_string(),
        ..Default::default()
    };
    let by_verification = GetDocumentVerificationRequest {
        verification_id: verification_id.to_string(),
        ..Default::default()
    };
    for request in [by_document, by_verification] {
        let answer = client.get_document_verification(request).await.expect("answered");
        assert_eq!(answer.into_inner().verification.as_ref(), Some(&expected));
    }
}

#[tokio::test]
async fn refusals_carry_their_reason_over_the_wire_and_store_nothing() {
    let world = World::new().await;
    let (_server, mut client) = served(&world).await;
    let request_id = clock::new_uuid().to_string();
    for (chunks, reason) in [
        (vec![b"hello".to_vec()], Reason::DocumentNotAPicture),
        (vec![vec![0; 1 << 20]; 21], Reason::DocumentTooLarge),
        (vec![vec![0; (1 << 20) + 1]], Reason::InvalidRequest),
        (vec![], Reason::DocumentEmpty),
    ] {
        let refused = client
            .upload_document(messages(&request_id, chunks))
            .await
            .expect_err("refused");
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
        assert_eq!(mesh_proto::reason(&refused).as_deref(), Some(reason.as_str()));
    }
    assert_eq!(world.object_count(), 0);

    for (document_id, reason) in [
        ("no uuid".to_owned(), Reason::InvalidRequest),
        (request_id, Reason::DocumentNotFound),
    ] {
        let request = GetDocumentVerificationRequest {
            document_id,
            ..Default::default()
        };
        let refused = client.get_document_verification(request).await.expect_err("refused");
        assert_eq!(mesh_proto::reason(&refused).as_deref(), Some(reason.as_str()));
    }
}

fn reason<T>(answer: Result<T, Status>) -> Option<String> {
    mesh_proto::reason(&answer.err().expect("must be refused"))
}

#[tokio::test]
async fn a_reviewer_claims_sees_and_decides_over_the_wire_and_a_workflow_that_is_gone_does_not_matter() {
    let world = World::new().await;
    let (server, _) = served(&world).await;
    let mut client = Client::new(server.channel_as(7, &["reviewer"]));
    let mut another = Client::new(server.channel_as(8, &["reviewer"]));
    let (document_id, review_id) = world.reviewed(vec![7; 150_000]).await;
    let listed = client
        .list_reviews(ListReviewsRequest::default())
        .await
        .expect("listed")
        .into_inner();
    let ids: Vec<&str> = listed.reviews.iter().map(|review| review.review_id.as_str()).collect();
    assert_eq!(ids, [review_id.to_string()]);

    let claim = || ClaimReviewRequest {
        request_id: clock::new_uuid().to_string(),
        review_id: review_id.to_string(),
    };
    let claimed = client
        .claim_review(claim())
        .await
        .expect("claimed")
        .into_inner()
        .review
        .expect("a review");
    assert_eq!((claimed.claimed_by, claimed.document_id), (7, document_id.to_string()));
    assert_eq!(
        reason(another.claim_review(claim()).await).as_deref(),
        Some("REVIEW_CLAIMED_BY_ANOTHER")
    );

    let page = |page_number| GetReviewPageRequest {
        review_id: review_id.to_string(),
        page_number,
    };
    assert_eq!(
        reason(another.get_review_page(page(1)).await).as_deref(),
        Some("REVIEW_CLAIMED_BY_ANOTHER")
    );
    let mut parts = client.get_review_page(page(1)).await.expect("shown").into_inner();
    let mut shown = Vec::new();
    while let Some(part) = parts.message().await.expect("a part") {
        match part.part.expect("a part") {
            get_review_page_response::Part::MediaType(media_type) => assert_eq!(media_type, "image/png"),
            get_review_page_response::Part::Chunk(chunk) => {
                assert!(chunk.len() <= 64 << 10);
                shown.extend(chunk);
            }
        }
    }
    assert_eq!(shown, vec![7; 150_000]);
    assert_eq!(
        reason(client.get_review_page(page(2)).await).as_deref(),
        Some("DOCUMENT_NOT_FOUND")
    );

    let decision = DecideReviewRequest {
        request_id: clock::new_uuid().to_string(),
        review_id: review_id.to_string(),
        decision: DocumentDecision::Accepted.into(),
        reason_code: "LOOKS_RIGHT".to_owned(),
        issuing_state: "UTO".to_owned(),
        document_number: "L898902C3".to_owned(),
        ..Default::default()
    };
    assert_eq!(
        reason(another.decide_review(decision.clone()).await).as_deref(),
        Some("REVIEW_CLAIMED_BY_ANOTHER")
    );
    let first = client
        .decide_review(decision.clone())
        .await
        .expect("decided")
        .into_inner();
    let again = client
        .decide_review(decision.clone())
        .await
        .expect("answered")
        .into_inner();
    assert_eq!(first, again);
    // Not even the answer of before is another's to see.
    assert_eq!(
        reason(another.decide_review(decision.clone()).await).as_deref(),
        Some("REVIEW_OVER")
    );
    let once_more = DecideReviewRequest {
        request_id: clock::new_uuid().to_string(),
        ..decision
    };
    assert_eq!(
        reason(client.decide_review(once_more).await).as_deref(),
        Some("REVIEW_OVER")
    );
    let listed = client
        .list_reviews(ListReviewsRequest::default())
        .await
        .expect("listed")
        .into_inner();
    assert_eq!(listed.reviews, []);
}

#[tokio::test]
async fn another_document_is_taken_only_for_a_verification_that_is_there_and_for_its_own_member() {
    let world = World::new().await;
    let (_server, mut client) = served(&world).await;
    let (own, foreign) = (world.uploaded_by(MEMBER).await, world.uploaded_by(ANOTHER_MEMBER).await);
    let erased = world.uploaded_by(MEMBER).await;
    world
        .vault
        .erase(erased.document_id, &STAFF, at(1))
        .await
        .expect("erased");
    let verification_id = new_verification();
    world.submitted(own.document_id, verification_id, 1).await;
    let request = |verification_id: String, document_url: String| SubmitDocumentRequest {
        request_id: clock::new_uuid().to_string(),
        verification_id,
        document_url,
        document_type: DocumentType::Passport.into(),
    };
    let url = |upload: &crate::testing::Uploaded| upload.document_url.clone();
    let (known, unknown) = (verification_id.to_string(), clock::new_uuid().to_string());
    for (request, expected) in [
        (request("one".to_owned(), url(&own)), "INVALID_REQUEST"),
        (
            request(known.clone(), "file:///etc/passwd".to_owned()),
            "INVALID_REQUEST",
        ),
        (request(unknown, url(&own)), "VERIFICATION_NOT_FOUND"),
        (
            request(known.clone(), url(&own).replace("/store/", "/other/")),
            "DOCUMENT_NOT_FOUND",
        ),
        (request(known.clone(), url(&foreign)), "DOCUMENT_OF_ANOTHER_MEMBER"),
        (
            request(known.clone(), url(&foreign).replace("/43/", "/42/")),
            "DOCUMENT_NOT_FOUND",
        ),
        (request(known.clone(), url(&erased)), "DOCUMENT_ERASED"),
        // The workflow of the first submission is over.
        (request(known, url(&own)), "DOCUMENT_NOT_AWAITED"),
    ] {
        assert_eq!(reason(client.submit_document(request).await).as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn blocking_unblocking_and_erasing_twice_is_fine_and_unknown_documents_are_not_found() {
    let world = World::new().await;
    let (_server, mut client) = served(&world).await;
    let request_id = clock::new_uuid().to_string();
    let block = BlockDocumentRequest {
        request_id: request_id.clone(),
        document_type: DocumentType::Passport.into(),
        issuing_state: "UTO".to_owned(),
        document_number: "L898902C3".to_owned(),
        reason_code: "REPORTED_STOLEN".to_owned(),
    };
    let unblock = UnblockDocumentRequest {
        request_id: clock::new_uuid().to_string(),
        document_type: DocumentType::Passport.into(),
        issuing_state: "uto".to_owned(),
        document_number: "L-898902 C3".to_owned(),
    };
    let blocked = async || {
        let count = sqlx::query_scalar::<_, i64>("SELECT count(DISTINCT block_id) FROM blocked_documents");
        count.fetch_one(&world.pool).await.expect("counted")
    };
    for _ in 0..2 {
        client.block_document(block.clone()).await.expect("blocked");
        assert_eq!(blocked().await, 1);
    }
    for _ in 0..2 {
        client.unblock_document(unblock.clone()).await.expect("unblocked");
        assert_eq!(blocked().await, 0);
    }
    let block_again = BlockDocumentRequest {
        request_id: clock::new_uuid().to_string(),
        ..block
    };
    client.block_document(block_again).await.expect("blocked");
    client
        .unblock_document(unblock)
        .await
        .expect("answered as the first time");
    assert_eq!(blocked().await, 1, "a late retry does not undo a later block");

    let erase = |document_id: String| EraseDocumentRequest {
        request_id: clock::new_uuid().to_string(),
        document_id,
    };
    let document = world.uploaded_by(MEMBER).await.document_id.to_string();
    let first = client
        .erase_document(erase(document.clone()))
        .await
        .expect("erased")
        .into_inner();
    let again = client
        .erase_document(erase(document))
        .await
        .expect("erased")
        .into_inner();
    assert_eq!(first, again);
    let unknown = client.erase_document(erase(request_id.clone())).await;
    assert_eq!(reason(unknown).as_deref(), Some("DOCUMENT_NOT_FOUND"));
}
