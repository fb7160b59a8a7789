//! What check digits cannot see, computed from their weights (ICAO Doc 9303 part 3, 4.9): 7, 3, 1 over and over, modulo 10.
//!
//! A field is read wrong unseen when letters that look alike were taken for each other, and both the field's own digit
//! and the composite digit stay as they are: one pair of equal value modulo 10 (G and 6), or two changes that cancel out.

use crate::format::MrzFormat;
use jiff::civil::Date;

/// A field with a check digit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// Nine cells; a longer number goes on behind its filler (part 5, 4.2.2.1, note j).
    DocumentNumber,
    /// `YYMMDD`.
    BirthDate,
    /// `YYMMDD`.
    ExpiryDate,
}

/// One letter taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Swap {
    /// The cell of the field, from 0; the cell behind its last one holds its check digit.
    pub position: usize,
    /// What stands there.
    pub stands: char,
    /// What is read.
    pub read: char,
}

/// One or two swaps that every check digit over the field passes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Confusion {
    /// In the order of their positions.
    pub swaps: Vec<Swap>,
}

/// Two letters that are taken for each other in OCR-B or in print, and why.
pub const LOOK_ALIKES: [(char, char, &str); 34] = [
    ('O', '0', "the same oval, a little wider"),
    ('Q', '0', "an oval whose tail is lost"),
    ('D', '0', "an oval with one straight side"),
    ('U', '0', "an oval that blur has closed"),
    ('O', 'Q', "an oval whose tail is lost"),
    ('O', 'D', "an oval with one straight side"),
    ('C', 'G', "the bar of the G is lost"),
    ('C', 'O', "a gap that blur has closed"),
    ('I', '1', "an upright with short strokes"),
    ('L', '1', "an upright with a foot"),
    ('I', 'L', "an upright with a foot"),
    ('I', 'T', "an upright under a stroke"),
    ('T', '7', "a stroke on a leg"),
    ('1', '7', "a stroke on a leg"),
    ('Z', '2', "the upper bend is straight or round"),
    ('2', '7', "the foot is lost"),
    ('S', '5', "the upper bend is straight or round"),
    ('S', '8', "gaps that blur has closed"),
    ('B', '8', "two bowls, the left side straight or not"),
    ('3', '8', "gaps that blur has closed"),
    ('6', '8', "a gap that blur has closed"),
    ('0', '8', "a waist that blur has made or lost"),
    ('5', '6', "a gap that blur has closed"),
    ('0', '6', "the upper bend is closed"),
    ('8', '9', "a gap that blur has closed"),
    ('G', '6', "a round stroke with a bowl or a bar"),
    ('A', '4', "a slanted stroke with a bar"),
    ('E', 'F', "the foot is lost"),
    ('P', 'R', "the leg is lost"),
    ('M', 'N', "strokes that run together"),
    ('U', 'V', "the corners are round or not"),
    ('V', 'Y', "the stem is lost"),
    ('K', 'X', "strokes that meet in the middle"),
    ('K', '<', "a filler beside a stroke of the pattern"),
];

/// Every confusion of look-alikes in a field of nine (number) or six (date) cells that its digits cannot see.
pub fn unseen(format: MrzFormat, field: Field) -> Vec<Confusion> {
    let cells = match field {
        Field::DocumentNumber => 9,
        Field::BirthDate | Field::ExpiryDate => 6,
    };
    let possible = |position: usize| {
        let swaps = both_ways().filter(move |(stands, read)| field.allows(position, cells, *stands, *read));
        swaps
            .map(move |(stands, read)| Swap { position, stands, read })
            .collect()
    };
    confusions(format, field, cells, possible)
}

/// Whether this value has a neighbour, one or two look-alikes away, that passes the same digits and could as well be meant.
///
/// `value` is the document number, or a date as `YYMMDD`; for other letters than `A–Z`, `0–9` and `<` the answer is yes.
pub fn has_blind_spot(format: MrzFormat, field: Field, value: &str) -> bool {
    let value = padded(field, value);
    if !value
        .iter()
        .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == '<')
    {
        return true;
    }
    let cells = value.len();
    let own_digit = digit(&value);
    let possible = |position: usize| {
        let stands = if position == cells { own_digit } else { value[position] };
        let reads =
            both_ways().filter(move |(from, read)| *from == stands && field.allows(position, cells, *from, *read));
        reads
            .map(move |(stands, read)| Swap { position, stands, read })
            .collect()
    };
    let confusions = confusions(format, field, cells, possible);
    confusions
        .iter()
        .any(|confusion| field.could_be(&applied(&value, confusion)))
}

/// The digit over a field's cells.
fn digit(cells: &[char]) -> char {
    let sum: i32 = cells.iter().zip(0..).map(|(c, at)| weight(at) * worth(*c)).sum();
    char::from(b'0' + u8::try_from(sum.rem_euclid(10)).expect("a remainder of 10 is one digit"))
}

