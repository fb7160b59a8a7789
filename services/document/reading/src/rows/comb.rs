//! Cells of regular pitch, laid over the ink of a row like a comb.

use crate::grid::Line;

/// Cells of one pitch: the middle of the first, the pitch in the middle of the line, and how it changes.
#[derive(Clone, Copy)]
pub(super) struct Comb {
    pub(super) cells: usize,
    first: f32,
    pitch: f32,
    bend: f32,
}

impl Comb {
    fn place(&self, cell: f32) -> f32 {
        let half = (self.cells as f32 - 1.0) / 2.0;
        self.first + cell * self.pitch + self.bend * ((cell - half).powi(2) - half * half)
    }

    /// Ink in the cells' middles, less that between the cells and beyond the ends.
    pub(super) fn score(&self, ink: &[f32]) -> f32 {
        let at = |cell: f32| {
            let x = self.place(cell) + 0.5;
            if x < 0.0 {
                0.0
            } else {
                ink.get(x as usize).copied().unwrap_or(0.0)
            }
        };
        let cells = self.cells as f32;
        let inside: f32 = (0..self.cells)
            .map(|cell| cell as f32)
            .map(|cell| at(cell - 0.2) + at(cell) + at(cell + 0.2))
            .sum();
        let between: f32 = (0..=self.cells).map(|cell| at(cell as f32 - 0.5)).sum();
        let beyond: f32 = [-1.2, -0.8, cells - 0.2, cells + 0.2].map(at).iter().sum();
        inside / 3.0 - between - 2.0 * beyond
    }

    /// The comb of so many cells that fits best to what begins near `from`, and how well: straight ones first, then those
    /// bent by perspective that are near the best straight one.
    pub(super) fn fitted(ink: &[f32], cells: usize, from: f32, pitch: f32) -> (f32, Self) {
        let start = Self {
            cells,
            first: from + pitch / 2.0,
            pitch,
            bend: 0.0,
        };
        let rough = start.best_near(ink, (7, 0.008), (9, 0.16), &[0.0]).1;
        let straight = rough.best_near(ink, (2, 0.003), (2, 0.06), &[0.0]).1;
        straight.best_near(ink, (2, 0.002), (2, 0.05), &BENDS)
    }

    /// The comb of the same pitch with another number of cells: the one that fits best of those that hold this one or that
    /// this one holds.
    pub(super) fn with_cells(&self, ink: &[f32], cells: usize) -> (f32, Self) {
        let more = cells as i32 - self.cells as i32;
        let shifts = if more > 0 { -more..=0 } else { 0..=-more };
        let combs = shifts.map(|shift| Self {
            cells,
            first: self.place(shift as f32),
            ..*self
        });
        combs
            .map(|comb| (comb.score(ink), comb))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap_or((self.score(ink), *self))
    }

    /// The comb near this one that fits best to another row.
    pub(super) fn refitted(&self, ink: &[f32]) -> Self {
        let near = self.best_near(ink, (3, 0.004), (4, 0.1), &[0.0]).1;
        near.best_near(ink, (1, 0.002), (1, 0.05), &BENDS).1
    }

    /// The best of the combs that differ a little; this one if none is better.
    ///
    /// `stretches` and `shifts` are how many are tried to either side and how far apart: shares of the pitch.
    fn best_near(&self, ink: &[f32], stretches: (i32, f32), shifts: (i32, f32), bends: &[f32]) -> (f32, Self) {
        let mut best = (self.score(ink), *self);
        for stretch in -stretches.0..=stretches.0 {
            let pitch = self.pitch * (1.0 + stretch as f32 * stretches.1);
            for shift in -shifts.0..=shifts.0 {
                let first = self.first + shift as f32 * shifts.1 * pitch;
                for bend in bends {
                    let comb = Self {
                        first,
                        pitch,
                        bend: self.bend + bend * pitch,
                        ..*self
                    };
                    let score = comb.score(ink);
                    if score > best.0 {
                        best = (score, comb);
                    }
                }
            }
        }
        best
    }

    /// The line on a page whose middle is at `middle` where the page begins.
    pub(super) fn line(&self, slope: f32, middle: f32) -> Line {
        Line::straight(
            self.cells,
            (self.first, middle + slope * self.first),
            (self.pitch, slope * self.pitch),
            self.bend,
        )
    }
}

/// Bends by perspective, as shares of the pitch.
const BENDS: [f32; 5] = [-6.0e-4, -3.0e-4, 0.0, 3.0e-4, 6.0e-4];
