//! Whether there is a barcode, and whether it says the same as the zone of the same document.

use super::Case;
use crate::{fields::Claimed, names::names_agree};
use mesh_types::{Check, CheckName, DocumentKind};

impl Case<'_> {
    pub(super) fn barcode_found(&self) -> Check {
        let name = CheckName::BarcodeFound;
        match (self.fields.barcode, self.fields.kind) {
            (Some(_), _) => Check::passed(name, "BARCODE_READ"),
            (None, DocumentKind::Passport) => Check::not_applicable(name, "NO_BARCODE_ON_THIS_KIND"),
            // A zone makes up for a barcode that can't be read; on a licence it is what machines can rely on.
            (None, DocumentKind::DriversLicense) if self.reading.pages.iter().any(|page| page.barcode_unreadable) => {
                Check::failed(name, "BARCODE_NOT_READABLE")
            }
            (None, _) => Check::not_applicable(name, "BARCODE_NOT_FOUND"),
        }
    }

    pub(super) fn barcode_agrees(&self, name: CheckName) -> Check {
        let (Some(zone), Some(barcode)) = (self.fields.zone, self.fields.barcode) else {
            return Check::not_applicable(name, "NOT_BOTH");
        };
        let (zone, barcode) = (Claimed::from(&zone.fields), Claimed::from(barcode));
        let answer = match name {
            CheckName::BarcodeDocumentNumber => Some(zone.document_number == barcode.document_number),
            // The zone's names may be cut sooner than the barcode's, or written with other letters for the same marks.
            CheckName::BarcodeNames => Some(names_agree(&zone.names(), &barcode.given_names, &barcode.surname)),
            CheckName::BarcodeBirthDate => same(zone.birth_date, barcode.birth_date),
            CheckName::BarcodeExpiryDate => same(zone.expiry_date, barcode.expiry_date),
            _ => same(zone.sex, barcode.sex),
        };
        match answer {
            None => Check::not_applicable(name, "NOT_IN_BOTH"),
            Some(true) => Check::passed(name, "BARCODE_AGREES"),
            Some(false) => Check::failed(name, "BARCODE_DIFFERS"),
        }
    }
}

fn same<T: PartialEq>(zone: Option<T>, barcode: Option<T>) -> Option<bool> {
    Some(zone? == barcode?)
}
