//! Where the machine-readable zones are: two or three equally long rows of 30, 36 or 44 cells, anywhere on a page, up to
//! 10° aslant, any way up.

use crate::{
    cut::Cut,
    grid::{CellScores, Line},
    halved::halved_to,
    plane::Plane,
    rows::{Rows, find_rows},
};
use image::{GrayImage, imageops};
use std::{borrow::Cow, sync::Arc};

/// A zone whose cells match OCR-B less than this on average is no zone.
const LEAST_QUALITY: f32 = 0.55;
/// A zone that matches as well as this is not looked for any further.
const GOOD_QUALITY: f32 = 0.8;
/// Lines that match better by so much than upside down are upright; nearer ones are fitted both ways.
const PLAINLY_UPRIGHT: f32 = 0.04;
/// Candidates of an orientation that are fitted cell by cell in vain before the others are given up.
const FITTED_IN_VAIN: usize = 3;
/// What speaks for other lines in the place of good ones must be at least such a share of what speaks for those.
const RIVAL: f32 = 0.9;
/// The same for a second zone on a page.
const SECOND_ZONE: f32 = 0.35;
/// What a rough look finds alike in lines of anything.
const SIMILARITY_OF_ANYTHING: f32 = 0.58;
/// A line whose letters are less alike by so much than another's of its zone may be in the wrong cells.
const MUCH_WORSE: f32 = 0.06;
/// Zones of one page that are read: a passport's own and a visa beside it, and as many again that prove to be none.
pub(crate) const MOST_ZONES: usize = 4;
/// Rows whose middles are nearer than so many cells, across the rows, are of one zone.
const ONE_PLACE: f32 = 6.0;
/// Pixels a cell up to which a page is halved before its cells are read.
const MOST_PITCH: f32 = 44.0;
/// The longer side in pixels up to which a page is halved before its rows are looked for.
const MOST_SIDE: usize = 1400;
/// The longer side in pixels up to which a page is halved before anything: a zone half as wide still has 44 pixels a cell.
pub(crate) const MOST_SIDE_READ: u32 = 4200;
/// The longer side in pixels of a page whose print is read without a zone to go by.
pub(crate) const MOST_SIDE_PRINT: u32 = 2400;

/// A zone: where its lines are and what stands in their cells.
pub(crate) struct Zone {
    /// The lines, the upper first, on `page`.
    lines: Vec<Line>,
    /// What the glyph eye sees, by line.
    pub(crate) scores: Vec<CellScores>,
    /// How much spoke for it from a rough look: more for each cell that is one.
    evidence: f32,
    /// The page, the right way up, at a size at which a cell has up to 44 pixels.
    page: Arc<Plane>,
}

/// Looks for zones on a page, the best first.
pub(crate) fn find(gray: &GrayImage) -> Vec<Zone> {
    let gray = &*halved_to(gray, MOST_SIDE_READ);
    let mut zones = find_lying(gray);
    if zones.first().is_none_or(|zone| zone.quality() < GOOD_QUALITY) {
        zones.extend(find_lying(&imageops::rotate90(gray)));
        zones.sort_by(|a, b| b.evidence.total_cmp(&a.evidence));
    }
    zones.truncate(MOST_ZONES);
    zones
}

/// A page without a zone, for reading its print.
pub(crate) fn whole_page(gray: &GrayImage) -> Cow<'_, GrayImage> {
    halved_to(gray, MOST_SIDE_PRINT)
}

impl Zone {
    /// Whether the two zones are in the same place, so that only one of them can be right.
    pub(crate) fn is_over(&self, other: &Self) -> bool {
        let rows = |zone: &Self| Rows {
            lines: zone.lines.clone(),
        };
        self.page.width == other.page.width && rows(self).share_a_place(&rows(other))
    }

    /// Pixels a cell on the page as it came, which is so many pixels across and down.
    pub(crate) fn pitch_on(&self, width: u32, height: u32) -> f32 {
        let shown = self.page.width.max(self.page.height) as f32;
        self.lines[0].pitch() * width.max(height) as f32 / shown
    }

    /// How well the cells match OCR-B, 0–1.
    pub(crate) fn quality(&self) -> f32 {
        self.scores.iter().map(|line| line.quality).sum::<f32>() / self.scores.len() as f32
    }