fn padded(field: Field, value: &str) -> Vec<char> {
    let mut cells: Vec<char> = value.chars().collect();
    if field == Field::DocumentNumber {
        cells.resize(cells.len().max(9), '<');
    }
    cells
}

fn applied(value: &[char], confusion: &Confusion) -> Vec<char> {
    let mut other = value.to_vec();
    for swap in &confusion.swaps {
        // A change of the digit alone leaves the value; the other swap is the one that counts.
        if let Some(cell) = other.get_mut(swap.position) {
            *cell = swap.read;
        }
    }
    other
}

impl Field {
    /// Dates and check digits are digits, and the reader takes nothing else there.
    fn allows(self, position: usize, cells: usize, stands: char, read: char) -> bool {
        let digits_only = self != Field::DocumentNumber || position == cells;
        !digits_only || (stands.is_ascii_digit() && read.is_ascii_digit())
    }

    /// Whether a value could be meant: a date must be a day of the calendar, a number has no filler within.
    fn could_be(self, value: &[char]) -> bool {
        let text: String = value.iter().collect();
        match self {
            Field::DocumentNumber => !text.trim_end_matches('<').contains('<'),
            Field::BirthDate | Field::ExpiryDate => [1900, 2000].into_iter().any(|century| {
                let part = |at: usize| text.get(at..at + 2)?.parse::<i8>().ok();
                let day = || Date::new(century + i16::from(part(0)?), part(2)?, part(4)?).ok();
                day().is_some()
            }),
        }
    }

    /// The place of a cell in the text of the composite digit.
    fn composite_place(self, format: MrzFormat, cells: usize, position: usize) -> usize {
        match (self, format) {
            // Behind the ninth cell of a longer number stands a filler, then the rest.
            (Field::DocumentNumber, _) => position + usize::from(cells > 9 && position >= 9),
            (Field::BirthDate, MrzFormat::Td1) => 25 + position,
            (Field::BirthDate, _) => 10 + position,
            (Field::ExpiryDate, MrzFormat::Td1) => 32 + position,
            (Field::ExpiryDate, _) => 17 + position,
        }
    }
}

/// What a swap adds to the field's own sum and to the composite sum; the own digit itself is taken off the own sum.
fn effect(format: MrzFormat, field: Field, cells: usize, swap: &Swap) -> (i32, i32) {
    let change = worth(swap.read) - worth(swap.stands);
    let own = if swap.position == cells {
        -1
    } else {
        weight(swap.position)
    };
    let composite = if format.is_visa() {
        // Visas have no composite digit (part 7).
        0
    } else {
        weight(field.composite_place(format, cells, swap.position))
    };
    (own * change, composite * change)
}

/// The single and double swaps out of those that are possible which leave both sums as they are.
fn confusions(format: MrzFormat, field: Field, cells: usize, possible: impl Fn(usize) -> Vec<Swap>) -> Vec<Confusion> {
    let swaps: Vec<(Swap, (i32, i32))> = (0..=cells)
        .flat_map(possible)
        .map(|swap| (swap, effect(format, field, cells, &swap)))
        .collect();
    let cancels = |own: i32, composite: i32| own.rem_euclid(10) == 0 && composite.rem_euclid(10) == 0;
    let mut unseen = Vec::new();
    for (index, (swap, (own, composite))) in swaps.iter().enumerate() {
        if cancels(*own, *composite) {
            unseen.push(Confusion { swaps: vec![*swap] });
        }
        for (other, (other_own, other_composite)) in &swaps[index + 1..] {
            if other.position != swap.position && cancels(own + other_own, composite + other_composite) {
                unseen.push(Confusion {
                    swaps: vec![*swap, *other],
                });
            }
        }
    }
    unseen
}

fn both_ways() -> impl Iterator<Item = (char, char)> {
    LOOK_ALIKES.into_iter().flat_map(|(a, b, _)| [(a, b), (b, a)])
}

fn weight(place: usize) -> i32 {
    [7, 3, 1][place % 3]
}

