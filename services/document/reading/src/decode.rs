//! The likeliest zone: out of what was seen in each cell, under what ICAO Doc 9303 part 4 says a zone can hold.
//!
//! Field types and check digits are no repair after the fact here but part of the question: of all lines that a state may
//! print, which is the likeliest? How far the second likeliest is behind, cell by cell, is how sure the answer is.

use crate::{
    glyphs::{ALPHABET, Scores, index_of},
    mrz_reading::CELLS,
};

/// What was seen in each cell of a line, as the logarithm of a likelihood.
pub(crate) type Seen = Vec<Scores>;

/// A line and how likely it is.
#[derive(Clone)]
pub(crate) struct Decoded {
    pub(crate) line: Vec<usize>,
    pub(crate) score: f32,
}

impl Decoded {
    pub(crate) fn text(&self) -> String {
        self.line.iter().map(|at| ALPHABET[*at]).collect()
    }
}

const IMPOSSIBLE: f32 = -1.0e9;
const FILLER: usize = ALPHABET.len() - 1;
const DIGITS: std::ops::Range<usize> = 0..10;
const LETTERS: std::ops::Range<usize> = 10..36;
/// Positions of the states' codes: of the issuer in the upper line, of the nationality in the lower.
const ISSUER: usize = 2;
const NATIONALITY: usize = 10;
/// How much likelier a code has to be that no list knows.
const UNKNOWN_STATE: f32 = -12.0;
/// How much likelier a filler has to be where a date should have a digit.
const UNKNOWN_DAY: f32 = -4.0;

/// The likeliest upper line: document code, issuing state, names.
pub(crate) fn upper(seen: &Seen) -> Decoded {
    let code = ["P", "V", "A", "C", "I"]
        .iter()
        .filter_map(|code| index_of(code.chars().next()?));
    let code = best_of(&seen[0], code);
    let kind = best_of(&seen[1], LETTERS.chain([FILLER]));
    let (state, state_score) = state(seen, ISSUER);
    let (names, names_score) = names(&seen[5..]);
    let line = [code, kind].into_iter().chain(state).chain(names).collect();
    Decoded {
        line,
        score: seen[0][code] + seen[1][kind] + state_score + names_score,
    }
}

fn best_of(scores: &Scores, among: impl Iterator<Item = usize>) -> usize {
    among.max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or(FILLER)
}

/// A state's code, out of the list that Doc 9303 part 3, section 5, gives, unless the letters say strongly otherwise.
fn state(seen: &Seen, at: usize) -> ([usize; 3], f32) {
    let score = |code: &[usize; 3]| (0..3).map(|i| seen[at + i][code[i]]).sum::<f32>();
    let padded = |code: &str| {
        let mut cells = [FILLER; 3];
        for (cell, letter) in cells.iter_mut().zip(code.chars()) {
            *cell = index_of(letter).unwrap_or(FILLER);
        }
        cells
    };
    let known = mrz::codes()
        .iter()
        .map(|(code, _)| padded(code))
        .map(|code| (code, score(&code)));
    let known = known.max_by(|a, b| a.1.total_cmp(&b.1));
    let free = [0, 1, 2].map(|i| best_of(&seen[at + i], LETTERS));
    let free = (free, score(&free) + UNKNOWN_STATE);
    known
        .into_iter()
        .chain([free])
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap_or(free)
}

/// Where a name field can be: Doc 9303 part 4, 4.2.3: parts by one filler, the two names by two, then nothing but fillers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    Surname,
    SurnameGap,
    Between,
    Given,
    GivenGap,
    Tail,
}

const PLACES: [Place; 7] = [
    Place::Start,
    Place::Surname,
    Place::SurnameGap,
    Place::Between,
    Place::Given,
    Place::GivenGap,
    Place::Tail,
];

impl Place {
    fn after_letter(self) -> Option<Self> {
        match self {
            Self::Start | Self::Surname | Self::SurnameGap => Some(Self::Surname),
            Self::Between | Self::Given | Self::GivenGap => Some(Self::Given),
            Self::Tail => None,
        }
    }

