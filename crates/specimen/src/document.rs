//! A document of any kind from a seed: what it says, and the pictures of its sides.

use image::RgbImage;
use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};

use crate::aamva::{AamvaVersion, Subfile};
use crate::document_truth::DocumentTruth;
use crate::truth::Sex;
use crate::zone::ZoneFormat;
use crate::{card, data_page, draft, licence, visa};

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

/// What is asked of a document; everything else comes from the seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentOptions {
    pub(crate) kind: DocumentKind,
    pub(crate) seed: u64,
    pub(crate) today: Date,
    pub(crate) validity: Validity,
    pub(crate) names: Option<(String, String)>,
    pub(crate) birth_date: WishedBirthDate,
    pub(crate) sex: Option<Sex>,
    pub(crate) number: WishedNumber,
    pub(crate) state: WishedState,
    pub(crate) barcode: WishedBarcode,
    pub(crate) subfile: Subfile,
}

/// Whether a document is valid on its reference day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validity {
    Valid,
    Expired,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WishedBirthDate {
    Invented,
    PartlyUnknown,
    Given(Date),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WishedNumber {
    Invented,
    Long,
    Given(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WishedState {
    Utopia,
    OneLetter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WishedBarcode {
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
            birth_date: WishedBirthDate::Invented,
            sex: None,
            number: WishedNumber::Invented,
            state: WishedState::Utopia,
            barcode: WishedBarcode::Drawn(AamvaVersion::LATEST),
            subfile: Subfile::DrivingLicence,
        }
    }

    /// The day on which the document is valid (or expired) and the holder 18 to 85 years old.
    pub fn today(mut self, today: Date) -> Self {
        self.today = today;
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
        self.birth_date = WishedBirthDate::Given(birth_date);
        self
    }

    /// The day, the day and month, or all of the birth date is unknown, by the seed. A licence has no
    /// way to say so and keeps its birth date.
    pub fn unknown_birth_date(mut self) -> Self {
        self.birth_date = WishedBirthDate::PartlyUnknown;
        self
    }

    /// What the document says of the holder's sex.
    pub fn sex(mut self, sex: Sex) -> Self {
        self.sex = Some(sex);
        self
    }

    /// This document number: letters and digits, cut at [`DocumentKind::longest_number`].
    pub fn document_number(mut self, number: &str) -> Self {
        self.number = WishedNumber::Given(number.to_uppercase());
        self
    }

    /// A number of more than nine characters on the kinds that can carry one: both identity cards and the licence.
    pub fn long_number(mut self) -> Self {
        self.number = WishedNumber::Long;
        self
    }

    /// Issuing state and nationality `D`, the one state of a single letter, in place of Utopia;
    /// nothing changes on a licence.
    pub fn one_letter_state(mut self) -> Self {
        self.state = WishedState::OneLetter;
        self
    }

    /// Which version of the AAMVA standard a licence's barcode follows, and whether it is a licence or
    /// an identity card of the same authority; nothing changes on other kinds.
    pub fn aamva(mut self, version: AamvaVersion, subfile: Subfile) -> Self {
        self.barcode = WishedBarcode::Drawn(version);
        self.subfile = subfile;
        self
    }

    /// A licence whose back has print alone.
    pub fn without_barcode(mut self) -> Self {
        self.barcode = WishedBarcode::LeftOut;
        self
    }

    /// Makes the document.
    pub fn build(self) -> Document {
        let seed = self.seed;
        let truth = draft::truth(self);
        Document { seed, truth }
    }
}

/// A specimen of a document of the fictional state Utopia.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    seed: u64,
    truth: DocumentTruth,
}

impl Document {
    /// A valid document of a grown-up on 2026-01-01; [`DocumentOptions`] for anything else.
    pub fn from_seed(kind: DocumentKind, seed: u64) -> Self {
        DocumentOptions::new(kind, seed).build()
    }

    /// Which document it is.
    pub fn kind(&self) -> DocumentKind {
        self.truth.kind
    }

    /// What it says, field by field.
    pub fn truth(&self) -> &DocumentTruth {
        &self.truth
    }

    /// Its sides on a table, the front first: one picture, or two of a TD1 card and of a licence.
    ///
    /// Zones are drawn as on [`Passport`](crate::Passport): letters 24 pixels high, 24.4 pixels from one to the next.
    /// A licence's front has 12 pixels to the millimetre, its back 20, with 4 pixels to a module of the barcode.
    pub fn draw(&self) -> Vec<RgbImage> {
        match self.truth.kind {
            DocumentKind::Passport => vec![data_page::draw(&self.truth, self.seed)],
            DocumentKind::NationalIdTd1 => card::draw_td1(&self.truth, self.seed),
            DocumentKind::NationalIdTd2 => vec![card::draw_td2(&self.truth, self.seed)],
            DocumentKind::DrivingLicence => licence::draw(&self.truth, self.seed),
            DocumentKind::VisaA => vec![visa::draw_a(&self.truth, self.seed)],
            DocumentKind::VisaB => vec![visa::draw_b(&self.truth, self.seed)],
        }
    }
}
