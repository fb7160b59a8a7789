//! Whether there is a barcode, and whether it says the same as the zone of the same document.

use super::Case;
use crate::identity_fields::IdentityFields;
use document_policy::names_agree;
use mesh_types::{Check, CheckName, CheckReason, DocumentKind};

impl Case<'_> {
    pub(super) fn barcode_found(&self) -> Check {
        let name = CheckName::BarcodeFound;
        match (self.fields.barcode, self.fields.kind) {
            (Some(_), _) => Check::passed(name, CheckReason::BarcodeRead),
            (None, DocumentKind::Passport) => Check::not_applicable(name, CheckReason::NoBarcodeOnThisKind),
            // A zone makes up for a barcode that can't be read; on a licence it is what machines can rely on.
            (None, DocumentKind::DriversLicense) if self.reading.pages.iter().any(|page| page.barcode_unreadable) => {
                Check::failed(name, CheckReason::BarcodeNotReadable)
            }
            (None, _) => Check::not_applicable(name, CheckReason::BarcodeNotFound),
        }
    }

    pub(super) fn barcode_agrees(&self, name: CheckName) -> Check {
        let (Some(zone), Some(barcode)) = (self.fields.zone, self.fields.barcode) else {
            return Check::not_applicable(name, CheckReason::NotBoth);
        };
        let (zone, barcode) = (IdentityFields::from(&zone.fields), IdentityFields::from(barcode));
        let answer = match name {
            CheckName::BarcodeDocumentNumber => Some(zone.document_number == barcode.document_number),
            // The zone's names may be cut sooner than the barcode's, or written with other letters for the same marks.
            CheckName::BarcodeNames => Some(names_agree(&zone.names(), &barcode.given_names, &barcode.surname)),
            CheckName::BarcodeBirthDate => same(zone.birth_date, barcode.birth_date),
            CheckName::BarcodeExpiryDate => same(zone.expiry_date, barcode.expiry_date),
            _ => same(zone.sex, barcode.sex),
        };
        match answer {
            None => Check::not_applicable(name, CheckReason::NotInBoth),
            Some(true) => Check::passed(name, CheckReason::BarcodeAgrees),
            Some(false) => Check::failed(name, CheckReason::BarcodeDiffers),
        }
    }
}

fn same<T: PartialEq>(zone: Option<T>, barcode: Option<T>) -> Option<bool> {
    Some(zone? == barcode?)
}
