//! Rough places of two rows of 44 cells: by the slope at which rows stand out most, by their distance, and by their pitch.

use crate::{glyphs::CAP_OVER_PITCH, grid::Line, mrz_reading::CELLS, plane::Plane};

/// Two rows that may be a zone.
pub(crate) struct RowPair {
    pub(crate) upper: Line,
    pub(crate) lower: Line,
}

/// The steepest slope that is looked at: 10°.
const STEEPEST: f32 = 0.18;
const SLOPE_STEP: f32 = 0.004;
/// Slopes that are followed.
const SLOPES: usize = 2;
/// Places on the page that are followed at each slope.
const PLACES: usize = 4;

/// Finds pairs of rows on a page of up to some 1400 pixels.
pub(crate) fn find_row_pairs(page: &Plane) -> Vec<RowPair> {
    let smooth = page.smoothed(1.0);
    let edges = upright_edges(&smooth);
    let mut pairs = Vec::new();
    for slope in best_slopes(&edges) {
        for place in best_places(&edges, slope) {
            pairs.extend(row_pair(&smooth, &edges, slope, &place));
        }
    }
    pairs
}

/// How much darkness changes from left to right: letters do, paper and lying lines do not.
fn upright_edges(page: &Plane) -> Plane {
    let mut samples = vec![0.0; page.width * page.height];
    for y in 0..page.height {
        let row = page.row(y);
        for x in 1..page.width.saturating_sub(1) {
            samples[y * page.width + x] = (row[x + 1] - row[x - 1]).abs();
        }
    }
    let mean = samples.iter().sum::<f32>() / samples.len() as f32;
    // The edge of a page or a portrait must not outweigh rows of letters.
    samples.iter_mut().for_each(|value| *value = value.min(5.0 * mean));
    Plane::from_samples(page.width, page.height, samples)
}

/// Sums along lines of one slope; the first is that of the line that leaves the page at its upper edge.
struct Profile {
    /// Running sums of the means, so that any band's mean is one difference.
    sums: Vec<f32>,
    /// The row at the left edge that the first sum belongs to.
    first: f32,
}

impl Profile {
    fn new(edges: &Plane, slope: f32, step: usize) -> Self {
        let drop = slope * edges.width as f32;
        let first = (-drop).min(0.0).floor();
        let rows = (edges.height as f32 + drop.abs()).ceil() as usize + 2;
        let mut means = vec![0.0; rows];
        for y in 0..edges.height {
            let row = edges.row(y);
            for x in (0..edges.width).step_by(step) {
                let at = (y as f32 - slope * x as f32 - first + 0.5) as usize;
                means[at.min(rows - 1)] += row[x];
            }
        }
        let columns = (edges.width / step).max(1) as f32;
        let mut sums = vec![0.0];
        for mean in means {
            sums.push(sums[sums.len() - 1] + mean / columns);
        }
        Self { sums, first }
    }

    fn rows(&self) -> usize {
        self.sums.len() - 1
    }

    /// The mean between two rows, counted from the first.
    fn mean(&self, from: f32, to: f32) -> f32 {
        let clamp = |at: f32| (at.round().max(0.0) as usize).min(self.rows());
        let (from, to) = (clamp(from), clamp(to));
        if to <= from {
            0.0
        } else {
            (self.sums[to] - self.sums[from]) / (to - from) as f32
        }
    }

    /// How much rows differ from their neighbours: greatest when the slope is that of the letters.
    fn contrast(&self) -> f32 {
        self.sums
            .windows(4)
            .map(|w| ((w[3] - w[2]) - (w[1] - w[0])).powi(2))
            .sum()
    }
}

fn best_slopes(edges: &Plane) -> Vec<f32> {
    // Half the size is enough for a slope, and four times as fast.
    let edges = edges.halved();
    let steps = (STEEPEST / SLOPE_STEP) as i32;
    let mut slopes: Vec<(f32, f32)> = (-steps..=steps)
        .map(|step| step as f32 * SLOPE_STEP)
        .map(|slope| (Profile::new(&edges, slope, 2).contrast(), slope))
        .collect();
    slopes.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut best: Vec<f32> = Vec::new();
    for (_, slope) in slopes {
        if best.len() < SLOPES && best.iter().all(|known| (known - slope).abs() > 3.0 * SLOPE_STEP) {
            best.push(slope);
        }
    }
    best
}