    /// Pictures of the lines for the other eye: the first line at every way to cut, then the second, and so on.
    pub(crate) fn cuts(&self, ways: &[Cut]) -> Vec<GrayImage> {
        let lines = self.lines.iter();
        lines
            .flat_map(|line| ways.iter().map(|way| line.cut(&self.page, way).to_gray()))
            .collect()
    }

    /// The page above the zone, straight, for reading its print.
    pub(crate) fn printed_area(&self, look: PrintLook) -> GrayImage {
        let line = &self.lines[0];
        let scale = line.pitch() / look.pitch;
        let cells = line.cells() as f32;
        let (left, top) = line.middle(-0.5);
        let (right, bottom) = line.middle(cells - 0.5);
        let length = (right - left).hypot(bottom - top);
        let along = ((right - left) / length * scale, (bottom - top) / length * scale);
        // Pages of all formats are some five cells wider than their zone, and the visual zone of the largest is less than
        // 33 cells high (part 4, 2.1 and 3.1; parts 5 to 7 likewise).
        let (width, height) = (((cells + 5.0) * look.pitch) as usize, (33.0 * look.pitch) as usize);
        let mut samples = Vec::with_capacity(width * height);
        for row in 0..height {
            let up = (height - row) as f32 + 0.9 * look.pitch;
            let beside = -2.5 * look.pitch;
            let first = (
                left + along.0 * beside + along.1 * up,
                top + along.1 * beside - along.0 * up,
            );
            self.page.along(first, along, width, &mut samples);
        }
        let area = Plane::from_samples(width, height, samples);
        match look.paper {
            Paper::AsItIs => area.to_gray(),
            Paper::Cleared { from, to } => {
                let (paper, ink) = self.tones();
                area.to_gray_between(paper + from * (ink - paper), paper + to * (ink - paper))
            }
        }
    }

    /// The darkness of paper and of ink, as the zone's own print shows them.
    fn tones(&self) -> (f32, f32) {
        let mut darkness: Vec<f32> = self.lines.iter().flat_map(|line| line.darkness(&self.page)).collect();
        darkness.sort_by(f32::total_cmp);
        let share = |share: f32| darkness[((darkness.len() - 1) as f32 * share) as usize];
        (share(0.3), share(0.97))
    }
}

/// A way to show the printed area to tesseract.
#[derive(Clone, Copy)]
pub(crate) struct PrintLook {
    /// Pixels a cell of the zone; capitals of the print come out about as high as 0.9 of that.
    pub(crate) pitch: f32,
    /// What is done about patterns on the paper.
    pub(crate) paper: Paper,
}

/// What is done about patterns and watermarks on the paper.
#[derive(Clone, Copy)]
pub(crate) enum Paper {
    /// Nothing.
    AsItIs,
    /// What is lighter than `from` becomes white, what is darker than `to` black: shares of the way from paper to ink.
    Cleared {
        /// Becomes white.
        from: f32,
        /// Becomes black.
        to: f32,
    },
}

/// Looks for zones whose lines lie across the page, the letters upright or upside down.
fn find_lying(gray: &GrayImage) -> Vec<Zone> {
    // Each level is half as large as the one before.
    let mut levels = vec![Arc::new(Plane::of_darkness(gray))];
    while let Some(last) = levels.last().filter(|last| last.width.max(last.height) > MOST_SIDE) {
        let halved = last.halved();
        levels.push(Arc::new(halved));
    }
    let small = levels[levels.len() - 1].clone();
    let mut candidates: Vec<(f32, Rows)> = find_rows(&small)
        .into_iter()
        .map(|rows| (evidence(&rows.lines, &small), rows))
        .filter(|(evidence, _)| *evidence > 0.0)
        .collect();
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut zones: Vec<Zone> = Vec::new();
    let mut good: Vec<(f32, Rows)> = Vec::new();
    let mut in_vain = 0;
    for (evidence, rows) in candidates {
        let is_known = |known: &(f32, Rows)| {
            known.1.share_a_place(&rows) && (known.1.is_like(&rows) || evidence < RIVAL * known.0)
        };
        if in_vain == FITTED_IN_VAIN || good.iter().any(is_known) {
            continue;
        }
        if good.first().is_some_and(|best| evidence < SECOND_ZONE * best.0) {
            continue;
        }
        let zone = fit(&levels, &rows, evidence);
        if zone.quality() >= GOOD_QUALITY {
            good.push((evidence, rows));
        } else {
            in_vain += 1;
        }
        zones.push(zone);
    }
    let least = if good.is_empty() { LEAST_QUALITY } else { GOOD_QUALITY };
    zones.retain(|zone| zone.quality() >= least);
    zones
}

