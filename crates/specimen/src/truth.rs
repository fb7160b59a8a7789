//! What a specimen says, field by field: the measure for every reader.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Everything that stands on a specimen. Serialised as JSON with ISO dates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// Always `P`, a passport.
    pub document_code: String,
    /// Always `UTO`, the fictional state Utopia of ICAO Doc 9303.
    pub issuing_state: String,
    /// 7 to 9 letters and digits.
    pub document_number: String,
    /// As printed, in capitals, with diacritics, hyphens and apostrophes.
    pub surname: String,
    /// As printed, parts divided by spaces.
    pub given_names: String,
    /// As the machine-readable zone carries it: A–Z and spaces, cut when too long.
    pub zone_surname: String,
    /// As the machine-readable zone carries them: A–Z and spaces, cut when too long.
    pub zone_given_names: String,
    /// Always `UTO`.
    pub nationality: String,
    /// Day of birth.
    pub birth_date: Date,
    /// As printed and as in the zone.
    pub sex: Sex,
    /// An invented town.
    pub place_of_birth: String,
    /// First day of validity.
    pub issue_date: Date,
    /// Last day of validity.
    pub expiry_date: Date,
    /// Who issued it.
    pub authority: String,
    /// The personal number, 0 to 14 letters and digits.
    pub optional_data: String,
    /// The two lines of 44 characters.
    pub mrz: [String; 2],
}

impl Truth {
    /// The truth as readable JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("strings and dates are always JSON")
    }
}

/// The sex as documents state it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sex {
    /// F, in print and in the zone.
    #[serde(rename = "F")]
    Female,
    /// M, in print and in the zone.
    #[serde(rename = "M")]
    Male,
    /// X in print, a filler in the zone.
    #[serde(rename = "X")]
    Unspecified,
}

impl Sex {
    /// The letter in the printed field.
    pub fn in_print(self) -> char {
        match self {
            Self::Female => 'F',
            Self::Male => 'M',
            Self::Unspecified => 'X',
        }
    }

    /// The character in the machine-readable zone.
    pub fn in_zone(self) -> char {
        match self {
            Self::Female => 'F',
            Self::Male => 'M',
            Self::Unspecified => '<',
        }
    }
}
