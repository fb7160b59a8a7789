//! The cells of one line: where they are, and what stands in each.

use crate::{
    cut::Cut,
    glyphs::{ALPHABET, BLURS, COARSE, FINE, Scores, Templates},
    plane::Plane,
};

/// Where the cells of a line are: the middle of cell `k` by polynomials in the distance from the line's middle, in cells,
/// so that their terms stay apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    cells: usize,
    x: [f32; 3],
    y: [f32; 3],
    /// Height of the letters over that of a line whose letters have the size of the templates.
    stretch: f32,
}

/// What stands in each cell of a line.
#[derive(Clone)]
pub(crate) struct CellScores {
    /// Correlation with each character, by cell.
    pub(crate) cells: Vec<Scores>,
    /// The mean of the cells' best correlations, 0–1: how much this is a line of OCR-B at all.
    pub(crate) quality: f32,
}

/// A cell's best match: how good, and where off the middle of the cell, in pitches.
struct Match {
    cell: usize,
    score: f32,
    dx: f32,
    dy: f32,
}

impl Line {
    /// A line from the middle of its first cell, with the step per cell in its middle and how the steps change.
    pub(crate) fn straight(cells: usize, first: (f32, f32), step: (f32, f32), bend: f32) -> Self {
        let half = (cells as f32 - 1.0) / 2.0;
        Self {
            cells,
            x: [first.0 + step.0 * half - bend * half * half, step.0, bend],
            y: [first.1 + step.1 * half, step.1, 0.0],
            stretch: 1.0,
        }
    }

    /// How many cells the line has.
    pub(crate) fn cells(&self) -> usize {
        self.cells
    }

    /// The middle of the line, in cells.
    fn half(&self) -> f32 {
        (self.cells as f32 - 1.0) / 2.0
    }

    /// The same line on a page `scale` times as large.
    pub(crate) fn scaled(&self, scale: f32) -> Self {
        let place = |c: [f32; 3]| [c[0] * scale + (scale - 1.0) / 2.0, c[1] * scale, c[2] * scale];
        Self {
            x: place(self.x),
            y: place(self.y),
            ..*self
        }
    }

    /// The same line read from its end, upside down.
    pub(crate) fn turned(&self) -> Self {
        let back = |c: [f32; 3]| [c[0], -c[1], c[2]];
        Self {
            x: back(self.x),
            y: back(self.y),
            ..*self
        }
    }

    /// The mean width of a cell in pixels.
    pub(crate) fn pitch(&self) -> f32 {
        self.x[1].hypot(self.y[1])
    }

    /// The middle of a cell, which may lie between cells or beyond the ends.
    pub(crate) fn middle(&self, cell: f32) -> (f32, f32) {
        let t = cell - self.half();
        let along = |c: &[f32; 3]| c[0] + t * (c[1] + t * c[2]);
        (along(&self.x), along(&self.y))
    }

    /// The point `across` cells along and `down` pitches below the line's middle, at the line's own slope there.
    #[inline]
    fn point(&self, cell: f32, down: f32) -> (f32, f32) {
        let t = cell - self.half();
        let (x, y) = self.middle(cell);
        let (dx, dy) = (self.x[1] + 2.0 * t * self.x[2], self.y[1] + 2.0 * t * self.y[2]);
        let down = down * self.stretch;
        (x - dy * down, y + dx * down)
    }

    /// How far another line's middle is below this line, in pixels.
    pub(crate) fn distance_to(&self, other: &Self) -> f32 {
        let (dx, dy) = (other.x[0] - self.x[0], other.y[0] - self.y[0]);
        (dy * self.x[1] - dx * self.y[1]) / self.pitch()
    }

    /// The same line so many pixels further down.
    pub(crate) fn moved_below(mut self, pixels: f32) -> Self {
        let (right, down) = (self.x[1] / self.pitch(), self.y[1] / self.pitch());
        self.x[0] -= down * pixels;
        self.y[0] += right * pixels;
        self
    }

    /// The same line, a whole number of cells further on.
    pub(crate) fn moved_by_cells(&self, cells: f32) -> Self {
        let (x, y) = self.middle(self.half() + cells);
        Self {
            x: [x, self.x[1] + 2.0 * cells * self.x[2], self.x[2]],
            y: [y, self.y[1] + 2.0 * cells * self.y[2], self.y[2]],
            ..*self
        }
    }