/// Two bands: the row at the left edge where the upper one begins, the distance of the two, and the cells' pitch.
struct Place {
    top: f32,
    distance: f32,
    pitch: f32,
}

fn best_places(edges: &Plane, slope: f32) -> Vec<Place> {
    let profile = Profile::new(edges, slope, 1);
    let mut places: Vec<(f32, Place)> = Vec::new();
    let mut pitch = edges.width as f32 * 0.4 / CELLS as f32;
    while pitch < edges.width as f32 / CELLS as f32 {
        let cap = CAP_OVER_PITCH * pitch;
        // Doc 9303 part 4 has 6.35 mm, 2.5 pitches; cameras and issuers stretch it.
        for distance in (20..30).map(|tenths| tenths as f32 / 10.0 * pitch) {
            for top in 0..profile.rows() {
                let top = top as f32;
                let [upper, lower] = [top, top + distance].map(|from| profile.mean(from, from + cap));
                let between = profile.mean(top + 1.2 * cap, top + distance - 0.2 * cap);
                let around = profile.mean(top - 0.6 * cap, top - 0.15 * cap)
                    + profile.mean(top + distance + 1.15 * cap, top + distance + 1.6 * cap);
                let score = 2.0 * upper.min(lower) - between - 0.25 * around;
                keep(
                    &mut places,
                    score,
                    Place {
                        top: top + profile.first,
                        distance,
                        pitch,
                    },
                );
            }
        }
        pitch *= 1.06;
    }
    places.into_iter().map(|(_, place)| place).collect()
}

/// Keeps the best few places, of places close together only the best.
fn keep(places: &mut Vec<(f32, Place)>, score: f32, place: Place) {
    if let Some(at) = places
        .iter()
        .position(|(_, known)| (known.top - place.top).abs() < 0.6 * place.pitch)
    {
        if places[at].0 < score {
            places[at] = (score, place);
        }
    } else if places.len() < PLACES {
        places.push((score, place));
    } else if let Some(worst) = places.iter_mut().min_by(|a, b| a.0.total_cmp(&b.0))
        && worst.0 < score
    {
        *worst = (score, place);
    }
}

fn row_pair(page: &Plane, edges: &Plane, slope: f32, place: &Place) -> Option<RowPair> {
    let cap = CAP_OVER_PITCH * place.pitch;
    let tops = [place.top, place.top + place.distance];
    let [upper, lower] = tops.map(|top| band(edges, slope, top, top + cap));
    let both: Vec<f32> = upper.iter().zip(&lower).map(|(a, b)| a.min(*b)).collect();
    let (from, to) = longest_run(&running_mean(&both, 2.0 * place.pitch), place.pitch)?;
    let pitch = (to - from) / CELLS as f32;
    if !(0.7..1.4).contains(&(pitch / place.pitch)) {
        return None;
    }
    let [upper, lower] = tops.map(|top| {
        let ink = ink_by_column(page, slope, top, cap);
        let comb = best_comb(&ink, from, pitch);
        let middle = top + cap / 2.0;
        Line::straight(
            (comb.first, middle + slope * comb.first),
            (comb.pitch, slope * comb.pitch),
            comb.bend,
        )
    });
    Some(RowPair { upper, lower })
}

/// The mean of a slanted band, column by column.
fn band(plane: &Plane, slope: f32, from: f32, to: f32) -> Vec<f32> {
    let rows = ((to - from) as usize).max(1);
    (0..plane.width)
        .map(|x| {
            (0..rows)
                .map(|row| plane.at(x as f32, from + row as f32 + slope * x as f32))
                .sum::<f32>()
                / rows as f32
        })
        .collect()
}

/// The ink of a band: its darkness beyond that of the paper above and below.
fn ink_by_column(page: &Plane, slope: f32, top: f32, cap: f32) -> Vec<f32> {
    let letters = band(page, slope, top, top + cap);
    let above = band(page, slope, top - 0.5 * cap, top - 0.2 * cap);
    let below = band(page, slope, top + 1.2 * cap, top + 1.5 * cap);
    letters
        .iter()
        .zip(above.iter().zip(&below))
        .map(|(ink, (a, b))| (ink - (a + b) / 2.0).max(0.0))
        .collect()
}