    fn after_filler(self) -> Option<Self> {
        match self {
            Self::Start => None,
            Self::Surname => Some(Self::SurnameGap),
            Self::SurnameGap => Some(Self::Between),
            Self::Given => Some(Self::GivenGap),
            Self::Between | Self::GivenGap | Self::Tail => Some(Self::Tail),
        }
    }
}

fn names(seen: &[Scores]) -> (Vec<usize>, f32) {
    let mut scores = [IMPOSSIBLE; PLACES.len()];
    scores[0] = 0.0;
    let mut ways: Vec<[(usize, usize); PLACES.len()]> = Vec::with_capacity(seen.len());
    for cell in seen {
        let letter = best_of(cell, LETTERS);
        let mut next = [IMPOSSIBLE; PLACES.len()];
        let mut way = [(0, FILLER); PLACES.len()];
        for (from, place) in PLACES.iter().enumerate() {
            for (to, character) in [(place.after_letter(), letter), (place.after_filler(), FILLER)] {
                let Some(to) = to else { continue };
                let score = scores[from] + cell[character];
                if score > next[to as usize] {
                    next[to as usize] = score;
                    way[to as usize] = (from, character);
                }
            }
        }
        scores = next;
        ways.push(way);
    }
    let mut at = (1..PLACES.len())
        .max_by(|a, b| scores[*a].total_cmp(&scores[*b]))
        .unwrap_or(1);
    let score = scores[at];
    let mut line: Vec<usize> = ways
        .iter()
        .rev()
        .map(|way| {
            let (from, character) = way[at];
            at = from;
            character
        })
        .collect();
    line.reverse();
    (line, score)
}

/// Whether the check digits must pass.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckDigitsMust {
    /// Only lines whose five check digits pass are possible.
    Pass,
    /// Field types alone decide.
    NotPass,
}

/// A field with a check digit of its own; `first..=last`, the digit last.
struct Checked {
    first: usize,
    last: usize,
    /// Where the field begins in what the composite digit covers.
    composite: usize,
}

/// Number, birth date, expiry date, optional data (ICAO Doc 9303 part 4, 4.2.2).
const CHECKED: [Checked; 4] = [
    Checked {
        first: 0,
        last: 9,
        composite: 0,
    },
    Checked {
        first: 13,
        last: 19,
        composite: 10,
    },
    Checked {
        first: 21,
        last: 27,
        composite: 17,
    },
    Checked {
        first: 28,
        last: 42,
        composite: 24,
    },
];
const WEIGHTS: [usize; 3] = [7, 3, 1];

/// The likeliest lower line: number, nationality, birth date, sex, expiry date, optional data.
pub(crate) fn lower(seen: &Seen, digits: CheckDigitsMust) -> Decoded {
    let mut line = vec![FILLER; CELLS];
    let (state, mut score) = state(seen, NATIONALITY);
    line[NATIONALITY..NATIONALITY + 3].copy_from_slice(&state);
    line[20] = best_of(
        &seen[20],
        ["F", "M", "<"].iter().filter_map(|sex| index_of(sex.chars().next()?)),
    );
    score += seen[20][line[20]];
    if digits == CheckDigitsMust::NotPass {
        for position in CHECKED.iter().flat_map(|field| field.first..=field.last).chain([43]) {
            line[position] = allowed(position)
                .max_by(|a, b| typed(seen, position, *a).total_cmp(&typed(seen, position, *b)))
                .unwrap_or(FILLER);
            score += typed(seen, position, line[position]);
        }
        return Decoded { line, score };
    }
    // For every remainder modulo 10 that the fields so far can leave in the composite sum: the likeliest way to it.
    let mut ways: [Option<(f32, Vec<usize>)>; 10] = Default::default();
    ways[0] = Some((0.0, Vec::new()));
    for field in &CHECKED {
        let own = field_ways(seen, field);
        let mut next: [Option<(f32, Vec<usize>)>; 10] = Default::default();
        for (before, way) in ways.iter().enumerate() {
            for (adds, (more, cells)) in own.iter().enumerate() {
                let Some((so_far, line)) = way else { continue };
                let (sum, score) = ((before + adds) % 10, so_far + more);
                if *more > IMPOSSIBLE && next[sum].as_ref().is_none_or(|known| known.0 < score) {
                    next[sum] = Some((score, line.iter().chain(cells).copied().collect()));
                }
            }
        }
        ways = next;
    }
    let ends = ways
        .into_iter()
        .enumerate()
        .filter_map(|(sum, way)| way.map(|(score, cells)| (score + seen[43][sum], sum, cells)));
    let Some((best, digit, cells)) = ends.max_by(|a, b| a.0.total_cmp(&b.0)) else {
        return lower(seen, CheckDigitsMust::NotPass);
    };
    for (position, character) in CHECKED.iter().flat_map(|field| field.first..=field.last).zip(cells) {
        line[position] = character;
    }
    line[43] = digit;
    Decoded {
        line,
        score: score + best,
    }
}

