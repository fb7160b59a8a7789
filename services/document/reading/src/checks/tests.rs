use super::*;
use crate::{
    mrz_reading::{Cell, CheckDigit},
    printed::{PrintedText, Word},
    quality::Quality,
};
use jiff::civil::date;
use mesh_types::CheckResult;

mod cards;

const LINE_1: &str = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<";
const LINE_2: &str = "L898902C36UTO7408122F1204159ZE184226B<<<<<10";
/// While the passport of Doc 9303 was valid.
const TODAY: Date = date(2010, 6, 1);
const PRINT: [&str; 9] = [
    "UTOPIA",
    "UTO",
    "L898902C3",
    "ERIKSSON",
    "ANNA MARIA",
    "12 AUG 1974",
    "F",
    "15 APR 2012",
    "ZE 184226 B",
];

fn zone() -> MrzReading {
    MrzReading::parse_lines(&[LINE_1.to_owned(), LINE_2.to_owned()]).expect("a TD3 zone")
}

fn print(lines: &[&str]) -> PrintedText {
    let mut words = Vec::new();
    for (row, line) in lines.iter().enumerate() {
        for (column, text) in line.split(' ').enumerate() {
            let place = (column as u32 * 100, row as u32 * 40);
            words.push(Word {
                text: text.to_owned(),
                confidence: 90,
                left: place.0,
                top: place.1,
                width: 90,
                height: 20,
            });
        }
    }
    PrintedText { looks: vec![words] }
}

fn page(lines: &[&str]) -> PageReading {
    PageReading {
        width: 1000,
        height: 700,
        mrz: None,
        visas: vec![],
        printed: (!lines.is_empty()).then(|| print(lines)),
        barcode: None,
        barcode_unreadable: false,
        quality: None,
    }
}

fn document(mrz: Option<MrzReading>, lines: &[&str]) -> DocumentReading {
    DocumentReading {
        pages: vec![PageReading { mrz, ..page(lines) }],
    }
}

fn profile() -> Profile {
    Profile {
        given_names: "Anna Maria".into(),
        family_name: "Eriksson".into(),
        birth_date: date(1974, 8, 12),
    }
}

/// The checks that could have passed and did not, as `name:REASON`.
fn open_of(reading: &DocumentReading, profile: &Profile, kind: DocumentKind, as_of: Date) -> Vec<String> {
    let checks = check(reading, profile, kind, as_of);
    assert!(
        checks.iter().map(|check| &check.name).eq(&CheckName::ALL),
        "every check, in order"
    );
    // What this kind of document has not, or what is asked elsewhere.
    let nothing_to_see = [
        "NOT_CHECKED",
        "NOT_MEASURED",
        "NO_BARCODE_ON_THIS_KIND",
        "NOT_BOTH",
        "NO_VISA",
        "NO_ZONE_ON_THIS_KIND",
        "NO_ZONE",
    ];
    let open = checks.into_iter().filter(|check| check.result != CheckResult::Passed);
    open.filter(|check| !nothing_to_see.contains(&check.reason.as_str()))
        .map(|check| format!("{}:{}", check.name.as_str(), check.reason))
        .collect()
}

fn open(reading: &DocumentReading, profile: &Profile, as_of: Date) -> Vec<String> {
    open_of(reading, profile, DocumentKind::Passport, as_of)
}

#[test]
fn a_zone_that_print_and_profile_confirm_passes_every_check() {
    assert_eq!(
        open(&document(Some(zone()), &PRINT), &profile(), TODAY),
        Vec::<String>::new()
    );
}

#[test]
fn each_doubt_fails_its_own_check() {
    let with = |from: &str, to: &str| PRINT.map(|line| if line == from { to.to_owned() } else { line.to_owned() });
    let alone = |field: &str| format!("two_sources:SINGLE_SOURCE_{field}");
    for (from, to, expected, single) in [
        (
            "L898902C3",
            "L898902G3",
            "printed_document_number:PRINT_DIFFERS",
            "NUMBER",
        ),
        ("L898902C3", "", "printed_document_number:PRINT_NOT_FOUND", "NUMBER"),
        ("ERIKSSON", "ERIKSEN", "printed_names:PRINT_DIFFERS", ""),
        ("ANNA MARIA", "ANNA MARIA LISA", "printed_names:PRINT_NOT_FOUND", ""),
        ("ANNA MARIA", "ANNA", "printed_names:PRINT_NOT_FOUND", ""),
        ("12 AUG 1974", "12 AUG 1975", "printed_birth_date:PRINT_DIFFERS", ""),
        // No look-alikes of 120415 give both digits and a day of the calendar.
        ("15 APR 2012", "15 APR 2O13", "printed_expiry_date:PRINT_DIFFERS", ""),
        ("F", "Sex M", "printed_sex:PRINT_DIFFERS", "SEX"),
        ("F", "", "printed_sex:PRINT_NOT_FOUND", "SEX"),
    ] {
        let lines = with(from, to);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let single = (!single.is_empty()).then(|| alone(single));
        let expected: Vec<String> = [expected.to_owned()].into_iter().chain(single).collect();
        assert_eq!(
            open(&document(Some(zone()), &lines), &profile(), TODAY),
            expected,
            "{from} {to}"
        );
    }
}

