//! From the readings of all pages to checks: pure, and the only place that says when a field counts as read right.
//!
//! A document whose checks all pass has no field that decides and rests on one look alone, but for those whose first source
//! cannot have been misread unseen ([`CheckReason::NoBlindSpot`]): see [`CheckName::TwoSources`].

use crate::{
    document::DocumentReading,
    fields::{DocumentFields, Source},
    mrz_reading::MrzReading,
    page_reading::PageReading,
    printed::{FieldAgreement, PrintedText},
    quality,
};
use document_policy::{Holder, Profile};
use jiff::civil::Date;
use mesh_types::{Check, CheckName, CheckReason, DocumentKind};

mod barcode;
mod print;
mod sources;
#[cfg(test)]
mod tests;
mod zone;

impl DocumentReading {
    /// Whether two pages hold zones, or barcodes, of different documents. Visas are documents of their own and contradict
    /// nothing, and beside a poor zone no other one is held against it: its letters say nothing.
    fn has_contradicting_zones(&self) -> bool {
        let chosen = self.mrz().filter(|zone| zone.check_digits.all_passed());
        let mut zones = self.pages.iter().filter_map(|page| page.mrz.as_ref());
        let zones_differ = chosen.is_some_and(|chosen| zones.any(|zone| is_of_another_document(zone, chosen)));
        let barcodes = self.pages.iter().filter_map(|page| page.barcode.as_ref());
        zones_differ || !all_same(barcodes.map(|barcode| (&barcode.issuer, &barcode.fields.number)))
    }
}

/// Whether a zone is of another document than a good one. A zone whose digits fail was misread somewhere, but not in its
/// number, its surname and its birth date at once.
fn is_of_another_document(zone: &MrzReading, good: &MrzReading) -> bool {
    let (fields, other) = (&zone.fields, &good.fields);
    let number = fields.document_number != other.document_number;
    let surname = fields.surname != other.surname;
    let birth_date = fields.birth_date != other.birth_date;
    let rest = fields.given_names != other.given_names
        || fields.issuing_state != other.issuing_state
        || fields.expiry_date != other.expiry_date;
    match zone.check_digits.all_passed() {
        true => number || surname || birth_date || rest,
        false => number && surname && birth_date,
    }
}

fn all_same<T: PartialEq>(mut things: impl Iterator<Item = T>) -> bool {
    let first = things.next();
    first.is_none_or(|first| things.all(|other| other == first))
}

/// Every check of [`CheckName::ALL`], in that order, for a document of `kind` on the day `as_of`.
///
/// [`CheckName::NotInUseByAnother`] and [`CheckName::NotBlocklisted`] need tables that are not here: they are
/// `not_applicable` with `NOT_CHECKED`, to be replaced by [`with_answers`].
pub fn check(reading: &DocumentReading, profile: &Profile, kind: DocumentKind, as_of: Date) -> Vec<Check> {
    let case = Case {
        fields: DocumentFields::of(reading, kind),
        printed_issue_date: printed_issue_date(reading),
        reading,
        profile,
        as_of,
    };
    CheckName::ALL.into_iter().map(|name| case.check(name)).collect()
}

/// Puts checks that were made elsewhere in the place of those of the same name; the order stays.
pub fn with_answers(mut checks: Vec<Check>, answers: impl IntoIterator<Item = Check>) -> Vec<Check> {
    for answer in answers {
        match checks.iter_mut().find(|check| check.name == answer.name) {
            Some(check) => *check = answer,
            None => checks.push(answer),
        }
    }
    checks
}

/// The date of issue by its caption, on any page that shows one.
fn printed_issue_date(reading: &DocumentReading) -> Option<Date> {
    let pages = reading.pages.iter().filter_map(|page| page.printed.as_ref());
    pages.filter_map(|printed| printed.by_captions().issue_date).next()
}

/// What is checked.
struct Case<'a> {
    fields: DocumentFields<'a>,
    reading: &'a DocumentReading,
    printed_issue_date: Option<Date>,
    profile: &'a Profile,
    as_of: Date,
}