/// The characters that a position of the lower line can hold.
fn allowed(position: usize) -> Box<dyn Iterator<Item = usize>> {
    match position {
        0..=8 | 28..=41 => Box::new(DIGITS.chain(LETTERS).chain([FILLER])),
        // Months begin with 0 or 1, days with 0 to 3.
        15 => Box::new([0, 1, FILLER].into_iter()),
        17 => Box::new([0, 1, 2, 3, FILLER].into_iter()),
        23 => Box::new([0, 1].into_iter()),
        25 => Box::new([0, 1, 2, 3].into_iter()),
        13..=18 => Box::new(DIGITS.chain([FILLER])),
        42 => Box::new(DIGITS.chain([FILLER])),
        _ => Box::new(DIGITS),
    }
}

/// What was seen, less what is said against a filler in a birth date.
fn typed(seen: &Seen, position: usize, character: usize) -> f32 {
    let unusual = (13..=18).contains(&position) && character == FILLER;
    seen[position][character] + if unusual { UNKNOWN_DAY } else { 0.0 }
}

fn value(character: usize) -> usize {
    if character == FILLER { 0 } else { character }
}

/// For every remainder that a field can leave in the composite sum: the likeliest cells whose own digit passes.
fn field_ways(seen: &Seen, field: &Checked) -> [(f32, Vec<usize>); 10] {
    // States are pairs of remainders: of the field's own sum, and of what it adds to the composite sum.
    let mut scores = vec![IMPOSSIBLE; 100];
    scores[0] = 0.0;
    let mut ways: Vec<Vec<(u8, u8)>> = Vec::new();
    for (place, position) in (field.first..field.last).enumerate() {
        let mut next = vec![IMPOSSIBLE; 100];
        let mut way = vec![(0, 0); 100];
        for character in allowed(position) {
            let adds = value(character);
            let (own, composite) = (adds * WEIGHTS[place % 3], adds * WEIGHTS[(field.composite + place) % 3]);
            let more = typed(seen, position, character);
            for (from, so_far) in scores
                .iter()
                .enumerate()
                .filter(|(_, score)| **score > IMPOSSIBLE / 2.0)
            {
                let to = (from / 10 + own) % 10 * 10 + (from % 10 + composite) % 10;
                if so_far + more > next[to] {
                    next[to] = so_far + more;
                    way[to] = (from as u8, character as u8);
                }
            }
        }
        scores = next;
        ways.push(way);
    }
    let digit_weight = WEIGHTS[(field.composite + field.last - field.first) % 3];
    let mut best: [(f32, Vec<usize>); 10] = std::array::from_fn(|_| (IMPOSSIBLE, Vec::new()));
    for (digit, seen_digit) in seen[field.last].iter().enumerate().take(10) {
        for composite in 0..10 {
            let state = digit * 10 + composite;
            let adds = (composite + digit * digit_weight) % 10;
            let score = scores[state] + seen_digit;
            if scores[state] > IMPOSSIBLE / 2.0 && score > best[adds].0 {
                best[adds] = (score, trace(&ways, state, digit));
            }
        }
    }
    // Empty optional data may have a filler for its digit (part 4, 4.2.2.2).
    if field.last == 42 {
        let empty = (field.first..=field.last)
            .map(|position| seen[position][FILLER])
            .sum::<f32>();
        if empty > best[0].0 {
            best[0] = (empty, vec![FILLER; field.last - field.first + 1]);
        }
    }
    best
}

