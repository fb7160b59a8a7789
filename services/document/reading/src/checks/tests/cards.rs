//! Cards, licences and visas: what specimens say, taken as if it had been read.

use super::*;
use crate::{
    barcode::BarcodeReading,
    fields::{DocumentFields, Identity, identity},
    printed::FieldAgreement,
};
use specimen::{AamvaVersion, Document, DocumentOptions, DocumentTruth, Subfile, aamva_text};

const DAY: Date = date(2026, 1, 1);

fn zone_of(truth: &DocumentTruth) -> MrzReading {
    MrzReading::parse_lines(&truth.mrz).expect("a specimen's zone")
}

fn barcode_of(truth: &DocumentTruth, subfile: Subfile) -> BarcodeReading {
    BarcodeReading::parse(&aamva_text(AamvaVersion::LATEST, subfile, truth)).expect("a specimen's barcode")
}

fn profile_of(truth: &DocumentTruth) -> Profile {
    Profile {
        given_names: truth.given_names.clone(),
        family_name: truth.surname.clone(),
        birth_date: truth.birth_date.whole().expect("it is known"),
    }
}

/// What stands on a card's front, one field a line.
fn front(truth: &DocumentTruth, number: &str) -> PageReading {
    let date = |date: Date| date.strftime("%m/%d/%Y").to_string();
    let words = |date: Date| date.strftime("%d %b %Y").to_string().to_uppercase();
    let birth = truth.birth_date.whole().expect("it is known");
    let sex = match truth.sex {
        specimen::Sex::Female => "F",
        specimen::Sex::Male => "M",
        specimen::Sex::Unspecified => "X",
    };
    let dates = match truth.licence {
        Some(_) => [birth, truth.issue_date, truth.expiry_date].map(date),
        None => [birth, truth.issue_date, truth.expiry_date].map(words),
    };
    let [birth, issued, expires] = dates.each_ref().map(String::as_str);
    let data = truth.optional_data.as_str();
    page(&[
        &truth.surname,
        &truth.given_names,
        number,
        birth,
        issued,
        expires,
        "UTOPIA",
        "UTO",
        data,
        "Sex",
        sex,
    ])
}

fn of_kind(kind: specimen::DocumentKind, seed: u64) -> Document {
    DocumentOptions::new(kind, seed).today(DAY).build()
}

fn back(mrz: Option<MrzReading>, barcode: Option<BarcodeReading>) -> PageReading {
    PageReading {
        mrz,
        barcode,
        ..page(&[])
    }
}

#[test]
fn a_card_whose_sides_agree_passes_every_check() {
    for seed in 0..20 {
        let card = of_kind(specimen::DocumentKind::NationalIdTd1, seed);
        let truth = card.truth();
        let mut zone = zone_of(truth);
        // The second optional data stand on the back beside the zone.
        zone.doubtful.clear();
        let pages = vec![front(truth, &truth.document_number), back(Some(zone), None)];
        let open = open_of(
            &DocumentReading { pages },
            &profile_of(truth),
            DocumentKind::NationalId,
            DAY,
        );
        assert_eq!(open, ["barcode_found:BARCODE_NOT_FOUND"], "{seed}");
    }
}

#[test]
fn sides_of_two_cards_do_not_combine() {
    let (card, other) = (
        of_kind(specimen::DocumentKind::NationalIdTd1, 1),
        of_kind(specimen::DocumentKind::NationalIdTd1, 2),
    );
    let truth = card.truth();
    // The front has the holder's names, but another number.
    let pages = vec![
        front(truth, &other.truth().document_number),
        back(Some(zone_of(truth)), None),
    ];
    let open = open_of(
        &DocumentReading { pages },
        &profile_of(truth),
        DocumentKind::NationalId,
        DAY,
    );
    assert!(
        open.contains(&"printed_document_number:PRINT_NOT_FOUND".to_owned()),
        "{open:?}"
    );
    assert!(open.contains(&"printed_names:PRINT_NOT_FOUND".to_owned()), "{open:?}");
    assert!(open.iter().any(|check| check.starts_with("two_sources:")), "{open:?}");
}

