//! A passport from a seed: who holds it, what it says, and the picture of its data page.

use image::RgbImage;
use jiff::ToSpan;
use jiff::civil::{Date, date};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::truth::{Sex, Truth};
use crate::zone::{Td3, names_in_zone};
use crate::{data_page, person};

/// What is asked of a specimen; everything else comes from the seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecimenOptions {
    seed: u64,
    today: Date,
    validity: Validity,
    names: Option<(String, String)>,
    birth_date: Option<Date>,
}

/// Whether a specimen is valid on its reference day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Validity {
    Valid,
    Expired,
}

impl SpecimenOptions {
    /// A valid passport of a grown-up on 2026-01-01, all from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            today: date(2026, 1, 1),
            validity: Validity::Valid,
            names: None,
            birth_date: None,
        }
    }

    /// The day on which the passport is valid (or expired) and the holder 18 to 85 years old.
    pub fn today(mut self, today: Date) -> Self {
        self.today = today;
        self
    }

    /// A passport that ran out one day to four years before the reference day.
    pub fn expired(mut self) -> Self {
        self.validity = Validity::Expired;
        self
    }

    /// The holder's names as they are to be printed; letters outside the table of ICAO Doc 9303
    /// part 3, section 6, are lost in the machine-readable zone.
    pub fn names(mut self, surname: &str, given_names: &str) -> Self {
        self.names = Some((surname.to_uppercase(), given_names.to_uppercase()));
        self
    }

    /// The holder's day of birth, whatever their age then is.
    pub fn birth_date(mut self, birth_date: Date) -> Self {
        self.birth_date = Some(birth_date);
        self
    }

    /// Makes the passport.
    pub fn build(self) -> Passport {
        // Everything is drawn from the seed even if overridden, so that an override changes nothing else.
        let mut chance = ChaCha8Rng::seed_from_u64(self.seed);
        let invented = (
            person::invent_surname(&mut chance),
            person::invent_given_names(&mut chance),
        );
        let (surname, given_names) = self.names.unwrap_or(invented);
        let age_in_days = chance.random_range(18 * 366..85 * 365);
        let birth_date = self.birth_date.unwrap_or(before(self.today, age_in_days));
        let sex = match chance.random_range(0..10) {
            0..=4 => Sex::Female,
            5..=8 => Sex::Male,
            _ => Sex::Unspecified,
        };
        let document_number = invent_document_number(&mut chance);
        let (valid_for, expired_for) = (chance.random_range(1..3600), chance.random_range(1..1461));
        let expiry_date = match self.validity {
            Validity::Valid => before(self.today, -valid_for),
            Validity::Expired => before(self.today, expired_for),
        };
        let issue_date = expiry_date.saturating_sub(10.years()).saturating_add(1.day());
        let optional_data = match chance.random_range(0..2) {
            0 => String::new(),
            _ => invent_personal_number(&mut chance),
        };
        let place_of_birth = person::invent_town(&mut chance);
        let mrz = Td3 {
            issuing_state: "UTO",
            surname: &surname,
            given_names: &given_names,
            document_number: &document_number,
            nationality: "UTO",
            birth_date,
            sex,
            expiry_date,
            optional_data: &optional_data,
        }
        .lines();
        let (zone_surname, zone_given_names) = names_in_zone(&mrz[0]);
        let truth = Truth {
            document_code: "P".to_owned(),
            issuing_state: "UTO".to_owned(),
            document_number,
            surname,
            given_names,
            zone_surname,
            zone_given_names,
            nationality: "UTO".to_owned(),
            birth_date,
            sex,
            place_of_birth,
            issue_date,
            expiry_date,
            authority: "PASSPORT OFFICE UTOPIA".to_owned(),
            optional_data,
            mrz,
        };
        Passport { seed: self.seed, truth }
    }
}

/// A specimen of a passport of the fictional state Utopia.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passport {
    seed: u64,
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
        data_page::draw(&self.truth, self.seed)
    }
}

fn before(today: Date, days: i32) -> Date {
    today.saturating_sub(days.days())
}

fn invent_document_number(chance: &mut ChaCha8Rng) -> String {
    let letters = chance.random_range(0..=2);
    let length = chance.random_range(7..=9);
    (0..length)
        .map(|place| invent_character(place < letters, chance))
        .collect()
}

fn invent_personal_number(chance: &mut ChaCha8Rng) -> String {
    let length = chance.random_range(6..=14);
    (0..length)
        .map(|place| invent_character(place % 5 == 4, chance))
        .collect()
}

fn invent_character(letter: bool, chance: &mut ChaCha8Rng) -> char {
    let range = if letter { b'A'..=b'Z' } else { b'0'..=b'9' };
    char::from(chance.random_range(range))
}
