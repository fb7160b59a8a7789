//! The likeliest zone: out of what was seen in each cell, under what ICAO Doc 9303 says a zone of a format can hold.
//!
//! Field types and check digits are no repair after the fact here but part of the question: of all zones that a state may
//! print, which is the likeliest? How far the second likeliest is behind, cell by cell, is how sure the answer is. The
//! format's table ([`MrzFormat::fields`]) says what stands where; nothing here knows a position.

use crate::{
    format::{MrzFormat, ZoneField},
    glyphs::{ALPHABET, Scores, index_of},
    viterbi::{IMPOSSIBLE, Move, Path, best_path},
};
use std::{ops::Range, sync::LazyLock};

mod data;
#[cfg(test)]
mod tests;

/// What was seen in each cell of a zone, its lines one after the other, as the logarithm of a likelihood.
pub(crate) type Seen = Vec<Scores>;

/// A zone and how likely it is.
#[derive(Clone)]
pub(crate) struct Decoded {
    /// The characters by their place in the alphabet, the lines one after the other.
    pub(crate) zone: Vec<usize>,
    pub(crate) score: f32,
    /// For each cell: how much less likely the best zone is that has another character there.
    pub(crate) margins: Vec<f32>,
}

/// Whether the check digits must pass.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckDigitsMust {
    /// Only zones whose check digits all pass are possible.
    Pass,
    /// Field types alone decide.
    NotPass,
}

pub(crate) const FILLER: usize = ALPHABET.len() - 1;
pub(crate) const DIGITS: Range<usize> = 0..10;
pub(crate) const LETTERS: Range<usize> = 10..36;
/// How much likelier a code has to be that no list knows.
const UNKNOWN_STATE: f32 = -12.0;

impl Decoded {
    /// The lines as text.
    pub(crate) fn lines(&self, format: MrzFormat) -> Vec<String> {
        let lines = self.zone.chunks(format.cells());
        lines
            .map(|line| line.iter().map(|at| ALPHABET[*at]).collect())
            .collect()
    }

    fn take(&mut self, cells: impl Iterator<Item = usize>, path: &Path) {
        self.score += path.score;
        for (place, cell) in cells.enumerate() {
            self.zone[cell] = path.characters[place];
            self.margins[cell] = path.score - path.otherwise[place];
        }
    }
}

/// The likeliest zone of a format; `seen` has as many cells as the format.
pub(crate) fn decode(format: MrzFormat, seen: &Seen, digits: CheckDigitsMust) -> Decoded {
    let mut decoded = Decoded {
        zone: vec![FILLER; seen.len()],
        score: 0.0,
        margins: vec![0.0; seen.len()],
    };
    for (field, _) in format.fields() {
        let span = format.span(*field);
        let shown = &seen[span.clone()];
        let path = match field {
            ZoneField::DocumentCode => code(format, shown),
            ZoneField::IssuingState | ZoneField::Nationality => state(shown),
            ZoneField::Names => names(shown),
            ZoneField::Sex => sex(&shown[0]),
            _ => continue,
        };
        decoded.take(span, &path);
    }
    let (cells, path) = data::likeliest(format, seen, digits);
    decoded.take(cells.into_iter(), &path);
    decoded
}

pub(crate) fn best_of(scores: &Scores, among: impl Iterator<Item = usize>) -> usize {
    among.max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or(FILLER)
}

/// The likeliest of some characters, and how likely the next is among what might stand there.
fn choose(scores: &Scores, among: impl Iterator<Item = usize>, rivals: impl Iterator<Item = usize>) -> (usize, f32) {
    let best = best_of(scores, among);
    let rival = rivals
        .filter(|rival| *rival != best)
        .map(|rival| scores[rival])
        .fold(IMPOSSIBLE, f32::max);
    (best, rival)
}

/// The document code. The letters of other formats are no choice here, but a letter that looks as much like one of them
/// is in doubt.
fn code(format: MrzFormat, seen: &[Scores]) -> Path {
    let own = format.first_letters().iter().filter_map(|letter| index_of(*letter));
    let all = MrzFormat::ALL.into_iter().flat_map(MrzFormat::first_letters);
    let (first, first_rival) = choose(&seen[0], own, all.filter_map(|letter| index_of(*letter)));
    let kinds = || LETTERS.chain([FILLER]);
    let (kind, kind_rival) = choose(&seen[1], kinds(), kinds());
    let score = seen[0][first] + seen[1][kind];
    Path {
        score,
        characters: vec![first, kind],
        otherwise: vec![first_rival + seen[1][kind], seen[0][first] + kind_rival],
    }
}

fn sex(seen: &Scores) -> Path {
    let among = || ['F', 'M', '<'].into_iter().filter_map(index_of);
    let (sex, rival) = choose(seen, among(), among());
    Path {
        score: seen[sex],
        characters: vec![sex],
        otherwise: vec![rival],
    }
}

/// The codes that Doc 9303 part 3, section 5, lists, some of them shorter than three letters.
static STATES: LazyLock<Vec<[usize; 3]>> = LazyLock::new(|| {
    let padded = |code: &str| {
        let mut cells = [FILLER; 3];
        for (cell, letter) in cells.iter_mut().zip(code.chars()) {
            *cell = index_of(letter).unwrap_or(FILLER);
        }
        cells
    };
    mrz::codes().iter().map(|(code, _)| padded(code)).collect()
});

/// A state's code: one of the list, unless the letters say strongly otherwise.
fn state(seen: &[Scores]) -> Path {
    let score = |code: &[usize; 3]| (0..3).map(|i| seen[i][code[i]]).sum::<f32>();
    let mut codes: Vec<([usize; 3], f32)> = STATES.iter().map(|code| (*code, score(code))).collect();
    let free = [0, 1, 2].map(|i| best_of(&seen[i], LETTERS));
    let free_score = score(&free) + UNKNOWN_STATE;
    codes.push((free, free_score));
    for i in 0..3 {
        let mut other = free;
        other[i] = best_of(&seen[i], LETTERS.filter(|letter| *letter != free[i]));
        codes.push((other, score(&other) + UNKNOWN_STATE));
    }
    let (best, best_score) = codes
        .iter()
        .copied()
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap_or((free, free_score));
    let rival = |i: usize| {
        let others = codes.iter().filter(|(code, _)| code[i] != best[i]);
        others.map(|(_, score)| *score).fold(IMPOSSIBLE, f32::max)
    };
    Path {
        score: best_score,
        characters: best.to_vec(),
        otherwise: (0..3).map(rival).collect(),
    }
}

/// Where a name field can be: Doc 9303 part 3, 4.6: parts by one filler, the two names by two, then nothing but fillers.
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

fn names(seen: &[Scores]) -> Path {
    let letters: Vec<[usize; 2]> = seen
        .iter()
        .map(|cell| {
            let best = best_of(cell, LETTERS);
            [best, best_of(cell, LETTERS.filter(|letter| *letter != best))]
        })
        .collect();
    let path = best_path(
        seen.len(),
        PLACES.len(),
        |state| PLACES[state] != Place::Start,
        |cell, from, take| {
            let [best, second] = letters[cell];
            let place = PLACES[from];
            let steps = [
                (place.after_letter(), best),
                (place.after_letter(), second),
                (place.after_filler(), FILLER),
            ];
            for (to, character) in steps {
                if let Some(to) = to {
                    take(Move {
                        character,
                        score: seen[cell][character],
                        to: to as usize,
                    });
                }
            }
        },
    );
    path.expect("a field of letters alone is a name")
}
