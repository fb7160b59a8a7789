//! Rough places of two or three rows of 30, 36 or 44 cells: by the slope at which rows stand out most, by their distance,
//! and by their pitch.

use crate::{glyphs::CAP_OVER_PITCH, grid::Line, plane::Plane};

mod pitch;

use pitch::PitchGrid;

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
    let sums = (Columns::of(&smooth), Columns::of(&edges));
    let mut rows = Vec::new();
    for slope in best_slopes(&edges) {
        for place in best_places(&edges, slope) {
            rows.extend(rows_at(&sums.0, &sums.1, slope, &place));
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
        let clamp = |at: f32| ((at.max(0.0) + 0.5) as usize).min(self.rows());
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

/// The slopes at which rows stand out most: every fourth on a quarter of the size, then those near the best on a half.
fn best_slopes(edges: &Plane) -> Vec<f32> {
    let half = edges.halved();
    let quarter = half.halved();
    let coarse_step = 4.0 * SLOPE_STEP;
    let steps = (STEEPEST / coarse_step) as i32;
    let coarse = (-steps..=steps).map(|step| step as f32 * coarse_step);
    let promising = apart(with_contrast(&quarter, coarse), SLOPES + 1, 1.5 * coarse_step);
    let fine = promising
        .into_iter()
        .flat_map(|slope| (-3..=3).map(move |step| slope + step as f32 * SLOPE_STEP));
    apart(with_contrast(&half, fine), SLOPES, 3.0 * SLOPE_STEP)
}

fn with_contrast(edges: &Plane, slopes: impl Iterator<Item = f32>) -> Vec<(f32, f32)> {
    slopes
        .map(|slope| (Profile::new(edges, slope, 2).contrast(), slope))
        .collect()
}

/// The best few slopes that are further apart than so much.
fn apart(mut slopes: Vec<(f32, f32)>, most: usize, distance: f32) -> Vec<f32> {
    slopes.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut best: Vec<f32> = Vec::new();
    for (_, slope) in slopes {
        if best.len() < most && best.iter().all(|known| (known - slope).abs() > distance) {
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
    let profile = Profile::new(edges, slope, 2);
    let mut places: Vec<(f32, Place)> = Vec::new();
    let [most_cells, .., least_cells] = CELLS.map(|cells| cells as f32);
    let mut pitch = edges.width as f32 * LEAST_WIDTH / most_cells;
    while pitch < edges.width as f32 / least_cells {
        let cap = CAP_OVER_PITCH * pitch;
        // Doc 9303 part 4 has 6.35 mm, 2.5 pitches; cameras and issuers stretch it.
        // A tenth of a cell up or down is made good when the rows are fitted.
        let step = ((0.1 * pitch) as usize).max(1);
        for distance in (20..30).map(|tenths| tenths as f32 / 10.0 * pitch) {
            for top in (0..profile.rows()).step_by(step) {
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
    if places.len() == PLACES && places.iter().all(|(known, _)| *known >= score) {
        return;
    }
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

/// The rows that may be at a place: for each number of cells that fits, and with a third row above or below where there
/// are few enough cells.
fn rows_at(page: &Columns, edges: &Columns, slope: f32, place: &Place) -> Vec<Rows> {
    let cap = CAP_OVER_PITCH * place.pitch;
    let tops = [place.top, place.top + place.distance];
    let [upper, lower] = tops.map(|top| edges.band(slope, top, top + cap));
    let both: Vec<f32> = upper.iter().zip(&lower).map(|(a, b)| a.min(*b)).collect();
    let Some((from, to)) = longest_run(&running_mean(&both, 2.0 * place.pitch), place.pitch) else {
        return Vec::new();
    };
    let inks = tops.map(|top| page.ink(slope, top, cap));
    let ink: Vec<f32> = inks[0].iter().zip(&inks[1]).map(|(a, b)| a + b).collect();
    let mut found = Vec::new();
    for grid in pitch_grids(&ink, from, to, place.pitch) {
        let line = |grid: &PitchGrid, top: f32| grid.line(slope, top + cap / 2.0);
        let pair = [0, 1].map(|row| line(&grid.refitted(&inks[row]), tops[row]));
        if grid.cells == THREE_ROW_CELLS {
            let third = |top: f32| line(&grid.refitted(&page.ink(slope, top, cap)), top);
            let above = third(tops[0] - place.distance);
            let below = third(tops[1] + place.distance);
            found.extend([vec![above, pair[0], pair[1]], vec![pair[0], pair[1], below]]);
        } else {
            found.push(pair.to_vec());
        }
    }
    found.into_iter().map(|lines| Rows { lines }).collect()
}

/// A grid that fits worse than this share of the best has the wrong number of cells.
const LEAST_SHARE: f32 = 0.6;
/// Zones of lines so short have three of them (part 5).
const THREE_ROW_CELLS: usize = 30;

/// The grids that fit to what stands between two columns. The frame of a page makes the stretch too long and a stain too
/// short, so each pitch that fits is tried with every number of cells; the letters will tell which one it is.
fn pitch_grids(ink: &[f32], from: f32, to: f32, pitch: f32) -> Vec<PitchGrid> {
    let fitted = CELLS
        .into_iter()
        .map(|cells| (cells, (to - from) / cells as f32))
        .filter(|(_, own)| (0.7..1.4).contains(&(own / pitch)))
        .map(|(cells, _)| PitchGrid::fitted(ink, cells, from, to));
    let Some((_, best)) = fitted.max_by(|a, b| (a.0 / a.1.cells as f32).total_cmp(&(b.0 / b.1.cells as f32))) else {
        return Vec::new();
    };
    let grids = CELLS.map(|cells| {
        if cells == best.cells {
            (best.score(ink), best)
        } else {
            best.with_cells(ink, cells)
        }
    });
    let each = |(score, grid): &(f32, PitchGrid)| score / grid.cells as f32;
    let most = grids.iter().map(each).fold(0.0, f32::max);
    let good = grids.iter().filter(|grid| each(grid) > LEAST_SHARE * most);
    good.map(|(_, grid)| *grid).collect()
}

/// A picture as running sums down its columns, so that the mean of any band is one difference a column.
struct Columns {
    width: usize,
    height: usize,
    sums: Vec<f32>,
}

impl Columns {
    fn of(plane: &Plane) -> Self {
        let mut sums = vec![0.0; plane.width * (plane.height + 1)];
        for y in 0..plane.height {
            let (above, below) = sums.split_at_mut((y + 1) * plane.width);
            let above = &above[y * plane.width..];
            for ((sum, before), value) in below.iter_mut().zip(above).zip(plane.row(y)) {
                *sum = before + value;
            }
        }
        Self {
            width: plane.width,
            height: plane.height,
            sums,
        }
    }

    /// The mean of a slanted band, column by column; rows are whole, as a band is many rows high.
    fn band(&self, slope: f32, from: f32, to: f32) -> Vec<f32> {
        let rows = ((to - from) as usize).max(1);
        let clamp = |y: f32| (y.max(0.0) as usize).min(self.height);
        (0..self.width)
            .map(|x| {
                let first = from + slope * x as f32 + 0.5;
                let (first, last) = (clamp(first), clamp(first + rows as f32));
                let sum = self.sums[last * self.width + x] - self.sums[first * self.width + x];
                sum / (last - first).max(1) as f32
            })
            .collect()
    }

    /// The ink of a band: its darkness beyond that of the paper above and below.
    fn ink(&self, slope: f32, top: f32, cap: f32) -> Vec<f32> {
        let letters = self.band(slope, top, top + cap);
        let above = self.band(slope, top - 0.5 * cap, top - 0.2 * cap);
        let below = self.band(slope, top + 1.2 * cap, top + 1.5 * cap);
        letters
            .iter()
            .zip(above.iter().zip(&below))
            .map(|(ink, (a, b))| (ink - (a + b) / 2.0).max(0.0))
            .collect()
    }
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