impl Case<'_> {
    fn check(&self, name: CheckName) -> Check {
        match name {
            CheckName::TypeSupported => self.type_supported(),
            CheckName::ImageQuality => self.image_quality(),
            CheckName::MrzFound => self.mrz_found(),
            CheckName::MrzCheckDigits => self.mrz_check_digits(),
            CheckName::BarcodeFound => self.barcode_found(),
            CheckName::PrintedDocumentNumber
            | CheckName::PrintedNames
            | CheckName::PrintedBirthDate
            | CheckName::PrintedExpiryDate
            | CheckName::PrintedNationality
            | CheckName::PrintedSex => self.print_agrees(name),
            CheckName::BarcodeDocumentNumber
            | CheckName::BarcodeNames
            | CheckName::BarcodeBirthDate
            | CheckName::BarcodeExpiryDate
            | CheckName::BarcodeSex => self.barcode_agrees(name),
            CheckName::TwoSources => self.two_sources(),
            CheckName::VisaAgrees => self.visa_agrees(),
            CheckName::NotExpired => self.of_holder(name, |holder| holder.not_expired(self.as_of)),
            CheckName::DatesPlausible => self.of_holder(name, |holder| holder.dates_plausible(self.as_of)),
            CheckName::MinimumAge => self.of_holder(name, |holder| holder.minimum_age(self.profile, self.as_of)),
            CheckName::NameMatchesProfile => self.name_matches_profile(),
            CheckName::BirthDateMatchesProfile => self.birth_date_matches_profile(),
            CheckName::NotInUseByAnother | CheckName::NotBlocklisted => {
                Check::not_applicable(name, CheckReason::NotChecked)
            }
        }
    }

    fn name_matches_profile(&self) -> Check {
        let name = CheckName::NameMatchesProfile;
        self.of_holder(name, |holder| holder.name_matches_profile(self.profile))
    }

    fn birth_date_matches_profile(&self) -> Check {
        let name = CheckName::BirthDateMatchesProfile;
        self.of_holder(name, |holder| {
            holder.birth_date_matches_profile(self.profile, self.as_of)
        })
    }

    /// A check of the holder by the rules of [`document_policy`], where a holder was read.
    fn of_holder(&self, name: CheckName, rule: impl Fn(&Holder<'_>) -> Check) -> Check {
        let Some((source, claimed)) = &self.fields.claimed else {
            return Check::not_applicable(name, self.nothing_read());
        };
        rule(&Holder {
            kind: self.fields.kind,
            names: claimed.names(),
            birth_date: claimed.birth_date,
            birth_century_is_concluded: *source == Source::Zone,
            birth_date_is_printed: self.fields.printed.birth_date == FieldAgreement::Agrees,
            expiry_date: claimed.expiry_date,
            barcode_issue_date: self.fields.barcode.and_then(|barcode| barcode.fields.issue_date),
            printed_issue_date: self.printed_issue_date,
        })
    }

    /// Judges the pages that the document was read from, or all if it was read from none: what else was sent with them need
    /// not be good.
    fn image_quality(&self) -> Check {
        let pages = || self.reading.pages.iter();
        let was_read = pages().any(|page| self.is_read_from(page));
        let judged = pages().filter(|page| !was_read || self.is_read_from(page));
        quality::check(judged.filter_map(|page| page.quality.as_ref()))
    }

    /// Whether a page gave a zone, a barcode or the printed number of the document.
    fn is_read_from(&self, page: &PageReading) -> bool {
        let has_fields = |printed: &PrintedText| {
            let claims = self.fields.claims();
            printed.by_captions().names_a_document()
                || claims.is_some_and(|claimed| printed.agrees(claimed).document_number == FieldAgreement::Agrees)
        };
        page.mrz.is_some() || page.barcode.is_some() || page.printed.as_ref().is_some_and(has_fields)
    }

    /// Why there is nothing to look at, in a document that has no fields at all.
    fn nothing_read(&self) -> CheckReason {
        match self.fields.kind {
            DocumentKind::Passport => CheckReason::ZoneNotFound,
            DocumentKind::DriversLicense | DocumentKind::NationalId => CheckReason::NothingRead,
        }
    }
}
