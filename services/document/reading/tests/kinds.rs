//! Real pictures of every kind of document, the real engine, and the checks on what was read.

use document_policy::Profile;
use document_reading::{DocumentReading, Reader, ReaderConfig, Source, check, fields::DocumentFields, identity};
use jiff::civil::{Date, date};
use mesh_types::{CheckName, CheckResult, DocumentKind};
use specimen::{Document, DocumentOptions, to_jpeg, to_png};
use std::path::absolute;

const DAY: Date = date(2026, 1, 1);

fn reader() -> Reader {
    Reader::new(ReaderConfig::with_model_dir(
        absolute("model").expect("the package's folder"),
    ))
    .expect("tesseract, its English model and our own are there")
}

async fn read(reader: &Reader, document: &Document) -> DocumentReading {
    let mut reading = DocumentReading::default();
    for side in document.draw() {
        reading
            .pages
            .push(reader.read_page(&to_png(&side)).await.expect("the engine runs"));
    }
    reading
}

fn profile_of(document: &Document) -> Profile {
    let truth = document.truth();
    Profile {
        given_names: truth.given_names.clone(),
        family_name: truth.surname.clone(),
        birth_date: truth.birth_date.whole().expect("it is known"),
    }
}

/// The checks that failed, as `name:REASON`.
fn failed(reading: &DocumentReading, document: &Document, kind: DocumentKind) -> Vec<String> {
    let checks = check(reading, &profile_of(document), kind, DAY);
    let failed = checks.into_iter().filter(|check| check.result == CheckResult::Failed);
    failed
        .map(|check| format!("{}:{}", check.name.as_str(), check.reason))
        .collect()
}

#[tokio::test]
async fn a_document_of_each_kind_is_read_and_rests_on_two_sources() {
    let reader = reader();
    for (drawn, kind, source) in [
        (specimen::DocumentKind::Passport, DocumentKind::Passport, Source::Zone),
        (
            specimen::DocumentKind::NationalIdTd1,
            DocumentKind::NationalId,
            Source::Zone,
        ),
        (
            specimen::DocumentKind::NationalIdTd2,
            DocumentKind::NationalId,
            Source::Zone,
        ),
        (
            specimen::DocumentKind::DrivingLicence,
            DocumentKind::DriversLicense,
            Source::Barcode,
        ),
    ] {
        let document = DocumentOptions::new(drawn, 2).today(DAY).build();
        let reading = read(&reader, &document).await;
        let fields = DocumentFields::of(&reading, kind);
        assert_eq!(fields.source(), Some(source), "{kind:?}");
        let claimed = fields.claims().expect("there is a source");
        assert!(claimed.document_number == document.truth().document_number, "{kind:?}");
        assert_eq!(claimed.expiry_date, Some(document.truth().expiry_date), "{kind:?}");
        assert_eq!(failed(&reading, &document, kind), Vec::<String>::new(), "{kind:?}");
        let known = identity(&reading, kind).expect("it was read surely");
        assert!(known.number == document.truth().document_number, "{kind:?}");
    }
}

#[tokio::test]
async fn an_identity_card_of_a_licensing_authority_is_a_national_id() {
    let reader = reader();
    let version = specimen::AamvaVersion::new(8).expect("there is a version 8");
    let card = DocumentOptions::new(specimen::DocumentKind::DrivingLicence, 3)
        .today(DAY)
        .aamva(version, specimen::Subfile::IdentityCard)
        .build();
    let reading = read(&reader, &card).await;
    assert_eq!(failed(&reading, &card, DocumentKind::NationalId), Vec::<String>::new());
    let as_licence = failed(&reading, &card, DocumentKind::DriversLicense);
    assert!(
        as_licence.contains(&"type_supported:NOT_A_DRIVERS_LICENSE".to_owned()),
        "{as_licence:?}"
    );
}