fn trace(ways: &[Vec<(u8, u8)>], mut state: usize, digit: usize) -> Vec<usize> {
    let mut cells: Vec<usize> = ways
        .iter()
        .rev()
        .map(|way| {
            let (from, character) = way[state];
            state = usize::from(from);
            usize::from(character)
        })
        .collect();
    cells.reverse();
    cells.push(digit);
    cells
}

/// How much less likely the best line is that has another character in each cell.
pub(crate) fn margins(seen: &Seen, decoded: &Decoded, decode: impl Fn(&Seen) -> Decoded) -> Vec<f32> {
    let mut other = seen.clone();
    (0..CELLS)
        .map(|cell| {
            let character = decoded.line[cell];
            let kept = std::mem::replace(&mut other[cell][character], IMPOSSIBLE / 100.0);
            let second = decode(&other);
            other[cell][character] = kept;
            decoded.score - second.score
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mrz_reading::check_digits;
    use proptest::prelude::*;

    const LINE_1: &str = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<";
    const LINE_2: &str = "L898902C36UTO7408122F1204159ZE184226B<<<<<10";

    /// Each cell as its text has it, by `sure`.
    fn seen(text: &str, sure: f32) -> Seen {
        text.chars()
            .map(|c| {
                let mut scores = [0.0; ALPHABET.len()];
                scores[index_of(c).expect("a character of a zone")] = sure;
                scores
            })
            .collect()
    }

    #[test]
    fn a_clean_zone_comes_out_as_it_is() {
        assert_eq!(upper(&seen(LINE_1, 9.0)).text(), LINE_1);
        for digits in [CheckDigitsMust::Pass, CheckDigitsMust::NotPass] {
            assert_eq!(lower(&seen(LINE_2, 9.0), digits).text(), LINE_2);
        }
        let empty = "L898902C36UTO7408122F1204159<<<<<<<<<<<<<<08";
        let filler = "L898902C36UTO7408122F1204159<<<<<<<<<<<<<<<8";
        for line in [empty, filler] {
            assert_eq!(lower(&seen(line, 9.0), CheckDigitsMust::Pass).text(), line);
        }
    }

    #[test]
    fn field_types_and_check_digits_put_look_alikes_right() {
        let misread = "L8989O2C36UT07408I22F12O4159ZE1B4226B<<<<<10";
        let mut cells = seen(misread, 2.0);
        for (cell, truth) in cells.iter_mut().zip(LINE_2.chars()) {
            let truth = &mut cell[index_of(truth).expect("a character of a zone")];
            *truth = truth.max(1.0);
        }
        assert_eq!(lower(&cells, CheckDigitsMust::Pass).text(), LINE_2);
        let misread = "P<UT0ERIK5S0N<<ANNA<MARIA<<<<<<<<K<<<<<<<<<<";
        let decoded = upper(&seen(misread, 2.0));
        assert_eq!(&decoded.text()[..5], "P<UTO");
        assert_eq!(&decoded.text()[25..], "<".repeat(19));
    }

    #[test]
    fn what_nothing_but_one_weak_look_tells_has_a_small_margin() {
        let mut cells = seen(LINE_1, 9.0);
        let (i, l) = (index_of('I').unwrap(), index_of('L').unwrap());
        cells[7][l] = cells[7][i] - 0.5;
        let decoded = upper(&cells);
        let margins = margins(&cells, &decoded, upper);
        assert!(margins[7] <= 0.51 && margins[8] > 5.0);
    }

    proptest! {
        #[test]
        fn whatever_was_seen_a_line_that_must_pass_passes(noise in prop::collection::vec(0.0f32..1.0, CELLS * ALPHABET.len())) {
            let seen: Seen = noise.chunks(ALPHABET.len()).map(|c| std::array::from_fn(|i| c[i])).collect();
            let line = lower(&seen, CheckDigitsMust::Pass).text();
            prop_assert!(check_digits(&line).all_passed());
        }
    }
}
