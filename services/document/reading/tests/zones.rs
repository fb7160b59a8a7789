//! Zones of every format out of real pictures, by the real engine.

use document_reading::{MrzFormat, MrzReading, PageReading, Reader, ReaderConfig};
use image::{Rgb, RgbImage, imageops};
use specimen::{Degradation, Document, DocumentKind, DocumentOptions, degrade, to_jpeg, to_png};
use std::path::absolute;

const TABLE: Rgb<u8> = Rgb([176, 172, 166]);

fn reader() -> Reader {
    Reader::new(ReaderConfig::with_model_dir(
        absolute("model").expect("the package's folder"),
    ))
    .expect("tesseract, its English model and our own are there")
}

/// The side that has the zone: of cards of two sides the back.
fn zone_side(document: &Document) -> RgbImage {
    document.draw().pop().expect("a document has a side")
}

async fn read(reader: &Reader, picture: &[u8]) -> PageReading {
    reader.read_page(picture).await.expect("the engine runs")
}

/// Asserts that a zone was read as the document's truth has it, with nothing in doubt.
fn assert_exact(zone: Option<&MrzReading>, document: &Document, format: MrzFormat, what: &str) {
    let zone = zone.unwrap_or_else(|| panic!("{what}: no zone"));
    assert_eq!(zone.format, format, "{what}");
    assert_eq!(zone.lines, document.truth().mrz, "{what}");
    assert!(
        zone.check_digits.all_passed() && zone.doubtful.is_empty(),
        "{what}: {zone:?}"
    );
}

#[tokio::test]
async fn a_zone_of_every_format_is_read_letter_by_letter() {
    let reader = reader();
    for (kind, format) in [
        (DocumentKind::NationalIdTd1, MrzFormat::Td1),
        (DocumentKind::NationalIdTd2, MrzFormat::Td2),
        (DocumentKind::Passport, MrzFormat::Td3),
        (DocumentKind::VisaA, MrzFormat::MrvA),
        (DocumentKind::VisaB, MrzFormat::MrvB),
    ] {
        for degradation in [Degradation::Clean, Degradation::Rotated] {
            let document = Document::from_seed(kind, 3);
            let picture = degrade(&zone_side(&document), degradation, 3);
            let page = read(&reader, &to_jpeg(&picture, 92)).await;
            let (zone, other) = match format.is_visa() {
                true => (page.visas.first(), page.mrz.as_ref()),
                false => (page.mrz.as_ref(), page.visas.first()),
            };
            let what = format!("{} {}", kind.name(), degradation.name());
            assert_exact(zone, &document, format, &what);
            assert!(other.is_none(), "{what}: a zone of the other kind");
        }
    }
}

#[tokio::test]
async fn long_numbers_unknown_days_and_states_of_one_letter_are_read() {
    let reader = reader();
    for (kind, format) in [
        (DocumentKind::NationalIdTd1, MrzFormat::Td1),
        (DocumentKind::NationalIdTd2, MrzFormat::Td2),
    ] {
        let wish = DocumentOptions::new(kind, 6);
        let document = wish.long_number().unknown_birth_date().one_letter_state().build();
        let page = read(&reader, &to_png(&zone_side(&document))).await;
        assert_exact(page.mrz.as_ref(), &document, format, kind.name());
        let fields = page.mrz.expect("it was there").fields;
        assert_eq!(fields.document_number, document.truth().document_number);
        assert!(fields.document_number.len() > 9 && fields.issuing_state.len() == 1);
        assert!(fields.birth_date.is_none() && !fields.known_of_birth.is_whole());
    }
}

#[tokio::test]
async fn a_card_is_read_whichever_way_it_lies() {
    let reader = reader();
    let document = Document::from_seed(DocumentKind::NationalIdTd1, 4);
    let side = zone_side(&document);
    for (picture, way) in [
        (imageops::rotate180(&side), "upside down"),
        (imageops::rotate270(&side), "on its side"),
    ] {
        let page = read(&reader, &to_png(&picture)).await;
        assert_exact(page.mrz.as_ref(), &document, MrzFormat::Td1, way);
    }
}

#[tokio::test]
async fn a_visa_beside_a_passport_is_read_with_it() {
    let reader = reader();
    let passport = Document::from_seed(DocumentKind::Passport, 5);
    let visa = Document::from_seed(DocumentKind::VisaA, 5);
    let (below, above) = (zone_side(&passport), zone_side(&visa));
    let width = above.width().max(below.width()) + 60;
    let mut open = RgbImage::from_pixel(width, above.height() + below.height() + 90, TABLE);
    imageops::overlay(&mut open, &above, 30, 30);
    imageops::overlay(&mut open, &below, 30, i64::from(above.height()) + 60);
    let page = read(&reader, &to_png(&open)).await;
    assert_exact(page.mrz.as_ref(), &passport, MrzFormat::Td3, "the passport");
    assert_eq!(page.visas.len(), 1);
    assert_exact(page.visas.first(), &visa, MrzFormat::MrvA, "the visa");
}
