//! One view of a document: for each field what zone, barcode and print say of it.

use crate::{
    barcode::{BarcodeReading, Subfile},
    document::DocumentReading,
    identity_fields::{IdentityFields, letters_and_digits},
    mrz_reading::MrzReading,
    page_reading::PageReading,
    printed::{Agreement, Captions, FieldAgreement, PrintedFields},
};
use mesh_types::DocumentKind;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where the fields come from with which all else is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The machine-readable zone.
    Zone,
    /// The barcode.
    Barcode,
    /// Print by its captions, of a document that has neither.
    Print,
}

/// One view of all pages of a document.
pub struct DocumentFields<'a> {
    /// The document's kind, as announced.
    pub kind: DocumentKind,
    /// The zone: among the pages' zones the one with the fewest failed check digits, the first of equals.
    pub zone: Option<&'a MrzReading>,
    /// The barcode; the first of several.
    pub barcode: Option<&'a BarcodeReading>,
    /// What print says of itself; `None` beside a zone or a barcode.
    pub print: Option<PrintedFields>,
    /// The fields with which all else is compared, and where they come from.
    pub claimed: Option<(Source, IdentityFields)>,
    /// Whether print agrees with them; [`Agreement::NOTHING_FOUND`] where they are print themselves.
    pub printed: Agreement,
    /// The captions on the pages whose print counts.
    pub(crate) captions: Captions,
    /// Zones of visas beside the document.
    pub visas: Vec<&'a MrzReading>,
}

impl<'a> DocumentFields<'a> {
    /// Looks at a document of `kind`.
    pub fn of(reading: &'a DocumentReading, kind: DocumentKind) -> Self {
        let (zone, barcode) = (reading.zone_page(), reading.barcode_page());
        let captions = || reading.by_captions().filter(PrintedFields::names_a_document);
        let mut print = None;
        let claimed = match (zone, barcode, kind) {
            // A licence of North America rests on its barcode; nobody there prints a zone on it.
            (_, Some((page, barcode)), DocumentKind::DriversLicense) | (None, Some((page, barcode)), _) => {
                Some((Source::Barcode, IdentityFields::from(barcode), Some(page)))
            }
            (Some((page, zone)), _, _) => Some((Source::Zone, IdentityFields::from(&zone.fields), Some(page))),
            (None, None, DocumentKind::DriversLicense) => captions().map(|fields| {
                let claimed = IdentityFields::from(&fields);
                print = Some(fields);
                (Source::Print, claimed, None)
            }),
            (None, None, _) => None,
        };
        let printed = match &claimed {
            Some((_, claimed, Some(page))) => agreement(reading, claimed, page, kind),
            _ => Agreement::NOTHING_FOUND,
        };
        let captions = match &claimed {
            Some((_, _, Some(page))) => captions_beside(reading, page, kind),
            _ => Captions::default(),
        };
        Self {
            captions,
            kind,
            zone: zone.map(|(_, zone)| zone),
            barcode: barcode.map(|(_, barcode)| barcode),
            print,
            claimed: claimed.map(|(source, claimed, _)| (source, claimed)),
            printed,
            visas: reading.visas().collect(),
        }
    }

    /// The fields with which all else is compared.
    pub fn claims(&self) -> Option<&IdentityFields> {
        self.claimed.as_ref().map(|(_, claimed)| claimed)
    }

    /// Where they come from.
    pub fn source(&self) -> Option<Source> {
        self.claimed.as_ref().map(|(source, _)| *source)
    }
}

/// The captions of a passport's own page, or of all sides of a card.
fn captions_beside(reading: &DocumentReading, own_page: &PageReading, kind: DocumentKind) -> Captions {
    let pages = reading.pages.iter();
    let pages = pages.filter(|page| kind != DocumentKind::Passport || std::ptr::eq(*page, own_page));
    let captions = pages
        .filter_map(|page| page.printed.as_ref())
        .map(|printed| printed.captions());
    captions.fold(Captions::default(), Captions::or)
}

impl DocumentReading {
    /// Whether print says the same as the zone or the barcode of a document of `kind`; `None` where there is neither.
    pub fn agreement(&self, kind: DocumentKind) -> Option<Agreement> {
        (self.zone_page().is_some() || self.barcode_page().is_some()).then(|| DocumentFields::of(self, kind).printed)
    }
}

/// Whether print says the same as what stands on `own_page`.
///
/// Of a passport only that page's print counts: anybody can add a page. A card has a front and a back, so the print of
/// its other side counts as well, as soon as the document's number stands there: sides of two cards don't combine, and
/// what one page says against the document no other page takes back.
fn agreement(
    reading: &DocumentReading,
    claimed: &IdentityFields,
    own_page: &PageReading,
    kind: DocumentKind,
) -> Agreement {
    let of_page = |page: &PageReading| {
        let printed = page.printed.as_ref();
        printed.map_or(Agreement::NOTHING_FOUND, |printed| printed.agrees(claimed))
    };
    let own = of_page(own_page);
    if kind == DocumentKind::Passport {
        return own;
    }
    let others = reading.pages.iter().filter(|page| !std::ptr::eq(*page, own_page));
    let (sides, strangers): (Vec<Agreement>, Vec<Agreement>) = others
        .map(of_page)
        .partition(|page| page.document_number == FieldAgreement::Agrees);
    let of_strangers = strangers.into_iter().map(|page| Agreement {
        document_number: page.document_number,
        ..Agreement::NOTHING_FOUND
    });
    let of_sides = sides.into_iter().reduce(Agreement::with_rival);
    of_strangers.chain(of_sides).fold(own, Agreement::with_page)
}

/// What makes a document the same one when it is seen again; kept by others as a keyed hash only.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The issuing state's code of a zone, or the issuer's number of a barcode; empty where print alone was read.
    pub issuer: String,
    /// What kind of document it is.
    pub kind: DocumentKind,
    /// The document number, capitals and digits only.
    pub number: String,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Says which document this is: by a zone whose check digits all pass, by a barcode, or by print where there is neither.
///
/// `None` if no number was read that surely.
pub fn identity(reading: &DocumentReading, kind: DocumentKind) -> Option<Identity> {
    let fields = DocumentFields::of(reading, kind);
    let (source, claimed) = fields.claimed.as_ref()?;
    let issuer = match source {
        Source::Zone if !fields.zone?.check_digits.all_passed() => return None,
        Source::Zone => letters_and_digits(claimed.issuing_state.as_deref().unwrap_or_default()),
        Source::Barcode => fields.barcode?.issuer.clone(),
        Source::Print => String::new(),
    };
    let number = letters_and_digits(&claimed.document_number);
    (!number.is_empty()).then_some(Identity { issuer, kind, number })
}

/// The subfile that a barcode of a kind of document has; passports have none.
pub(crate) const fn subfile_of(kind: DocumentKind) -> Option<Subfile> {
    match kind {
        DocumentKind::Passport => None,
        DocumentKind::DriversLicense => Some(Subfile::DriversLicense),
        DocumentKind::NationalId => Some(Subfile::IdentityCard),
    }
}
