//! From the readings of all pages to checks: pure, and the only place that says when a field counts as read right.
//!
//! A document whose checks all pass has no field that rests on one look alone: number, dates and optional data on a check
//! digit and the print; names on print and profile; states and sex on the print; and no cell of the zone is doubtful.

use crate::{
    mrz_reading::{MrzReading, Sex},
    names::names_agree,
    printed::{Agreement, FieldAgreement},
    reader::PageReading,
};
use jiff::{Span, civil::Date};
use mesh_types::{Check, CheckName, DocumentKind};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The least age of a member in years (domain.md, "Document").
pub const MINIMUM_AGE_YEARS: i32 = 16;
/// The longest life that a birth date is believed to tell of, in years.
const LONGEST_LIFE_YEARS: i32 = 120;
/// The longest validity of a passport that any state grants, in years, with a year for those that add what was left.
const LONGEST_VALIDITY_YEARS: i32 = 11;

/// The readings of all pages of one document, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentReading {
    /// One reading per page.
    pub pages: Vec<PageReading>,
}

/// What the member says of themselves.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Given names.
    pub given_names: String,
    /// Family name.
    pub family_name: String,
    /// Birth date.
    pub birth_date: Date,
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile").finish_non_exhaustive()
    }
}

impl DocumentReading {
    /// The zone of the document: among the pages' zones the one with the most check digits that pass, the first of equals.
    pub fn mrz(&self) -> Option<&MrzReading> {
        self.data_page().map(|(_, mrz)| mrz)
    }

    /// Whether the print beside the zone says the same. Another page's print is no second source: anybody can add a page.
    pub fn agreement(&self) -> Option<Agreement> {
        let (page, mrz) = self.data_page()?;
        let agrees = page.printed.as_ref().map(|printed| printed.agrees(&mrz.fields));
        Some(agrees.unwrap_or(Agreement::NOTHING_FOUND))
    }

    fn data_page(&self) -> Option<(&PageReading, &MrzReading)> {
        let zones = self.pages.iter().filter_map(|page| Some((page, page.mrz.as_ref()?)));
        zones.rev().max_by_key(|(_, mrz)| mrz.check_digits.passed())
    }

    /// Whether two pages hold good zones of different documents.
    fn has_contradicting_zones(&self) -> bool {
        let zones = self.pages.iter().filter_map(|page| page.mrz.as_ref());
        let mut good = zones.filter(|mrz| mrz.check_digits.all_passed());
        let first = good.next();
        first.is_some_and(|first| good.any(|other| other.lines[1] != first.lines[1]))
    }
}

/// Every check of [`CheckName::ALL`], in that order, for a document of `kind` on the day `as_of`.
pub fn check(reading: &DocumentReading, profile: &Profile, kind: DocumentKind, as_of: Date) -> Vec<Check> {
    let mrz = reading.mrz();
    let printed = reading.agreement();
    CheckName::ALL
        .into_iter()
        .map(|name| match (name, mrz, printed) {
            (CheckName::TypeSupported, _, _) => type_supported(mrz, kind),
            (CheckName::MrzFound, Some(_), _) => Check::passed(name, "ZONE_READ"),
            (CheckName::MrzFound, None, _) => Check::failed(name, "ZONE_NOT_FOUND"),
            (CheckName::MrzCheckDigits, Some(_), _) if reading.has_contradicting_zones() => {
                Check::failed(name, "ZONES_OF_DIFFERENT_DOCUMENTS")
            }
            (_, Some(mrz), Some(printed)) => check_zone(name, mrz, &printed, profile, as_of),
            _ => Check::not_applicable(name, "ZONE_NOT_FOUND"),
        })
        .collect()
}

fn type_supported(mrz: Option<&MrzReading>, kind: DocumentKind) -> Check {
    let name = CheckName::TypeSupported;
    match (kind, mrz) {
        (_, None) => Check::not_applicable(name, "ZONE_NOT_FOUND"),
        (DocumentKind::Passport, Some(mrz)) if mrz.fields.document_code.starts_with('P') => {
            Check::passed(name, "PASSPORT")
        }
        (_, Some(_)) => Check::failed(name, "NOT_A_PASSPORT"),
    }
}

