//! Why a check of a document came out as it did: one catalogue, so that a rule can't compare with a text that nobody writes.

use serde::{Deserialize, Serialize};

macro_rules! check_reasons {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// A stable reason of a check, `UPPER_SNAKE_CASE` in tables, in Temporal and in answers.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum CheckReason {
            $($(#[$doc])* $variant,)*
            /// A reason of a newer version, as its text. A person looks at what it is about.
            Other(String),
        }

        impl CheckReason {
            /// Every reason of this version.
            pub const ALL: &'static [CheckReason] = &[$(CheckReason::$variant,)*];

            /// The stable text.
            pub fn as_str(&self) -> &str {
                match self {
                    $(CheckReason::$variant => $text,)*
                    CheckReason::Other(text) => text,
                }
            }

            /// The reason of a stable text.
            pub fn of_text(text: &str) -> Self {
                match text {
                    $($text => CheckReason::$variant,)*
                    other => CheckReason::Other(other.to_owned()),
                }
            }
        }
    };
}

check_reasons! {
    /// No machine-readable zone was found, and the kind has one.
    ZoneNotFound = "ZONE_NOT_FOUND",
    /// A zone was read.
    ZoneRead = "ZONE_READ",
    /// Documents of this kind need no zone.
    NoZoneOnThisKind = "NO_ZONE_ON_THIS_KIND",
    /// There is no zone to look at.
    NoZone = "NO_ZONE",
    /// The pages hold zones of different documents.
    ZonesOfDifferentDocuments = "ZONES_OF_DIFFERENT_DOCUMENTS",
    /// A check digit fails.
    CheckDigitMismatch = "CHECK_DIGIT_MISMATCH",
    /// A cell that no check digit covers was read in two ways.
    ZoneDoubtful = "ZONE_DOUBTFUL",
    /// Every check digit passes.
    AllCheckDigitsPass = "ALL_CHECK_DIGITS_PASS",
    /// It is a passport, as was said.
    Passport = "PASSPORT",
    /// It is a driver licence, as was said.
    DriversLicense = "DRIVERS_LICENSE",
    /// It is a national identity card, as was said.
    NationalId = "NATIONAL_ID",
    /// It is no passport.
    NotAPassport = "NOT_A_PASSPORT",
    /// It is no driver licence.
    NotADriversLicense = "NOT_A_DRIVERS_LICENSE",
    /// It is no national identity card.
    NotANationalId = "NOT_A_NATIONAL_ID",
    /// Nothing was read.
    NothingRead = "NOTHING_READ",
    /// There is no visa.
    NoVisa = "NO_VISA",
    /// A visa's check digits fail.
    VisaNotReadable = "VISA_NOT_READABLE",
    /// Every visa is the holder's.
    VisaOfTheHolder = "VISA_OF_THE_HOLDER",
    /// A visa is another person's.
    VisaOfAnother = "VISA_OF_ANOTHER",
    /// A barcode was read.
    BarcodeRead = "BARCODE_READ",
    /// Documents of this kind have no barcode.
    NoBarcodeOnThisKind = "NO_BARCODE_ON_THIS_KIND",
    /// There is a barcode that can't be read.
    BarcodeNotReadable = "BARCODE_NOT_READABLE",
    /// No barcode was found.
    BarcodeNotFound = "BARCODE_NOT_FOUND",
    /// There are not both a zone and a barcode.
    NotBoth = "NOT_BOTH",
    /// The field is not in both zone and barcode.
    NotInBoth = "NOT_IN_BOTH",
    /// Zone and barcode say the same.
    BarcodeAgrees = "BARCODE_AGREES",
    /// Zone and barcode contradict each other.
    BarcodeDiffers = "BARCODE_DIFFERS",
    /// The print says the same.
    PrintAgrees = "PRINT_AGREES",
    /// The print says something else.
    PrintDiffers = "PRINT_DIFFERS",
    /// The field should be printed and was not found.
    PrintNotFound = "PRINT_NOT_FOUND",
    /// Print alone was read.
    NothingBesidePrint = "NOTHING_BESIDE_PRINT",
    /// Documents of this kind don't print the field.
    NotOnThisKind = "NOT_ON_THIS_KIND",
    /// Zone or barcode can't have been misread there unseen, so no print is needed.
    NoBlindSpot = "NO_BLIND_SPOT",
    /// The document leaves the sex open.
    Unspecified = "UNSPECIFIED",
    /// The zone names a state that does not exist.
    StateUnknown = "STATE_UNKNOWN",
    /// The barcode's issuer is known.
    IssuerKnown = "ISSUER_KNOWN",
    /// The barcode's issuer is of another country than it says.
    IssuerOfAnotherCountry = "ISSUER_OF_ANOTHER_COUNTRY",
    /// Two sources agree, or one leaves no blind spot.
    TwoSources = "TWO_SOURCES",
    /// One source alone says it.
    SingleSource = "SINGLE_SOURCE",
    /// One source alone says the document number.
    SingleSourceNumber = "SINGLE_SOURCE_NUMBER",
    /// One source alone says the names.
    SingleSourceNames = "SINGLE_SOURCE_NAMES",
    /// One source alone says the birth date.
    SingleSourceBirthDate = "SINGLE_SOURCE_BIRTH_DATE",
    /// One source alone says the expiry date.
    SingleSourceExpiryDate = "SINGLE_SOURCE_EXPIRY_DATE",
    /// One source alone says the sex.
    SingleSourceSex = "SINGLE_SOURCE_SEX",
    /// One source alone says the state.
    SingleSourceState = "SINGLE_SOURCE_STATE",
    /// It is valid on the day.
    NotExpired = "NOT_EXPIRED",
    /// It has expired.
    Expired = "EXPIRED",
    /// The expiry date can't be read.
    ExpiryDateUnreadable = "EXPIRY_DATE_UNREADABLE",
    /// The dates fit together.
    Plausible = "PLAUSIBLE",
    /// The birth date is in the future.
    BornInTheFuture = "BORN_IN_THE_FUTURE",
    /// Nobody alive is that old.
    BornTooLongAgo = "BORN_TOO_LONG_AGO",
    /// The issue date is in the future.
    IssuedInTheFuture = "ISSUED_IN_THE_FUTURE",
    /// It was issued before the birth date.
    IssuedBeforeBirth = "ISSUED_BEFORE_BIRTH",
    /// It expires before the birth date.
    ExpiresBeforeBirth = "EXPIRES_BEFORE_BIRTH",
    /// It expires before it was issued.
    ExpiresBeforeIssue = "EXPIRES_BEFORE_ISSUE",
    /// It would be valid for longer than such documents are.
    ValidForTooLong = "VALID_FOR_TOO_LONG",
    /// The printed issue date is in doubt.
    PrintedIssueDateDoubtful = "PRINTED_ISSUE_DATE_DOUBTFUL",
    /// The century of the birth date is unclear.
    BirthCenturyUnclear = "BIRTH_CENTURY_UNCLEAR",
    /// The birth date is unknown or not whole.
    BirthDateUnknown = "BIRTH_DATE_UNKNOWN",
    /// The holder is old enough.
    OldEnough = "OLD_ENOUGH",
    /// The holder is too young.
    TooYoung = "TOO_YOUNG",
    /// The names are the profile's.
    NamesAgree = "NAMES_AGREE",
    /// The names are another person's.
    NamesDiffer = "NAMES_DIFFER",
    /// The profile's names can't be compared.
    ProfileNotComparable = "PROFILE_NOT_COMPARABLE",
    /// The birth date is the profile's.
    BirthDatesAgree = "BIRTH_DATES_AGREE",
    /// The birth date is not the profile's.
    BirthDatesDiffer = "BIRTH_DATES_DIFFER",
    /// The document number could not be read.
    NumberUnknown = "NUMBER_UNKNOWN",
    /// Another member was accepted with the document.
    InUseByAnother = "IN_USE_BY_ANOTHER",
    /// Another member was accepted with a document of this kind and number, which may be this one.
    MayBeInUse = "MAY_BE_IN_USE",
    /// No other member uses the document.
    NotInUse = "NOT_IN_USE",
    /// The document is on the blocklist.
    Blocklisted = "BLOCKLISTED",
    /// A document of this kind and number is on the blocklist, and may be this one.
    MayBeBlocklisted = "MAY_BE_BLOCKLISTED",
    /// The document is not on the blocklist.
    NotBlocklisted = "NOT_BLOCKLISTED",
    /// It was not looked at.
    NotChecked = "NOT_CHECKED",
    /// The picture was not measured.
    NotMeasured = "NOT_MEASURED",
    /// The picture is good enough.
    PictureGood = "PICTURE_GOOD",
    /// The picture is blurred.
    PictureBlurred = "PICTURE_BLURRED",
    /// The picture cuts the document.
    PictureCropped = "PICTURE_CROPPED",
    /// Glare covers a part.
    PictureGlare = "PICTURE_GLARE",
    /// The picture is too small.
    PictureTooSmall = "PICTURE_TOO_SMALL",
}

impl CheckReason {
    /// Whether this version does not know it.
    pub fn is_unknown(&self) -> bool {
        matches!(self, CheckReason::Other(_))
    }
}

impl From<String> for CheckReason {
    fn from(text: String) -> Self {
        Self::of_text(&text)
    }
}

impl From<CheckReason> for String {
    fn from(reason: CheckReason) -> Self {
        reason.as_str().to_owned()
    }
}

impl std::fmt::Display for CheckReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_stands_once_and_reads_back_from_its_text() {
        let mut seen = std::collections::BTreeSet::new();
        for reason in CheckReason::ALL {
            let text = reason.as_str();
            assert!(text.chars().all(|c| c.is_ascii_uppercase() || c == '_'), "{text}");
            assert!(seen.insert(text), "{text} stands twice");
            assert_eq!(&CheckReason::of_text(text), reason);
        }
    }

    #[test]
    fn a_reason_of_a_newer_version_keeps_its_text() {
        let read: CheckReason = serde_json::from_str("\"HOLOGRAM_MISSING\"").expect("any text is a reason");
        assert!(read.is_unknown());
        assert_eq!(serde_json::to_string(&read).expect("a text"), "\"HOLOGRAM_MISSING\"");
    }
}