#[test]
fn an_added_page_takes_back_nothing_that_another_page_says() {
    let card = of_kind(specimen::DocumentKind::NationalIdTd1, 1);
    let truth = card.truth();
    let good = || front(truth, &truth.document_number);
    let with = |lines: &[&str]| page(&[&[truth.document_number.as_str()], lines].concat());
    let own = |lines: &[&str]| PageReading {
        mrz: Some(zone_of(truth)),
        ..page(lines)
    };
    let other_sex = match truth.sex {
        specimen::Sex::Female => "Sex M",
        _ => "Sex F",
    };
    for (pages, is_against) in [
        (vec![own(&[]), good()], [false; 3]),
        (vec![own(&[]), good(), page(&["Surname XQXQXQXQXQ"])], [false; 3]),
        (vec![own(&[]), good(), good()], [false; 3]),
        (
            vec![own(&[]), with(&["Surname XQXQXQXQXQ"]), good()],
            [true, true, true],
        ),
        (
            vec![own(&[]), good(), with(&["Surname XQXQXQXQXQ"])],
            [true, true, true],
        ),
        (vec![own(&["Surname XQXQXQXQXQ"]), good()], [true, false, false]),
        (vec![own(&["Date of birth 01 JAN 1931"]), good()], [false, true, false]),
        (vec![own(&[other_sex]), good()], [false, false, true]),
    ] {
        let reading = DocumentReading { pages };
        let printed = DocumentFields::of(&reading, DocumentKind::NationalId).printed;
        let found = [printed.surname, printed.birth_date, printed.sex];
        assert_eq!(found.map(|field| field == FieldAgreement::Disagrees), is_against);
    }
}

#[test]
fn a_licence_rests_on_barcode_and_print() {
    for seed in 0..20 {
        let licence = of_kind(specimen::DocumentKind::DrivingLicence, seed);
        let truth = licence.truth();
        let barcode = barcode_of(truth, Subfile::DrivingLicence);
        let read = |front| DocumentReading {
            pages: vec![front, back(None, Some(barcode.clone()))],
        };
        let kind = DocumentKind::DriversLicense;
        let open = |reading: &DocumentReading| open_of(reading, &profile_of(truth), kind, DAY);
        assert_eq!(
            open(&read(front(truth, &truth.document_number))),
            Vec::<String>::new(),
            "{seed}"
        );
        let alone = open(&read(page(&[])));
        assert!(
            alone.contains(&"two_sources:SINGLE_SOURCE_NUMBER".to_owned()),
            "{alone:?}"
        );
        let as_id = open_of(&read(page(&[])), &profile_of(truth), DocumentKind::NationalId, DAY);
        assert!(
            as_id.contains(&"type_supported:NOT_A_NATIONAL_ID".to_owned()),
            "{as_id:?}"
        );
    }
}