fn check_zone(name: CheckName, mrz: &MrzReading, printed: &Agreement, profile: &Profile, as_of: Date) -> Check {
    let fields = &mrz.fields;
    match name {
        CheckName::TypeSupported | CheckName::MrzFound => unreachable!("these two are checked without a zone"),
        CheckName::ImageQuality
        | CheckName::BarcodeFound
        | CheckName::BarcodeDocumentNumber
        | CheckName::BarcodeNames
        | CheckName::BarcodeBirthDate
        | CheckName::BarcodeExpiryDate
        | CheckName::BarcodeSex
        | CheckName::TwoSources
        | CheckName::VisaAgrees
        | CheckName::NotInUseByAnother
        | CheckName::NotBlocklisted => Check::not_applicable(name, "NOT_CHECKED"),
        CheckName::MrzCheckDigits => zone_holds(mrz, printed),
        CheckName::PrintedDocumentNumber => printed_says(name, &[printed.document_number]),
        CheckName::PrintedNames => match fields.given_names.as_str() {
            "" => printed_says(name, &[printed.surname]),
            _ => printed_says(name, &[printed.surname, printed.given_names]),
        },
        CheckName::PrintedBirthDate => printed_says(name, &[printed.birth_date]),
        CheckName::PrintedExpiryDate => printed_says(name, &[printed.expiry_date]),
        CheckName::PrintedNationality => states_agree(mrz, printed),
        CheckName::PrintedSex => match (fields.sex, printed.sex) {
            // A print without a letter is how some issuers leave the sex unspecified.
            (Sex::Unspecified, FieldAgreement::NotFound) => Check::not_applicable(name, "UNSPECIFIED"),
            (_, printed) => printed_says(name, &[printed]),
        },
        CheckName::NotExpired => match fields.expiry_date {
            None => Check::failed(name, "EXPIRY_DATE_UNREADABLE"),
            Some(expiry) if expiry < as_of => Check::failed(name, "EXPIRED"),
            Some(_) => Check::passed(name, "NOT_EXPIRED"),
        },
        CheckName::DatesPlausible => dates_plausible(fields.birth_date, fields.expiry_date, as_of),
        CheckName::MinimumAge => match fields.birth_date {
            None => Check::not_applicable(name, "BIRTH_DATE_UNKNOWN"),
            Some(birth) if years_after(birth, MINIMUM_AGE_YEARS) > as_of => Check::failed(name, "TOO_YOUNG"),
            Some(_) => Check::passed(name, "OLD_ENOUGH"),
        },
        CheckName::NameMatchesProfile => {
            let agrees = names_agree(
                &fields.surname,
                &fields.given_names,
                &profile.given_names,
                &profile.family_name,
            );
            if agrees {
                Check::passed(name, "NAMES_AGREE")
            } else {
                Check::failed(name, "NAMES_DIFFER")
            }
        }
        CheckName::BirthDateMatchesProfile => match fields.birth_date {
            None => Check::not_applicable(name, "BIRTH_DATE_UNKNOWN"),
            Some(birth) if birth == profile.birth_date => Check::passed(name, "BIRTH_DATES_AGREE"),
            Some(_) => Check::failed(name, "BIRTH_DATES_DIFFER"),
        },
    }
}

/// All five check digits pass, and no cell that they leave open was seen differently by the two eyes.
fn zone_holds(mrz: &MrzReading, printed: &Agreement) -> Check {
    let name = CheckName::MrzCheckDigits;
    if !mrz.check_digits.all_passed() {
        return Check::failed(name, "CHECK_DIGIT_MISMATCH");
    }
    // Print vouches for number, names, states and sex in checks of their own; the rest of the zone rests on this one.
    let optional_data_open = printed.optional_data != FieldAgreement::Agrees;
    let open = mrz.doubtful.iter().any(|cell| match (cell.line, cell.position) {
        (0, 0..=1) => true,
        (1, 28..=41) => optional_data_open,
        _ => false,
    });
    if open {
        Check::failed(name, "ZONE_DOUBTFUL")
    } else {
        Check::passed(name, "ALL_CHECK_DIGITS_PASS")
    }
}

fn printed_says(name: CheckName, answers: &[FieldAgreement]) -> Check {
    if answers.contains(&FieldAgreement::Disagrees) {
        Check::failed(name, "PRINT_DIFFERS")
    } else if answers.contains(&FieldAgreement::NotFound) {
        Check::not_applicable(name, "PRINT_NOT_FOUND")
    } else {
        Check::passed(name, "PRINT_AGREES")
    }
}

/// Both codes are known (ICAO Doc 9303 part 3, section 5), and the print has them.
fn states_agree(mrz: &MrzReading, printed: &Agreement) -> Check {
    let name = CheckName::PrintedNationality;
    let fields = &mrz.fields;
    let known = |code: &str| mrz::country_name(code).is_some();
    if !known(&fields.issuing_state) || !known(&fields.nationality) {
        return Check::failed(name, "STATE_UNKNOWN");
    }
    // Two readings of one code in two places of the zone are two sources as well.
    let same = fields.issuing_state == fields.nationality;
    match (printed.nationality, printed.issuing_state) {
        (FieldAgreement::Agrees, FieldAgreement::Agrees) => Check::passed(name, "PRINT_AGREES"),
        (FieldAgreement::Agrees, _) | (_, FieldAgreement::Agrees) if same => Check::passed(name, "PRINT_AGREES"),
        (FieldAgreement::Disagrees, _) | (_, FieldAgreement::Disagrees) => Check::failed(name, "PRINT_DIFFERS"),
        _ => Check::not_applicable(name, "PRINT_NOT_FOUND"),
    }
}