#[test]
fn dates_and_age_are_judged_on_the_day() {
    let document = document(Some(zone()), &PRINT);
    for (as_of, expected) in [
        (date(2012, 4, 15), vec![]),
        (date(2012, 4, 16), vec!["not_expired:EXPIRED"]),
        (date(2001, 4, 15), vec![]),
        (date(2001, 4, 14), vec!["dates_plausible:VALID_FOR_TOO_LONG"]),
        (date(1990, 8, 12), vec!["dates_plausible:VALID_FOR_TOO_LONG"]),
        (
            date(1990, 8, 11),
            vec!["dates_plausible:VALID_FOR_TOO_LONG", "minimum_age:TOO_YOUNG"],
        ),
        (
            date(1974, 8, 11),
            vec!["dates_plausible:BORN_IN_THE_FUTURE", "minimum_age:TOO_YOUNG"],
        ),
        (
            date(2094, 8, 13),
            vec!["not_expired:EXPIRED", "dates_plausible:BORN_TOO_LONG_AGO"],
        ),
    ] {
        assert_eq!(open(&document, &profile(), as_of), expected, "{as_of}");
    }
}

#[test]
fn the_profile_must_be_of_the_same_person() {
    let document = document(Some(zone()), &PRINT);
    let other = Profile {
        family_name: "Erikson".into(),
        ..profile()
    };
    assert_eq!(open(&document, &other, TODAY), ["name_matches_profile:NAMES_DIFFER"]);
    let other = Profile {
        birth_date: date(1974, 12, 8),
        ..profile()
    };
    assert_eq!(
        open(&document, &other, TODAY),
        ["birth_date_matches_profile:BIRTH_DATES_DIFFER"]
    );
}

#[test]
fn what_no_check_digit_and_no_print_confirms_is_open() {
    let mut failed = zone();
    failed.check_digits.composite = CheckDigit::Failed;
    assert_eq!(
        open(&document(Some(failed), &PRINT), &profile(), TODAY),
        [
            "mrz_check_digits:CHECK_DIGIT_MISMATCH",
            "two_sources:SINGLE_SOURCE_NUMBER"
        ]
    );

    let mut doubtful = zone();
    doubtful.doubtful = vec![Cell { line: 1, position: 30 }];
    assert!(
        open(&document(Some(doubtful.clone()), &PRINT), &profile(), TODAY).is_empty(),
        "the print has the number"
    );
    let without_number = &PRINT[..8];
    assert_eq!(
        open(&document(Some(doubtful), without_number), &profile(), TODAY),
        ["mrz_check_digits:ZONE_DOUBTFUL"]
    );
}

#[test]
fn a_state_that_no_list_knows_fails_and_a_card_is_no_passport() {
    let unknown = LINE_1.replace("UTO", "UTQ");
    let unknown = MrzReading::parse_lines(&[unknown, LINE_2.to_owned()]);
    assert_eq!(
        open(&document(unknown, &PRINT), &profile(), TODAY),
        ["printed_nationality:STATE_UNKNOWN", "two_sources:SINGLE_SOURCE_STATE"]
    );
    let mut card = zone();
    card.fields.document_code = "I".into();
    let zone = Some(card);
    assert_eq!(
        open(&document(zone, &PRINT), &profile(), TODAY),
        ["type_supported:NOT_A_PASSPORT"]
    );
}

#[test]
fn without_a_zone_nothing_passes() {
    let checks = check(&document(None, &PRINT), &profile(), DocumentKind::Passport, TODAY);
    assert!(checks.iter().all(|check| check.result != CheckResult::Passed));
    assert_eq!(checks[2], Check::failed(CheckName::MrzFound, CheckReason::ZoneNotFound));
    assert!(
        check(&DocumentReading::default(), &profile(), DocumentKind::Passport, TODAY)
            .iter()
            .all(|check| check.result != CheckResult::Passed)
    );
}

