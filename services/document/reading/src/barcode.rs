//! The barcode of licences and identity cards of North America: PDF417 (ISO/IEC 15438) with the data of the AAMVA DL/ID
//! Card Design Standard, annex D, versions 01 to 10.
//!
//! The symbol is decoded by `rxing`. The text is parsed here and not by the crate `aamva` 0.3: that one reads the header
//! of version 01 two characters too far, knows neither the names of versions 01 to 03 (`DAA`, `DCT`) nor their letters
//! for the sex, gives a whole barcode up for one date that nobody asked for, and brings every picture format of a second
//! `rxing` with it.

use crate::mrz_reading::Sex;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::fmt;

mod aamva;
mod issuers;
mod scan;
#[cfg(test)]
mod tests;

pub(crate) use scan::{Found, find};

/// A barcode as read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BarcodeReading {
    /// The version of the AAMVA standard, 1 to 10; later ones are read as version 10.
    pub version: u8,
    /// Whether it is of a licence or of an identity card.
    pub subfile: Subfile,
    /// The issuer identification number (IIN), six digits.
    pub issuer: String,
    /// What it says.
    pub fields: BarcodeFields,
}

/// Which subfile a barcode has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Subfile {
    /// `DL`: a driver licence.
    #[serde(rename = "DL")]
    DriversLicense,
    /// `ID`: an identity card.
    #[serde(rename = "ID")]
    IdentityCard,
}

/// The fields of a barcode that are used here; the standard's element in brackets.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BarcodeFields {
    /// The customer's number (DAQ).
    pub number: String,
    /// The family name (DCS, in version 01 DAA or DAB); empty where the holder has none.
    pub surname: String,
    /// First and middle names, separated by spaces (DAC and DAD, in versions 02 and 03 DCT, in version 01 DAA).
    pub given_names: String,
    /// Whether the family name was cut (DDE).
    pub surname_cut: Truncation,
    /// Whether the first name was cut (DDF).
    pub first_name_cut: Truncation,
    /// Whether the middle names were cut (DDG).
    pub middle_names_cut: Truncation,
    /// The birth date (DBB); `None` if it is missing, `unavl`, or no day of the calendar. So are the other dates.
    pub birth_date: Option<Date>,
    /// The date of issue (DBD).
    pub issue_date: Option<Date>,
    /// The date on which it expires (DBA).
    pub expiry_date: Option<Date>,
    /// The sex (DBC); `None` if it is missing.
    pub sex: Option<Sex>,
    /// `USA` or `CAN` (DCG, from version 02).
    pub country: Option<String>,
    /// The jurisdiction of the holder's address (DAJ), two letters.
    pub jurisdiction: Option<String>,
    /// What tells this card from earlier ones with the same number (DCF, from version 02).
    pub document_discriminator: Option<String>,
}

/// Whether a name was cut to fit (DDE, DDF, DDG: `T`, `N`, `U`; from version 04).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truncation {
    /// `T`.
    Truncated,
    /// `N`.
    Whole,
    /// `U`, or the barcode does not say.
    Unknown,
}

/// The most bytes of a barcode's text: a symbol holds 2,710 characters.
const MOST_TEXT_BYTES: usize = 8 << 10;

/// The longest name in versions 02 to 10 (annex D, DCS, DAC, DAD); nothing shorter was cut.
const LONGEST_NAME: usize = 40;
/// The longest name in version 01 (DAA, all names together).
const LONGEST_NAME_OF_2000: usize = 35;

impl BarcodeReading {
    /// Parses the text of a barcode; `None` if it is no AAMVA data, or has neither number nor name.
    ///
    /// What issuers get wrong is borne where the meaning is plain: other control characters in the header, and
    /// offsets that miss their subfile.
    pub fn parse(text: &str) -> Option<Self> {
        aamva::parse(text)
    }

    /// Whether one symbol holds all this.
    pub(crate) fn is_possible(&self) -> bool {
        let fields = &self.fields;
        let required = [&self.issuer, &fields.number, &fields.surname, &fields.given_names];
        let optional = [&fields.country, &fields.jurisdiction, &fields.document_discriminator];
        let texts = required.into_iter().chain(optional.into_iter().flatten());
        texts.map(String::len).sum::<usize>() <= MOST_TEXT_BYTES
    }

    /// The jurisdiction to which the issuer number belongs, as ISO 3166-2 has it (`US-CA`); `None` if AAMVA's list has no
    /// such number.
    pub fn issuing_jurisdiction(&self) -> Option<&'static str> {
        issuers::jurisdiction(&self.issuer)
    }

    /// Whether the family name may have been cut.
    pub fn surname_may_be_cut(&self) -> bool {
        self.may_be_cut(self.fields.surname_cut, &self.fields.surname)
    }

    /// Whether the given names may have been cut.
    pub fn given_names_may_be_cut(&self) -> bool {
        let fields = &self.fields;
        [fields.first_name_cut, fields.middle_names_cut]
            .into_iter()
            .any(|cut| self.may_be_cut(cut, &fields.given_names))
    }

    fn may_be_cut(&self, cut: Truncation, name: &str) -> bool {
        let all_names = self.fields.surname.len() + self.fields.given_names.len() + 1;
        match (cut, self.version) {
            (Truncation::Truncated, _) => true,
            (Truncation::Whole, _) => false,
            (Truncation::Unknown, 1) => all_names >= LONGEST_NAME_OF_2000,
            (Truncation::Unknown, _) => name.len() >= LONGEST_NAME,
        }
    }
}

// A barcode is personal data through and through.
impl fmt::Debug for BarcodeReading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BarcodeReading")
            .field("version", &self.version)
            .field("subfile", &self.subfile)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for BarcodeFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BarcodeFields").finish_non_exhaustive()
    }
}