    /// Cuts the line out, straight.
    pub(crate) fn cut(&self, page: &Plane, way: &Cut) -> Plane {
        let width = ((self.cells as f32 + 2.0 * way.beside) * way.pitch) as usize;
        let mut samples = Vec::with_capacity(width * way.height);
        for row in 0..way.height {
            let down = (row as f32 + 0.5 - way.height as f32 / 2.0) / way.pitch;
            for column in 0..width {
                let (x, y) = self.point((column as f32 + 0.5) / way.pitch - 0.5 - way.beside, down);
                samples.push(page.at(x, y));
            }
        }
        Plane::from_samples(width, way.height, samples).smoothed(way.smooth)
    }

    /// Darkness over the height of the letters, some dozen points a cell.
    pub(crate) fn darkness(&self, page: &Plane) -> Vec<f32> {
        let points = (0..self.cells * 6)
            .flat_map(|step| (-4..=4).map(move |down| (step as f32 / 6.0 - 0.5, down as f32 / 10.0)));
        points
            .map(|(cell, down)| self.point(cell, down))
            .map(|(x, y)| page.at(x, y))
            .collect()
    }

    fn patch(&self, page: &Plane, templates: &Templates, cell: f32, down: f32, patch: &mut Vec<f32>) {
        patch.clear();
        let pitch = templates.pitch as f32;
        // Over the width of one cell the line is straight.
        let (x, y) = self.middle(cell);
        let (across, along) = (self.point(cell, 1.0), self.middle(cell + 0.5));
        let along_x = 2.0 * (along.0 - x) / pitch;
        let along_y = 2.0 * (along.1 - y) / pitch;
        let (down_x, down_y) = (across.0 - x, across.1 - y);
        for row in 0..templates.height {
            let below = (row as f32 + 0.5 - templates.height as f32 / 2.0) / pitch + down;
            let beside = 0.5 - templates.width as f32 / 2.0;
            let first = (
                x + down_x * below + along_x * beside,
                y + down_y * below + along_y * beside,
            );
            page.along(first, (along_x, along_y), templates.width, patch);
        }
    }

    /// Fits the line to what it shows, from coarse to fine.
    pub(crate) fn fitted(mut self, page: &Plane) -> Self {
        // Six numbers are fitted: every other cell tells enough of them, and every one in the end.
        for (templates, blur, reach, step, every) in [
            (&*COARSE, 2, (3, 4), 0.1, 2),
            (&*COARSE, 2, (2, 2), 0.1, 1),
            (&*FINE, 1, (2, 2), 0.05, 2),
            (&*FINE, 1, (1, 1), 0.05, 1),
        ] {
            let matches = self.matches(page, templates, blur, (reach, step), every);
            self = self.moved_onto(&matches);
        }
        self
    }

    fn matches(
        &self,
        page: &Plane,
        templates: &Templates,
        blur: usize,
        (reach, step): ((i32, i32), f32),
        every: usize,
    ) -> Vec<Match> {
        let mut patch = Vec::new();
        (0..self.cells)
            .step_by(every)
            .map(|cell| {
                let mut best = Match {
                    cell,
                    score: f32::MIN,
                    dx: 0.0,
                    dy: 0.0,
                };
                for right in -reach.0..=reach.0 {
                    for below in -reach.1..=reach.1 {
                        let (dx, dy) = (right as f32 * step, below as f32 * step);
                        self.patch(page, templates, cell as f32 + dx, dy, &mut patch);
                        let scores = templates.correlate(&patch, blur);
                        let score = best_score(&scores);
                        if score > best.score {
                            best = Match { cell, score, dx, dy };
                        }
                    }
                }
                best
            })
            .collect()
    }

    /// Moves the line by a parabola through the cells' offsets, weighted by how well each matched, outliers left out.
    fn moved_onto(mut self, matches: &[Match]) -> Self {
        let along = fit(matches, self.half(), |found| found.dx);
        let down = fit(matches, self.half(), |found| found.dy * self.stretch);
        let (px, py) = (self.x[1], self.y[1]);
        for i in 0..3 {
            self.x[i] += px * along[i] - py * down[i];
            self.y[i] += py * along[i] + px * down[i];
        }
        self
    }