#[test]
fn the_best_zone_counts_with_the_print_of_its_own_page() {
    let mut poor = zone();
    poor.check_digits.birth_date = CheckDigit::Failed;
    let mut pages = document(Some(poor), &PRINT[..4]).pages;
    pages.extend(document(Some(zone()), &PRINT).pages);
    assert!(open(&DocumentReading { pages }, &profile(), TODAY).is_empty());
}

#[test]
fn the_print_of_another_page_is_no_second_source() {
    let mut pages = document(Some(zone()), &PRINT[..1]).pages;
    pages.extend(document(None, &PRINT).pages);
    let open = open(&DocumentReading { pages }, &profile(), TODAY);
    assert!(open.contains(&"printed_names:PRINT_NOT_FOUND".to_owned()), "{open:?}");
}

/// What is done to a zone.
type Change = fn(&mut MrzReading);

#[test]
fn zones_of_different_documents_contradict_each_other() {
    let changes: [(&str, Change, bool); 9] = [
        ("the same", |_| {}, false),
        ("number", |zone| zone.fields.document_number = "L898902G3".into(), true),
        ("surname", |zone| zone.fields.surname = "SMITH".into(), true),
        ("given names", |zone| zone.fields.given_names = "ANNA".into(), true),
        ("issuer", |zone| zone.fields.issuing_state = "USA".into(), true),
        (
            "expiry date",
            |zone| zone.fields.expiry_date = Some(date(2012, 5, 15)),
            true,
        ),
        ("poor", |zone| zone.check_digits.composite = CheckDigit::Failed, false),
        (
            "poor, of the same holder",
            |zone| {
                zone.check_digits.composite = CheckDigit::Failed;
                zone.fields.document_number = "X1234567".into();
                zone.fields.surname = "SMITH".into();
            },
            false,
        ),
        (
            "poor, of another holder",
            |zone| {
                zone.check_digits.composite = CheckDigit::Failed;
                zone.fields.document_number = "X1234567".into();
                zone.fields.surname = "SMITH".into();
                zone.fields.birth_date = Some(date(1961, 5, 3));
            },
            true,
        ),
    ];
    for (what, change, contradicts) in changes {
        let mut other = zone();
        change(&mut other);
        let mut pages = document(Some(zone()), &PRINT).pages;
        pages.extend(document(Some(other), &PRINT).pages);
        let open = open(&DocumentReading { pages }, &profile(), TODAY);
        let expected: &[&str] = match contradicts {
            true => &["mrz_check_digits:ZONES_OF_DIFFERENT_DOCUMENTS"],
            false => &[],
        };
        assert_eq!(open, expected, "{what}");
    }
}

#[test]
fn the_profile_confirms_nothing_that_the_print_has_in_other_words() {
    let lines = |surname: &'static str, birth: &'static str| {
        [
            "UTOPIA",
            "UTO",
            "L898902C3",
            "Surname",
            surname,
            "ANNA MARIA",
            "Date of birth",
            birth,
            "F",
            "15 APR 2012",
        ]
    };
    for (surname, birth, expected) in [
        ("ERIKSSON", "12 AUG 1974", vec![]),
        (
            "SMITH",
            "12 AUG 1974",
            vec!["printed_names:PRINT_DIFFERS", "two_sources:SINGLE_SOURCE_NAMES"],
        ),
        (
            "",
            "12 AUG 1974",
            vec!["printed_names:PRINT_NOT_FOUND", "two_sources:SINGLE_SOURCE_NAMES"],
        ),
        ("ERIKSSON", "03 MAY 1961", vec!["printed_birth_date:PRINT_DIFFERS"]),
    ] {
        let open = open(&document(Some(zone()), &lines(surname, birth)), &profile(), TODAY);
        let open: Vec<&str> = open.iter().map(String::as_str).collect();
        let without_birth: Vec<&str> = open
            .iter()
            .copied()
            .filter(|check| *check != "two_sources:SINGLE_SOURCE_BIRTH_DATE")
            .collect();
        assert_eq!(without_birth, expected, "{surname} {birth}");
    }
}

