use super::*;
use crate::testing::{MEMBER, World, new_verification, png};
use document_reading::PageReading;
use mesh_proto::document::v1::document_service_client::DocumentServiceClient;
use mesh_proto::document::v1::document_service_server::DocumentServiceServer;
use mesh_proto::document::v1::upload_document_request::{Header, Page, Part};
use mesh_runtime::clock;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Server};

const MESSAGE_LIMIT: usize = 4 << 20;

/// A server and a client that talk over a socket; both end with the first value.
async fn served(world: &World) -> (JoinSet<()>, DocumentServiceClient<Channel>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let api = Api::new(world.store.clone(), world.intake.clone());
    let service = DocumentServiceServer::new(api).max_decoding_message_size(MESSAGE_LIMIT);
    let mut server = JoinSet::new();
    server.spawn(async move {
        let incoming = TcpListenerStream::new(listener);
        Server::builder()
            .add_service(service)
            .serve_with_incoming(incoming)
            .await
            .expect("serves to the end");
    });
    (
        server,
        DocumentServiceClient::connect(format!("http://{address}"))
            .await
            .expect("connects"),
    )
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
    world
        .store
        .bind_verification(document_id, verification_id)
        .await
        .expect("bound");
    let reading = PageReading {
        width: 1,
        height: 1,
        mrz: None,
        visas: Vec::new(),
        printed: None,
    };
    world
        .store
        .insert_reading(document_id, 1, &reading, clock::now())
        .await
        .expect("kept");
    let request = GetDocumentVerificationRequest {
        document_id: first.document_id.clone(),
    };
    let answer = client
        .get_document_verification(request)
        .await
        .expect("answered")
        .into_inner();
    let expected = DocumentVerification {
        document_id: first.document_id,
        member_id: MEMBER,
        document_type: DocumentType::Passport.into(),
        page_count: 1,
        pages_read: 1,
        verification_id: verification_id.to_string(),
        ..DocumentVerification::default()
    };
    assert_eq!(answer.verification, Some(expected));
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
        let request = GetDocumentVerificationRequest { document_id };
        let refused = client.get_document_verification(request).await.expect_err("refused");
        assert_eq!(mesh_proto::reason(&refused).as_deref(), Some(reason.as_str()));
    }
}
