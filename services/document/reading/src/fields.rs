//! One view of a document: for each field what zone, barcode and print say of it.

use crate::{
    barcode::{BarcodeReading, Subfile},
    checks::DocumentReading,
    mrz_reading::{MrzFields, MrzReading, Sex},
    names::{HolderNames, in_zone_letters},
    printed::{Agreement, Captions, DateOrder, FieldAgreement, PrintedFields},
    reader::PageReading,
};
use jiff::civil::Date;
use mesh_types::DocumentKind;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What one source says of holder and document, in a zone's letters; the others are compared with it.
#[derive(Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The whole document number.
    pub document_number: String,
    /// The surname, its parts separated by a space.
    pub surname: String,
    /// The given names, separated by a space; empty if there are none.
    pub given_names: String,
    /// Whether the surname may lack its end.
    pub surname_may_be_cut: bool,
    /// Whether the given names may lack their end, or some of them.
    pub given_names_may_be_cut: bool,
    /// The nationality's code; `None` where the source has no such field.
    pub nationality: Option<String>,
    /// The issuing state's code; `None` where the source has no such field.
    pub issuing_state: Option<String>,
    /// `None` if it is unknown or no day of the calendar.
    pub birth_date: Option<Date>,
    /// `None` where the source has no such field; zones have none.
    pub issue_date: Option<Date>,
    /// `None` if it is no day of the calendar.
    pub expiry_date: Option<Date>,
    /// `None` where the source does not say; not the same as unspecified.
    pub sex: Option<Sex>,
    /// The personal number or other data of the issuer's choice; empty if there is none.
    pub optional_data: String,
    /// The second such field, which cards of three lines have.
    pub second_optional_data: String,
    /// How the issuer prints dates.
    pub date_order: DateOrder,
}

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
    pub claimed: Option<(Source, Claimed)>,
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
                Some((Source::Barcode, Claimed::from(barcode), Some(page)))
            }
            (Some((page, zone)), _, _) => Some((Source::Zone, Claimed::from(&zone.fields), Some(page))),
            (None, None, DocumentKind::DriversLicense) => captions().map(|fields| {
                let claimed = Claimed::from(&fields);
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
    pub fn claims(&self) -> Option<&Claimed> {
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

/// Whether print says the same as what stands on `own_page`.
///
/// Of a passport only that page's print counts: anybody can add a page. A card has a front and a back, so the print of
/// its other side counts as well, as soon as the document's number stands there: sides of two cards don't combine, and
/// what one page says against the document no other page takes back.
fn agreement(reading: &DocumentReading, claimed: &Claimed, own_page: &PageReading, kind: DocumentKind) -> Agreement {
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

impl Claimed {
    /// Holder's names, for [`names_agree`](crate::names_agree).
    pub fn names(&self) -> HolderNames<'_> {
        HolderNames {
            surname: &self.surname,
            given_names: &self.given_names,
            surname_may_be_cut: self.surname_may_be_cut,
            given_names_may_be_cut: self.given_names_may_be_cut,
        }
    }
}

impl From<&MrzFields> for Claimed {
    fn from(fields: &MrzFields) -> Self {
        Self {
            document_number: fields.document_number.clone(),
            surname: fields.surname.clone(),
            given_names: fields.given_names.clone(),
            surname_may_be_cut: fields.surname_may_be_cut(),
            given_names_may_be_cut: fields.names_may_be_cut,
            nationality: Some(fields.nationality.clone()),
            issuing_state: Some(fields.issuing_state.clone()),
            birth_date: fields.birth_date,
            issue_date: None,
            expiry_date: fields.expiry_date,
            sex: Some(fields.sex),
            optional_data: fields.optional_data.clone(),
            second_optional_data: fields.second_optional_data.clone(),
            date_order: DateOrder::DayFirst,
        }
    }
}

impl From<&BarcodeReading> for Claimed {
    fn from(barcode: &BarcodeReading) -> Self {
        let fields = &barcode.fields;
        let canadian = fields.country.as_deref() == Some("CAN");
        Self {
            document_number: letters_and_digits(&fields.number),
            surname: in_zone_letters(&fields.surname),
            given_names: in_zone_letters(&fields.given_names),
            surname_may_be_cut: barcode.surname_may_be_cut(),
            given_names_may_be_cut: barcode.given_names_may_be_cut(),
            nationality: None,
            // Issuers are told by their number; what they print of country and state is theirs to choose.
            issuing_state: None,
            birth_date: fields.birth_date,
            issue_date: fields.issue_date,
            expiry_date: fields.expiry_date,
            sex: fields.sex,
            optional_data: String::new(),
            second_optional_data: String::new(),
            date_order: if canadian {
                DateOrder::DayFirst
            } else {
                DateOrder::MonthFirst
            },
        }
    }
}

impl From<&PrintedFields> for Claimed {
    fn from(fields: &PrintedFields) -> Self {
        let name = |name: &Option<String>| in_zone_letters(name.as_deref().unwrap_or_default());
        Self {
            document_number: letters_and_digits(fields.number.as_deref().unwrap_or_default()),
            surname: name(&fields.surname),
            given_names: name(&fields.given_names),
            surname_may_be_cut: false,
            given_names_may_be_cut: false,
            nationality: None,
            issuing_state: None,
            birth_date: fields.birth_date,
            issue_date: fields.issue_date,
            expiry_date: fields.expiry_date,
            sex: fields.sex,
            optional_data: String::new(),
            second_optional_data: String::new(),
            date_order: DateOrder::DayFirst,
        }
    }
}

// Names, numbers and dates are personal data.
impl fmt::Debug for Claimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claimed").finish_non_exhaustive()
    }
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

fn letters_and_digits(text: &str) -> String {
    let kept = text.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_uppercase()).collect()
}

/// The subfile that a barcode of a kind of document has; passports have none.
pub(crate) const fn subfile_of(kind: DocumentKind) -> Option<Subfile> {
    match kind {
        DocumentKind::Passport => None,
        DocumentKind::DriversLicense => Some(Subfile::DriversLicense),
        DocumentKind::NationalId => Some(Subfile::IdentityCard),
    }
}
