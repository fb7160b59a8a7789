//! Two eyes on one zone: what tesseract read and what the glyphs look like, fused cell by cell. Or the glyph eye alone,
//! where its reading is to be held against the print of the page.

use crate::{
    decode::{CheckDigitsMust, Decoded, Seen, decode},
    format::{MrzFormat, ZoneField},
    glyphs::{ALPHABET, Scores, index_of},
    grid::CellScores,
    mrz_reading::{Cell, MrzReading, Repair},
};
use std::cmp::Reverse;

#[cfg(test)]
mod tests;

/// What a difference of correlation is worth, as the logarithm of a likelihood.
const GLYPH_WEIGHT: f32 = 40.0;
/// What tesseract's word on a cell is worth, over all its cuts of the line.
const ENGINE_WEIGHT: f32 = 6.0;
/// A cell whose second choice is nearer than this is doubtful.
const LEAST_MARGIN: f32 = 2.5;
/// The same for a cell that tesseract read otherwise at every cut: what an unmistakable glyph is ahead of all others.
const LEAST_MARGIN_ALONE: f32 = 12.0;
/// The same for a cell that tesseract did not read and of which no print tells: no less than tesseract's word is worth.
const LEAST_MARGIN_UNVOUCHED: f32 = ENGINE_WEIGHT;
/// What check digits may ask for against what was seen; beyond it they fail rather than bend the reading.
const MOST_REPAIR: f32 = 9.0;
/// Cells that check digits may change.
const MOST_REPAIRS: usize = 3;
/// A zone that the two eyes read less alike than this is no zone, unless its check digits pass without repair.
const LEAST_AGREEMENT: f32 = 0.6;

/// A zone's reading and how good it is.
pub(crate) struct Fused {
    pub(crate) reading: MrzReading,
    quality: f32,
}

impl Fused {
    /// Orders readings of one page: by check digits that fail, by those that pass, by cells in doubt, by similarity to OCR-B.
    pub(crate) fn rank(&self) -> (Reverse<usize>, usize, Reverse<usize>, u32) {
        let digits = &self.reading.check_digits;
        let doubts = self.reading.doubtful.len();
        (
            Reverse(digits.failed()),
            digits.passed(),
            Reverse(doubts),
            (self.quality * 1000.0) as u32,
        )
    }

    /// Whether another look could add nothing.
    pub(crate) fn is_sure(&self) -> bool {
        self.reading.check_digits.all_passed() && self.reading.doubtful.is_empty()
    }
}

/// Fuses what the glyph eye saw on a zone's lines with the texts that tesseract read off each line's cuts; `None` if it is
/// no zone after all.
pub(crate) fn fuse(glyphs: &[CellScores], texts: &[Vec<String>]) -> Option<Fused> {
    let lines: Vec<Both> = glyphs.iter().zip(texts).map(|(g, t)| Both::new(g, t)).collect();
    let cells = glyphs.first()?.cells.len();
    let Likeliest {
        format,
        taken,
        changed,
        repairable,
        seen,
    } = likeliest(&lines, cells)?;
    if agreement(texts, &taken, cells) < LEAST_AGREEMENT && !(repairable && changed == 0) {
        return None;
    }
    let doubtful = doubts(&lines, &taken, cells);
    let repaired = repairs(&seen, &taken, cells);
    let reading = MrzReading::parse(taken.lines(format), repaired, doubtful)?;
    let quality = quality(glyphs);
    Some(Fused { reading, quality })
}

