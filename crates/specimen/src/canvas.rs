//! Ink on pictures: glyphs of the two bundled fonts, lines and curves.
//!
//! Only the four basic operations and square roots are used, never the platform's `sin` or `exp`,
//! whose last bit differs between systems: the same seed gives the same bytes everywhere.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, PxScale, point};
use image::{Rgb, RgbImage};

static OCR_B: LazyLock<Typeface> = LazyLock::new(|| Typeface::load(include_bytes!("../fonts/OCRB.otf")));
static SANS: LazyLock<Typeface> = LazyLock::new(|| Typeface::load(include_bytes!("../fonts/DejaVuSans.ttf")));

/// One bundled font. Sizes are given as the em, in pixels.
pub(crate) struct Typeface {
    font: FontRef<'static>,
    units_per_em: f32,
}

impl Typeface {
    fn load(bytes: &'static [u8]) -> Self {
        let font = FontRef::try_from_slice(bytes).expect("a bundled font is a valid font");
        let units_per_em = font.units_per_em().expect("a bundled font names its em");
        Self { font, units_per_em }
    }

    /// OCR-B, the font of machine-readable zones.
    pub(crate) fn ocr_b() -> &'static Self {
        &OCR_B
    }

    /// The font of the printed fields.
    pub(crate) fn sans() -> &'static Self {
        &SANS
    }

    /// The em in pixels at which a capital letter is `cap_height` pixels high.
    pub(crate) fn em_for_cap_height(&self, cap_height: f32) -> f32 {
        let capital = self
            .font
            .outline(self.font.glyph_id('H'))
            .expect("a bundled font draws the letter H");
        let height = (capital.bounds.max.y - capital.bounds.min.y).abs();
        cap_height * self.units_per_em / height
    }

    /// Width of `text` set at `em` pixels.
    pub(crate) fn width(&self, text: &str, em: f32) -> f32 {
        text.chars().map(|c| self.advance(c, em)).sum()
    }

    /// How far one character moves the pen at `em` pixels.
    pub(crate) fn advance(&self, character: char, em: f32) -> f32 {
        self.font.h_advance_unscaled(self.font.glyph_id(character)) * em / self.units_per_em
    }

    /// Draws one character with its origin at (`x`, `baseline`).
    pub(crate) fn draw_glyph(
        &self,
        picture: &mut RgbImage,
        character: char,
        em: f32,
        (x, baseline): (f32, f32),
        ink: Ink,
    ) {
        let scale = PxScale::from(em * self.font.height_unscaled() / self.units_per_em);
        let glyph = self
            .font
            .glyph_id(character)
            .with_scale_and_position(scale, point(x, baseline));
        let Some(outline) = self.font.outline_glyph(glyph) else {
            return;
        };
        let origin = outline.px_bounds().min;
        outline.draw(|dx, dy, coverage| {
            ink.mark(
                picture,
                origin.x as i64 + i64::from(dx),
                origin.y as i64 + i64::from(dy),
                coverage,
            );
        });
    }

    /// Draws `text` from (`x`, `baseline`) to the right.
    pub(crate) fn draw_text(&self, picture: &mut RgbImage, text: &str, em: f32, (x, baseline): (f32, f32), ink: Ink) {
        let mut pen = x;
        for character in text.chars() {
            self.draw_glyph(picture, character, em, (pen, baseline), ink);
            pen += self.advance(character, em);
        }
    }

    /// Draws `text` with every character centred in its own cell, as machine-readable zones are set.
    pub(crate) fn draw_cells(
        &self,
        picture: &mut RgbImage,
        text: &str,
        em: f32,
        (x, baseline): (f32, f32),
        pitch: f32,
        ink: Ink,
    ) {
        for (cell, character) in text.chars().enumerate() {
            let inset = (pitch - self.advance(character, em)) / 2.0;
            let origin = (x + cell as f32 * pitch + inset, baseline);
            self.draw_glyph(picture, character, em, origin, ink);
        }
    }
}

/// A colour and how much of it sticks to the paper, 0 to 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ink {
    pub(crate) colour: Rgb<u8>,
    pub(crate) opacity: f32,
}

impl Ink {
    pub(crate) const fn solid(colour: [u8; 3]) -> Self {
        Self {
            colour: Rgb(colour),
            opacity: 1.0,
        }
    }

    pub(crate) const fn sheer(colour: [u8; 3], opacity: f32) -> Self {
        Self {
            colour: Rgb(colour),
            opacity,
        }
    }

