//! The kinds of documents.

use serde::{Deserialize, Serialize};

use crate::zone::ZoneFormat;

/// The kinds of documents that are made here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// A passport's data page: TD3, one side.
    Passport,
    /// A national identity card of the size of a bank card: TD1, front and back, the zone on the back.
    NationalIdTd1,
    /// A larger national identity card: TD2, one side with print and zone.
    NationalIdTd2,
    /// A driving licence: front with print, back with a PDF417 barcode, no zone.
    DrivingLicence,
    /// A large visa: MRV-A, one side.
    VisaA,
    /// A small visa: MRV-B, one side.
    VisaB,
}

impl DocumentKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Passport,
        Self::NationalIdTd1,
        Self::NationalIdTd2,
        Self::DrivingLicence,
        Self::VisaA,
        Self::VisaB,
    ];

    /// A short name for files and tables, such as `td1`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passport => "passport",
            Self::NationalIdTd1 => "td1",
            Self::NationalIdTd2 => "td2",
            Self::DrivingLicence => "licence",
            Self::VisaA => "mrv-a",
            Self::VisaB => "mrv-b",
        }
    }

    /// The format of its zone, if it has one.
    pub fn zone_format(self) -> Option<ZoneFormat> {
        match self {
            Self::Passport => Some(ZoneFormat::Td3),
            Self::NationalIdTd1 => Some(ZoneFormat::Td1),
            Self::NationalIdTd2 => Some(ZoneFormat::Td2),
            Self::DrivingLicence => None,
            Self::VisaA => Some(ZoneFormat::MrvA),
            Self::VisaB => Some(ZoneFormat::MrvB),
        }
    }

    /// The longest document number it can carry, in characters.
    pub fn longest_number(self) -> usize {
        // AAMVA DAQ: at most 25.
        self.zone_format().map_or(25, ZoneFormat::longest_number)
    }
}
