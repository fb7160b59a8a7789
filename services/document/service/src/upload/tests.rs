use super::*;
use crate::testing::{opener, png};
use mesh_proto::document::v1::DocumentType;
use mesh_proto::document::v1::upload_document_request::Page;

const REQUEST_ID: &str = "018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d";

fn good_header() -> Header {
    Header {
        request_id: REQUEST_ID.to_owned(),
        member_id: 42,
        document_type: DocumentType::Passport.into(),
    }
}

fn header() -> Part {
    Part::Header(good_header())
}

fn page() -> Part {
    Part::Page(Page {})
}

fn chunk(bytes: impl Into<Vec<u8>>) -> Part {
    Part::Chunk(bytes.into())
}

async fn receive(parts: impl IntoIterator<Item = Part>) -> Result<Upload, Problem> {
    let messages = parts
        .into_iter()
        .map(|part| Ok(UploadDocumentRequest { part: Some(part) }));
    Upload::receive(
        futures::stream::iter(messages),
        |_| Ok(()),
        &opener(),
        &UploadLimits::new(1),
    )
    .await
}

/// A PNG whose header says 10,000 × 10,000 pixels, with the check sum that fits.
fn huge() -> Vec<u8> {
    let mut bytes = png(0);
    bytes[16..24].copy_from_slice(&[0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10]);
    let mut crc = u32::MAX;
    for byte in &bytes[12..29] {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
    }
    bytes[29..33].copy_from_slice(&(!crc).to_be_bytes());
    bytes
}

#[tokio::test]
async fn pages_come_together_from_their_chunks() {
    let (first, second) = (png(1), png(2));
    let (head, tail) = first.split_at(7);
    let upload = receive([
        header(),
        page(),
        chunk(head),
        chunk([]),
        chunk(tail),
        page(),
        chunk(second.clone()),
    ])
    .await
    .expect("a good upload");
    let pictures: Vec<&[u8]> = upload.files.iter().map(|file| file.bytes.as_ref()).collect();
    assert_eq!(pictures, [first.as_slice(), second.as_slice()]);
    assert_eq!(
        (upload.request_id.to_string().as_str(), upload.member_id.get()),
        (REQUEST_ID, 42)
    );
    assert_eq!(upload.sha256[..], Sha256::digest([first, second].concat())[..]);
}

#[tokio::test]
async fn the_table_of_refusals() {
    use Reason::{
        DocumentDamaged, DocumentEmpty, DocumentNotAPicture, DocumentTooManyPages, DocumentTooManyPixels,
        InvalidRequest,
    };
    let with = |change: fn(&mut Header)| {
        let mut header = good_header();
        change(&mut header);
        vec![Part::Header(header), page(), chunk(png(0))]
    };
    let too_many = std::iter::once(header())
        .chain((0..51).flat_map(|_| [page(), chunk(png(0))]))
        .collect();
    let truncated = png(0)[..20].to_vec();
    let table: [(Vec<Part>, Reason, &str); 17] = [
        (vec![], InvalidRequest, "header"),
        (vec![page()], InvalidRequest, "page"),
        (vec![chunk(png(0))], InvalidRequest, "chunk"),
        (
            with(|header| header.request_id.clear()),
            InvalidRequest,
            "header.request_id",
        ),
        (
            with(|header| header.request_id = "1; DROP TABLE".to_owned()),
            InvalidRequest,
            "header.request_id",
        ),
        (with(|header| header.member_id = 0), InvalidRequest, "header.member_id"),
        (
            with(|header| header.document_type = 0),
            InvalidRequest,
            "header.document_type",
        ),
        (
            with(|header| header.document_type = 99),
            InvalidRequest,
            "header.document_type",
        ),
        (
            vec![header(), page(), chunk(png(0)), header()],
            InvalidRequest,
            "header",
        ),
        (vec![header(), chunk(png(0))], InvalidRequest, "chunk"),
        (
            vec![header(), page(), chunk(vec![0; MAX_CHUNK_BYTES + 1])],
            InvalidRequest,
            "chunk",
        ),
        (vec![header()], DocumentEmpty, "page"),
        (vec![header(), page(), page(), chunk(png(0))], DocumentEmpty, "chunk"),
        (too_many, DocumentTooManyPages, "page"),
        (
            vec![
                header(),
                page(),
                chunk(png(0)),
                page(),
                chunk(png(0)),
                page(),
                chunk("GIF89a"),
            ],
            DocumentNotAPicture,
            "pages[2]",
        ),
        (vec![header(), page(), chunk(truncated)], DocumentDamaged, "pages[0]"),
        (vec![header(), page(), chunk(huge())], DocumentTooManyPixels, "pages[0]"),
    ];
    for (index, (parts, reason, path)) in table.into_iter().enumerate() {
        let problem = receive(parts).await.expect_err("must be refused");
        let paths: Vec<&str> = problem.violations().iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!((problem.reason(), paths), (reason, vec![path]), "row {index}");
    }
}

