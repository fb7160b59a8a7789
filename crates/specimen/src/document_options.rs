//! What is asked of a document.

use jiff::civil::{Date, date};

use crate::aamva_version::{AamvaVersion, Subfile};
use crate::document_kind::DocumentKind;
use crate::truth::Sex;

/// What is asked of a document; everything else comes from the seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentOptions {
    pub(crate) kind: DocumentKind,
    pub(crate) seed: u64,
    pub(crate) today: Date,
    pub(crate) validity: Validity,
    pub(crate) names: Option<(String, String)>,
    pub(crate) birth_date: RequestedBirthDate,
    pub(crate) sex: Option<Sex>,
    pub(crate) number: RequestedNumber,
    pub(crate) state: RequestedState,
    pub(crate) barcode: RequestedBarcode,
    pub(crate) subfile: Subfile,
}

/// An expiry date for specimens that have to be valid on the day on which they are shown to a service: until 2035. They are
/// issued ten years before. With a date that depends on the day, one of 25 specimens or so would need a person's look, another
/// one each day.
pub const FAR_EXPIRY_DATE: Date = date(2035, 6, 30);

/// Whether a document is valid on its reference day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validity {
    Valid,
    Expired,
    Until(Date),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestedBirthDate {
    Invented,
    PartlyUnknown,
    Given(Date),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RequestedNumber {
    Invented,
    Long,
    Given(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestedState {
    Utopia,
    OneLetter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestedBarcode {
    Drawn(AamvaVersion),
    LeftOut,
}

impl DocumentOptions {
    /// A valid document of a grown-up on 2026-01-01, all from `seed`. The same seed names the same
    /// holder on every kind.
    pub fn new(kind: DocumentKind, seed: u64) -> Self {
        Self {
            kind,
            seed,
            today: date(2026, 1, 1),
            validity: Validity::Valid,
            names: None,
            birth_date: RequestedBirthDate::Invented,
            sex: None,
            number: RequestedNumber::Invented,
            state: RequestedState::Utopia,
            barcode: RequestedBarcode::Drawn(AamvaVersion::LATEST),
            subfile: Subfile::DrivingLicence,
        }
    }

    /// The day on which the document is valid (or expired) and the holder 18 to 85 years old.
    pub fn today(mut self, today: Date) -> Self {
        self.today = today;
        self
    }

    /// A document that runs out on a day of the caller's choice. Without [`Self::today`] the same seed then gives the same
    /// picture whenever it is drawn.
    pub fn valid_until(mut self, expiry_date: Date) -> Self {
        self.validity = Validity::Until(expiry_date);
        self
    }

    /// A document that ran out one day to four years before the reference day.
    pub fn expired(mut self) -> Self {
        self.validity = Validity::Expired;
        self
    }

    /// The holder's names as they are to be printed; letters outside the tables of ICAO Doc 9303
    /// part 3, section 6, are lost in the zone and in the barcode.
    pub fn names(mut self, surname: &str, given_names: &str) -> Self {
        self.names = Some((surname.to_uppercase(), given_names.to_uppercase()));
        self
    }

    /// The holder's day of birth, whatever their age then is.
    pub fn birth_date(mut self, birth_date: Date) -> Self {
        self.birth_date = RequestedBirthDate::Given(birth_date);
        self
    }

    /// The day, the day and month, or all of the birth date is unknown, by the seed. A licence has no
    /// way to say so and keeps its birth date.
    pub fn unknown_birth_date(mut self) -> Self {
        self.birth_date = RequestedBirthDate::PartlyUnknown;
        self
    }

    /// What the document says of the holder's sex.
    pub fn sex(mut self, sex: Sex) -> Self {
        self.sex = Some(sex);
        self
    }

    /// This document number: letters and digits, cut at [`DocumentKind::longest_number`].
    pub fn document_number(mut self, number: &str) -> Self {
        self.number = RequestedNumber::Given(number.to_uppercase());
        self
    }

    /// A number of more than nine characters on the kinds that can carry one: both identity cards and the licence.
    pub fn long_number(mut self) -> Self {
        self.number = RequestedNumber::Long;
        self
    }

    /// Issuing state and nationality `D`, the one state of a single letter, in place of Utopia;
    /// nothing changes on a licence.
    pub fn one_letter_state(mut self) -> Self {
        self.state = RequestedState::OneLetter;
        self
    }

    /// Which version of the AAMVA standard a licence's barcode follows, and whether it is a licence or
    /// an identity card of the same authority; nothing changes on other kinds.
    pub fn aamva(mut self, version: AamvaVersion, subfile: Subfile) -> Self {
        self.barcode = RequestedBarcode::Drawn(version);
        self.subfile = subfile;
        self
    }

    /// A licence whose back has print alone.
    pub fn without_barcode(mut self) -> Self {
        self.barcode = RequestedBarcode::LeftOut;
        self
    }
}
