//! Zones of all formats for tests, made from the words of the standard alone: what is tested here must not help to make them.

use crate::format::MrzFormat;
use proptest::prelude::*;

/// A zone and what it was made of.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) format: MrzFormat,
    pub(crate) lines: Vec<String>,
    pub(crate) document_number: String,
    /// Whether every check digit is as it should be.
    pub(crate) is_right: bool,
}

fn digit(field: &str) -> u32 {
    let weights = [7, 3, 1].into_iter().cycle();
    let sum: u32 = field
        .chars()
        .zip(weights)
        .map(|(c, weight)| c.to_digit(36).unwrap_or(0) * weight)
        .sum();
    sum % 10
}

fn padded(text: &str, cells: usize) -> String {
    let text: String = text.chars().take(cells).collect();
    format!("{text:<<cells$}")
}

fn state() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["UTO", "D", "XXA", "GBR", "RKS", "UNO", "FRA"])
}

fn day() -> impl Strategy<Value = String> {
    (0..100u32, 1..13u32, 1..29u32).prop_map(|(year, month, day)| format!("{year:02}{month:02}{day:02}"))
}

/// A birth date of which day, month or all may be unknown (part 3, 4.8).
fn birth() -> impl Strategy<Value = String> {
    (day(), prop::sample::select(vec![6, 6, 6, 4, 2, 0])).prop_map(|(day, known)| padded(&day[..known], 6))
}

/// Numbers of up to nine characters, and longer ones of which each format takes what it can hold.
fn number() -> impl Strategy<Value = String> {
    prop_oneof!["[A-Z0-9]{1,9}", "[A-Z0-9]{9,14}", "[A-Z0-9]{9,22}"]
}

/// A zone of any format; of four, one has a wrong digit somewhere.
pub(crate) fn any_sample() -> impl Strategy<Value = Sample> {
    let holder = (
        "[A-Z]{1,12}",
        "[A-Z]{1,9}(<[A-Z]{1,7}){0,3}",
        prop::sample::select(vec!['F', 'M', '<']),
    );
    let document = (number(), "[A-Z0-9]{0,16}", "[A-Z0-9]{0,11}", any::<bool>());
    let states = (state(), state());
    let wrong = prop_oneof![3 => Just(None), 1 => (0..5usize, 1..10u32).prop_map(Some)];
    (
        prop::sample::select(MrzFormat::ALL.to_vec()),
        holder,
        document,
        states,
        (birth(), day()),
        wrong,
    )
        .prop_map(
            |(
                format,
                (surname, given, sex),
                (number, optional, second, unused),
                (issuer, nationality),
                (birth, expiry),
                wrong,
            )| {
                let parts = Parts {
                    format,
                    names: format!("{surname}<<{given}"),
                    sex,
                    number,
                    optional: if unused { String::new() } else { optional },
                    second,
                    issuer,
                    nationality,
                    birth,
                    expiry,
                };
                parts.sample(wrong)
            },
        )
}

struct Parts {
    format: MrzFormat,
    names: String,
    sex: char,
    number: String,
    optional: String,
    second: String,
    issuer: &'static str,
    nationality: &'static str,
    birth: String,
    expiry: String,
}

impl Parts {
    fn sample(self, wrong: Option<(usize, u32)>) -> Sample {
        // Adds to the check digit of that rank, so that it is wrong.
        let mut spoiled = false;
        let mut spoil = |rank: usize, digit: u32| match wrong {
            Some((at, more)) if at == rank => {
                spoiled = true;
                (digit + more) % 10
            }
            _ => digit,
        };
        let optional_cells = match self.format {
            MrzFormat::Td1 => 15,
            MrzFormat::Td2 => 7,
            MrzFormat::Td3 => 14,
            MrzFormat::MrvA => 16,
            MrzFormat::MrvB => 8,
        };
        let mut document_number = self.number.clone();
        let goes_on = matches!(self.format, MrzFormat::Td1 | MrzFormat::Td2);
        document_number.truncate(if goes_on { 9 + optional_cells - 2 } else { 9 });
        let checked = |field: &str, digit: u32| format!("{field}{digit}");
        let (number, optional) = if document_number.len() > 9 {
            let rest = checked(&document_number[9..], spoil(0, digit(&document_number)));
            let first = format!("{}<", &document_number[..9]);
            (first, padded(&format!("{rest}<{}", self.optional), optional_cells))
        } else {
            let field = padded(&document_number, 9);
            (
                checked(&field, spoil(0, digit(&field))),
                padded(&self.optional, optional_cells),
            )
        };
        let birth = checked(&self.birth, spoil(1, digit(&self.birth)));
        let expiry = checked(&self.expiry, spoil(2, digit(&self.expiry)));
        let head = |code: &str| format!("{code}{}", padded(self.issuer, 3));
        let nationality = padded(self.nationality, 3);
        let lines = match self.format {
            MrzFormat::Td1 => {
                let second = padded(&self.second, 11);
                let whole = spoil(4, digit(&format!("{number}{optional}{birth}{expiry}{second}")));
                vec![
                    format!("{}{number}{optional}", head("I<")),
                    format!("{birth}{}{expiry}{nationality}{second}{whole}", self.sex),
                    padded(&self.names, 30),
                ]
            }
            MrzFormat::Td2 => {
                let whole = spoil(4, digit(&format!("{number}{birth}{expiry}{optional}")));
                let lower = format!("{number}{nationality}{birth}{}{expiry}{optional}{whole}", self.sex);
                vec![format!("{}{}", head("AC"), padded(&self.names, 31)), lower]
            }
            MrzFormat::Td3 => {
                let optional = match self.optional.as_str() {
                    "" => padded("", 15),
                    _ => checked(&optional, spoil(3, digit(&optional))),
                };
                let whole = spoil(4, digit(&format!("{number}{birth}{expiry}{optional}")));
                let lower = format!("{number}{nationality}{birth}{}{expiry}{optional}{whole}", self.sex);
                vec![format!("{}{}", head("PP"), padded(&self.names, 39)), lower]
            }
            MrzFormat::MrvA | MrzFormat::MrvB => {
                let names = self.format.cells() - 5;
                let lower = format!("{number}{nationality}{birth}{}{expiry}{optional}", self.sex);
                vec![format!("{}{}", head("V<"), padded(&self.names, names)), lower]
            }
        };
        Sample {
            format: self.format,
            lines,
            document_number,
            is_right: !spoiled,
        }
    }
}