/// What the glyph eye alone reads in a zone; `None` unless every check digit passes as the glyphs were seen, no cell has a
/// near rival, and no cell that print can't vouch for has one within what one eye can tell. It is a reading only together
/// with print that agrees in every field.
pub(crate) fn by_glyphs_alone(glyphs: &[CellScores]) -> Option<Fused> {
    let lines: Vec<Both> = glyphs.iter().map(|glyphs| Both::new(glyphs, &[])).collect();
    let cells = glyphs.first()?.cells.len();
    let Likeliest {
        format,
        taken,
        changed,
        repairable,
        seen,
    } = likeliest(&lines, cells)?;
    let reading = MrzReading::parse(taken.lines(format), repairs(&seen, &taken, cells), vec![])?;
    let is_near = |at: usize, margin: f32| {
        let vouched = match reading.field_of(cell(at, cells)) {
            Some(ZoneField::DocumentCode) | None => false,
            // Where nothing is claimed, print agrees whatever it says.
            Some(ZoneField::OptionalData) => !reading.fields.optional_data.is_empty(),
            Some(ZoneField::SecondOptionalData) => !reading.fields.second_optional_data.is_empty(),
            Some(_) => true,
        };
        margin < if vouched { LEAST_MARGIN } else { LEAST_MARGIN_UNVOUCHED }
    };
    let doubted = taken
        .margins
        .iter()
        .enumerate()
        .any(|(at, margin)| is_near(at, *margin));
    let holds = repairable && changed == 0 && reading.check_digits.all_passed() && !doubted;
    holds.then(|| Fused {
        reading,
        quality: quality(glyphs),
    })
}

/// The likeliest zone in what was seen.
struct Likeliest {
    format: MrzFormat,
    taken: Decoded,
    /// Cells that check digits ask to be other than they were seen.
    changed: usize,
    /// Whether the check digits pass in the zone that is taken.
    repairable: bool,
    seen: Seen,
}

fn likeliest(lines: &[Both], cells: usize) -> Option<Likeliest> {
    let seen: Seen = lines.iter().flat_map(|line| line.seen.iter().copied()).collect();
    // Formats of one size are told apart by the letter they begin with, and by where digits must be.
    let (format, free) = MrzFormat::ALL
        .into_iter()
        .filter(|format| format.lines() == lines.len() && format.cells() == cells)
        .map(|format| (format, decode(format, &seen, CheckDigitsMust::NotPass)))
        .max_by(|a, b| a.1.score.total_cmp(&b.1.score))?;
    let checked = decode(format, &seen, CheckDigitsMust::Pass);
    let changed = free.zone.iter().zip(&checked.zone).filter(|(a, b)| a != b).count();
    let repairable = free.score - checked.score <= MOST_REPAIR && changed <= MOST_REPAIRS;
    Some(Likeliest {
        format,
        taken: if repairable { checked } else { free },
        changed,
        repairable,
        seen,
    })
}

fn quality(glyphs: &[CellScores]) -> f32 {
    glyphs.iter().map(|line| line.quality).sum::<f32>() / glyphs.len() as f32
}

/// What both eyes saw in the cells of one line.
struct Both {
    seen: Seen,
    /// What tesseract read in each cell, by cut.
    read: Vec<Vec<Option<usize>>>,
}

impl Both {
    fn new(glyphs: &CellScores, texts: &[String]) -> Self {
        let alone: Seen = glyphs
            .cells
            .iter()
            .map(|scores| scores.map(|score| score * GLYPH_WEIGHT))
            .collect();
        let read: Vec<_> = texts.iter().map(|text| aligned(&alone, text)).collect();
        let mut seen = alone;
        for cells in &read {
            for (scores, character) in seen.iter_mut().zip(cells) {
                if let Some(character) = character {
                    scores[*character] += ENGINE_WEIGHT / read.len() as f32;
                }
            }
        }
        Self { seen, read }
    }
}

/// The cells whose second choice is near, or nearer than one eye alone can tell where only one eye saw the first.
fn doubts(lines: &[Both], taken: &Decoded, cells: usize) -> Vec<Cell> {
    let least = |at: usize| {
        let mut texts = lines[at / cells].read.iter();
        let backed = texts.any(|text| text[at % cells] == Some(taken.zone[at]));
        if backed { LEAST_MARGIN } else { LEAST_MARGIN_ALONE }
    };
    let near = taken
        .margins
        .iter()
        .enumerate()
        .filter(|(at, margin)| **margin < least(*at));
    near.map(|(at, _)| cell(at, cells)).collect()
}

