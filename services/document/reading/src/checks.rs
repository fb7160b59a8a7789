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
        self.pages
            .iter()
            .filter_map(|page| page.mrz.as_ref())
            .rev()
            .max_by_key(|mrz| mrz.check_digits.passed())
    }

    /// Whether the print of any page says the same as the zone; the best answer of all pages for each field.
    pub fn agreement(&self) -> Option<Agreement> {
        let mrz = self.mrz()?;
        let answers = self
            .pages
            .iter()
            .filter_map(|page| page.printed.as_ref())
            .map(|printed| printed.agrees(&mrz.fields));
        Some(answers.fold(Agreement::NOTHING_FOUND, Agreement::or))
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
        (DocumentKind::Passport, Some(_)) => Check::failed(name, "NOT_A_PASSPORT"),
    }
}

fn check_zone(name: CheckName, mrz: &MrzReading, printed: &Agreement, profile: &Profile, as_of: Date) -> Check {
    let fields = &mrz.fields;
    match name {
        CheckName::TypeSupported | CheckName::MrzFound => unreachable!("these two are checked without a zone"),
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