#[test]
fn beside_a_barcode_all_but_the_sex_must_stand_on_the_card() {
    let licence = of_kind(specimen::DocumentKind::DrivingLicence, 4);
    let truth = licence.truth();
    let barcode = barcode_of(truth, Subfile::DrivingLicence);
    let birth = truth.birth_date.whole().expect("it is known");
    let [birth, expiry] = [birth, truth.expiry_date].map(|date| date.strftime("%m/%d/%Y").to_string());
    let (birth, expiry) = (birth.as_str(), expiry.as_str());
    let (surname, given) = (truth.surname.as_str(), truth.given_names.as_str());
    let other = |caption: &str| format!("{caption} XQXQXQXQXQ");
    let (other_surname, other_given) = (other("FAMILY NAME"), other("GIVEN NAMES"));
    for (lines, expected) in [
        ([surname, given, birth, expiry], None),
        ([surname, "", birth, expiry], None),
        (["", given, birth, expiry], None),
        ([surname, given, "", expiry], Some("SINGLE_SOURCE_BIRTH_DATE")),
        ([surname, given, "01/01/1961", expiry], Some("SINGLE_SOURCE_BIRTH_DATE")),
        ([surname, given, birth, ""], Some("SINGLE_SOURCE_EXPIRY_DATE")),
        ([surname, given, birth, "01/01/2035"], Some("SINGLE_SOURCE_EXPIRY_DATE")),
        (["", "", birth, expiry], Some("SINGLE_SOURCE_NAMES")),
        (
            [surname, other_given.as_str(), birth, expiry],
            Some("SINGLE_SOURCE_NAMES"),
        ),
        (
            [other_surname.as_str(), given, birth, expiry],
            Some("SINGLE_SOURCE_NAMES"),
        ),
    ] {
        let mut lines = lines.to_vec();
        lines.push(&truth.document_number);
        let pages = vec![page(&lines), back(None, Some(barcode.clone()))];
        let (reading, kind) = (DocumentReading { pages }, DocumentKind::DriversLicense);
        let checks = check(&reading, &profile_of(truth), kind, DAY);
        let found = checks.iter().find(|check| check.name == CheckName::TwoSources);
        let expected = match expected {
            Some(reason) => Check::failed(CheckName::TwoSources, CheckReason::of_text(reason)),
            None => Check::passed(CheckName::TwoSources, CheckReason::TwoSources),
        };
        assert_eq!(found, Some(&expected), "{lines:?}");
    }
}

/// What is done to a barcode.
type Change = fn(&mut BarcodeReading);

#[test]
fn each_contradiction_of_zone_and_barcode_fails_its_own_check() {
    let card = of_kind(specimen::DocumentKind::NationalIdTd1, 3);
    let truth = card.truth();
    let zone = zone_of(truth);
    let good = barcode_of(truth, Subfile::IdentityCard);
    let changes: [(&str, Change); 5] = [
        ("barcode_document_number", |barcode| barcode.fields.number.push('1')),
        ("barcode_names", |barcode| {
            barcode.fields.surname = "SOMEBODY ELSE".into()
        }),
        ("barcode_birth_date", |barcode| {
            barcode.fields.birth_date = Some(date(1970, 1, 1))
        }),
        ("barcode_expiry_date", |barcode| {
            barcode.fields.expiry_date = Some(date(2030, 1, 1))
        }),
        ("barcode_sex", |barcode| {
            barcode.fields.sex = Some(match barcode.fields.sex {
                Some(crate::Sex::Female) => crate::Sex::Male,
                _ => crate::Sex::Female,
            });
        }),
    ];
    let read = |barcode: BarcodeReading| DocumentReading {
        pages: vec![
            front(truth, &truth.document_number),
            back(Some(zone.clone()), Some(barcode)),
        ],
    };
    let open = |barcode| open_of(&read(barcode), &profile_of(truth), DocumentKind::NationalId, DAY);
    assert_eq!(open(good.clone()), Vec::<String>::new());
    for (name, change) in changes {
        let mut barcode = good.clone();
        change(&mut barcode);
        assert_eq!(open(barcode), [format!("{name}:BARCODE_DIFFERS")]);
    }
}

