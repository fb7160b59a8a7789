//! The readings of all pages of one document.

use crate::{barcode::BarcodeReading, mrz_reading::MrzReading, page_reading::PageReading, printed::PrintedFields};
use serde::{Deserialize, Serialize};

/// The readings of all pages of one document, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentReading {
    /// One reading per page.
    pub pages: Vec<PageReading>,
}

impl DocumentReading {
    /// The zone of the document: among the pages' zones the one with the fewest check digits that fail, the first of
    /// equals; never a visa's.
    pub fn mrz(&self) -> Option<&MrzReading> {
        self.zone_page().map(|(_, zone)| zone)
    }

    pub(crate) fn zone_page(&self) -> Option<(&PageReading, &MrzReading)> {
        let zones = self.pages.iter().filter_map(|page| Some((page, page.mrz.as_ref()?)));
        zones.min_by_key(|(_, zone)| zone.check_digits.failed())
    }

    pub(crate) fn barcode_page(&self) -> Option<(&PageReading, &BarcodeReading)> {
        self.pages.iter().find_map(|page| Some((page, page.barcode.as_ref()?)))
    }

    /// The zones of visas on any page.
    pub(crate) fn visas(&self) -> impl Iterator<Item = &MrzReading> {
        self.pages.iter().flat_map(|page| &page.visas)
    }

    /// What captions say of the values beside them; from the first page on which they name a document.
    pub(crate) fn by_captions(&self) -> Option<PrintedFields> {
        let pages = self.pages.iter().filter_map(|page| page.printed.as_ref());
        pages
            .map(|printed| printed.by_captions())
            .find(PrintedFields::names_a_document)
    }
}
