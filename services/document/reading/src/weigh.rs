//! Two eyes on one zone: what tesseract read and what the glyphs look like, weighed cell by cell.

use crate::{
    decode::{CheckDigitsMust, Decoded, Seen, lower, margins, upper},
    glyphs::{ALPHABET, Scores, index_of},
    grid::CellScores,
    mrz_reading::{CELLS, Cell, MrzReading, Repair},
};

/// What a difference of correlation is worth, as the logarithm of a likelihood.
const GLYPH_WEIGHT: f32 = 40.0;
/// What tesseract's word on a cell is worth, over all its cuts of the line.
const ENGINE_WEIGHT: f32 = 6.0;
/// A cell whose second choice is nearer than this is doubtful.
const LEAST_MARGIN: f32 = 2.5;
/// The same for a cell that tesseract read otherwise at every cut: what an unmistakable glyph is ahead of all others.
const LEAST_MARGIN_ALONE: f32 = 12.0;
/// What check digits may ask for against what was seen; beyond it they fail rather than bend the reading.
const MOST_REPAIR: f32 = 9.0;
/// Cells that check digits may change.
const MOST_REPAIRS: usize = 3;
/// A zone that the two eyes read less alike than this is no zone, unless its check digits pass without repair.
const LEAST_AGREEMENT: f32 = 0.6;

/// A zone's reading and how good it is.
pub(crate) struct Weighed {
    pub(crate) reading: MrzReading,
    quality: f32,
}

impl Weighed {
    /// Orders readings of one page: by check digits, by cells without doubt, by likeness to OCR-B.
    pub(crate) fn rank(&self) -> (usize, usize, u32) {
        let sure = 2 * CELLS - self.reading.doubtful.len();
        (self.reading.check_digits.passed(), sure, (self.quality * 1000.0) as u32)
    }

    /// Whether another look could add nothing.
    pub(crate) fn is_sure(&self) -> bool {
        self.reading.check_digits.all_passed() && self.reading.doubtful.is_empty()
    }
}

/// Weighs what the glyph eye saw on a zone's two lines with the texts that tesseract read off each line's cuts; `None` if
/// it is no zone after all.
pub(crate) fn weigh(glyphs: &[CellScores; 2], texts: &[Vec<String>; 2]) -> Option<Weighed> {
    let [above, below] = [0, 1].map(|line| Both::new(&glyphs[line], &texts[line]));
    let first = upper(&above.seen);
    let free = lower(&below.seen, CheckDigitsMust::NotPass);
    let checked = lower(&below.seen, CheckDigitsMust::Pass);
    let changed = free.line.iter().zip(&checked.line).filter(|(a, b)| a != b).count();
    let repairable = free.score - checked.score <= MOST_REPAIR && changed <= MOST_REPAIRS;
    let (second, must) = if repairable {
        (checked, CheckDigitsMust::Pass)
    } else {
        (free, CheckDigitsMust::NotPass)
    };

    let agreement = agreement(texts, [&first, &second]);
    if agreement < LEAST_AGREEMENT && !(repairable && changed == 0) {
        return None;
    }
    let mut doubtful = above.doubts(0, &first, &margins(&above.seen, &first, upper));
    doubtful.extend(below.doubts(1, &second, &margins(&below.seen, &second, |seen| lower(seen, must))));
    let mut repaired = repairs(0, &above.seen, &first);
    repaired.extend(repairs(1, &below.seen, &second));
    let reading = MrzReading::parse([first.text(), second.text()], repaired, doubtful)?;
    let quality = (glyphs[0].quality + glyphs[1].quality) / 2.0;
    Some(Weighed { reading, quality })
}

/// What both eyes saw in the cells of one line.
struct Both {
    seen: Seen,
    /// What tesseract read in each cell, by cut.
    read: Vec<[Option<usize>; CELLS]>,
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

