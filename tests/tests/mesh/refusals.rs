//! Bad input gets the right code, reason and path, and changes nothing.

use crate::support::*;
use mesh_proto::document::v1::upload_document_request::{Header, Page, Part};
use mesh_proto::document::v1::{DocumentType, GetDocumentVerificationRequest};
use mesh_proto::orchestrator::v1 as proto;
use mesh_proto::reputation::v1::GetReputationRequest;
use tonic::{Code, Status};

fn told<T: std::fmt::Debug>(answer: Result<T, Status>) -> Refusal {
    refusal(&answer.expect_err("must be refused"))
}

fn not_found(reason: &str) -> Refusal {
    Refusal {
        code: Code::NotFound,
        reason: reason.to_owned(),
        path: String::new(),
        retry: false,
    }
}

#[tokio::test]
async fn a_start_is_refused_with_the_field_that_is_wrong() {
    let caller = Caller::of(shared_mesh().await);
    let (mine, theirs) = (passport(20), passport(21));
    let member_id = caller.register(mine.truth()).await;
    let document_url = caller.upload(member_id, &[picture(&mine)]).await.document_url;
    let foreign_url = caller
        .upload(caller.register(theirs.truth()).await, &[picture(&theirs)])
        .await
        .document_url;
    let good = || by_document(member_id, document_url.clone());
    let with_document = |change: &dyn Fn(&mut proto::DocumentMethod)| {
        let mut request = good();
        if let Some(proto::method_request::Method::Document(document)) = &mut request.methods[0].method {
            change(document);
        }
        request
    };

    let unknown_member = by_document(9_000_000, document_url.replace(&format!("/{member_id}/"), "/9000000/"));
    assert_eq!(told(caller.start(unknown_member).await), not_found("MEMBER_NOT_FOUND"));
    let negative = proto::StartVerificationRequest {
        target_score: Some(-1),
        ..good()
    };
    assert_eq!(
        told(caller.start(negative).await),
        bad_field("INVALID_REQUEST", "target_score")
    );
    let unknown_type = with_document(&|document| document.document_type = 77);
    let path = "methods[0].document.document_type";
    assert_eq!(
        told(caller.start(unknown_type).await),
        bad_field("INVALID_REQUEST", path)
    );
    let path = "methods[0].document.document_url";
    let foreign = told(
        caller
            .start(with_document(&|document| document.document_url = foreign_url.clone()))
            .await,
    );
    let reason = "DOCUMENT_OF_ANOTHER_MEMBER".to_owned();
    assert_eq!(
        foreign,
        Refusal {
            code: Code::PermissionDenied,
            reason,
            path: path.to_owned(),
            retry: false
        }
    );
    let outside = with_document(&|document| document.document_url = "file:///etc/../etc/passwd".to_owned());
    assert_eq!(told(caller.start(outside).await), bad_field("INVALID_REQUEST", path));
}

#[tokio::test]
async fn an_upload_is_refused_with_the_part_that_is_wrong() {
    let caller = Caller::of(shared_mesh().await);
    let small = specimen::to_png(&specimen::letter_page(1));
    let page = |bytes: &[u8]| upload_parts(1, &[bytes.to_vec()]);

    let empty = told(caller.try_upload(page(&[])).await);
    assert_eq!(
        (empty.code, empty.reason.as_str()),
        (Code::InvalidArgument, "DOCUMENT_EMPTY")
    );
    let no_page = told(caller.try_upload(upload_parts(1, &[])).await);
    assert_eq!(
        (no_page.code, no_page.reason.as_str()),
        (Code::InvalidArgument, "DOCUMENT_EMPTY")
    );
    let too_large = told(caller.try_upload(page(&vec![0x89; 21 * 1024 * 1024])).await);
    assert_eq!(too_large, bad_field("DOCUMENT_TOO_LARGE", "chunk"));
    let text = told(caller.try_upload(page(b"certainly not a picture")).await);
    assert_eq!(
        (text.code, text.reason.as_str()),
        (Code::InvalidArgument, "DOCUMENT_NOT_A_PICTURE")
    );
    assert!(text.path.starts_with("pages["), "{}", text.path);
    let pages = vec![specimen::to_png(&image::RgbImage::new(64, 64)); 51];
    let too_many = told(caller.try_upload(upload_parts(1, &pages)).await);
    assert_eq!(
        (too_many.code, too_many.reason.as_str()),
        (Code::InvalidArgument, "DOCUMENT_TOO_MANY_PAGES")
    );

    let header = |change: fn(&mut Header)| {
        let mut header = Header {
            request_id: new_request_id(),
            member_id: 1,
            document_type: DocumentType::Passport.into(),
        };
        change(&mut header);
        vec![Part::Header(header), Part::Page(Page {}), Part::Chunk(small.clone())]
    };
    let unknown_type = told(caller.try_upload(header(|header| header.document_type = 77)).await);
    assert_eq!(unknown_type, bad_field("INVALID_REQUEST", "header.document_type"));
    let nobody = told(caller.try_upload(header(|header| header.member_id = -5)).await);
    assert_eq!(nobody, bad_field("INVALID_REQUEST", "header.member_id"));
    let unnamed = told(caller.try_upload(header(|header| header.request_id.clear())).await);
    assert_eq!(unnamed, bad_field("INVALID_REQUEST", "header.request_id"));
}

#[tokio::test]
async fn what_nobody_knows_is_not_found() {
    let caller = Caller::of(shared_mesh().await);
    let nobody = "018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d".to_owned();
    let request = proto::GetVerificationRequest {
        verification_id: nobody.clone(),
    };
    assert_eq!(
        told(caller.verifications.clone().get_verification(request).await),
        not_found("VERIFICATION_NOT_FOUND")
    );
    let request = proto::WatchVerificationRequest {
        verification_id: nobody.clone(),
    };
    let watched = caller
        .verifications
        .clone()
        .watch_verification(request)
        .await
        .map(|_stream| ());
    assert_eq!(told(watched), not_found("VERIFICATION_NOT_FOUND"));
    let request = proto::CancelVerificationRequest {
        request_id: new_request_id(),
        verification_id: nobody.clone(),
    };
    let cancelled = caller.verifications.clone().cancel_verification(request).await;
    assert_eq!(told(cancelled), not_found("VERIFICATION_NOT_FOUND"));
    let request = GetDocumentVerificationRequest {
        document_id: nobody,
        verification_id: String::new(),
    };
    let document = caller.documents.clone().get_document_verification(request).await;
    assert_eq!(told(document), not_found("DOCUMENT_NOT_FOUND"));
    let request = proto::GetMemberRequest { member_id: 9_000_001 };
    assert_eq!(
        told(caller.members.clone().get_member(request).await),
        not_found("MEMBER_NOT_FOUND")
    );
    let request = GetReputationRequest::default();
    let reputation = caller.reputations.clone().get_reputation(request).await;
    assert_eq!(told(reputation), bad_field("INVALID_REQUEST", "member_id"));
}

#[tokio::test]
async fn an_ended_verification_cannot_be_cancelled() {
    let caller = Caller::of(shared_mesh().await);
    let passport = specimen_options(22).expired().build();
    let (_, verification_id) = caller.start_with(passport.truth(), &[picture(&passport)]).await;
    caller.end_of(&verification_id).await;
    let request = proto::CancelVerificationRequest {
        request_id: new_request_id(),
        verification_id,
    };
    let refused = told(caller.verifications.clone().cancel_verification(request).await);
    assert_eq!(
        (refused.code, refused.reason.as_str()),
        (Code::FailedPrecondition, "VERIFICATION_ENDED")
    );
}
