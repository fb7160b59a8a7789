//! Number, dates and optional data: the cells that check digits cover, with the digits themselves.

use super::{CheckDigitsMust, DIGITS, FILLER, LETTERS, Seen};
use crate::{
    format::{MrzFormat, ZoneField},
    viterbi::{IMPOSSIBLE, Move, Path, best_path},
};
use std::ops::Range;

const WEIGHTS: [usize; 3] = [7, 3, 1];
/// How much likelier a filler has to be where a date should have a digit.
const UNKNOWN_DAY: f32 = -4.0;
/// How much likelier than a filler a digit after the number may look when a long number is thought of at all.
const LONG_NUMBER_THOUGHT_OF: f32 = 15.0;

/// The ways in which check digits and fillers can be laid out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Every field has its own digit behind it.
    Plain,
    /// Empty optional data with a filler for its digit (part 4, 4.2.2.2).
    OptionalDataUnused,
    /// The number goes on for so many cells of the optional data (part 5, 4.2.4; part 6, note j).
    LongNumber(usize),
}

/// One cell's part in the check digits.
struct Step {
    cell: usize,
    holds: Holds,
    /// What its value is multiplied by in the sum of its field's own digit; 0 if none covers it.
    own: usize,
    /// The same for the composite digit.
    composite: usize,
}

enum Holds {
    /// One of these.
    OneOf(Vec<usize>),
    /// One of these, where a filler is less likely than it looks.
    DateCell(Vec<usize>),
    /// The digit over the field before it.
    OwnDigit,
    /// The digit over all.
    CompositeDigit,
}

/// The likeliest data, and the cells that it is of, in the order of the path.
pub(super) fn likeliest(format: MrzFormat, seen: &Seen, digits: CheckDigitsMust) -> (Vec<usize>, Path) {
    let mut shapes = vec![Shape::Plain];
    if digits == CheckDigitsMust::Pass {
        shapes.extend(other_shapes(format, seen));
    }
    let paths: Vec<(Vec<usize>, Path)> = shapes
        .into_iter()
        .filter_map(|shape| {
            let steps = steps(format, shape, digits);
            let cells = steps.iter().map(|step| step.cell).collect();
            Some((cells, path_through(&steps, seen)?))
        })
        .collect();
    let best = (0..paths.len()).max_by(|a, b| paths[*a].1.score.total_cmp(&paths[*b].1.score));
    let best = best.expect("the plain shape always has a path: any data has its check digits");
    let (cells, mut path) = paths[best].clone();
    for (_, rival) in paths
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != best)
        .map(|(_, path)| path)
    {
        for place in 0..cells.len() {
            let other = if rival.characters[place] == path.characters[place] {
                rival.otherwise[place]
            } else {
                rival.score
            };
            path.otherwise[place] = path.otherwise[place].max(other);
        }
    }
    (cells, path)
}

fn other_shapes(format: MrzFormat, seen: &Seen) -> Vec<Shape> {
    if !format.span(ZoneField::OptionalDataDigit).is_empty() {
        return vec![Shape::OptionalDataUnused];
    }
    let digit = &seen[format.span(ZoneField::DocumentNumberDigit).start];
    let likeliest = DIGITS.map(|at| digit[at]).fold(IMPOSSIBLE, f32::max);
    if !format.has_long_numbers() || digit[FILLER] < likeliest - LONG_NUMBER_THOUGHT_OF {
        return Vec::new();
    }
    // Behind the rest of the number its digit and a filler must have room.
    let most = format.span(ZoneField::OptionalData).len() - 2;
    (1..=most).map(Shape::LongNumber).collect()
}

/// The fields in the order in which they are walked: the optional data behind the number, because a long number goes on in
/// them, and its own digit is known only there.
const WALK: [ZoneField; 10] = [
    ZoneField::DocumentNumber,
    ZoneField::DocumentNumberDigit,
    ZoneField::OptionalData,
    ZoneField::OptionalDataDigit,
    ZoneField::BirthDate,
    ZoneField::BirthDateDigit,
    ZoneField::ExpiryDate,
    ZoneField::ExpiryDateDigit,
    ZoneField::SecondOptionalData,
    ZoneField::CompositeDigit,
];

fn steps(format: MrzFormat, shape: Shape, digits: CheckDigitsMust) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut own_place = 0;
    for field in WALK {
        let span = format.span(field);
        let first_weight = composite_place(format, field);
        if field.digit().is_some() && !(field == ZoneField::OptionalData && is_long(shape)) {
            own_place = 0;
        }
        for (place, cell) in span.enumerate() {
            let (holds, is_covered) = holds(format, shape, digits, field, place);
            steps.push(Step {
                cell,
                holds,
                own: if is_covered { WEIGHTS[own_place % 3] } else { 0 },
                composite: first_weight.map_or(0, |first| WEIGHTS[(first + place) % 3]),
            });
            own_place += usize::from(is_covered);
        }
    }
    if digits == CheckDigitsMust::NotPass {
        for step in &mut steps {
            (step.own, step.composite) = (0, 0);
        }
    }
    steps
}

