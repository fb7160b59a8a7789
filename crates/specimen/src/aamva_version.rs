//! Versions and subfiles of the AAMVA standard.

use serde::{Deserialize, Serialize};

/// A version of the AAMVA standard, 1 to 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct AamvaVersion(u8);

impl AamvaVersion {
    /// The standard of 2020.
    pub const LATEST: Self = Self(10);

    /// The version of this number, if there is one.
    pub fn new(number: u8) -> Option<Self> {
        (1..=10).contains(&number).then_some(Self(number))
    }

    /// All ten, the oldest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=10).map(Self)
    }

    /// 1 to 10.
    pub fn number(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for AamvaVersion {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        Self::new(number).ok_or_else(|| format!("the AAMVA standard has versions 1 to 10, not {number}"))
    }
}

impl From<AamvaVersion> for u8 {
    fn from(version: AamvaVersion) -> Self {
        version.0
    }
}

/// What a barcode is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Subfile {
    /// `DL`, a driving licence.
    #[serde(rename = "DL")]
    DrivingLicence,
    /// `ID`, an identity card.
    #[serde(rename = "ID")]
    IdentityCard,
}

impl Subfile {
    /// Both.
    pub const ALL: [Self; 2] = [Self::DrivingLicence, Self::IdentityCard];

    /// The two letters in the barcode.
    pub fn designator(self) -> &'static str {
        match self {
            Self::DrivingLicence => "DL",
            Self::IdentityCard => "ID",
        }
    }
}
