//! Real pictures, the real engine.

use document_policy::Profile;
use document_reading::{DocumentReading, Fault, ReadError, Reader, ReaderConfig, ReaderError, check};
use image::{Rgb, RgbImage, imageops};
use imageproc::geometric_transformations::{Border, Interpolation, rotate_about_center};
use jiff::civil::date;
use mesh_types::{CheckResult, DocumentKind};
use specimen::{Degradation, Passport, degrade, letter_page, to_jpeg, to_png};
use std::{path::absolute, time::Duration};

const TABLE: Rgb<u8> = Rgb([176, 172, 166]);

fn config() -> ReaderConfig {
    ReaderConfig::with_model_dir(absolute("model").expect("the package's folder"))
}

fn reader() -> Reader {
    Reader::new(config()).expect("tesseract, its English model and our own are there")
}

/// Whether the page is read as the passport's truth has it, line by line.
async fn reads_exactly(reader: &Reader, picture: &[u8], passport: &Passport) -> bool {
    let page = reader.read_page(picture).await.expect("the engine runs");
    page.mrz
        .is_some_and(|mrz| mrz.lines == passport.truth().mrz && mrz.check_digits.all_passed())
}

#[tokio::test]
async fn a_specimen_is_read_letter_by_letter_and_passes_every_check() {
    let reader = reader();
    for (seed, degradation) in [
        (3, Degradation::Clean),
        (5, Degradation::Rotated),
        (7, Degradation::LowContrastPerspective),
    ] {
        let passport = Passport::from_seed(seed);
        let picture = to_jpeg(&degrade(&passport.draw(), degradation, seed), 90);
        let page = reader.read_page(&picture).await.expect("the engine runs");
        assert_eq!(
            page.mrz.as_ref().map(|mrz| mrz.lines.as_slice()),
            Some(passport.truth().mrz.as_slice()),
            "{seed} {}",
            degradation.name()
        );

        let stored = serde_json::to_string(&page).expect("a reading is JSON");
        assert_eq!(
            serde_json::from_str::<document_reading::PageReading>(&stored).expect("and comes back"),
            page
        );

        let truth = passport.truth();
        let profile = Profile {
            given_names: truth.given_names.clone(),
            family_name: truth.surname.clone(),
            birth_date: truth.birth_date,
        };
        let reading = DocumentReading { pages: vec![page] };
        let checks = check(&reading, &profile, DocumentKind::Passport, date(2026, 1, 1));
        let nothing_to_see = [
            "NO_BARCODE_ON_THIS_KIND",
            "NOT_BOTH",
            "NO_VISA",
            "NOT_CHECKED",
            "UNSPECIFIED",
        ];
        let open: Vec<_> = checks
            .iter()
            .filter(|check| check.result != CheckResult::Passed && !nothing_to_see.contains(&check.reason.as_str()))
            .collect();
        assert!(open.is_empty(), "{seed} {}: {open:?}", degradation.name());
    }
}

#[tokio::test]
async fn a_page_is_read_whichever_way_it_lies() {
    let (reader, passport) = (reader(), Passport::from_seed(11));
    let page = passport.draw();
    assert!(
        reads_exactly(&reader, &to_png(&imageops::rotate180(&page)), &passport).await,
        "upside down"
    );
    assert!(
        reads_exactly(&reader, &to_png(&imageops::rotate90(&page)), &passport).await,
        "on its side"
    );
    for degrees in [-9.0f32, 6.0] {
        let mut wide = RgbImage::from_pixel(1500, 1300, TABLE);
        imageops::overlay(&mut wide, &page, 110, 190);
        let slanted = rotate_about_center(
            &wide,
            degrees.to_radians(),
            Interpolation::Bilinear,
            Border::Constant(TABLE),
        );
        assert!(
            reads_exactly(&reader, &to_png(&slanted), &passport).await,
            "{degrees}° aslant"
        );
    }
}

#[tokio::test]
async fn a_page_is_read_at_the_size_of_a_camera_and_of_a_thumbnail() {
    let (reader, passport) = (reader(), Passport::from_seed(12));
    let page = passport.draw();
    let large = imageops::resize(&page, 2816, 2024, imageops::FilterType::CatmullRom);
    let mut photo = RgbImage::from_pixel(4000, 3000, TABLE);
    imageops::overlay(&mut photo, &large, 300, 700);
    assert!(
        reads_exactly(&reader, &to_jpeg(&photo, 85), &passport).await,
        "a photo of 12 megapixels"
    );
    let small = imageops::resize(&page, 900, 647, imageops::FilterType::Triangle);
    assert!(
        reads_exactly(&reader, &to_png(&small), &passport).await,
        "900 pixels across"
    );
}

#[tokio::test]
async fn a_page_without_a_zone_has_none() {
    let reader = reader();
    for picture in [letter_page(1), specimen::blank_page()] {
        let page = reader.read_page(&to_png(&picture)).await.expect("the engine runs");
        assert!(page.mrz.is_none());
    }
}

#[tokio::test]
async fn what_is_no_picture_is_the_pictures_fault() {
    let reader = reader();
    let whole = to_png(&Passport::from_seed(1).draw());
    for (bytes, why) in [
        (&b"%PDF-1.7 no picture"[..], "another format"),
        (&whole[..whole.len() / 2], "cut short"),
    ] {
        let error = reader.read_page(bytes).await.expect_err(why);
        assert_eq!(error.fault(), Fault::Picture, "{why}");
    }
}

#[tokio::test]
async fn an_engine_that_is_too_slow_or_too_large_is_stopped_and_at_fault() {
    let picture = to_png(&Passport::from_seed(2).draw());
    let mut slow = config();
    slow.limits.wall_clock = Duration::from_millis(1);
    let error = Reader::new(slow)
        .expect("all is there")
        .read_page(&picture)
        .await
        .expect_err("too slow");
    assert!(matches!(error, ReadError::EngineTimedOut { .. }), "{error:?}");

    let mut large = config();
    large.limits.memory_bytes = 16 << 20;
    let error = Reader::new(large)
        .expect("all is there")
        .read_page(&picture)
        .await
        .expect_err("too large");
    assert_eq!(error.fault(), Fault::Engine, "{error:?}");
}

#[test]
fn what_is_missing_is_named() {
    let mut nowhere = config();
    nowhere.tesseract = "no-such-program".into();
    let error = Reader::new(nowhere).expect_err("no program");
    assert!(matches!(error, ReaderError::TesseractMissing { .. }) && error.to_string().contains("apt-get install"));
    let error = Reader::new(ReaderConfig::with_model_dir("/nonexistent")).expect_err("no model");
    assert!(matches!(error, ReaderError::ModelMissing { .. }));
}
