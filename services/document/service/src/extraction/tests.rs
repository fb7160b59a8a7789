use super::*;
use crate::config::default_model_dir;
use crate::testing::{ANOTHER_MEMBER, MEMBER, STAFF, Uploaded, World, member, new_verification, png, run};
use document_reading::{Limits, ReaderConfig};
use specimen::{Passport, to_png};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

fn extractor(world: &World, config: ReaderConfig) -> Extractor {
    let reader = Reader::new(config).expect("tesseract and its models");
    Extractor::new(world.vault.clone(), reader, Arc::new(Semaphore::new(2)))
}

fn config() -> ReaderConfig {
    ReaderConfig::with_model_dir(default_model_dir())
}

fn request(document: &Uploaded) -> ExtractionRequest {
    ExtractionRequest {
        verification_id: new_verification(),
        member_id: member(MEMBER),
        document_url: document.document_url.clone(),
        submission: 1,
    }
}

/// A picture by its header, without the pixels.
fn damaged() -> Vec<u8> {
    let whole = to_png(&Passport::from_seed(1).draw());
    whole[..200].to_vec()
}

#[tokio::test]
async fn run_twice_it_reads_each_page_once_and_says_the_same() {
    let world = World::new().await;
    let document = world
        .uploaded(&[png(200), to_png(&Passport::from_seed(7).draw()), damaged()])
        .await;
    let extractor = extractor(&world, config());
    let request = request(&document);
    let (progress, reached) = watch::channel(ExtractionProgress::default());
    let first = extractor.extract(&request, run(), &progress).await.expect("extracted");
    assert_eq!((first.page_count, first.mrz_pages), (3, 1));
    assert_eq!(
        *reached.borrow(),
        ExtractionProgress {
            page: 3,
            total_pages: 3,
            progress_pct: 100
        }
    );

    let again = extractor
        .extract(&request, run(), &progress)
        .await
        .expect("extracted again");
    assert_eq!(first, again);
    assert_eq!(world.attempts(&document).await, [1, 1, 1]);
    let standing = world
        .store
        .find_document_status(document.document_id, None)
        .await
        .expect("asked")
        .expect("there");
    assert_eq!(
        (standing.pages_read, standing.verification_id),
        (3, Some(request.verification_id))
    );
}

#[tokio::test]
async fn what_is_dropped_on_the_way_goes_on_after_the_last_page() {
    let world = World::new().await;
    let document = world
        .uploaded(&[png(1), to_png(&Passport::from_seed(7).draw()), png(3)])
        .await;
    let extractor = extractor(&world, config());
    let request = request(&document);
    let (progress, mut reached) = watch::channel(ExtractionProgress::default());
    tokio::select! {
        _ = extractor.extract(&request, run(), &progress) => panic!("it was to be dropped before its end"),
        first_page = reached.wait_for(|reached| reached.page == 1) => drop(first_page.expect("the first page")),
    }
    extractor.extract(&request, run(), &progress).await.expect("extracted");
    let attempts = world.attempts(&document).await;
    assert_eq!((attempts[0], attempts[2]), (1, 1), "{attempts:?}");
    assert!(attempts[1] <= 2, "{attempts:?}");
}

#[tokio::test]
async fn only_the_members_own_document_of_this_store_is_read_and_anothers_is_as_good_as_missing() {
    let world = World::new().await;
    let document = world.uploaded(&[png(1)]).await;
    let extractor = extractor(&world, config());
    let own = request(&document);
    let url = |member_id, document_id| world.objects.url(member(member_id), document_id).to_string();
    let elsewhere = DocumentUrl::new("s3://bucket", member(MEMBER), document.document_id).to_string();
    let table = [
        ("file:///etc/passwd".to_owned(), MEMBER),
        (elsewhere, MEMBER),
        (url(MEMBER, clock::new_uuid().into()), MEMBER),
        (own.document_url.clone(), ANOTHER_MEMBER),
        // A URL made up from one's own number and another member's document.
        (url(ANOTHER_MEMBER, document.document_id), ANOTHER_MEMBER),
    ];
    let mut answers = Vec::new();
    for (document_url, member_id) in table {
        let request = ExtractionRequest {
            document_url,
            member_id: member(member_id),
            ..own.clone()
        };
        let refused = extractor
            .extract(&request, run(), &watch::Sender::default())
            .await
            .expect_err("refused");
        answers.push((refused.reason(), refused.message().to_owned()));
    }
    // Nobody learns whether another member's document is there.
    let missing = (Reason::DocumentNotFound, not_found().message().to_owned());
    assert_eq!(answers, vec![missing; answers.len()]);
    assert!(!Reason::DocumentNotFound.class().is_retryable());
    assert_eq!(world.attempts(&document).await, [0]);
}