fn cell(at: usize, cells: usize) -> Cell {
    Cell {
        line: (at / cells) as u8,
        position: (at % cells) as u8,
    }
}

/// What leaving out a cell or a character costs in an alignment; at the ends, where frames are, a character costs less.
const LEFT_OUT: f32 = 6.0;
const LEFT_OUT_AT_AN_END: f32 = 1.0;

/// Which character of a text stands in which cell: tesseract gives a line without places, and frames add characters.
fn aligned(seen: &[Scores], text: &str) -> Vec<Option<usize>> {
    let cells_there = seen.len();
    let text: Vec<usize> = text.chars().filter_map(index_of).collect();
    let similarity = |scores: &Scores, character: usize| {
        let best = scores.iter().copied().fold(f32::MIN, f32::max);
        (scores[character] - best).max(-2.0 * LEFT_OUT) + LEFT_OUT / 2.0
    };
    let width = text.len() + 1;
    let mut scores = vec![f32::MIN; (cells_there + 1) * width];
    let mut steps = vec![Step::Start; (cells_there + 1) * width];
    for cell in 0..=cells_there {
        for read in 0..=text.len() {
            let at = cell * width + read;
            if (cell, read) == (0, 0) {
                scores[at] = 0.0;
                continue;
            }
            let at_an_end = cell == 0 || cell == cells_there;
            let character_left_out = if at_an_end { LEFT_OUT_AT_AN_END } else { LEFT_OUT };
            let steps_here = [
                (read > 0).then(|| (scores[at - 1] - character_left_out, Step::CharacterLeftOut)),
                (cell > 0).then(|| (scores[at - width] - LEFT_OUT, Step::CellLeftOut)),
                (cell > 0 && read > 0).then(|| {
                    (
                        scores[at - width - 1] + similarity(&seen[cell - 1], text[read - 1]),
                        Step::Both,
                    )
                }),
            ];
            if let Some((score, step)) = steps_here.into_iter().flatten().max_by(|a, b| a.0.total_cmp(&b.0)) {
                scores[at] = score;
                steps[at] = step;
            }
        }
    }
    let mut cells = vec![None; cells_there];
    let (mut cell, mut read) = (cells_there, text.len());
    loop {
        match steps[cell * width + read] {
            Step::Start => return cells,
            Step::CharacterLeftOut => read -= 1,
            Step::CellLeftOut => cell -= 1,
            Step::Both => {
                cell -= 1;
                read -= 1;
                cells[cell] = Some(text[read]);
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Step {
    Start,
    CharacterLeftOut,
    CellLeftOut,
    Both,
}

/// The share of tesseract's characters that are in the reading as well, of the text that fits best for each line.
fn agreement(texts: &[Vec<String>], taken: &Decoded, cells: usize) -> f32 {
    let same_in_line = texts.iter().zip(taken.zone.chunks(cells)).map(|(texts, line)| {
        let sharp: Seen = line
            .iter()
            .map(|character| {
                let mut scores = [-2.0 * LEFT_OUT; ALPHABET.len()];
                scores[*character] = 0.0;
                scores
            })
            .collect();
        let same = |text: &String| {
            let read = aligned(&sharp, text);
            read.iter()
                .zip(line)
                .filter(|(read, taken)| **read == Some(**taken))
                .count()
        };
        texts.iter().map(same).max().unwrap_or(0)
    });
    same_in_line.sum::<usize>() as f32 / taken.zone.len() as f32
}

fn repairs(seen: &Seen, taken: &Decoded, cells: usize) -> Vec<Repair> {
    let best = |scores: &Scores| (0..ALPHABET.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    seen.iter()
        .zip(&taken.zone)
        .enumerate()
        .filter(|(_, (scores, taken))| best(scores) != Some(**taken))
        .map(|(at, (scores, taken))| Repair {
            cell: cell(at, cells),
            read: best(scores).map(|at| ALPHABET[at]),
            taken: ALPHABET[*taken],
        })
        .collect()
}
