//! Files and URLs made to harm: each is refused for what it is, soon, with little memory, and harms nobody else.

use super::support::told;
use crate::support::*;
use mesh_proto::orchestrator::v1::VerificationStatus;
use mesh_testkit::Mesh;
use specimen::hostile;
use std::time::{Duration, Instant};
use tonic::Code;

/// What a hostile file may take (the figures).
const MOST_TIME: Duration = Duration::from_secs(2);
const MOST_MEMORY_KIB: u64 = 10 * 1024;

/// The peak of a process's resident memory in KiB since it was last set back.
fn peak_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .expect("the kernel tells the peak")
}

fn set_peak_back(pid: u32) {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").expect("the kernel forgets the peak");
}

fn files() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let page = passport(140).draw();
    let mut files = vec![
        (
            "a PNG header of 50,000 x 50,000",
            hostile::huge_png_header(),
            "DOCUMENT_TOO_MANY_PIXELS",
        ),
        (
            "a zip bomb as content of a PDF",
            hostile::zip_bomb_pdf_content(),
            "DOCUMENT_EXPANDS_TOO_MUCH",
        ),
        (
            "a zip bomb as an object stream",
            hostile::zip_bomb_pdf_object_stream(),
            "DOCUMENT_EXPANDS_TOO_MUCH",
        ),
        (
            "a PDF of a million pages",
            hostile::million_pages_pdf(),
            "DOCUMENT_TOO_MANY_PAGES",
        ),
        (
            "a PDF that says it has a million",
            hostile::page_count_lie_pdf(),
            "DOCUMENT_DAMAGED",
        ),
        (
            "a PDF whose page tree is a circle",
            hostile::cyclic_page_tree_pdf(),
            "DOCUMENT_DAMAGED",
        ),
        ("an encrypted PDF", hostile::encrypted_pdf(), "DOCUMENT_ENCRYPTED"),
        (
            "a TIFF whose pages are a circle",
            hostile::looping_tiff(),
            "DOCUMENT_DAMAGED",
        ),
        (
            "a TIFF of 51 pages",
            hostile::many_page_tiff(51),
            "DOCUMENT_TOO_MANY_PAGES",
        ),
        (
            "shell commands in place of a picture (an upload has no file name)",
            b"$(touch /tmp/x); `id` | sh".to_vec(),
            "DOCUMENT_NOT_A_PICTURE",
        ),
    ];
    for (what, whole) in [
        ("half a PNG", specimen::to_png(&page)),
        ("half a JPEG", specimen::to_jpeg(&page, 80)),
        ("half a PDF", specimen::to_pdf(&[page], 80)),
    ] {
        files.push((what, hostile::cut_short(&whole, 50), "DOCUMENT_DAMAGED"));
    }
    files
}

#[tokio::test]
async fn a_hostile_file_is_refused_and_harms_nobody() {
    let mesh = Mesh::start().await.expect("the mesh starts");
    let caller = Caller::of(&mesh);
    let unharmed = passport(141);
    let member_id = caller.register(unharmed.truth()).await;
    // Whatever is loaded once is there, so that only the file's own memory is seen.
    caller.upload(member_id, &[picture(&unharmed)]).await;
    let pid = mesh.document.pid().await.expect("it runs");

    for (what, file, reason) in files() {
        set_peak_back(pid);
        let before = peak_memory(pid);
        let size = file.len() as u64;
        let begun = Instant::now();
        let upload = caller.try_upload(upload_parts(member_id, &[file])).await;
        let took = begun.elapsed();
        let status = upload.expect_err(what);
        let refused = refusal(&status);
        // The file itself is held while it comes in, and at most twice: by the stream and by the page.
        let grown = (peak_memory(pid) - before).saturating_sub(2 * size / 1024);
        println!(
            "{what}: {} in {} ms, {grown} KiB beside its own {}",
            refused.reason,
            took.as_millis(),
            size / 1024
        );
        assert_eq!(
            (refused.code, refused.reason.as_str()),
            (Code::InvalidArgument, reason),
            "{what}: {}",
            status.message()
        );
        assert_eq!(refused.path, "pages[0]", "{what}");
        assert!(took < MOST_TIME, "{what}: {took:?}");
        assert!(grown < MOST_MEMORY_KIB, "{what}: {grown} KiB");
    }

    let (_, verification_id) = caller.start_with(unharmed.truth(), &[picture(&unharmed)]).await;
    let running = caller.end_of(&verification_id);
    let attacks = async {
        for (what, file, _) in files() {
            caller
                .try_upload(upload_parts(member_id, &[file]))
                .await
                .expect_err(what);
        }
    };
    let (end, ()) = tokio::join!(running, attacks);
    assert_eq!(end.status(), VerificationStatus::Completed);
    assert_eq!(mesh.document.pid().await.expect("it runs still"), pid);
}

#[tokio::test]
async fn a_url_that_upload_did_not_give_is_refused() {
    let caller = Caller::of(shared_mesh().await);
    let (mine, theirs) = (passport(142), passport(143));
    let member_id = caller.register(mine.truth()).await;
    let own = caller.upload(member_id, &[picture(&mine)]).await;
    let foreign = caller
        .upload(caller.register(theirs.truth()).await, &[picture(&theirs)])
        .await;
    let invalid = (Code::InvalidArgument, "INVALID_REQUEST".to_owned());
    let table = [
        (
            format!("s3://bucket/members/{member_id}/../1/documents/{}", own.document_id),
            invalid.clone(),
        ),
        (
            format!(
                "http://169.254.169.254/members/{member_id}/documents/{}",
                own.document_id
            ),
            invalid.clone(),
        ),
        (
            format!("file:///tmp/$(id)/members/{member_id}/documents/{}", own.document_id),
            invalid,
        ),
        (
            foreign.document_url.clone(),
            (Code::PermissionDenied, "DOCUMENT_OF_ANOTHER_MEMBER".to_owned()),
        ),
    ];
    for (url, refused) in table {
        let begun = Instant::now();
        assert_eq!(
            told(caller.start(by_document(member_id, url.clone())).await),
            refused,
            "{url}"
        );
        assert!(begun.elapsed() < MOST_TIME, "{url}");
    }
    // Another bucket and an address as a bucket have the right form: the document service finds no such document.
    // So has a URL made up of one's own number and another's document, which is answered as one that is nobody's.
    let own_store = own.document_url.split("/members/").next().expect("a store");
    let nobodys = new_request_id();
    for (store, document_id) in [
        ("s3://another-bucket", &own.document_id),
        ("s3://169.254.169.254", &own.document_id),
        (own_store, &nobodys),
        (own_store, &foreign.document_id),
    ] {
        let url = format!("{store}/members/{member_id}/documents/{document_id}");
        let started = caller
            .start(by_document(member_id, url.clone()))
            .await
            .expect("the form is right");
        let end = caller.end_of(&started.verification_id).await;
        assert_eq!(
            (end.status(), end.methods[0].internal_reason.as_str()),
            (VerificationStatus::Failed, "DOCUMENT_NOT_FOUND"),
            "{url}"
        );
    }
}
