//! What a document of any kind says, field by field.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::aamva_version::{AamvaVersion, Subfile};
use crate::birth_date::BirthDate;
use crate::document_kind::DocumentKind;
use crate::truth::{Sex, Truth};

/// Everything that stands on a document, on all its sides. Serialised as JSON with ISO dates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentTruth {
    /// Which document it is.
    pub kind: DocumentKind,
    /// As the zone begins: `P`, `I` or `V`; empty on a licence, which has no zone.
    pub document_code: String,
    /// `UTO`, or `D` where a one-letter state was asked for; on a licence `USA`, as its barcode says.
    pub issuing_state: String,
    /// The whole number, also where the zone carries its end in the optional data.
    pub document_number: String,
    /// As printed, in capitals, with diacritics, hyphens and apostrophes.
    pub surname: String,
    /// As printed, parts divided by spaces.
    pub given_names: String,
    /// As the zone carries it: A–Z and spaces, cut when too long. On a licence as the barcode spells
    /// it: A–Z, spaces, hyphens and apostrophes, here whole where the barcode cuts after 40.
    pub zone_surname: String,
    /// As the zone carries them (or the barcode spells them), parts divided by spaces.
    pub zone_given_names: String,
    /// As the issuing state; empty on a licence.
    pub nationality: String,
    /// Day of birth, perhaps with unknown parts.
    pub birth_date: BirthDate,
    /// As printed, in the zone and in the barcode.
    pub sex: Sex,
    /// An invented town; not on every kind.
    pub place_of_birth: String,
    /// First day of validity.
    pub issue_date: Date,
    /// Last day of validity.
    pub expiry_date: Date,
    /// Who issued it.
    pub authority: String,
    /// The personal number (on a visa the passport's), without what the zone carries of a long
    /// document number; letters and digits, perhaps empty.
    pub optional_data: String,
    /// TD1 only: what the second line carries, 0 to 11 letters and digits.
    pub second_optional_data: String,
    /// The lines of the zone; empty on a licence.
    pub mrz: Vec<String>,
    /// The text in the barcode of a licence's back; `None` on all else and where it was left out.
    pub barcode: Option<String>,
    /// What only a licence says.
    pub licence: Option<LicenceTruth>,
}

/// What a driving licence (or an identity card of a licensing authority) says beyond the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenceTruth {
    /// The version of the AAMVA standard that the barcode follows.
    pub version: AamvaVersion,
    /// A licence or an identity card.
    pub subfile: Subfile,
    /// Issuer identification number, six digits.
    pub issuer: String,
    /// House number and street, in capitals.
    pub street: String,
    /// In capitals.
    pub city: String,
    /// Two letters that no state has.
    pub jurisdiction: String,
    /// Nine digits.
    pub postal_code: String,
    /// One letter.
    pub vehicle_class: String,
    /// `NONE` or codes.
    pub restrictions: String,
    /// `NONE` or codes.
    pub endorsements: String,
    /// Inches.
    pub height: u8,
    /// Three letters, as ANSI D20 abbreviates colours.
    pub eye_colour: String,
    /// What tells this card from earlier ones with the same number.
    pub discriminator: String,
}

impl DocumentTruth {
    /// The truth as readable JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("strings and dates are always JSON")
    }

    /// The same of a passport whose birth date is known and whose zone has two lines.
    pub(crate) fn into_passport(self) -> Option<Truth> {
        Some(Truth {
            birth_date: self.birth_date.whole()?,
            mrz: self.mrz.try_into().ok()?,
            document_code: self.document_code,
            issuing_state: self.issuing_state,
            document_number: self.document_number,
            surname: self.surname,
            given_names: self.given_names,
            zone_surname: self.zone_surname,
            zone_given_names: self.zone_given_names,
            nationality: self.nationality,
            sex: self.sex,
            place_of_birth: self.place_of_birth,
            issue_date: self.issue_date,
            expiry_date: self.expiry_date,
            authority: self.authority,
            optional_data: self.optional_data,
        })
    }
}