/// How much speaks for lines being a zone: the similarity of their cells beyond what anything has, summed, so that of lines
/// that hold one another the longest without foreign cells has most.
fn evidence(lines: &[Line], page: &Plane) -> f32 {
    lines
        .iter()
        .map(|line| (line.similarity(page) - SIMILARITY_OF_ANYTHING) * line.cells() as f32)
        .sum()
}

impl Rows {
    /// The middle of the middle, and the pitch of the first line.
    fn middle(&self) -> (f32, f32, f32) {
        let middles = self
            .lines
            .iter()
            .map(|line| line.middle((line.cells() as f32 - 1.0) / 2.0));
        let (x, y) = middles.fold((0.0, 0.0), |sum, (x, y)| (sum.0 + x, sum.1 + y));
        let lines = self.lines.len() as f32;
        (x / lines, y / lines, self.lines[0].pitch())
    }

    fn is_like(&self, other: &Self) -> bool {
        self.lines.len() == other.lines.len() && self.lines[0].cells() == other.lines[0].cells()
    }

    fn share_a_place(&self, other: &Self) -> bool {
        let (a, b) = (self.middle(), other.middle());
        (a.1 - b.1).abs() < ONE_PLACE * a.2.max(b.2)
    }
}

/// How much lines are of OCR-B, from a rough look: 0–1.
fn similarity(lines: &[Line], page: &Plane) -> f32 {
    lines.iter().map(|line| line.similarity(page)).sum::<f32>() / lines.len() as f32
}

/// Fits rows, found on the last level, to the letters.
fn fit(levels: &[Arc<Plane>], rows: &Rows, evidence: f32) -> Zone {
    let scale_of = |level: usize| (1 << (levels.len() - 1 - level)) as f32;
    let fits = |level: &usize| rows.lines[0].pitch() * scale_of(*level) <= MOST_PITCH;
    let level = (0..levels.len()).find(fits).unwrap_or(levels.len() - 1);
    let (page, scale) = (levels[level].clone(), scale_of(level));
    let upright: Vec<Line> = rows.lines.iter().map(|line| line.scaled(scale)).collect();
    let turned: Vec<Line> = upright.iter().rev().map(Line::turned).collect();
    let ahead = similarity(&upright, &page) - similarity(&turned, &page);
    let fitted = |lines: Vec<Line>| lines.into_iter().map(|line| line.fitted(&page)).collect::<Vec<_>>();
    let lines = if ahead > PLAINLY_UPRIGHT {
        fitted(upright)
    } else if ahead < -PLAINLY_UPRIGHT {
        fitted(turned)
    } else {
        let ways = [fitted(upright), fitted(turned)].map(|lines| (similarity(&lines, &page), lines));
        let [upright, turned] = ways;
        if turned.0 > upright.0 { turned.1 } else { upright.1 }
    };
    let lines = like_the_best(lines, &page);
    let read = lines.into_iter().map(|line| in_its_cells(line, &page).read(&page));
    let (lines, scores) = read.unzip();
    Zone {
        lines,
        scores,
        evidence,
        page,
    }
}

/// The cells of a zone stand one below the other: a line that was fitted to much worse letters than another, as noise and
/// frames beside it make it, is tried where that other says that it is.
fn like_the_best(mut lines: Vec<Line>, page: &Plane) -> Vec<Line> {
    let similarity: Vec<f32> = lines.iter().map(|line| line.similarity_in_place(page)).collect();
    let Some(best) = (0..lines.len()).max_by(|a, b| similarity[*a].total_cmp(&similarity[*b])) else {
        return lines;
    };
    let model = lines[best];
    for (line, own) in lines.iter_mut().zip(&similarity) {
        if similarity[best] - own > MUCH_WORSE {
            let other = model.moved_below(model.distance_to(line)).fitted(page);
            if other.similarity_in_place(page) > *own {
                *line = other;
            }
        }
    }
    lines
}

/// A zone that begins with a frame is easily taken some cells too early; the letters say where it begins.
fn in_its_cells(line: Line, page: &Plane) -> Line {
    let places = (-3..=3).map(|cells| line.moved_by_cells(cells as f32));
    let scored = places.map(|line| (line.similarity_in_place(page), line));
    scored.max_by(|a, b| a.0.total_cmp(&b.0)).map_or(line, |(_, line)| line)
}
