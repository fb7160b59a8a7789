//! What a document proves: checks, the decision on them, and the evidence that is kept.

use crate::EvidenceId;
use serde::{Deserialize, Serialize};

/// A document type that a member can choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// A passport: ICAO Doc 9303 part 4, machine-readable zone TD3.
    Passport,
}

impl DocumentKind {
    /// The stable text in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            DocumentKind::Passport => "passport",
        }
    }
}

/// What a check looks at (domain.md, "Document").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckName {
    /// The document is of the type that was announced, and we read that type.
    TypeSupported,
    /// A machine-readable zone was found and read.
    MrzFound,
    /// Every check digit of the zone passes (ICAO Doc 9303 part 3, 4.9).
    MrzCheckDigits,
    /// The zone's document number agrees with the printed one.
    PrintedDocumentNumber,
    /// The zone's names agree with the printed ones.
    PrintedNames,
    /// The zone's birth date agrees with the printed one.
    PrintedBirthDate,
    /// The zone's expiry date agrees with the printed one.
    PrintedExpiryDate,
    /// The zone's issuing state and nationality are codes of ICAO Doc 9303 part 3, section 5, and agree with the print.
    PrintedNationality,
    /// The zone's sex agrees with the printed one.
    PrintedSex,
    /// The document is not expired on the day.
    NotExpired,
    /// Birth and expiry dates are plausible together.
    DatesPlausible,
    /// The member is at least 16 years old on the day.
    MinimumAge,
    /// The names agree with the member's profile.
    NameMatchesProfile,
    /// The birth date agrees with the member's profile.
    BirthDateMatchesProfile,
}

impl CheckName {
    /// Every check, in the order in which a person reads them.
    pub const ALL: [CheckName; 14] = [
        Self::TypeSupported,
        Self::MrzFound,
        Self::MrzCheckDigits,
        Self::PrintedDocumentNumber,
        Self::PrintedNames,
        Self::PrintedBirthDate,
        Self::PrintedExpiryDate,
        Self::PrintedNationality,
        Self::PrintedSex,
        Self::NotExpired,
        Self::DatesPlausible,
        Self::MinimumAge,
        Self::NameMatchesProfile,
        Self::BirthDateMatchesProfile,
    ];

    /// The stable text in answers and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TypeSupported => "type_supported",
            Self::MrzFound => "mrz_found",
            Self::MrzCheckDigits => "mrz_check_digits",
            Self::PrintedDocumentNumber => "printed_document_number",
            Self::PrintedNames => "printed_names",
            Self::PrintedBirthDate => "printed_birth_date",
            Self::PrintedExpiryDate => "printed_expiry_date",
            Self::PrintedNationality => "printed_nationality",
            Self::PrintedSex => "printed_sex",
            Self::NotExpired => "not_expired",
            Self::DatesPlausible => "dates_plausible",
            Self::MinimumAge => "minimum_age",
            Self::NameMatchesProfile => "name_matches_profile",
            Self::BirthDateMatchesProfile => "birth_date_matches_profile",
        }
    }
}

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
    pub name: CheckName,
    /// How it came out.
    pub result: CheckResult,
    /// A stable code in `UPPER_SNAKE_CASE` that says why, e.g. `CHECK_DIGIT_MISMATCH`.
    pub reason: String,
}

impl Check {
    /// A check that holds.
    pub fn passed(name: CheckName, reason: &str) -> Self {
        Self {
            name,
            result: CheckResult::Passed,
            reason: reason.to_owned(),
        }
    }

    /// A check that does not hold.
    pub fn failed(name: CheckName, reason: &str) -> Self {
        Self {
            name,
            result: CheckResult::Failed,
            reason: reason.to_owned(),
        }
    }

    /// A check that had nothing to look at.
    pub fn not_applicable(name: CheckName, reason: &str) -> Self {
        Self {
            name,
            result: CheckResult::NotApplicable,
            reason: reason.to_owned(),
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
}

impl Decision {
    /// The stable text in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Decision::Accepted => "accepted",
            Decision::Rejected => "rejected",
            Decision::Resubmit => "resubmit",
        }
    }
}

/// What a piece of evidence proves; the points are the scoring rules' alone (see [`crate::score`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// A document was accepted.
    DocumentAccepted,
    /// Its machine-readable zone passes every check digit.
    DocumentMachineReadable,
    /// Its machine-readable zone agrees with the printed fields.
    DocumentAgreesWithPrint,
}

impl EvidenceKind {
    /// Every kind.
    pub const ALL: [EvidenceKind; 3] = [
        Self::DocumentAccepted,
        Self::DocumentMachineReadable,
        Self::DocumentAgreesWithPrint,
    ];

    /// The stable text in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DocumentAccepted => "document_accepted",
            Self::DocumentMachineReadable => "document_machine_readable",
            Self::DocumentAgreesWithPrint => "document_agrees_with_print",
        }
    }

    /// The kind that a stable text names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A pointer to evidence that a service keeps: an id and what it proves, never the thing itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Evidence {
    /// Where the service that holds it finds it.
    pub evidence_id: EvidenceId,
    /// What it proves.
    pub kind: EvidenceKind,
}