fn dates_plausible(birth: Option<Date>, expiry: Option<Date>, as_of: Date) -> Check {
    let name = CheckName::DatesPlausible;
    let Some(birth) = birth else {
        return Check::not_applicable(name, "BIRTH_DATE_UNKNOWN");
    };
    let Some(expiry) = expiry else {
        return Check::failed(name, "EXPIRY_DATE_UNREADABLE");
    };
    if birth > as_of {
        Check::failed(name, "BORN_IN_THE_FUTURE")
    } else if years_after(birth, LONGEST_LIFE_YEARS) < as_of {
        Check::failed(name, "BORN_TOO_LONG_AGO")
    } else if expiry <= birth {
        Check::failed(name, "EXPIRES_BEFORE_BIRTH")
    } else if expiry > years_after(as_of, LONGEST_VALIDITY_YEARS) {
        Check::failed(name, "VALID_FOR_TOO_LONG")
    } else {
        Check::passed(name, "PLAUSIBLE")
    }
}

/// The same day some years later; 29 February falls on the 28th where the year has no such day.
fn years_after(day: Date, years: i32) -> Date {
    day.saturating_add(Span::new().years(years))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        mrz_reading::{Cell, CheckDigit},
        printed::{PrintedText, Word},
    };
    use jiff::civil::date;
    use mesh_types::CheckResult;

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
        MrzReading::parse([LINE_1.to_owned(), LINE_2.to_owned()], vec![], vec![]).expect("a TD3 zone")
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

    fn document(mrz: Option<MrzReading>, lines: &[&str]) -> DocumentReading {
        let printed = (!lines.is_empty()).then(|| print(lines));
        DocumentReading {
            pages: vec![PageReading {
                width: 1000,
                height: 700,
                mrz,
                printed,
            }],
        }
    }

    fn profile() -> Profile {
        Profile {
            given_names: "Anna Maria".into(),
            family_name: "Eriksson".into(),
            birth_date: date(1974, 8, 12),
        }
    }

    /// The checks that did not pass, as `name:REASON`.
    fn open(reading: &DocumentReading, profile: &Profile, as_of: Date) -> Vec<String> {
        let checks = check(reading, profile, DocumentKind::Passport, as_of);
        assert!(
            checks.iter().map(|check| check.name).eq(CheckName::ALL),
            "every check, in order"
        );
        let open = checks.into_iter().filter(|check| check.result != CheckResult::Passed);
        open.map(|check| format!("{}:{}", check.name.as_str(), check.reason))
            .collect()
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
        for (from, to, expected) in [
            ("L898902C3", "L898902G3", "printed_document_number:PRINT_DIFFERS"),
            ("L898902C3", "", "printed_document_number:PRINT_NOT_FOUND"),
            ("ERIKSSON", "ERIKSEN", "printed_names:PRINT_DIFFERS"),
            ("ANNA MARIA", "ANNA MARIA LISA", "printed_names:PRINT_NOT_FOUND"),
            ("ANNA MARIA", "ANNA", "printed_names:PRINT_NOT_FOUND"),
            ("12 AUG 1974", "12 AUG 1975", "printed_birth_date:PRINT_DIFFERS"),
            ("15 APR 2012", "15 APR 2O13", "printed_expiry_date:PRINT_DIFFERS"),
            ("F", "Sex M", "printed_sex:PRINT_DIFFERS"),
            ("F", "", "printed_sex:PRINT_NOT_FOUND"),
        ] {
            let lines = with(from, to);
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            assert_eq!(
                open(&document(Some(zone()), &lines), &profile(), TODAY),
                [expected],
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
            ["mrz_check_digits:CHECK_DIGIT_MISMATCH"]
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
    fn a_state_that_no_list_knows_fails_and_a_visa_is_no_passport() {
        let unknown = LINE_1.replace("UTO", "UTQ");
        let unknown = MrzReading::parse([unknown, LINE_2.to_owned()], vec![], vec![]);
        assert_eq!(
            open(&document(unknown, &PRINT), &profile(), TODAY),
            ["printed_nationality:STATE_UNKNOWN"]
        );
        let mut visa = zone();
        visa.fields.document_code = "V".into();
        let zone = Some(visa);
        assert_eq!(
            open(&document(zone, &PRINT), &profile(), TODAY),
            ["type_supported:NOT_A_PASSPORT"]
        );
    }

    #[test]
    fn without_a_zone_nothing_passes() {
        let checks = check(&document(None, &PRINT), &profile(), DocumentKind::Passport, TODAY);
        assert!(checks.iter().all(|check| check.result != CheckResult::Passed));
        assert_eq!(checks[1], Check::failed(CheckName::MrzFound, "ZONE_NOT_FOUND"));
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

    #[test]
    fn two_good_zones_of_different_documents_contradict_each_other() {
        let mut other = zone();
        other.lines[1] = other.lines[1].replace("L898902C3", "L898902G3");
        let mut pages = document(Some(zone()), &PRINT).pages;
        pages.extend(document(Some(other), &PRINT).pages);
        let open = open(&DocumentReading { pages }, &profile(), TODAY);
        assert_eq!(open, ["mrz_check_digits:ZONES_OF_DIFFERENT_DOCUMENTS"]);
    }
}
