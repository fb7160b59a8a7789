//! Rough places of two or three rows of 30, 36 or 44 cells: by the slope at which rows stand out most, by their distance,
//! and by their pitch.

use crate::{glyphs::CAP_OVER_PITCH, grid::Line, plane::Plane};

mod comb;

use comb::Comb;

/// Rows that may be a zone: two, or three of 30 cells; the upper first.
#[derive(Clone)]
pub(crate) struct Rows {
    pub(crate) lines: Vec<Line>,
}

/// How many cells a line can have (ICAO Doc 9303 parts 4 to 7, 4.2).
const CELLS: [usize; 3] = [44, 36, 30];
/// A zone fills at least so much of a page's width if it has 44 cells, and less by as much as it has less cells.
const LEAST_WIDTH: f32 = 0.4;

/// The steepest slope that is looked at: 10°.
const STEEPEST: f32 = 0.18;
const SLOPE_STEP: f32 = 0.004;
/// Slopes that are followed.
const SLOPES: usize = 2;
/// Places on the page that are followed at each slope.
const PLACES: usize = 4;

/// Finds rows on a page of up to some 1400 pixels.
pub(crate) fn find_rows(page: &Plane) -> Vec<Rows> {
    let smooth = page.smoothed(1.0);
    let edges = upright_edges(&smooth);
    let mut rows = Vec::new();
    for slope in best_slopes(&edges) {
        for place in best_places(&edges, slope) {
            rows.extend(rows_at(&smooth, &edges, slope, &place));
        }
    }
    rows
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
    let [most_cells, .., least_cells] = CELLS.map(|cells| cells as f32);
    let mut pitch = edges.width as f32 * LEAST_WIDTH / most_cells;
    while pitch < edges.width as f32 / least_cells {
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

/// The rows that may be at a place: for each number of cells that fits as well as any, and with a third row above or below
/// where there are few enough cells.
fn rows_at(page: &Plane, edges: &Plane, slope: f32, place: &Place) -> Vec<Rows> {
    let cap = CAP_OVER_PITCH * place.pitch;
    let tops = [place.top, place.top + place.distance];
    let [upper, lower] = tops.map(|top| band(edges, slope, top, top + cap));
    let both: Vec<f32> = upper.iter().zip(&lower).map(|(a, b)| a.min(*b)).collect();
    let Some((from, to)) = longest_run(&running_mean(&both, 2.0 * place.pitch), place.pitch) else {
        return Vec::new();
    };
    let inks = tops.map(|top| ink_by_column(page, slope, top, cap));
    let fits: Vec<(f32, [Comb; 2])> = CELLS
        .into_iter()
        .map(|cells| (cells, (to - from) / cells as f32))
        .filter(|(_, pitch)| (0.7..1.4).contains(&(pitch / place.pitch)))
        .map(|(cells, pitch)| {
            let [upper, lower] = [0, 1].map(|row| Comb::fitted(&inks[row], cells, from, pitch));
            ((upper.0 + lower.0) / cells as f32, [upper.1, lower.1])
        })
        .collect();
    let best = fits.iter().map(|(score, _)| *score).fold(0.0, f32::max);
    let mut found = Vec::new();
    for (_, combs) in fits.into_iter().filter(|(score, _)| *score > LEAST_SHARE * best) {
        let line = |comb: &Comb, top: f32| comb.line(slope, top + cap / 2.0);
        let pair = [line(&combs[0], tops[0]), line(&combs[1], tops[1])];
        if combs[0].cells == THREE_ROW_CELLS {
            let third = |top: f32, near: &Comb| line(&near.refitted(&ink_by_column(page, slope, top, cap)), top);
            let above = third(tops[0] - place.distance, &combs[0]);
            let below = third(tops[1] + place.distance, &combs[1]);
            found.extend([vec![above, pair[0], pair[1]], vec![pair[0], pair[1], below]]);
        } else {
            found.push(pair.to_vec());
        }
    }
    found.into_iter().map(|lines| Rows { lines }).collect()
}

/// A comb that fits worse than this share of the best has the wrong number of cells.
const LEAST_SHARE: f32 = 0.6;
/// Zones of lines so short have three of them (part 5).
const THREE_ROW_CELLS: usize = 30;

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