/// The value of a character: digits as they are, A to Z 10 to 35, the filler 0.
fn worth(c: char) -> i32 {
    match c {
        '0'..='9' => i32::from(c as u8 - b'0'),
        'A'..='Z' => i32::from(c as u8 - b'A') + 10,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn singles(format: MrzFormat, field: Field) -> Vec<(char, char)> {
        let all = unseen(format, field);
        let mut singles: Vec<(char, char)> = all
            .iter()
            .filter(|confusion| confusion.swaps.len() == 1)
            .map(|confusion| (confusion.swaps[0].stands, confusion.swaps[0].read))
            .collect();
        singles.sort_unstable();
        singles.dedup();
        singles
    }

    #[test]
    fn alone_only_pairs_of_equal_value_modulo_ten_are_unseen() {
        let blind = [
            ('0', 'U'),
            ('1', 'L'),
            ('6', 'G'),
            ('8', 'S'),
            ('<', 'K'),
            ('G', '6'),
            ('K', '<'),
            ('L', '1'),
            ('S', '8'),
            ('U', '0'),
        ];
        for format in MrzFormat::ALL {
            assert_eq!(singles(format, Field::DocumentNumber), blind);
            assert!(singles(format, Field::BirthDate).is_empty());
            assert!(singles(format, Field::ExpiryDate).is_empty());
        }
    }

    #[test]
    fn the_composite_digit_sees_what_the_digit_of_a_date_does_not() {
        // The same cell has other weights in the composite digit, so fewer pairs cancel out in both.
        for field in [Field::BirthDate, Field::ExpiryDate] {
            let alone = unseen(MrzFormat::MrvA, field).len();
            for format in [MrzFormat::Td1, MrzFormat::Td2, MrzFormat::Td3] {
                assert!(unseen(format, field).len() < alone, "{field:?} {format:?}");
            }
        }
        // Over the number its weights are the same, so it sees nothing more but for the digit itself.
        assert!(
            unseen(MrzFormat::Td1, Field::DocumentNumber).len() <= unseen(MrzFormat::MrvA, Field::DocumentNumber).len()
        );
    }

    #[test]
    fn a_value_has_a_blind_spot_or_none() {
        for (value, expected, why) in [
            ("G23456789", true, "G and 6"),
            ("HWJHWJHWJ", false, "nothing in it looks like anything else"),
            ("HWJ", true, "the filler behind it looks like K"),
            (
                "OHWWHWWHW",
                false,
                "an oval alone: 7 × 24, 7 × 2 and 7 × 11 are no multiples of ten",
            ),
            ("lower", true, "no letters of a zone"),
        ] {
            let found = has_blind_spot(MrzFormat::Td3, Field::DocumentNumber, value);
            assert_eq!(found, expected, "{why}");
        }
        assert!(
            !has_blind_spot(MrzFormat::Td3, Field::BirthDate, "444444"),
            "no digit looks like a 4"
        );
    }

    /// The check digits over a field, computed from its cells by the crate that reads them.
    fn digits(format: MrzFormat, field: Field, cells: &[char], own: char) -> (bool, i32) {
        let text: String = cells.iter().collect();
        let mut composite = 0;
        if !format.is_visa() {
            let with_digit = cells.iter().copied().chain([own]);
            composite = with_digit
                .enumerate()
                .map(|(at, c)| weight(field.composite_place(format, cells.len(), at)) * worth(c))
                .sum::<i32>()
                .rem_euclid(10);
        }
        (mrz::verify(&text, own), composite)
    }

    /// Every value one or two swaps away that passes, found by trying them all out.
    fn by_force(format: MrzFormat, field: Field, value: &str) -> bool {
        let cells = padded(field, value);
        let own = digit(&cells);
        let truth = digits(format, field, &cells, own);
        assert!(truth.0, "the digit of the value itself passes");
        let mut whole = cells.clone();
        whole.push(own);
        let neighbours = |from: &[char]| -> Vec<(usize, Vec<char>)> {
            let mut all = Vec::new();
            for at in 0..from.len() {
                for (stands, read) in both_ways() {
                    if from[at] == stands && field.allows(at, cells.len(), stands, read) {
                        let mut other = from.to_vec();
                        other[at] = read;
                        all.push((at, other));
                    }
                }
            }
            all
        };
        let passes = |other: &[char]| {
            let (other_cells, other_own) = other.split_at(cells.len());
            other_cells != cells
                && field.could_be(other_cells)
                && digits(format, field, other_cells, other_own[0]) == truth
        };
        neighbours(&whole).into_iter().any(|(first, once)| {
            passes(&once)
                || neighbours(&once)
                    .into_iter()
                    .any(|(second, twice)| first != second && passes(&twice))
        })
    }

    proptest! {
        #[test]
        fn a_number_has_a_blind_spot_exactly_when_trying_everything_finds_one(
            value in "[A-Z0-9]{5,12}", format in proptest::sample::select(MrzFormat::ALL.to_vec()),
        ) {
            let found = has_blind_spot(format, Field::DocumentNumber, &value);
            prop_assert_eq!(found, by_force(format, Field::DocumentNumber, &value));
        }

        #[test]
        fn few_look_alikes_have_a_blind_spot_exactly_when_trying_everything_finds_one(
            value in "[HJWX4379]{9}", format in proptest::sample::select(MrzFormat::ALL.to_vec()),
        ) {
            let found = has_blind_spot(format, Field::DocumentNumber, &value);
            prop_assert_eq!(found, by_force(format, Field::DocumentNumber, &value));
        }

        #[test]
        fn a_date_has_a_blind_spot_exactly_when_trying_everything_finds_one(
            year in 0..100, month in 1..=12, day in 1..=28, format in proptest::sample::select(MrzFormat::ALL.to_vec()),
        ) {
            let value = format!("{year:02}{month:02}{day:02}");
            for field in [Field::BirthDate, Field::ExpiryDate] {
                prop_assert_eq!(has_blind_spot(format, field, &value), by_force(format, field, &value));
            }
        }
    }
}