    /// Mixes the ink into one pixel; marks outside the picture are lost.
    pub(crate) fn mark(self, picture: &mut RgbImage, x: i64, y: i64, coverage: f32) {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else {
            return;
        };
        let Some(pixel) = picture.get_pixel_mut_checked(x, y) else {
            return;
        };
        let share = (coverage * self.opacity).clamp(0.0, 1.0);
        for (under, over) in pixel.0.iter_mut().zip(self.colour.0) {
            let mixed = f32::from(*under) * (1.0 - share) + f32::from(over) * share;
            *under = (mixed + 0.5) as u8;
        }
    }
}

/// Fills the axis-parallel box from (`x`, `y`), `width` by `height` pixels, edges anti-aliased.
pub(crate) fn fill_box(picture: &mut RgbImage, (x, y): (f32, f32), (width, height): (f32, f32), ink: Ink) {
    let covered = |cell: i64, from: f32, to: f32| {
        let start = cell as f32;
        (to.min(start + 1.0) - from.max(start)).max(0.0)
    };
    for row in y.floor() as i64..=(y + height).floor() as i64 {
        for column in x.floor() as i64..=(x + width).floor() as i64 {
            let coverage = covered(row, y, y + height) * covered(column, x, x + width);
            ink.mark(picture, column, row, coverage);
        }
    }
}

/// Draws a frame of `stroke` pixels inside the given box.
pub(crate) fn draw_frame(
    picture: &mut RgbImage,
    (x, y): (f32, f32),
    (width, height): (f32, f32),
    stroke: f32,
    ink: Ink,
) {
    fill_box(picture, (x, y), (width, stroke), ink);
    fill_box(picture, (x, y + height - stroke), (width, stroke), ink);
    fill_box(picture, (x, y + stroke), (stroke, height - 2.0 * stroke), ink);
    fill_box(
        picture,
        (x + width - stroke, y + stroke),
        (stroke, height - 2.0 * stroke),
        ink,
    );
}

/// A sine curve from the left edge to the right edge, in pixels; `phase` counts turns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wave {
    pub(crate) middle: f32,
    pub(crate) amplitude: f32,
    pub(crate) length: f32,
    pub(crate) phase: f32,
    pub(crate) stroke: f32,
}

/// Draws one line of a guilloche.
pub(crate) fn draw_wave(picture: &mut RgbImage, wave: Wave, ink: Ink) {
    for x in 0..picture.width() {
        let turn = x as f32 / wave.length + wave.phase;
        let y = wave.middle + wave.amplitude * sine_of_turn(turn);
        // A steep stretch crosses more rows in one column than its stroke is thick.
        let steepness = wave.amplitude / wave.length * std::f32::consts::TAU * sine_of_turn(turn + 0.25);
        let thickness = wave.stroke * (1.0 + steepness * steepness).sqrt();
        fill_box(picture, (x as f32, y - thickness / 2.0), (1.0, thickness), ink);
    }
}

/// Fills an upright ellipse.
pub(crate) fn fill_ellipse(
    picture: &mut RgbImage,
    (centre_x, centre_y): (f32, f32),
    (radius_x, radius_y): (f32, f32),
    ink: Ink,
) {
    for row in (centre_y - radius_y) as i64 - 1..=(centre_y + radius_y) as i64 + 1 {
        for column in (centre_x - radius_x) as i64 - 1..=(centre_x + radius_x) as i64 + 1 {
            let x = (column as f32 + 0.5 - centre_x) / radius_x;
            let y = (row as f32 + 0.5 - centre_y) / radius_y;
            let beyond = ((x * x + y * y).sqrt() - 1.0) * radius_x.min(radius_y);
            ink.mark(picture, column, row, (0.5 - beyond).clamp(0.0, 1.0));
        }
    }
}

/// Sine of `turns` full turns, exact to about 1e-5, the same on every machine.
pub(crate) fn sine_of_turn(turns: f32) -> f32 {
    let fraction = turns - turns.floor();
    let folded = if fraction < 0.25 {
        fraction
    } else if fraction < 0.75 {
        0.5 - fraction
    } else {
        fraction - 1.0
    };
    let x = folded * std::f32::consts::TAU;
    let square = x * x;
    x * (1.0 - square / 6.0 * (1.0 - square / 20.0 * (1.0 - square / 42.0 * (1.0 - square / 72.0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sine_agrees_with_the_platform() {
        for step in -100..=100 {
            let turns = step as f32 / 37.0;
            let expected = (f64::from(turns) * std::f64::consts::TAU).sin() as f32;
            assert!((sine_of_turn(turns) - expected).abs() < 2e-5, "{turns}");
        }
    }
}
