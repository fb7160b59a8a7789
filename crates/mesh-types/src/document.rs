//! What is looked at on a document, and what is decided.

use crate::{CheckReason, Open};
use serde::{Deserialize, Serialize};

/// A document type that a member can choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// A passport: ICAO Doc 9303 part 4, machine-readable zone TD3. May hold visas (part 7) as supporting evidence.
    Passport,
    /// A driver licence: a PDF417 barcode with AAMVA data, or print alone.
    DriversLicense,
    /// A national identity card: ICAO Doc 9303 parts 5 and 6, machine-readable zone TD1 or TD2; or an AAMVA ID card.
    NationalId,
}

impl DocumentKind {
    /// Every kind.
    pub const ALL: [DocumentKind; 3] = [Self::Passport, Self::DriversLicense, Self::NationalId];

    /// The stable text in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            DocumentKind::Passport => "passport",
            DocumentKind::DriversLicense => "drivers_license",
            DocumentKind::NationalId => "national_id",
        }
    }

    /// The kind that a stable text names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The least age of a member, in years.
pub const MINIMUM_AGE_YEARS: i32 = 16;

/// What a check looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckName {
    /// The document is of the type that was announced, and we read that type.
    TypeSupported,
    /// The pictures are sharp, whole, large enough and without glare; the reason says what is wrong with the worst.
    ImageQuality,
    /// A machine-readable zone was found and read; not applicable where the kind of document has none.
    MrzFound,
    /// Every check digit of the zone passes (ICAO Doc 9303 part 3, 4.9).
    MrzCheckDigits,
    /// A barcode with AAMVA data was found and read; not applicable where there is none.
    BarcodeFound,
    /// The document number of zone or barcode agrees with the printed one.
    PrintedDocumentNumber,
    /// The names of zone or barcode agree with the printed ones.
    PrintedNames,
    /// The birth date of zone or barcode agrees with the printed one.
    PrintedBirthDate,
    /// The expiry date of zone or barcode agrees with the printed one.
    PrintedExpiryDate,
    /// The issuing state and nationality are codes of ICAO Doc 9303 part 3, section 5 (or the barcode's issuer is a known
    /// one), and agree with the print.
    PrintedNationality,
    /// The sex of zone or barcode agrees with the printed one.
    PrintedSex,
    /// The barcode's document number agrees with the zone's; not applicable unless the document has both.
    BarcodeDocumentNumber,
    /// The barcode's names agree with the zone's.
    BarcodeNames,
    /// The barcode's birth date agrees with the zone's.
    BarcodeBirthDate,
    /// The barcode's expiry date agrees with the zone's.
    BarcodeExpiryDate,
    /// The barcode's sex agrees with the zone's.
    BarcodeSex,
    /// Every field rests on two sources, or on one whose check digits leave no blind spot for it.
    TwoSources,
    /// The visas beside a passport are of its holder; not applicable without a visa.
    VisaAgrees,
    /// The document is not expired on the day.
    NotExpired,
    /// Birth, issue and expiry dates are plausible together.
    DatesPlausible,
    /// The member has the [`MINIMUM_AGE_YEARS`] on the day.
    MinimumAge,
    /// The names agree with the member's profile.
    NameMatchesProfile,
    /// The birth date agrees with the member's profile.
    BirthDateMatchesProfile,
    /// No other member was accepted with this document (keyed hash of issuer, type and number).
    NotInUseByAnother,
    /// The document is not on the blocklist.
    NotBlocklisted,
}

impl CheckName {
    /// Every check, in the order in which a person reads them.
    pub const ALL: [CheckName; 25] = [
        Self::TypeSupported,
        Self::ImageQuality,
        Self::MrzFound,
        Self::MrzCheckDigits,
        Self::BarcodeFound,
        Self::PrintedDocumentNumber,
        Self::PrintedNames,
        Self::PrintedBirthDate,
        Self::PrintedExpiryDate,
        Self::PrintedNationality,
        Self::PrintedSex,
        Self::BarcodeDocumentNumber,
        Self::BarcodeNames,
        Self::BarcodeBirthDate,
        Self::BarcodeExpiryDate,
        Self::BarcodeSex,
        Self::TwoSources,
        Self::VisaAgrees,
        Self::NotExpired,
        Self::DatesPlausible,
        Self::MinimumAge,
        Self::NameMatchesProfile,
        Self::BirthDateMatchesProfile,
        Self::NotInUseByAnother,
        Self::NotBlocklisted,
    ];

    /// The stable text in answers and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TypeSupported => "type_supported",
            Self::ImageQuality => "image_quality",
            Self::MrzFound => "mrz_found",
            Self::MrzCheckDigits => "mrz_check_digits",
            Self::BarcodeFound => "barcode_found",
            Self::PrintedDocumentNumber => "printed_document_number",
            Self::PrintedNames => "printed_names",
            Self::PrintedBirthDate => "printed_birth_date",
            Self::PrintedExpiryDate => "printed_expiry_date",
            Self::PrintedNationality => "printed_nationality",
            Self::PrintedSex => "printed_sex",
            Self::BarcodeDocumentNumber => "barcode_document_number",
            Self::BarcodeNames => "barcode_names",
            Self::BarcodeBirthDate => "barcode_birth_date",
            Self::BarcodeExpiryDate => "barcode_expiry_date",
            Self::BarcodeSex => "barcode_sex",
            Self::TwoSources => "two_sources",
            Self::VisaAgrees => "visa_agrees",
            Self::NotExpired => "not_expired",
            Self::DatesPlausible => "dates_plausible",
            Self::MinimumAge => "minimum_age",
            Self::NameMatchesProfile => "name_matches_profile",
            Self::BirthDateMatchesProfile => "birth_date_matches_profile",
            Self::NotInUseByAnother => "not_in_use_by_another",
            Self::NotBlocklisted => "not_blocklisted",
        }
    }

    /// Whether its result tells what the tables hold of others: other members' documents and the blocklist. Whose document it is
    /// reads a sentence about that, never the check.
    pub const fn tells_of_others(self) -> bool {
        matches!(self, Self::NotInUseByAnother | Self::NotBlocklisted)
    }
}

crate::open::word!(CheckName);

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed,
    /// There was nothing to look at.
    NotApplicable,
}

/// One check of one document. Carries no personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at.
    pub name: Open<CheckName>,
    /// How it came out.
    pub result: CheckResult,
    /// Why, e.g. [`CheckReason::CheckDigitMismatch`].
    pub reason: CheckReason,
}

impl Check {
    /// A check that holds.
    pub fn passed(name: CheckName, reason: CheckReason) -> Self {
        Self {
            name: name.into(),
            result: CheckResult::Passed,
            reason,
        }
    }

    /// A check that does not hold.
    pub fn failed(name: CheckName, reason: CheckReason) -> Self {
        Self {
            name: name.into(),
            result: CheckResult::Failed,
            reason,
        }
    }

    /// A check that had nothing to look at.
    pub fn not_applicable(name: CheckName, reason: CheckReason) -> Self {
        Self {
            name: name.into(),
            result: CheckResult::NotApplicable,
            reason,
        }
    }
}

/// What came of a method's look at a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It counts.
    Accepted,
    /// It does not count, and trying the same again won't help.
    Rejected,
    /// It could not be read well enough; another picture may help.
    Resubmit,
    /// A person decides; never the end of a document.
    NeedsReview,
}

impl Decision {
    /// The stable text in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Decision::Accepted => "accepted",
            Decision::Rejected => "rejected",
            Decision::Resubmit => "resubmit",
            Decision::NeedsReview => "needs_review",
        }
    }
}