#[test]
fn the_profile_is_a_second_source_of_names_only_as_a_whole() {
    let named = |given_names: &str| Profile {
        given_names: given_names.into(),
        ..profile()
    };
    let mut doubtful = zone();
    doubtful.doubtful = vec![Cell { line: 0, position: 15 }];
    let without_given: Vec<&str> = PRINT.into_iter().filter(|line| *line != "ANNA MARIA").collect();
    let unseen = "printed_names:PRINT_NOT_FOUND";
    let single = "two_sources:SINGLE_SOURCE_NAMES";
    for (zone, lines, given_names, expected) in [
        (zone(), &PRINT[..], "Anna", vec![]),
        (zone(), &without_given, "Anna Maria", vec![unseen]),
        (zone(), &without_given, "Anna", vec![unseen, single]),
        (doubtful.clone(), &PRINT[..], "Anna", vec![]),
        (doubtful, &without_given, "Anna Maria", vec![unseen, single]),
    ] {
        let open = open(&document(Some(zone), lines), &named(given_names), TODAY);
        assert_eq!(open, expected, "{given_names} {lines:?}");
    }
}

#[test]
fn what_may_be_right_is_left_open_and_not_held_against_the_member() {
    let find = |zone: MrzReading, lines: &[&str], profile: &Profile, as_of, name| {
        let document = document(Some(zone), lines);
        let checks = check(&document, profile, DocumentKind::Passport, as_of);
        checks
            .into_iter()
            .find(|check| check.name == name)
            .expect("every check")
    };
    let too_long = find(zone(), &PRINT, &profile(), date(2001, 4, 14), CheckName::DatesPlausible);
    let expected = Check::not_applicable(CheckName::DatesPlausible, CheckReason::ValidForTooLong);
    assert_eq!(too_long, expected);

    let young = date(1980, 1, 1);
    let old = Profile {
        birth_date: date(1874, 8, 12),
        ..profile()
    };
    let (age, born) = (CheckName::MinimumAge, CheckName::BirthDateMatchesProfile);
    for (lines, profile, expected) in [
        (&PRINT[..], profile(), Check::failed(age, CheckReason::TooYoung)),
        (
            &[],
            profile(),
            Check::not_applicable(age, CheckReason::BirthCenturyUnclear),
        ),
        (
            &PRINT[..],
            old.clone(),
            Check::not_applicable(age, CheckReason::BirthCenturyUnclear),
        ),
        (&[], old, Check::not_applicable(born, CheckReason::BirthCenturyUnclear)),
    ] {
        let found = find(
            zone(),
            lines,
            &profile,
            young,
            expected.name.known().expect("a check of today"),
        );
        assert_eq!(found, expected);
    }

    let name = CheckName::NameMatchesProfile;
    for (given_names, family_name, expected) in [
        (
            "伟",
            "李",
            Check::not_applicable(name, CheckReason::ProfileNotComparable),
        ),
        (
            "Anna Maria",
            "Eriksson 李",
            Check::not_applicable(name, CheckReason::ProfileNotComparable),
        ),
        ("Anna Maria", "Li", Check::failed(name, CheckReason::NamesDiffer)),
    ] {
        let profile = Profile {
            given_names: given_names.into(),
            family_name: family_name.into(),
            ..profile()
        };
        assert_eq!(find(zone(), &PRINT, &profile, TODAY, name), expected);
    }
}

#[test]
fn only_pages_that_the_document_was_read_from_are_judged_as_pictures() {
    let good = Quality {
        sharpness: 40,
        glare: 0,
        strokes_at_edge: 0,
        document_at_edge: 0,
        longer_side: 1400,
        pitch: None,
    };
    let blurred = Quality { sharpness: 2, ..good };
    let with = |quality, page| PageReading {
        quality: Some(quality),
        ..page
    };
    let own = || document(Some(zone()), &[]).pages.remove(0);
    for (pages, expected) in [
        (
            vec![with(good, own()), with(blurred, page(&["A", "cover"]))],
            "PICTURE_GOOD",
        ),
        (vec![with(good, own()), with(blurred, page(&PRINT))], "PICTURE_BLURRED"),
        (vec![with(blurred, own()), with(good, page(&[]))], "PICTURE_BLURRED"),
        (vec![with(blurred, page(&[])), with(good, page(&[]))], "PICTURE_BLURRED"),
    ] {
        let checks = check(&DocumentReading { pages }, &profile(), DocumentKind::Passport, TODAY);
        let found = checks.iter().find(|check| check.name == CheckName::ImageQuality);
        assert_eq!(found.map(|check| check.reason.as_str()), Some(expected));
    }
}
