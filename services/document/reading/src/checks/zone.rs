//! Checks of the machine-readable zone, of the type of document that it tells, and of visas.

use super::Case;
use crate::{
    fields::{Source, subfile_of},
    format::ZoneField,
    mrz_reading::MrzReading,
    printed::FieldAgreement,
};
use document_policy::names_agree;
use mesh_types::{Check, CheckName, CheckReason, DocumentKind};

impl Case<'_> {
    pub(super) fn type_supported(&self) -> Check {
        let name = CheckName::TypeSupported;
        let kind = self.fields.kind;
        match (self.fields.source(), self.fields.zone, self.fields.barcode) {
            (Some(Source::Zone), Some(zone), _) => match zone_is_of(kind, zone) {
                true => Check::passed(name, announced(kind)),
                false => Check::failed(name, not_announced(kind)),
            },
            (Some(Source::Barcode), _, Some(barcode)) if Some(barcode.subfile) == subfile_of(kind) => {
                Check::passed(name, announced(kind))
            }
            (Some(Source::Barcode), ..) => Check::failed(name, not_announced(kind)),
            (Some(Source::Print), ..) => Check::passed(name, announced(kind)),
            _ if !self.fields.visas.is_empty() => Check::failed(name, not_announced(kind)),
            _ if kind == DocumentKind::Passport => Check::not_applicable(name, self.nothing_read()),
            // Where a zone is not asked for nothing else would say that the picture shows no such document.
            _ => Check::failed(name, self.nothing_read()),
        }
    }

    pub(super) fn mrz_found(&self) -> Check {
        let name = CheckName::MrzFound;
        match (self.fields.zone, self.fields.kind) {
            (Some(_), _) => Check::passed(name, CheckReason::ZoneRead),
            (None, DocumentKind::Passport) => Check::failed(name, CheckReason::ZoneNotFound),
            (None, DocumentKind::NationalId) if self.fields.barcode.is_none() => {
                Check::failed(name, CheckReason::ZoneNotFound)
            }
            (None, _) => Check::not_applicable(name, CheckReason::NoZoneOnThisKind),
        }
    }

    /// All check digits pass, and no cell that they leave open was seen differently by the two eyes.
    pub(super) fn mrz_check_digits(&self) -> Check {
        let name = CheckName::MrzCheckDigits;
        if self.reading.has_contradicting_zones() {
            return Check::failed(name, CheckReason::ZonesOfDifferentDocuments);
        }
        let Some(zone) = self.fields.zone else {
            let reason = match self.fields.kind {
                DocumentKind::Passport => CheckReason::ZoneNotFound,
                DocumentKind::DriversLicense | DocumentKind::NationalId => CheckReason::NoZone,
            };
            return Check::not_applicable(name, reason);
        };
        if !zone.check_digits.all_passed() {
            return Check::failed(name, CheckReason::CheckDigitMismatch);
        }
        // Print vouches for number, names, states and sex in checks of their own; the rest of the zone rests on this one.
        let printed = &self.fields.printed;
        let open = zone.is_doubtful(ZoneField::DocumentCode)
            || [
                (ZoneField::OptionalData, printed.optional_data),
                (ZoneField::SecondOptionalData, printed.second_optional_data),
            ]
            .into_iter()
            .any(|(field, printed)| zone.is_doubtful(field) && printed != FieldAgreement::Agrees);
        if open {
            Check::failed(name, CheckReason::ZoneDoubtful)
        } else {
            Check::passed(name, CheckReason::AllCheckDigitsPass)
        }
    }

    /// The names and the birth date of every visa beside a passport are those of its holder.
    pub(super) fn visa_agrees(&self) -> Check {
        let name = CheckName::VisaAgrees;
        let Some(claimed) = self.fields.claims().filter(|_| !self.fields.visas.is_empty()) else {
            return Check::not_applicable(name, CheckReason::NoVisa);
        };
        if self.fields.visas.iter().any(|visa| !visa.check_digits.all_passed()) {
            return Check::not_applicable(name, CheckReason::VisaNotReadable);
        }
        let is_holders = |visa: &&MrzReading| {
            let fields = &visa.fields;
            let born_alike = fields.birth_date == claimed.birth_date && fields.birth_date.is_some();
            // A visa may leave out given names or cut them sooner: it is compared as a profile is.
            born_alike && names_agree(&claimed.names(), &fields.given_names, &fields.surname)
        };
        if self.fields.visas.iter().all(is_holders) {
            Check::passed(name, CheckReason::VisaOfTheHolder)
        } else {
            Check::failed(name, CheckReason::VisaOfAnother)
        }
    }
}

/// Whether a zone's document code is of the kind: `P` (part 4), `A`, `C` or `I` but for crew members' `AC` (part 5 and 6,
/// 4.2.2); some licences carry a zone that begins with `D`.
fn zone_is_of(kind: DocumentKind, zone: &MrzReading) -> bool {
    let code = zone.fields.document_code.as_str();
    match kind {
        DocumentKind::Passport => code.starts_with('P'),
        DocumentKind::NationalId => code.starts_with(['A', 'C', 'I']) && code != "AC",
        DocumentKind::DriversLicense => code.starts_with('D'),
    }
}

const fn announced(kind: DocumentKind) -> CheckReason {
    match kind {
        DocumentKind::Passport => CheckReason::Passport,
        DocumentKind::DriversLicense => CheckReason::DriversLicense,
        DocumentKind::NationalId => CheckReason::NationalId,
    }
}

const fn not_announced(kind: DocumentKind) -> CheckReason {
    match kind {
        DocumentKind::Passport => CheckReason::NotAPassport,
        DocumentKind::DriversLicense => CheckReason::NotADriversLicense,
        DocumentKind::NationalId => CheckReason::NotANationalId,
    }
}