#[tokio::test]
async fn a_licence_without_a_barcode_is_read_by_its_captions_and_rests_on_one_source() {
    let reader = reader();
    let licence = DocumentOptions::new(specimen::DocumentKind::DrivingLicence, 4)
        .today(DAY)
        .without_barcode()
        .build();
    let reading = read(&reader, &licence).await;
    let fields = DocumentFields::of(&reading, DocumentKind::DriversLicense);
    assert_eq!(fields.source(), Some(Source::Print));
    let (claimed, truth) = (fields.claims().expect("print"), licence.truth());
    assert!(claimed.document_number == truth.document_number);
    assert_eq!(claimed.birth_date, truth.birth_date.whole());
    assert_eq!(claimed.issue_date, Some(truth.issue_date));
    assert_eq!(claimed.expiry_date, Some(truth.expiry_date));
    let failed = failed(&reading, &licence, DocumentKind::DriversLicense);
    assert_eq!(failed, ["two_sources:SINGLE_SOURCE"]);
}

#[tokio::test]
async fn a_visa_beside_a_passport_is_of_its_holder_or_of_another() {
    let reader = reader();
    let of = |kind, seed| DocumentOptions::new(kind, seed).today(DAY).build();
    let passport = of(specimen::DocumentKind::Passport, 6);
    let mut reading = read(&reader, &passport).await;
    for (visa, holder, expected) in [
        (specimen::DocumentKind::VisaA, 6, CheckResult::Passed),
        (specimen::DocumentKind::VisaB, 7, CheckResult::Failed),
    ] {
        reading.pages.truncate(1);
        reading.pages.extend(read(&reader, &of(visa, holder)).await.pages);
        let checks = check(&reading, &profile_of(&passport), DocumentKind::Passport, DAY);
        let visa = checks
            .iter()
            .find(|check| check.name == CheckName::VisaAgrees)
            .expect("every check");
        assert_eq!(visa.result, expected, "{}", visa.reason);
    }
}

#[tokio::test]
async fn names_in_other_letters_agree_with_the_profile() {
    let reader = reader();
    for (family, given, profile_family, profile_given) in [
        ("MÜLLER", "JÖRG", "Müller", "Jörg"),
        ("IVANOV", "SERGEI", "Иванов", "Сергей"),
        ("SHEVCHENKO", "OLHA", "Шевченко", "Ольга"),
        ("O'CONNOR-SMITH", "SIOBHÁN", "O’Connor Smith", "Siobhan"),
    ] {
        let card = DocumentOptions::new(specimen::DocumentKind::NationalIdTd2, 9)
            .today(DAY)
            .names(family, given)
            .build();
        let reading = read(&reader, &card).await;
        let profile = Profile {
            given_names: profile_given.into(),
            family_name: profile_family.into(),
            ..profile_of(&card)
        };
        let checks = check(&reading, &profile, DocumentKind::NationalId, DAY);
        let names = checks
            .iter()
            .find(|check| check.name == CheckName::NameMatchesProfile)
            .expect("every check");
        assert_eq!(names.result, CheckResult::Passed, "{family}");
    }
}

#[tokio::test]
async fn a_barcode_is_read_at_the_size_of_a_camera_on_its_side_and_upside_down() {
    let reader = reader();
    let licence = DocumentOptions::new(specimen::DocumentKind::DrivingLicence, 5)
        .today(DAY)
        .build();
    let back = licence.draw().pop().expect("a licence has a back");
    for (picture, why) in [
        (image::imageops::rotate90(&back), "on its side"),
        (image::imageops::rotate180(&back), "upside down"),
        (
            image::imageops::resize(
                &back,
                back.width() * 2,
                back.height() * 2,
                image::imageops::FilterType::CatmullRom,
            ),
            "large",
        ),
    ] {
        let page = reader.read_page(&to_jpeg(&picture, 85)).await.expect("the engine runs");
        let number = page.barcode.map(|barcode| barcode.fields.number);
        assert!(number.as_ref() == Some(&licence.truth().document_number), "{why}");
    }
}