#[test]
fn a_licence_of_print_alone_has_one_source() {
    let lines = [
        "UTOPIA DRIVER LICENSE",
        "DL NO: U1234567",
        "1 ERIKSSON",
        "2 ANNA",
        "DOB: 08/12/1974",
        "EXP: 04/15/2028",
        "ISS: 04/16/2020",
        "15 SEX",
    ];
    let reading = DocumentReading {
        pages: vec![page(&lines)],
    };
    let as_of = date(2026, 1, 1);
    let checks = check(&reading, &profile(), DocumentKind::DriversLicense, as_of);
    let found = |name| checks.iter().find(|check| check.name == name).expect("every check");
    assert_eq!(
        *found(CheckName::TwoSources),
        Check::failed(CheckName::TwoSources, CheckReason::SingleSource)
    );
    for name in [
        CheckName::TypeSupported,
        CheckName::NotExpired,
        CheckName::DatesPlausible,
        CheckName::NameMatchesProfile,
        CheckName::BirthDateMatchesProfile,
    ] {
        assert_eq!(
            found(name).result,
            CheckResult::Passed,
            "{name:?} {}",
            found(name).reason
        );
    }
    let expected = Identity {
        issuer: String::new(),
        kind: DocumentKind::DriversLicense,
        number: "U1234567".into(),
    };
    assert!(identity(&reading, DocumentKind::DriversLicense) == Some(expected));
    // The same page is no passport and no identity card.
    for kind in [DocumentKind::Passport, DocumentKind::NationalId] {
        let checks = check(&reading, &profile(), kind, as_of);
        assert_eq!(checks[2], Check::failed(CheckName::MrzFound, CheckReason::ZoneNotFound));
        assert!(identity(&reading, kind).is_none());
    }
}

#[test]
fn a_visa_supports_a_passport_of_the_same_holder_and_no_other() {
    let passport = of_kind(specimen::DocumentKind::Passport, 5);
    let truth = passport.truth();
    let visa_of = |seed| {
        let visa = of_kind(specimen::DocumentKind::VisaA, seed);
        PageReading {
            visas: vec![zone_of(visa.truth())],
            ..page(&[])
        }
    };
    let data_page = PageReading {
        mrz: Some(zone_of(truth)),
        ..front(truth, &truth.document_number)
    };
    let visa_check = |visa: PageReading| {
        let reading = DocumentReading {
            pages: vec![data_page.clone(), visa],
        };
        let checks = check(&reading, &profile_of(truth), DocumentKind::Passport, DAY);
        assert_eq!(checks[3].result, CheckResult::Passed, "a visa contradicts no zone");
        checks[17].clone()
    };
    let name = CheckName::VisaAgrees;
    assert_eq!(
        visa_check(visa_of(5)),
        Check::passed(name, CheckReason::VisaOfTheHolder)
    );
    assert_eq!(visa_check(visa_of(6)), Check::failed(name, CheckReason::VisaOfAnother));
    let mut unread = visa_of(5);
    unread.visas[0].check_digits.document_number = CheckDigit::Failed;
    assert_eq!(
        visa_check(unread),
        Check::not_applicable(name, CheckReason::VisaNotReadable)
    );
    assert_eq!(visa_check(page(&[])), Check::not_applicable(name, CheckReason::NoVisa));
}

#[test]
fn an_issuer_that_no_list_has_is_unknown() {
    let licence = of_kind(specimen::DocumentKind::DrivingLicence, 4);
    let truth = licence.truth();
    for (issuer, country, expected) in [
        (
            "636999",
            "USA",
            Check::passed(CheckName::PrintedNationality, CheckReason::IssuerKnown),
        ),
        (
            "636000",
            "USA",
            Check::passed(CheckName::PrintedNationality, CheckReason::IssuerKnown),
        ),
        (
            "636098",
            "USA",
            Check::failed(CheckName::PrintedNationality, CheckReason::StateUnknown),
        ),
        (
            "636000",
            "CAN",
            Check::failed(CheckName::PrintedNationality, CheckReason::IssuerOfAnotherCountry),
        ),
    ] {
        let mut barcode = barcode_of(truth, Subfile::DrivingLicence);
        barcode.issuer = issuer.into();
        barcode.fields.country = Some(country.into());
        let reading = DocumentReading {
            pages: vec![back(None, Some(barcode))],
        };
        let checks = check(&reading, &profile_of(truth), DocumentKind::DriversLicense, DAY);
        assert!(checks.contains(&expected), "{issuer} {country}");
    }
}

