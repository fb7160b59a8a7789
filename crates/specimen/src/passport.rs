//! A passport from a seed: who holds it, what it says, and the picture of its data page.

use image::RgbImage;
use jiff::civil::Date;

use crate::document::Document;
use crate::document_kind::DocumentKind;
use crate::document_options::DocumentOptions;
use crate::truth::Truth;

/// What is asked of a specimen; everything else comes from the seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecimenOptions {
    options: DocumentOptions,
}

impl SpecimenOptions {
    /// A valid passport of a grown-up on 2026-01-01, all from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            options: DocumentOptions::new(DocumentKind::Passport, seed),
        }
    }

    /// The day on which the passport is valid (or expired) and the holder 18 to 85 years old.
    pub fn today(self, today: Date) -> Self {
        Self {
            options: self.options.today(today),
        }
    }

    /// A passport that runs out on a day of the caller's choice. Without [`Self::today`] the same seed then gives the same
    /// picture whenever it is drawn.
    pub fn valid_until(self, expiry_date: Date) -> Self {
        Self {
            options: self.options.valid_until(expiry_date),
        }
    }

    /// A passport that ran out one day to four years before the reference day.
    pub fn expired(self) -> Self {
        Self {
            options: self.options.expired(),
        }
    }

    /// The holder's names as they are to be printed; letters outside the table of ICAO Doc 9303
    /// part 3, section 6, are lost in the machine-readable zone.
    pub fn names(self, surname: &str, given_names: &str) -> Self {
        Self {
            options: self.options.names(surname, given_names),
        }
    }

    /// The holder's day of birth, whatever their age then is.
    pub fn birth_date(self, birth_date: Date) -> Self {
        Self {
            options: self.options.birth_date(birth_date),
        }
    }

    /// Makes the passport.
    pub fn build(self) -> Passport {
        let document = self.options.build();
        let truth = document
            .truth()
            .clone()
            .into_passport()
            .expect("a passport made here has a known birth date and two lines");
        Passport { document, truth }
    }
}

/// A specimen of a passport of the fictional state Utopia.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passport {
    document: Document,
    truth: Truth,
}

impl Passport {
    /// A valid passport of a grown-up on 2026-01-01; [`SpecimenOptions`] for anything else.
    pub fn from_seed(seed: u64) -> Self {
        SpecimenOptions::new(seed).build()
    }

    /// What it says, field by field.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// The data page on a table, 1280 × 920 pixels, as from a scanner at about 245 dots per inch:
    /// letters of the machine-readable zone 24 pixels high, 24.4 pixels from one to the next.
    pub fn draw(&self) -> RgbImage {
        self.document.draw().swap_remove(0)
    }
}
