//! Zones of nobody, as various as the standard allows, for tests over thousands of them.

use jiff::civil::Date;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::birth_date::BirthDate;
use crate::person;
use crate::truth::Sex;
use crate::zone::{ZoneFields, ZoneFormat};

/// Utopia three times as often as all others; codes of one letter and of persons without a state.
const STATES: &[&str] = &["UTO", "UTO", "UTO", "D", "XXA", "XXB"];

impl ZoneFields {
    /// What a zone of this format may say, all from `seed`: short and long numbers, names that must be
    /// cut, no given names, unknown birth dates, one-letter states, empty and full optional data.
    pub fn invent(format: ZoneFormat, seed: u64) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        chance.set_stream(32 + format as u64);
        let chance = &mut chance;
        let document_number = invent_number(format, chance);
        let taken = match document_number.len() {
            ..=9 => 0,
            length => length - 9 + 2,
        };
        let optional_data = invent_optional(format.optional_length() - taken, chance);
        let second_room = if format == ZoneFormat::Td1 { 11 } else { 0 };
        Self {
            document_code: invent_code(format, chance),
            issuing_state: choose(STATES, chance),
            surname: invent_long(person::invent_surname(chance), chance),
            given_names: match chance.random_range(0..12) {
                0 => String::new(),
                _ => invent_long(person::invent_given_names(chance), chance),
            },
            document_number,
            nationality: choose(STATES, chance),
            birth_date: invent_birth_date(chance),
            sex: [Sex::Female, Sex::Male, Sex::Unspecified][chance.random_range(0..3)],
            expiry_date: invent_day(2000..2050, chance),
            optional_data,
            second_optional_data: invent_optional(second_room, chance),
        }
    }
}

fn invent_code(format: ZoneFormat, chance: &mut ChaCha8Rng) -> String {
    let codes: &[&str] = match format {
        ZoneFormat::Td1 | ZoneFormat::Td2 => &["I", "ID", "A", "C", "IP"],
        ZoneFormat::Td3 => &["P", "PD", "PO"],
        ZoneFormat::MrvA | ZoneFormat::MrvB => &["V", "VA", "VB"],
    };
    choose(codes, chance)
}

/// Now and then much longer than any name field.
fn invent_long(name: String, chance: &mut ChaCha8Rng) -> String {
    match chance.random_range(0..8) {
        0 => format!(
            "{name} {} {}",
            person::invent_surname(chance),
            person::invent_surname(chance)
        ),
        _ => name,
    }
}

fn invent_number(format: ZoneFormat, chance: &mut ChaCha8Rng) -> String {
    let longest = format.longest_number();
    let length = match chance.random_range(0..3) {
        0 => chance.random_range(1..=9),
        1 => 9,
        _ => chance.random_range(9..=longest),
    };
    invent_characters(length, chance)
}

/// Empty, in part filled, or filled to the last place; in two parts when there is room.
fn invent_optional(room: usize, chance: &mut ChaCha8Rng) -> String {
    let length = match chance.random_range(0..4) {
        0 => 0,
        1 => room,
        _ => chance.random_range(0..=room),
    };
    match length {
        4.. if chance.random_bool(0.2) => {
            let (first, second) = (length / 2, length - length / 2 - 1);
            format!(
                "{}<{}",
                invent_characters(first, chance),
                invent_characters(second, chance)
            )
        }
        _ => invent_characters(length, chance),
    }
}

fn invent_characters(length: usize, chance: &mut ChaCha8Rng) -> String {
    (0..length)
        .map(|_| match chance.random_range(0..3) {
            0 => char::from(chance.random_range(b'A'..=b'Z')),
            _ => char::from(chance.random_range(b'0'..=b'9')),
        })
        .collect()
}

fn invent_birth_date(chance: &mut ChaCha8Rng) -> BirthDate {
    let whole = BirthDate::from(invent_day(1930..2020, chance));
    match chance.random_range(0..12) {
        0 => BirthDate { day: None, ..whole },
        1 => BirthDate {
            day: None,
            month: None,
            ..whole
        },
        2 => BirthDate::UNKNOWN,
        _ => whole,
    }
}

fn invent_day(years: std::ops::Range<i16>, chance: &mut ChaCha8Rng) -> Date {
    let (year, day_of_year) = (chance.random_range(years), chance.random_range(0..365));
    let first = Date::constant(year, 1, 1);
    first.saturating_add(jiff::Span::new().days(day_of_year))
}

fn choose(table: &[&str], chance: &mut ChaCha8Rng) -> String {
    (*table.choose(chance).expect("a table of codes is not empty")).to_owned()
}