#[test]
fn a_document_is_the_same_one_however_its_number_is_written() {
    let card = of_kind(specimen::DocumentKind::NationalIdTd1, 8);
    let zone = zone_of(card.truth());
    let reading = |mrz| DocumentReading {
        pages: vec![back(Some(mrz), None)],
    };
    let known = identity(&reading(zone.clone()), DocumentKind::NationalId).expect("a good zone");
    assert_eq!(
        (known.issuer.as_str(), known.number.as_str()),
        ("UTO", card.truth().document_number.as_str())
    );
    let mut poor = zone;
    poor.check_digits.composite = CheckDigit::Failed;
    assert!(
        identity(&reading(poor), DocumentKind::NationalId).is_none(),
        "not sure enough"
    );
    let licence = of_kind(specimen::DocumentKind::DrivingLicence, 8);
    let mut barcode = barcode_of(licence.truth(), Subfile::DrivingLicence);
    let of = |barcode: &BarcodeReading| {
        let reading = DocumentReading {
            pages: vec![back(None, Some(barcode.clone()))],
        };
        identity(&reading, DocumentKind::DriversLicense).expect("a barcode")
    };
    let known = of(&barcode);
    barcode.fields.number = format!(" {}-", barcode.fields.number.to_lowercase());
    assert!(of(&barcode) == known);
}

#[test]
fn a_licence_whose_barcode_is_there_but_unreadable_says_so() {
    let unreadable = PageReading {
        barcode_unreadable: true,
        ..page(&[])
    };
    let reading = DocumentReading {
        pages: vec![unreadable],
    };
    for (kind, expected) in [
        (
            DocumentKind::DriversLicense,
            Check::failed(CheckName::BarcodeFound, CheckReason::BarcodeNotReadable),
        ),
        (
            DocumentKind::NationalId,
            Check::not_applicable(CheckName::BarcodeFound, CheckReason::BarcodeNotFound),
        ),
    ] {
        assert!(check(&reading, &profile(), kind, DAY).contains(&expected), "{kind:?}");
    }
}

#[test]
fn an_issue_date_must_lie_between_birth_and_expiry() {
    let licence = of_kind(specimen::DocumentKind::DrivingLicence, 6);
    let truth = licence.truth();
    let name = CheckName::DatesPlausible;
    for (issue, expected) in [
        (truth.issue_date, Check::passed(name, CheckReason::Plausible)),
        (date(2026, 1, 2), Check::failed(name, CheckReason::IssuedInTheFuture)),
        (date(1900, 1, 1), Check::failed(name, CheckReason::IssuedBeforeBirth)),
        (
            truth.expiry_date.saturating_sub(jiff::Span::new().years(17)),
            Check::not_applicable(name, CheckReason::ValidForTooLong),
        ),
    ] {
        let mut barcode = barcode_of(truth, Subfile::DrivingLicence);
        barcode.fields.birth_date = Some(date(1950, 1, 1));
        barcode.fields.issue_date = Some(issue);
        let pages = vec![back(None, Some(barcode))];
        let checks = check(
            &DocumentReading { pages },
            &profile_of(truth),
            DocumentKind::DriversLicense,
            DAY,
        );
        assert!(checks.contains(&expected), "{issue}");
    }
    // What print alone says of it is doubtful at most.
    let card = of_kind(specimen::DocumentKind::NationalIdTd2, 6);
    let pages = vec![PageReading {
        mrz: Some(zone_of(card.truth())),
        ..page(&["Date of issue", "12 MAY 2030"])
    }];
    let checks = check(
        &DocumentReading { pages },
        &profile_of(card.truth()),
        DocumentKind::NationalId,
        DAY,
    );
    assert!(checks.contains(&Check::not_applicable(name, CheckReason::PrintedIssueDateDoubtful)));
}

#[test]
fn answers_of_elsewhere_take_their_places() {
    let checks = check(&DocumentReading::default(), &profile(), DocumentKind::Passport, TODAY);
    let answer = Check::failed(CheckName::NotBlocklisted, CheckReason::Blocklisted);
    let answered = with_answers(checks, [answer.clone()]);
    assert!(answered.iter().map(|check| &check.name).eq(&CheckName::ALL));
    assert_eq!(answered[24], answer);
    assert_eq!(answered[23].reason, CheckReason::NotChecked);
}