    /// Chooses the stretch of the letters and the grade of blur at which the line matches best.
    fn tuned(mut self, page: &Plane) -> (Self, usize) {
        let mut best = (f32::MIN, self.stretch, 0);
        let mut patch = Vec::new();
        for stretch in [0.88, 0.94, 1.0, 1.06, 1.12] {
            self.stretch = stretch;
            let mut qualities = [0.0; BLURS.len()];
            for cell in (0..self.cells).step_by(2) {
                self.patch(page, &FINE, cell as f32, 0.0, &mut patch);
                for (blur, quality) in qualities.iter_mut().enumerate() {
                    *quality += best_score(&FINE.correlate(&patch, blur));
                }
            }
            for (blur, quality) in qualities.into_iter().enumerate() {
                if quality > best.0 {
                    best = (quality, stretch, blur);
                }
            }
        }
        self.stretch = best.1;
        (self, best.2)
    }

    /// What stands in each cell, and how much this is a line of OCR-B at all.
    pub(crate) fn read(self, page: &Plane) -> (Self, CellScores) {
        let (line, blur) = self.tuned(page);
        (line, line.scores_at(page, blur, &[-0.05, 0.0, 0.05]))
    }

    /// How much this is a line of OCR-B, from a rough look at every other cell: 0–1.
    pub(crate) fn similarity(&self, page: &Plane) -> f32 {
        self.similarity_within(page, (1, 1), 2)
    }

    /// The same for a line that is fitted already, from every cell.
    pub(crate) fn similarity_in_place(&self, page: &Plane) -> f32 {
        self.similarity_within(page, (0, 0), 1)
    }

    fn similarity_within(&self, page: &Plane, reach: (i32, i32), every: usize) -> f32 {
        let matches = self.matches(page, &COARSE, 2, (reach, 0.1), every);
        matches.iter().map(|found| found.score).sum::<f32>() / matches.len() as f32
    }

    fn scores_at(&self, page: &Plane, blur: usize, shifts: &[f32]) -> CellScores {
        let mut patch = Vec::new();
        let mut cells = Vec::with_capacity(self.cells);
        for cell in 0..self.cells {
            let mut best = [f32::MIN; ALPHABET.len()];
            for dx in shifts {
                for dy in shifts {
                    self.patch(page, &FINE, cell as f32 + dx, *dy, &mut patch);
                    let scores = FINE.correlate(&patch, blur);
                    for (known, score) in best.iter_mut().zip(scores) {
                        *known = known.max(score);
                    }
                }
            }
            cells.push(best);
        }
        let quality = cells.iter().map(best_score).sum::<f32>() / self.cells as f32;
        CellScores { cells, quality }
    }
}

fn best_score(scores: &Scores) -> f32 {
    scores.iter().copied().fold(f32::MIN, f32::max)
}

/// A parabola through one offset of each cell: weighted least squares, twice, the second time without outliers.
fn fit(matches: &[Match], half: f32, offset: impl Fn(&Match) -> f32) -> [f32; 3] {
    let mut curve = [0.0; 3];
    let mut limit = f32::MAX;
    for _ in 0..3 {
        let mut sums = [[0.0f64; 4]; 3];
        for found in matches {
            let t = f64::from(found.cell as f32 - half);
            let expected = curve[0] + t as f32 * (curve[1] + t as f32 * curve[2]);
            if (offset(found) - expected).abs() > limit {
                continue;
            }
            let weight = f64::from(found.score.max(0.0).powi(4));
            let powers = [1.0, t, t * t];
            for i in 0..3 {
                for j in 0..3 {
                    sums[i][j] += weight * powers[i] * powers[j];
                }
                sums[i][3] += weight * powers[i] * f64::from(offset(found));
            }
        }
        curve = solve(sums);
        limit = 0.12;
    }
    curve
}

/// Solves three equations by elimination; nothing to go by leaves the line where it is.
fn solve(mut rows: [[f64; 4]; 3]) -> [f32; 3] {
    for column in 0..3 {
        let pivot = (column..3)
            .max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()))
            .unwrap_or(column);
        rows.swap(column, pivot);
        if rows[column][column].abs() < 1e-9 {
            return [0.0; 3];
        }
        for other in 0..3 {
            if other != column {
                let factor = rows[other][column] / rows[column][column];
                let taken = rows[column].map(|value| factor * value);
                rows[other]
                    .iter_mut()
                    .zip(taken)
                    .for_each(|(value, taken)| *value -= taken);
            }
        }
    }
    [0, 1, 2].map(|i| (rows[i][3] / rows[i][i]) as f32)
}