    /// The cells whose second choice is near, or nearer than one eye alone can tell where only one eye saw the first.
    fn doubts(&self, line: u8, taken: &Decoded, margins: &[f32]) -> Vec<Cell> {
        let least = |position: usize| {
            let backed = self
                .read
                .iter()
                .any(|cells| cells[position] == Some(taken.line[position]));
            if backed { LEAST_MARGIN } else { LEAST_MARGIN_ALONE }
        };
        let near = margins
            .iter()
            .enumerate()
            .filter(|(position, margin)| **margin < least(*position));
        near.map(|(position, _)| Cell {
            line,
            position: position as u8,
        })
        .collect()
    }
}

/// What leaving out a cell or a character costs in an alignment; at the ends, where frames are, a character costs less.
const LEFT_OUT: f32 = 6.0;
const LEFT_OUT_AT_AN_END: f32 = 1.0;

/// Which character of a text stands in which cell: tesseract gives a line without places, and frames add characters.
fn aligned(seen: &Seen, text: &str) -> [Option<usize>; CELLS] {
    let text: Vec<usize> = text.chars().filter_map(index_of).collect();
    let likeness = |scores: &Scores, character: usize| {
        let best = scores.iter().copied().fold(f32::MIN, f32::max);
        (scores[character] - best).max(-2.0 * LEFT_OUT) + LEFT_OUT / 2.0
    };
    let width = text.len() + 1;
    let mut scores = vec![f32::MIN; (CELLS + 1) * width];
    let mut ways = vec![Way::Start; (CELLS + 1) * width];
    for cell in 0..=CELLS {
        for read in 0..=text.len() {
            let at = cell * width + read;
            if (cell, read) == (0, 0) {
                scores[at] = 0.0;
                continue;
            }
            let at_an_end = cell == 0 || cell == CELLS;
            let character_left_out = if at_an_end { LEFT_OUT_AT_AN_END } else { LEFT_OUT };
            let ways_here = [
                (read > 0).then(|| (scores[at - 1] - character_left_out, Way::CharacterLeftOut)),
                (cell > 0).then(|| (scores[at - width] - LEFT_OUT, Way::CellLeftOut)),
                (cell > 0 && read > 0).then(|| {
                    (
                        scores[at - width - 1] + likeness(&seen[cell - 1], text[read - 1]),
                        Way::Both,
                    )
                }),
            ];
            if let Some((score, way)) = ways_here.into_iter().flatten().max_by(|a, b| a.0.total_cmp(&b.0)) {
                scores[at] = score;
                ways[at] = way;
            }
        }
    }
    let mut cells = [None; CELLS];
    let (mut cell, mut read) = (CELLS, text.len());
    loop {
        match ways[cell * width + read] {
            Way::Start => return cells,
            Way::CharacterLeftOut => read -= 1,
            Way::CellLeftOut => cell -= 1,
            Way::Both => {
                cell -= 1;
                read -= 1;
                cells[cell] = Some(text[read]);
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Way {
    Start,
    CharacterLeftOut,
    CellLeftOut,
    Both,
}

/// The share of tesseract's characters that are in the reading as well, of the text that fits best for each line.
fn agreement(texts: &[Vec<String>; 2], lines: [&Decoded; 2]) -> f32 {
    let shares = texts.iter().zip(lines).map(|(texts, decoded)| {
        let sharp: Seen = decoded
            .line
            .iter()
            .map(|character| {
                let mut scores = [-2.0 * LEFT_OUT; ALPHABET.len()];
                scores[*character] = 0.0;
                scores
            })
            .collect();
        let same = |text: &String| {
            let cells = aligned(&sharp, text);
            cells
                .iter()
                .zip(&decoded.line)
                .filter(|(read, taken)| **read == Some(**taken))
                .count()
        };
        texts.iter().map(same).max().unwrap_or(0)
    });
    shares.sum::<usize>() as f32 / (2 * CELLS) as f32
}

fn repairs(line: u8, seen: &Seen, decoded: &Decoded) -> Vec<Repair> {
    let best = |scores: &Scores| (0..ALPHABET.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    seen.iter()
        .zip(&decoded.line)
        .enumerate()
        .filter(|(_, (scores, taken))| best(scores) != Some(**taken))
        .map(|(position, (scores, taken))| Repair {
            cell: Cell {
                line,
                position: position as u8,
            },
            read: best(scores).map(|at| ALPHABET[at]),
            taken: ALPHABET[*taken],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<";

    fn seen(text: &str) -> Seen {
        let place = |c: char| index_of(c).expect("a character of a zone");
        text.chars()
            .map(|c| std::array::from_fn(|at| if at == place(c) { 30.0 } else { 10.0 }))
            .collect()
    }

    const LOWER: &str = "L898902C36UTO7408122F1204159ZE184226B<<<<<10";

    /// What the glyph eye sees of a text: each shape by half more like itself than like any other.
    fn glyphs(text: &str) -> CellScores {
        let place = |c: char| index_of(c).expect("a character of a zone");
        let cells = text
            .chars()
            .map(|c| std::array::from_fn(|at| if at == place(c) { 0.95 } else { 0.45 }))
            .collect();
        CellScores { cells, quality: 0.95 }
    }

    /// Both lines, the lower one as each eye sees it.
    fn weighed(by_glyphs: &str, by_engine: &str) -> MrzReading {
        let texts = [vec![LINE.to_owned()], vec![by_engine.to_owned()]];
        weigh(&[glyphs(LINE), glyphs(by_glyphs)], &texts)
            .expect("a zone")
            .reading
    }

    #[test]
    fn what_both_eyes_see_is_without_doubt() {
        let reading = weighed(LOWER, LOWER);
        assert_eq!(reading.lines, [LINE, LOWER]);
        assert!(reading.check_digits.all_passed() && reading.doubtful.is_empty() && reading.repaired.is_empty());
    }

    #[test]
    fn a_check_digit_that_is_plainly_wrong_fails_and_is_not_bent() {
        let forged = LOWER.replace("L898902C3", "L898902C4");
        let reading = weighed(&forged, &forged);
        assert_eq!(reading.lines[1], forged);
        assert!(!reading.check_digits.all_passed());
    }

    #[test]
    fn eyes_that_differ_where_no_check_digit_tells_leave_a_doubt() {
        // 6 and G have the same value modulo 10, so both readings pass.
        let other = LOWER.replace("ZE184226B", "ZE18422GB");
        let mut seen = glyphs(LOWER);
        seen.cells[35][index_of('G').expect("a letter")] = 0.85;
        let texts = [vec![LINE.to_owned()], vec![other]];
        let reading = weigh(&[glyphs(LINE), seen], &texts).expect("a zone").reading;
        assert!(reading.check_digits.all_passed());
        assert_eq!(reading.doubtful, [Cell { line: 1, position: 35 }]);
    }

    #[test]
    fn text_that_the_eyes_read_differently_throughout_is_no_zone() {
        let noise = "MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM";
        let texts = [vec!["THISISALETTER".to_owned()], vec!["ANDNOZONE".to_owned()]];
        assert!(weigh(&[glyphs(noise), glyphs(noise)], &texts).is_none());
    }

    fn text_of(cells: [Option<usize>; CELLS]) -> String {
        cells.iter().map(|cell| cell.map_or(' ', |at| ALPHABET[at])).collect()
    }

    #[test]
    fn a_text_finds_its_cells_though_characters_are_added_or_missing() {
        for (text, expected) in [
            (LINE.to_owned(), LINE.to_owned()),
            (format!("1{LINE}I<"), LINE.to_owned()),
            (
                LINE.replace("ERIKSSON", "ERKSSON"),
                LINE.replace("ERIKSSON", "ER KSSON"),
            ),
            (LINE.replace("ERIKSSON", "ERIIKSSON"), LINE.to_owned()),
            (String::new(), " ".repeat(CELLS)),
        ] {
            assert_eq!(text_of(aligned(&seen(LINE), &text)), expected);
        }
    }
}