#[tokio::test]
async fn a_picture_that_is_gone_is_not_looked_for_again() {
    let world = World::new().await;
    let document = world.uploaded(&[to_png(&Passport::from_seed(7).draw())]).await;
    let request = request(&document);
    world
        .objects
        .delete_file(member(MEMBER), document.document_id, 1)
        .await
        .expect("removed");
    let gone = extractor(&world, config())
        .extract(&request, run(), &watch::Sender::default())
        .await
        .expect_err("gone");
    assert_eq!(
        (gone.reason(), gone.reason().class().is_retryable()),
        (Reason::DocumentUnreadable, false)
    );
}

#[tokio::test]
async fn pages_on_which_the_engine_runs_into_its_limits_twice_are_unreadable_in_one_attempt() {
    let world = World::new().await;
    let page = to_png(&Passport::from_seed(7).draw());
    let document = world.uploaded(&[page.clone(), page.clone(), page]).await;
    let limits = Limits {
        wall_clock: Duration::from_millis(1),
        ..Limits::default()
    };
    let hurried = extractor(&world, ReaderConfig { limits, ..config() });
    let request = request(&document);
    let extraction = hurried.extract(&request, run(), &watch::Sender::default()).await;
    assert_eq!(extraction.expect("given up on").mrz_pages, 0);
    assert_eq!(
        world.vault.list_readings(document.document_id).await.expect("read"),
        [NOTHING_READ, NOTHING_READ, NOTHING_READ]
    );
}

/// A program in place of the one that reads pictures, which says this version and ends as soon as it may.
fn program_of_version(world: &World, version: impl Fn(&str) -> String) -> ReaderConfig {
    let mut config = config();
    let own = std::process::Command::new(&config.picture_program)
        .arg("--version")
        .output();
    let own = String::from_utf8(own.expect("it runs").stdout).expect("text");
    let (own, said) = (own.trim(), version(own.trim()));
    let script = format!(
        "#!/bin/bash\n[ \"$1\" = --version ] && echo '{own}' && exit\nprintf 'V\\x{:02x}\\0\\0\\0%s' '{said}'; exit 3\n",
        said.len()
    );
    config.picture_program = world.folder.path().join("document-picture");
    std::fs::write(&config.picture_program, script).expect("written");
    let program = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&config.picture_program, program).expect("made a program");
    config
}

#[tokio::test]
async fn a_page_on_which_the_program_breaks_off_is_unreadable_only_after_another_look() {
    let world = World::new().await;
    let document = world.uploaded(&[png(200)]).await;
    let breaking = extractor(&world, program_of_version(&world, str::to_owned));
    let extraction = breaking
        .extract(&request(&document), run(), &watch::Sender::default())
        .await;
    assert_eq!(extraction.expect("given up on").mrz_pages, 0);
    let limits = world.store.record_engine_limit(document.document_id, 1).await;
    assert_eq!(limits.expect("counted"), ENGINE_LIMITS + 1);
}

#[tokio::test]
async fn a_program_of_another_version_beside_the_service_is_an_outage_and_no_page_is_given_up() {
    let world = World::new().await;
    let document = world.uploaded(&[png(200)]).await;
    let replaced = extractor(&world, program_of_version(&world, |own| own.replace(' ', "-")));
    let extraction = replaced
        .extract(&request(&document), run(), &watch::Sender::default())
        .await;
    let problem = extraction.expect_err("it is another program");
    assert!(Reason::OUTAGES.contains(&problem.reason()), "{problem:?}");
    let readings = world.vault.list_readings(document.document_id).await;
    assert!(readings.expect("asked").is_empty());
}

