//! The second eye: the shapes of OCR-B laid over a cell.
//!
//! The shapes come from the same free font that specimens and many readers use (Norbert Schwarz, Matthew Skala; public
//! domain). A cell is compared with all 37 characters by normalised correlation, at several grades of blur.

use crate::plane::Plane;
use ab_glyph::{Font, FontRef, PxScale, point};
use std::sync::LazyLock;

/// The characters of a zone, in the order of all score tables.
pub(crate) const ALPHABET: [char; 37] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M',
    'N', 'O', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', '<',
];

/// One score per character of [`ALPHABET`].
pub(crate) type Scores = [f32; ALPHABET.len()];

/// The place of a character in [`ALPHABET`].
pub(crate) fn index_of(character: char) -> Option<usize> {
    ALPHABET.iter().position(|known| *known == character)
}

/// Height of a capital letter over the pitch of the cells (ICAO Doc 9303 part 3, 4.1; ISO 1073-2, size 1).
pub(crate) const CAP_OVER_PITCH: f32 = 0.97;

/// Blur grades of the templates, as the bell's sigma in pitches.
pub(crate) const BLURS: [f32; 4] = [0.02, 0.05, 0.08, 0.12];

/// Templates at one scale: a cell is `pitch` pixels wide.
pub(crate) struct Templates {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pitch: usize,
    /// By blur grade, then by character: samples with mean 0 and length 1.
    shapes: Vec<Vec<Vec<f32>>>,
}

/// For finding the cells.
pub(crate) static COARSE: LazyLock<Templates> = LazyLock::new(|| Templates::at_pitch(10));
/// For reading them.
pub(crate) static FINE: LazyLock<Templates> = LazyLock::new(|| Templates::at_pitch(20));

impl Templates {
    /// A template is a cell wide and 1.4 cells high, with the middle of the capitals in its middle.
    fn at_pitch(pitch: usize) -> Self {
        let (width, height) = (pitch, pitch * 14 / 10);
        let font = FontRef::try_from_slice(include_bytes!("fonts/OCRB.otf")).expect("the bundled font is a font");
        let size = (width * OVERSAMPLING, height * OVERSAMPLING);
        let sharp = ALPHABET.map(|character| draw(&font, character, pitch * OVERSAMPLING, size));
        let shape = |sharp: &Plane, blur: f32| template(sharp, blur * (pitch * OVERSAMPLING) as f32, height);
        let shapes = BLURS
            .iter()
            .map(|blur| sharp.iter().map(|sharp| shape(sharp, *blur)).collect())
            .collect();
        Self {
            width,
            height,
            pitch,
            shapes,
        }
    }

    /// Correlation of a patch with every character at one grade of blur: 1.0 is the same shape, 0.0 is nothing alike.
    pub(crate) fn correlate(&self, patch: &[f32], blur: usize) -> Scores {
        let mean = patch.iter().sum::<f32>() / patch.len() as f32;
        let length = patch
            .iter()
            .map(|value| (value - mean).powi(2))
            .sum::<f32>()
            .sqrt()
            .max(1e-3);
        let mut scores = [0.0; ALPHABET.len()];
        for (score, shape) in scores.iter_mut().zip(&self.shapes[blur]) {
            *score = dot(shape, patch) / length;
        }
        scores
    }
}

/// Eight sums side by side, so that the compiler may use wide registers.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (heads_a, heads_b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = heads_a
        .remainder()
        .iter()
        .zip(heads_b.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (x, y) in heads_a.zip(heads_b) {
        for i in 0..8 {
            sums[i] += x[i] * y[i];
        }
    }
    sums.iter().sum::<f32>() + rest
}

const OVERSAMPLING: usize = 4;

fn template(sharp: &Plane, sigma: f32, height: usize) -> Vec<f32> {
    let blurred = sharp.smoothed(sigma).halved().halved();
    let mut samples: Vec<f32> = (0..height).flat_map(|y| blurred.row(y).to_vec()).collect();
    let mean = samples.iter().sum::<f32>() / samples.len() as f32;
    samples.iter_mut().for_each(|value| *value -= mean);
    let length = samples.iter().map(|value| value * value).sum::<f32>().sqrt();
    samples.iter_mut().for_each(|value| *value /= length);
    samples
}

fn draw(font: &FontRef<'_>, character: char, pitch: usize, (width, height): (usize, usize)) -> Plane {
    let capital = font
        .outline(font.glyph_id('H'))
        .expect("the bundled font draws H")
        .bounds;
    let cap_units = (capital.max.y - capital.min.y).abs();
    // `PxScale` scales ascent plus descent, and the size asked for is that of a capital.
    let cap = CAP_OVER_PITCH * pitch as f32;
    let scale = PxScale::from(cap / cap_units * font.height_unscaled());
    let id = font.glyph_id(character);
    let advance = font.h_advance_unscaled(id) * cap / cap_units;
    let origin = point((width as f32 - advance) / 2.0, (height as f32 + cap) / 2.0);
    let mut samples = vec![0.0; width * height];
    if let Some(outline) = font.outline_glyph(id.with_scale_and_position(scale, origin)) {
        let corner = outline.px_bounds().min;
        outline.draw(|dx, dy, coverage| {
            let (x, y) = (corner.x as i64 + i64::from(dx), corner.y as i64 + i64::from(dy));
            if (0..width as i64).contains(&x) && (0..height as i64).contains(&y) {
                samples[y as usize * width + x as usize] = coverage * 255.0;
            }
        });
    }
    Plane::from_samples(width, height, samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_most_like_itself() {
        for templates in [&*COARSE, &*FINE] {
            for blur in 0..BLURS.len() {
                for (own, shape) in templates.shapes[blur].iter().enumerate() {
                    let scores = templates.correlate(shape, blur);
                    let best = (0..ALPHABET.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b]));
                    assert_eq!(best, Some(own), "{}", ALPHABET[own]);
                }
            }
        }
    }
}
