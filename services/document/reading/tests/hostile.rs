//! Files made to harm: each is refused for what it is, soon, and with little memory of our own.

use bytes::Bytes;
use document_reading::{Fault, Files, FilesConfig, ReadError};
use specimen::{Passport, blank_page, hostile, to_jpeg, to_pdf, to_png};
use std::{
    fs,
    io::Cursor,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

/// What a case may take (the figures).
const MOST_TIME: Duration = Duration::from_secs(2);
const MOST_MEMORY_KIB: u64 = 10 << 10;

/// Names the file that the process in the process is to look at.
const CASE: &str = "HOSTILE_CASE";

fn files() -> Files {
    Files::new(FilesConfig::default()).expect("poppler is there, and a kernel that can fence it in")
}

fn name(error: &ReadError) -> &'static str {
    match error {
        ReadError::NotAPicture => "NotAPicture",
        ReadError::TooManyPixels { .. } => "TooManyPixels",
        ReadError::TooManyPages { .. } => "TooManyPages",
        ReadError::Damaged => "Damaged",
        ReadError::Cyclic => "Cyclic",
        ReadError::ExpandsTooMuch => "ExpandsTooMuch",
        ReadError::Encrypted => "Encrypted",
        ReadError::Unsupported => "Unsupported",
        ReadError::TooCostly { .. } => "TooCostly",
        _ => "another",
    }
}

fn written(format: image::ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = image::DynamicImage::from(Passport::from_seed(3).draw());
    picture.write_to(&mut bytes, format).expect("can be written");
    bytes.into_inner()
}

fn cases() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let page = Passport::from_seed(3).draw();
    let mut cases = vec![
        (
            "a PNG header of 50,000 x 50,000",
            hostile::huge_png_header(),
            "TooManyPixels",
        ),
        (
            "a zip bomb as content of a PDF",
            hostile::zip_bomb_pdf_content(),
            "ExpandsTooMuch",
        ),
        (
            "a zip bomb as object stream",
            hostile::zip_bomb_pdf_object_stream(),
            "ExpandsTooMuch",
        ),
        (
            "a zip bomb in a zip bomb",
            hostile::zip_bomb_pdf_twice_packed(),
            "ExpandsTooMuch",
        ),
        ("a PDF of a million pages", hostile::million_pages_pdf(), "TooManyPages"),
        (
            "a PDF that says it has a million",
            hostile::page_count_lie_pdf(),
            "Damaged",
        ),
        (
            "a PDF whose page tree is a circle",
            hostile::cyclic_page_tree_pdf(),
            "Damaged",
        ),
        ("an encrypted PDF", hostile::encrypted_pdf(), "Encrypted"),
        ("a TIFF whose pages are a circle", hostile::looping_tiff(), "Cyclic"),
        ("a TIFF of 51 pages", hostile::many_page_tiff(51), "TooManyPages"),
        ("a file of another kind", b"GIF89a".to_vec(), "NotAPicture"),
        ("an empty file", Vec::new(), "NotAPicture"),
    ];
    for (what, whole) in [
        ("PNG", to_png(&page)),
        ("JPEG", to_jpeg(&page, 80)),
        ("TIFF", written(image::ImageFormat::Tiff)),
        ("WebP", written(image::ImageFormat::WebP)),
        ("PDF", to_pdf(&[page], 80)),
    ] {
        cases.push((what, hostile::cut_short(&whole, 99), "Damaged"));
        cases.push((what, hostile::cut_short(&whole, 50), "Damaged"));
    }
    cases
}