fn running_mean(values: &[f32], width: f32) -> Vec<f32> {
    let half = (width / 2.0) as usize;
    let mut sums = vec![0.0];
    for value in values {
        sums.push(sums[sums.len() - 1] + value);
    }
    (0..values.len())
        .map(|x| {
            let (from, to) = (x.saturating_sub(half), (x + half + 1).min(values.len()));
            (sums[to] - sums[from]) / (to - from) as f32
        })
        .collect()
}

/// The longest stretch of columns with much going on; gaps of less than a cell do not end it.
fn longest_run(activity: &[f32], pitch: f32) -> Option<(f32, f32)> {
    let mut sorted = activity.to_vec();
    sorted.sort_by(f32::total_cmp);
    let least = 0.4 * sorted[sorted.len() * 7 / 10];
    let mut best: Option<(usize, usize)> = None;
    let mut run: Option<(usize, usize)> = None;
    for (x, value) in activity.iter().enumerate() {
        if *value < least {
            continue;
        }
        run = match run {
            Some((from, to)) if (x - to) as f32 <= 0.8 * pitch => Some((from, x)),
            _ => Some((x, x)),
        };
        if run.map(|(from, to)| to - from) > best.map(|(from, to)| to - from) {
            best = run;
        }
    }
    best.map(|(from, to)| (from as f32, to as f32 + 1.0))
}

/// Cells of one pitch: the middle of the first, the pitch in the middle of the line, and how it changes.
#[derive(Clone, Copy)]
struct Comb {
    first: f32,
    pitch: f32,
    bend: f32,
}

impl Comb {
    fn place(&self, cell: f32) -> f32 {
        let half = (CELLS as f32 - 1.0) / 2.0;
        self.first + cell * self.pitch + self.bend * ((cell - half).powi(2) - half * half)
    }

    /// Ink in the cells' middles, less that between the cells and beyond the ends.
    fn score(&self, ink: &[f32]) -> f32 {
        let at = |cell: f32| {
            let x = self.place(cell) + 0.5;
            if x < 0.0 {
                0.0
            } else {
                ink.get(x as usize).copied().unwrap_or(0.0)
            }
        };
        let cells = CELLS as f32;
        let inside: f32 = (0..CELLS)
            .map(|cell| cell as f32)
            .map(|cell| at(cell - 0.2) + at(cell) + at(cell + 0.2))
            .sum();
        let between: f32 = (0..=CELLS).map(|cell| at(cell as f32 - 0.5)).sum();
        let beyond: f32 = [-1.2, -0.8, cells - 0.2, cells + 0.2].map(at).iter().sum();
        inside / 3.0 - between - 2.0 * beyond
    }

    /// The best of several combs; the first of equals.
    fn best(ink: &[f32], combs: impl Iterator<Item = Comb>, known: Comb) -> Comb {
        let scored = combs.map(|comb| (comb.score(ink), comb));
        scored
            .fold(
                (known.score(ink), known),
                |best, comb| if comb.0 > best.0 { comb } else { best },
            )
            .1
    }
}

/// The comb that fits best: straight ones first, then those bent by perspective that are near the best straight one.
fn best_comb(ink: &[f32], from: f32, pitch: f32) -> Comb {
    let near = |comb: Comb, stretches: i32, shifts: i32, bends: &'static [f32]| {
        (-stretches..=stretches).flat_map(move |stretch| {
            let pitch = comb.pitch * (1.0 + stretch as f32 * 0.004);
            (-shifts..=shifts).flat_map(move |shift| {
                let first = comb.first + shift as f32 * 0.08 * pitch;
                bends.iter().map(move |bend| Comb {
                    first,
                    pitch,
                    bend: bend * pitch,
                })
            })
        })
    };
    let start = Comb {
        first: from + pitch / 2.0,
        pitch,
        bend: 0.0,
    };
    let straight = Comb::best(ink, near(start, 14, 18, &[0.0]), start);
    Comb::best(
        ink,
        near(straight, 3, 3, &[-6.0e-4, -3.0e-4, 0.0, 3.0e-4, 6.0e-4]),
        straight,
    )
}