fn is_long(shape: Shape) -> bool {
    matches!(shape, Shape::LongNumber(_))
}

/// The place of a field's first cell among those that the composite digit covers; `None` where there is no such digit.
fn composite_place(format: MrzFormat, field: ZoneField) -> Option<usize> {
    if format.span(ZoneField::CompositeDigit).is_empty() || !field.is_in_composite() {
        return None;
    }
    let before = format.fields().iter().take_while(|(other, _)| *other != field);
    Some(
        before
            .filter(|(other, _)| other.is_in_composite())
            .map(|(_, length)| length)
            .sum(),
    )
}

/// What a cell holds, and whether its field's own digit covers it.
fn holds(format: MrzFormat, shape: Shape, digits: CheckDigitsMust, field: ZoneField, place: usize) -> (Holds, bool) {
    let must = digits == CheckDigitsMust::Pass;
    let anything = || DIGITS.chain(LETTERS).chain([FILLER]).collect();
    let has_digit = field.digit().is_some_and(|digit| !format.span(digit).is_empty());
    match (field, shape) {
        // Data begin in a field's first cell (part 3, 4.3), so a number never begins with a filler.
        (ZoneField::DocumentNumber, _) if place == 0 => (Holds::OneOf(DIGITS.chain(LETTERS).collect()), true),
        (ZoneField::DocumentNumber, Shape::LongNumber(_)) if place == 8 => {
            (Holds::OneOf(DIGITS.chain(LETTERS).collect()), true)
        }
        (ZoneField::DocumentNumber, _) => (Holds::OneOf(anything()), true),
        (ZoneField::DocumentNumberDigit, Shape::LongNumber(_)) => (Holds::OneOf(vec![FILLER]), false),
        (ZoneField::DocumentNumberDigit, _) if !must && format.has_long_numbers() => {
            (Holds::OneOf(DIGITS.chain([FILLER]).collect()), false)
        }
        (ZoneField::OptionalData, Shape::LongNumber(more)) if place < more => {
            (Holds::OneOf(DIGITS.chain(LETTERS).collect()), true)
        }
        (ZoneField::OptionalData, Shape::LongNumber(more)) if place == more => (Holds::OwnDigit, false),
        (ZoneField::OptionalData, Shape::LongNumber(more)) if place == more + 1 => (Holds::OneOf(vec![FILLER]), false),
        (ZoneField::OptionalData | ZoneField::OptionalDataDigit, Shape::OptionalDataUnused) => {
            (Holds::OneOf(vec![FILLER]), false)
        }
        (ZoneField::OptionalData | ZoneField::SecondOptionalData, _) => (Holds::OneOf(anything()), has_digit),
        (ZoneField::OptionalDataDigit, _) if !must => (Holds::OneOf(DIGITS.chain([FILLER]).collect()), false),
        (ZoneField::BirthDate, _) => (Holds::DateCell(date_cell(place).chain([FILLER]).collect()), true),
        (ZoneField::ExpiryDate, _) => (Holds::OneOf(date_cell(place).collect()), true),
        (ZoneField::CompositeDigit, _) if must => (Holds::CompositeDigit, false),
        _ if must => (Holds::OwnDigit, false),
        _ => (Holds::OneOf(DIGITS.collect()), false),
    }
}

/// Months begin with 0 or 1, days with 0 to 3.
fn date_cell(place: usize) -> Range<usize> {
    match place {
        2 => 0..2,
        4 => 0..4,
        _ => DIGITS,
    }
}

fn value(character: usize) -> usize {
    if character == FILLER { 0 } else { character }
}

/// The best path through the steps; a state is two remainders modulo 10: of the field's own sum and of the composite sum.
fn path_through(steps: &[Step], seen: &Seen) -> Option<Path> {
    best_path(
        steps.len(),
        100,
        |_| true,
        |at, from, take| {
            let step = &steps[at];
            let scores = &seen[step.cell];
            let (own, composite) = (from / 10, from % 10);
            let next = |character: usize, own: usize| {
                let value = value(character);
                (own + value * step.own) % 10 * 10 + (composite + value * step.composite) % 10
            };
            match &step.holds {
                Holds::OneOf(characters) => characters.iter().for_each(|character| {
                    take(Move {
                        character: *character,
                        score: scores[*character],
                        to: next(*character, own),
                    });
                }),
                Holds::DateCell(characters) => characters.iter().for_each(|character| {
                    let unusual = if *character == FILLER { UNKNOWN_DAY } else { 0.0 };
                    take(Move {
                        character: *character,
                        score: scores[*character] + unusual,
                        to: next(*character, own),
                    });
                }),
                Holds::OwnDigit => take(Move {
                    character: own,
                    score: scores[own],
                    to: next(own, 0),
                }),
                Holds::CompositeDigit => take(Move {
                    character: composite,
                    score: scores[composite],
                    to: 0,
                }),
            }
        },
    )
}
