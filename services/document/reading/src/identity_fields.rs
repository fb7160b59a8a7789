//! What one source says of holder and document, whichever source it is.

use crate::{
    barcode::BarcodeReading,
    mrz_reading::{MrzFields, Sex},
};
use document_policy::{HolderNames, names::in_zone_letters};
use jiff::civil::Date;
use std::fmt;

/// What one source says of holder and document, in a zone's letters; the others are compared with it.
#[derive(Clone, PartialEq, Eq)]
pub struct IdentityFields {
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

/// What stands first in a date of two small numbers and a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateOrder {
    /// `12/08/1974` is of August, as nearly everywhere.
    DayFirst,
    /// `08/12/1974` is of August, as in the United States.
    MonthFirst,
}

impl IdentityFields {
    /// Holder's names, for [`names_agree`](document_policy::names_agree).
    pub fn names(&self) -> HolderNames<'_> {
        HolderNames {
            surname: &self.surname,
            given_names: &self.given_names,
            surname_may_be_cut: self.surname_may_be_cut,
            given_names_may_be_cut: self.given_names_may_be_cut,
        }
    }
}

impl From<&MrzFields> for IdentityFields {
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

impl From<&BarcodeReading> for IdentityFields {
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

// Names, numbers and dates are personal data.
impl fmt::Debug for IdentityFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityFields").finish_non_exhaustive()
    }
}

pub(crate) fn letters_and_digits(text: &str) -> String {
    let kept = text.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_uppercase()).collect()
}