#[tokio::test]
async fn a_picture_that_kills_its_readers_three_times_is_given_up_and_one_that_breaks_off_is_not() {
    let world = World::new().await;
    let page = to_png(&Passport::from_seed(7).draw());
    for dies in [true, false] {
        let document = world.uploaded(std::slice::from_ref(&page)).await;
        for number in 0..4 {
            // A process that dies says nothing; one that breaks off says so, and tries again as often as it likes.
            let process = clock::new_uuid();
            for _ in 0..2 {
                let begun = world.store.record_attempt(document.document_id, 1, process).await;
                assert_eq!(begun.expect("counted"), if dies { number.min(3) } else { 0 });
            }
            if !dies {
                let broke_off = world.store.record_break(document.document_id, process).await;
                broke_off.expect("recorded");
            }
        }
        let extractor = extractor(&world, config());
        let extraction = extractor
            .extract(&request(&document), run(), &watch::Sender::default())
            .await;
        assert_eq!(extraction.expect("it goes on").mrz_pages, u32::from(!dies));
    }
}

#[tokio::test]
async fn an_erased_document_is_not_read() {
    let world = World::new().await;
    let document = world.uploaded(&[png(1)]).await;
    world
        .vault
        .erase(document.document_id, &STAFF, clock::now())
        .await
        .expect("erased");
    let request = request(&document);
    let refused = extractor(&world, config())
        .extract(&request, run(), &watch::Sender::default())
        .await;
    let refused = refused.expect_err("erased").reason();
    assert_eq!(
        (refused, refused.class().is_retryable()),
        (Reason::DocumentErased, false)
    );
    assert_eq!(world.attempts(&document).await, [0]);
    let latest = world.store.find_latest_submission(request.verification_id).await;
    assert!(latest.expect("asked").is_some(), "the next document finds no workflow");
}

#[tokio::test]
async fn the_pages_of_one_file_are_read_each_for_itself() {
    let world = World::new().await;
    let pages = [
        image::RgbImage::from_pixel(40, 30, image::Rgb([200; 3])),
        Passport::from_seed(7).draw(),
    ];
    let pdf = specimen::to_pdf(&pages, 90);
    let facts = crate::testing::opener()
        .inspect(&pdf.clone().into())
        .await
        .expect("a PDF");
    let mut upload = crate::testing::upload(crate::testing::new_request(), MEMBER, std::slice::from_ref(&pdf));
    upload.files[0].media_type = facts.format.media_type();
    upload.files[0].page_count = facts.pages;
    let document = world.stored(upload).await;
    let pages = world.store.list_pages(document.document_id).await.expect("the pages");
    let places: Vec<_> = pages
        .iter()
        .map(|page| (page.number, page.file_number, page.page_in_file))
        .collect();
    assert_eq!(places, [(1, 1, 1), (2, 1, 2)]);
    assert_eq!(world.object_count(), 1);

    let extractor = extractor(&world, config());
    let request = request(&document);
    let extraction = extractor
        .extract(&request, run(), &watch::Sender::default())
        .await
        .expect("extracted");
    assert_eq!((extraction.page_count, extraction.mrz_pages), (2, 1));
}

#[tokio::test]
async fn a_pdf_is_inspected_once_for_all_pages_that_are_read() {
    let world = World::new().await;
    let page = image::RgbImage::from_pixel(40, 30, image::Rgb([200; 3]));
    let pdf = specimen::to_pdf(&[page.clone(), page.clone(), page.clone(), page], 90);
    let mut upload = crate::testing::upload(crate::testing::new_request(), MEMBER, std::slice::from_ref(&pdf));
    upload.files[0].media_type = "application/pdf";
    upload.files[0].page_count = 4;
    let document = world.stored(upload).await;
    let pdfinfo = world.folder.path().join("pdfinfo");
    std::os::unix::fs::symlink(mesh_testkit::tools::on_path("pdfinfo").expect("poppler"), &pdfinfo).expect("a link");
    let mut config = config();
    config.files.pdfinfo = pdfinfo.clone();
    let extractor = extractor(&world, config);
    let (progress, mut reached) = watch::channel(ExtractionProgress::default());
    let request = request(&document);
    let reading = extractor.extract(&request, run(), &progress);
    let unlinking = async {
        reached
            .wait_for(|reached| reached.page >= 1)
            .await
            .expect("a page is read");
        std::fs::remove_file(&pdfinfo).expect("the link goes");
    };
    // Whoever asked for the size of another page would find nobody to ask.
    let (extraction, ()) = tokio::join!(reading, unlinking);
    assert_eq!(extraction.expect("extracted").page_count, 4);
}