#[test]
fn a_hostile_file_is_refused_soon_and_with_little_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    for (index, (what, bytes, expected)) in cases().into_iter().enumerate() {
        let path = folder.path().join(index.to_string());
        fs::write(&path, &bytes).expect("written");
        // In a process of its own, whose peak of memory is no other's.
        let child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "the_process_in_the_process", "--ignored", "--nocapture"])
            .env(CASE, &path)
            .output()
            .expect("runs");
        let said = String::from_utf8_lossy(&child.stdout);
        let line = said.lines().find_map(|line| line.split_once("outcome: "));
        let (_, line) = line.unwrap_or_else(|| panic!("{what}: {said} {}", String::from_utf8_lossy(&child.stderr)));
        let words: Vec<&str> = line.split(' ').collect();
        let (milliseconds, kib): (u64, u64) = (words[1].parse().expect("ms"), words[2].parse().expect("KiB"));
        println!(
            "{what} ({} bytes): {} in {milliseconds} ms, {kib} KiB",
            bytes.len(),
            words[0]
        );
        assert_eq!(words[0], expected, "{what}");
        assert!(
            Duration::from_millis(milliseconds) < MOST_TIME,
            "{what}: {milliseconds} ms"
        );
        assert!(kib < MOST_MEMORY_KIB, "{what}: {kib} KiB");
    }
}

#[tokio::test]
#[ignore = "run by the test of hostile files, in a process of its own"]
async fn the_process_in_the_process() {
    let file = Bytes::from(fs::read(std::env::var_os(CASE).expect("a case")).expect("a file"));
    let files = files();
    let small = Bytes::from(to_png(&blank_page()));
    files.inspect(&small).await.expect("what is needed once is there");
    // The peak of memory is set back to what is in use now.
    fs::write("/proc/self/clear_refs", "5").expect("the kernel forgets the peak");
    let before = kib("VmHWM:");
    let started = Instant::now();
    let inspected = files.inspect(&file).await;
    let elapsed = started.elapsed();
    let opened = async { files.open(&file).await?.picture(1).await?.decode() }.await;
    let outcome = match (inspected, opened) {
        (Err(error), Err(_)) => {
            assert_eq!(error.fault(), Fault::Picture);
            name(&error)
        }
        (Err(_), Ok(_)) => "opened-though-refused",
        (Ok(_), _) => "accepted",
    };
    println!("outcome: {outcome} {} {}", elapsed.as_millis(), kib("VmHWM:") - before);
}

fn kib(key: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("this process");
    let line = status.lines().find(|line| line.starts_with(key)).expect("a line");
    line.split_whitespace()
        .nth(1)
        .and_then(|value| value.parse().ok())
        .expect("a number")
}

#[tokio::test]
async fn what_is_large_but_honest_is_read() {
    let files = files();
    let page = Bytes::from(hostile::huge_page_pdf());
    let facts = files.inspect(&page).await.expect("a page of 200 inches");
    assert!(facts.largest_page_pixels <= document_reading::MAX_PIXELS);
    let opened = files.open(&page).await.expect("opened");
    let picture = opened
        .picture(1)
        .await
        .expect("drawn smaller")
        .decode()
        .expect("decoded");
    let pixels = u64::from(picture.width()) * u64::from(picture.height());
    assert!(
        (45_000_000..=document_reading::MAX_PIXELS).contains(&pixels),
        "{pixels}"
    );

    let pages = Bytes::from(hostile::many_page_tiff(50));
    assert_eq!(files.inspect(&pages).await.expect("50 pages").pages, 50);
    let opened = files.open(&pages).await.expect("opened");
    let last = opened.picture(50).await.expect("the last");
    assert_eq!(last.decode().expect("decoded").get_pixel(0, 0).0, [0x80]);
    for none in [0, 51] {
        let error = opened.picture(none).await.expect_err("no such page");
        assert!(matches!(error, ReadError::NoSuchPage { page } if page == none));
    }
}

#[test]
fn a_missing_program_is_named_with_its_package() {
    let error = Files::new(FilesConfig {
        pdfinfo: Path::new("no-such-program").into(),
        ..FilesConfig::default()
    });
    let message = error.expect_err("no program").to_string();
    assert!(message.contains("apt-get install poppler-utils"), "{message}");
}
