//! Pitch estimation: cells of regular pitch, laid over the ink of a row as a grid.

use crate::grid::Line;

/// Cells of one pitch: the middle of the first, the pitch in the middle of the line, and how it changes.
#[derive(Clone, Copy)]
pub(super) struct PitchGrid {
    pub(super) cells: usize,
    first: f32,
    pitch: f32,
    bend: f32,
}

impl PitchGrid {
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

    /// The grid of so many cells that fits best to what stands between two columns, and how well. Noise and frames move
    /// the ends of a row by cells, so the pitch is that of the strongest wave in the ink, and only then is a place for the
    /// first cell looked for; at last the grid may be bent, as perspective bends a row.
    pub(super) fn fitted(ink: &[f32], cells: usize, from: f32, to: f32) -> (f32, Self) {
        let shown = &ink[from as usize..(to as usize).min(ink.len())];
        let usual = (to - from) / cells as f32;
        let waves = (-30..=10).map(|step| {
            let pitch = usual * (1.0 + step as f32 * 0.004);
            let (strength, crest) = wave(shown, pitch);
            (strength, pitch, crest)
        });
        let (_, pitch, crest) = waves
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .expect("there is at least one pitch");
        let places = (-3..=5).map(|cell| Self {
            cells,
            first: from + crest + cell as f32 * pitch,
            pitch,
            bend: 0.0,
        });
        let usual = Self {
            cells,
            first: from + usual / 2.0,
            pitch: usual,
            bend: 0.0,
        };
        let (_, best) = places
            .map(|grid| (grid.score(ink), grid))
            .chain([usual.best_near(ink, (7, 0.008), (9, 0.16), &[0.0])])
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .expect("there are places");
        let straight = best.best_near(ink, (2, 0.003), (2, 0.06), &[0.0]).1;
        straight.best_near(ink, (2, 0.002), (2, 0.05), &BENDS)
    }

    /// The grid of the same pitch with another number of cells: the one that fits best of those that hold this one or that
    /// this one holds.
    pub(super) fn with_cells(&self, ink: &[f32], cells: usize) -> (f32, Self) {
        let more = cells as i32 - self.cells as i32;
        let shifts = if more > 0 { -more..=0 } else { 0..=-more };
        let grids = shifts.map(|shift| Self {
            cells,
            first: self.place(shift as f32),
            ..*self
        });
        grids
            .map(|grid| (grid.score(ink), grid))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap_or((self.score(ink), *self))
    }

    /// The grid near this one that fits best to another row.
    pub(super) fn refitted(&self, ink: &[f32]) -> Self {
        let near = self.best_near(ink, (3, 0.004), (4, 0.1), &[0.0]).1;
        near.best_near(ink, (1, 0.002), (1, 0.05), &BENDS).1
    }

    /// The best of the grids that differ a little; this one if none is better.
    ///
    /// `stretches` and `shifts` are how many are tried to either side and how far apart: shares of the pitch.
    fn best_near(&self, ink: &[f32], stretches: (i32, f32), shifts: (i32, f32), bends: &[f32]) -> (f32, Self) {
        let mut best = (self.score(ink), *self);
        for stretch in -stretches.0..=stretches.0 {
            let pitch = self.pitch * (1.0 + stretch as f32 * stretches.1);
            for shift in -shifts.0..=shifts.0 {
                let first = self.first + shift as f32 * shifts.1 * pitch;
                for bend in bends {
                    let grid = Self {
                        first,
                        pitch,
                        bend: self.bend + bend * pitch,
                        ..*self
                    };
                    let score = grid.score(ink);
                    if score > best.0 {
                        best = (score, grid);
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

/// How strong a wave of some length is in the ink, and where its first crest is.
fn wave(ink: &[f32], length: f32) -> (f32, f32) {
    let mean = ink.iter().sum::<f32>() / ink.len().max(1) as f32;
    let (turn_sin, turn_cos) = (std::f32::consts::TAU / length).sin_cos();
    let (mut sin, mut cos) = (0.0f32, 1.0f32);
    let (mut along_sin, mut along_cos) = (0.0, 0.0);
    for value in ink {
        along_sin += (value - mean) * sin;
        along_cos += (value - mean) * cos;
        (sin, cos) = (sin * turn_cos + cos * turn_sin, cos * turn_cos - sin * turn_sin);
    }
    let phase = along_sin.atan2(along_cos).rem_euclid(std::f32::consts::TAU);
    (along_sin.hypot(along_cos), phase / std::f32::consts::TAU * length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pitch_finds_its_cells_though_frames_make_the_row_longer() {
        // Cells of 20.5 pixels from 100 on, dark in their middles, and a frame three cells before and after them.
        let (pitch, cells) = (20.5f32, 36);
        let ink: Vec<f32> = (0..1100)
            .map(|x| {
                let cell = (x as f32 - 100.0) / pitch;
                let is_frame = [x - 40, x - 100 - 39 * 20].iter().any(|off| (0..6).contains(off));
                match (cell >= 0.0 && cell < cells as f32, is_frame) {
                    (true, _) => 50.0 * (1.0 - (cell.fract() - 0.5).abs() * 2.0),
                    (false, true) => 60.0,
                    (false, false) => 0.0,
                }
            })
            .collect();
        let (_, grid) = PitchGrid::fitted(&ink, cells, 60.0, 100.0 + 38.0 * pitch);
        assert!((grid.pitch - pitch).abs() < 0.05, "{}", grid.pitch);
        assert!((grid.first - (100.0 + pitch / 2.0)).abs() < 1.5, "{}", grid.first);
    }
}
