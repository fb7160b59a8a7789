//! Whether every field rests on two sources, or on one whose check digits leave no blind spot for it. A check
//! digit that passes is a strong filter and a weak proof: see docs/documents.md, "How a document is decided".

use super::Case;
use crate::{
    blind_spots::{Field, has_blind_spot},
    fields::Source,
    format::ZoneField,
    identity_fields::IdentityFields,
    mrz_reading::{MrzReading, Sex},
    printed::FieldAgreement,
};
use document_policy::{Profile, names::names_are_same};
use jiff::civil::Date;
use mesh_types::{Check, CheckName, CheckReason, CheckResult};

impl Case<'_> {
    pub(super) fn two_sources(&self) -> Check {
        let name = CheckName::TwoSources;
        let Some((source, claimed)) = &self.fields.claimed else {
            return Check::not_applicable(name, self.nothing_read());
        };
        let zone = self.fields.zone.filter(|zone| zone.check_digits.all_passed());
        let single = match (source, zone) {
            (Source::Print, _) => Some(CheckReason::SingleSource),
            (Source::Barcode, _) => self.single_beside_barcode(),
            (Source::Zone, Some(zone)) => self.single_beside_zone(zone, claimed),
            // A zone whose digits fail is no source: nothing says which of its letters are right.
            (Source::Zone, None) => Some(CheckReason::SingleSourceNumber),
        };
        match single {
            Some(reason) => Check::failed(name, reason),
            None => Check::passed(name, CheckReason::TwoSources),
        }
    }

    /// A barcode corrects its own errors (Reed–Solomon), so nothing in it is misread. But anybody can print one: all that
    /// decides must stand on the card as well, or in a zone. Only the sex may rest on the barcode alone.
    fn single_beside_barcode(&self) -> Option<CheckReason> {
        let printed = |name| self.print_agrees(name).result == CheckResult::Passed;
        let fields = [
            (
                printed(CheckName::PrintedDocumentNumber) || self.zone_agrees(CheckName::BarcodeDocumentNumber),
                CheckReason::SingleSourceNumber,
            ),
            (
                printed(CheckName::PrintedNames)
                    || self.one_name_is_printed()
                    || self.zone_agrees(CheckName::BarcodeNames),
                CheckReason::SingleSourceNames,
            ),
            (
                printed(CheckName::PrintedBirthDate) || self.zone_agrees(CheckName::BarcodeBirthDate),
                CheckReason::SingleSourceBirthDate,
            ),
            (
                printed(CheckName::PrintedExpiryDate) || self.zone_agrees(CheckName::BarcodeExpiryDate),
                CheckReason::SingleSourceExpiryDate,
            ),
        ];
        fields.into_iter().find(|(holds, _)| !holds).map(|(_, reason)| reason)
    }

    /// Whether a birth date, expiry date or sex needs no print: the digits of a zone see every confusion of some dates, and the
    /// sex of a barcode, which corrects its errors, decides nothing. In a zone the sex has no digit.
    pub(super) fn leaves_no_blind_spot(&self, name: CheckName) -> bool {
        let Some((source, claimed)) = &self.fields.claimed else {
            return false;
        };
        let zone = self.fields.zone.filter(|zone| zone.check_digits.all_passed());
        match (source, name, zone) {
            (Source::Barcode, CheckName::PrintedSex, _) => true,
            (Source::Zone, CheckName::PrintedBirthDate, Some(zone)) => {
                sees_all(zone, Field::BirthDate, claimed.birth_date)
            }
            (Source::Zone, CheckName::PrintedExpiryDate, Some(zone)) => {
                sees_all(zone, Field::ExpiryDate, claimed.expiry_date)
            }
            _ => false,
        }
    }

    /// One of the names stands on the card, nothing there speaks against the other one, and the profile has both whole: then a
    /// letter that was misread in the other one makes the card no other person's.
    fn one_name_is_printed(&self) -> bool {
        let printed = &self.fields.printed;
        let names = [printed.surname, printed.given_names];
        let one = names.contains(&FieldAgreement::Agrees) && !names.contains(&FieldAgreement::Disagrees);
        one && self.profile_has_the_names()
    }

    /// Whether the profile is a second source of the names: it has them whole, letter by letter.
    fn profile_has_the_names(&self) -> bool {
        let Profile {
            given_names,
            family_name,
            ..
        } = self.profile;
        let matches = self.name_matches_profile().result == CheckResult::Passed;
        let same = |claimed: &IdentityFields| names_are_same(&claimed.names(), given_names, family_name);
        matches && self.fields.claims().is_some_and(same)
    }

    /// Whether the caption of a name stands on the page and the name does not. The profile is no second source then: holders
    /// write it themselves, and the print may show somebody else.
    fn names_are_captioned(&self) -> bool {
        let (printed, captions) = (&self.fields.printed, &self.fields.captions);
        (captions.surname && printed.surname != FieldAgreement::Agrees)
            || (captions.given_names && printed.given_names != FieldAgreement::Agrees)
    }

    fn single_beside_zone(&self, zone: &MrzReading, claimed: &IdentityFields) -> Option<CheckReason> {
        let printed = &self.fields.printed;
        let profile = |check: Check| check.result == CheckResult::Passed;
        let agrees = |answer: FieldAgreement| answer == FieldAgreement::Agrees;
        let unseen = |field, value: &str| has_blind_spot(zone.format, field, value);
        let names_agree = agrees(printed.surname) && agrees(printed.given_names);
        let fields = [
            (
                agrees(printed.document_number)
                    || self.zone_agrees(CheckName::BarcodeDocumentNumber)
                    || !unseen(Field::DocumentNumber, &claimed.document_number),
                CheckReason::SingleSourceNumber,
            ),
            (
                names_agree
                    || self.zone_agrees(CheckName::BarcodeNames)
                    // What the two eyes read differently must be read a third time.
                    || (self.profile_has_the_names()
                        && !self.names_are_captioned()
                        && !zone.is_doubtful(ZoneField::Names)),
                CheckReason::SingleSourceNames,
            ),
            (
                agrees(printed.birth_date)
                    || (profile(self.birth_date_matches_profile()) && !self.fields.captions.birth_date)
                    || self.zone_agrees(CheckName::BarcodeBirthDate)
                    || sees_all(zone, Field::BirthDate, claimed.birth_date),
                CheckReason::SingleSourceBirthDate,
            ),
            (
                agrees(printed.expiry_date)
                    || self.zone_agrees(CheckName::BarcodeExpiryDate)
                    || sees_all(zone, Field::ExpiryDate, claimed.expiry_date),
                CheckReason::SingleSourceExpiryDate,
            ),
            (
                agrees(printed.sex)
                    || self.zone_agrees(CheckName::BarcodeSex)
                    // Print without a letter agrees with a zone without one.
                    || (claimed.sex == Some(Sex::Unspecified) && printed.sex == FieldAgreement::NotFound),
                CheckReason::SingleSourceSex,
            ),
            (
                self.print_agrees(CheckName::PrintedNationality).result == CheckResult::Passed,
                CheckReason::SingleSourceState,
            ),
        ];
        fields.into_iter().find(|(holds, _)| !holds).map(|(_, reason)| reason)
    }

    /// Whether zone and barcode of one document agree; never with a zone whose digits fail.
    fn zone_agrees(&self, name: CheckName) -> bool {
        let zone_holds = self.fields.zone.is_some_and(|zone| zone.check_digits.all_passed());
        zone_holds && self.barcode_agrees(name).result == CheckResult::Passed
    }
}

/// Whether the digits of a zone see every confusion of a date, which stands there as `YYMMDD`.
fn sees_all(zone: &MrzReading, field: Field, date: Option<Date>) -> bool {
    date.is_some_and(|date| !has_blind_spot(zone.format, field, &date.strftime("%y%m%d").to_string()))
}