#[tokio::test]
async fn the_first_byte_over_the_limit_is_refused_and_nothing_after_it_is_taken() {
    let mut taken = 0;
    let full = (0..20).map(|_| chunk(vec![0; MAX_CHUNK_BYTES]));
    let parts = [header(), page()]
        .into_iter()
        .chain(full)
        .chain([chunk([0]), chunk([0])])
        .inspect(|_| taken += 1);
    let problem = receive(parts).await.expect_err("must be refused");
    assert_eq!(problem.reason(), Reason::DocumentTooLarge);
    assert_eq!(problem.violations()[0].0, "chunk");
    assert_eq!(taken, 23);
}

#[tokio::test]
async fn a_stream_that_breaks_off_stores_nothing() {
    let messages = [
        Ok(UploadDocumentRequest { part: Some(header()) }),
        Ok(UploadDocumentRequest { part: Some(page()) }),
        Err(tonic::Status::cancelled("the client went away")),
    ];
    let problem = Upload::receive(
        futures::stream::iter(messages),
        |_| Ok(()),
        &opener(),
        &UploadLimits::new(1),
    )
    .await
    .expect_err("must be refused");
    assert_eq!(problem.reason(), Reason::Cancelled);

    let unknown = futures::stream::iter([Ok(UploadDocumentRequest { part: None })]);
    let problem = Upload::receive(unknown, |_| Ok(()), &opener(), &UploadLimits::new(1))
        .await
        .expect_err("must be refused");
    assert_eq!(
        (problem.reason(), problem.violations()[0].0.as_str()),
        (Reason::InvalidRequest, "part")
    );
}

#[tokio::test]
async fn each_file_that_could_do_harm_is_refused_by_its_kind() {
    use Reason::{DocumentDamaged, DocumentEncrypted, DocumentExpandsTooMuch, DocumentTooManyPages};
    for (file, reason) in [
        (specimen::hostile::encrypted_pdf(), DocumentEncrypted),
        (specimen::hostile::zip_bomb_pdf_content(), DocumentExpandsTooMuch),
        (specimen::hostile::million_pages_pdf(), DocumentTooManyPages),
        (specimen::hostile::cyclic_page_tree_pdf(), DocumentDamaged),
    ] {
        let chunks = file.chunks(MAX_CHUNK_BYTES).map(chunk);
        let parts = [header(), page(), chunk(png(0)), page()].into_iter().chain(chunks);
        let problem = receive(parts).await;
        let problem = problem.expect_err("must be refused");
        let paths: Vec<&str> = problem.violations().iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!((problem.reason(), paths), (reason, vec!["pages[1]"]));
    }
}

#[tokio::test]
async fn the_pages_of_all_files_count_together() {
    let pages = vec![image::RgbImage::from_pixel(40, 30, image::Rgb([200; 3])); 25];
    let pdf = specimen::to_pdf(&pages, 50);
    let twice = || [header(), page(), chunk(pdf.clone()), page(), chunk(pdf.clone())];
    let upload = receive(twice()).await.expect("50 pages");
    let counts: Vec<(u32, &str)> = upload
        .files
        .iter()
        .map(|file| (file.page_count, file.media_type))
        .collect();
    assert_eq!(counts, [(25, "application/pdf"); 2]);
    let problem = receive(twice().into_iter().chain([page(), chunk(png(0))])).await;
    assert_eq!(problem.expect_err("51 pages").reason(), Reason::DocumentTooManyPages);
    let problem = receive([
        header(),
        page(),
        chunk(png(0)),
        page(),
        chunk(pdf.clone()),
        page(),
        chunk(pdf.clone()),
    ])
    .await;
    let problem = problem.expect_err("51 pages");
    assert_eq!(
        (problem.reason(), problem.violations()[0].0.as_str()),
        (Reason::DocumentTooManyPages, "pages[2]")
    );
}

#[tokio::test]
async fn a_client_that_falls_silent_is_told_and_keeps_nobody_out() {
    let mut places = UploadLimits::new(1);
    places.idle_timeout = Duration::from_millis(20);
    let silent = |parts: Vec<Part>| {
        let messages = parts
            .into_iter()
            .map(|part| Ok(UploadDocumentRequest { part: Some(part) }));
        Box::pin(futures::stream::iter(messages).chain(futures::stream::pending()))
    };
    let opener = opener();
    let idle = Upload::receive(
        silent(vec![header(), page(), chunk(vec![0; 1000])]),
        |_| Ok(()),
        &opener,
        &places,
    );
    tokio::pin!(idle);
    assert!(futures::poll!(&mut idle).is_pending());
    let honest = places.take(MemberId::try_from(7).expect("positive")).await;
    honest.expect("who has brought little has no place");
    assert_eq!(idle.await.expect_err("silent").reason(), Reason::DeadlineExceeded);
}
