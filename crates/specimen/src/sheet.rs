//! One side of a document in the making, laid out in millimetres.

use image::{Rgb, RgbImage};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::canvas::{Ink, Typeface, Wave, draw_frame, draw_wave, fill_ellipse};
use crate::image_ops;

/// The scale of everything with a zone: OCR-B is 24.4 pixels from one letter to the next.
pub(crate) const PIXELS_PER_MM: f32 = 9.6;
pub(crate) const PRINT: Ink = Ink::solid([22, 22, 30]);
pub(crate) const LABEL: Ink = Ink::solid([58, 70, 110]);
pub(crate) const NOTICE: &str = "SPECIMEN · NO REAL PERSON · NOT VALID";

const TABLE: Rgb<u8> = Rgb([176, 172, 166]);
/// OCR-B size 1: 10 characters to the inch.
const ZONE_PITCH: f32 = 2.54;
const ZONE_LETTER: f32 = 2.5;
/// The size that the portrait's ellipses are given for.
const PASSPORT_PORTRAIT: (f32, f32) = (33.0, 43.0);

/// Width and height, or the way from the upper left corner, in millimetres.
pub(crate) type Millimetres = (f32, f32);

/// How large labels and values are, and how far apart, in millimetres.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Print {
    pub(crate) label_em: f32,
    pub(crate) value_em: f32,
    /// From the label's baseline down to the value's.
    pub(crate) drop: f32,
}

/// A label with its value below: where the label begins, and where the value must end.
pub(crate) type Field<'a> = (&'a str, &'a str, Millimetres, f32);

pub(crate) struct Sheet {
    pub(crate) picture: RgbImage,
    size: Millimetres,
    scale: f32,
}

/// The chance that the look of one side comes from: another stream than the holder's, so that the
/// look does not hang on who a document is about.
pub(crate) fn chance_of_side(seed: u64, side: u64) -> ChaCha8Rng {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    chance.set_stream(1 + 7 * side);
    chance
}

impl Sheet {
    /// Tinted paper under three families of sine curves.
    pub(crate) fn new(size: Millimetres, scale: f32, chance: &mut ChaCha8Rng) -> Self {
        let tints: [[u8; 3]; 4] = [[238, 243, 236], [240, 238, 246], [247, 241, 231], [234, 242, 247]];
        let lines: [[u8; 3]; 4] = [[150, 190, 160], [170, 160, 205], [210, 175, 140], [140, 180, 210]];
        let tint = tints[chance.random_range(0..4)];
        let mut picture = RgbImage::from_pixel((size.0 * scale) as u32, (size.1 * scale) as u32, Rgb(tint));
        for family in 0..3 {
            let ink = Ink::sheer(lines[chance.random_range(0..4)], 0.5);
            let length = chance.random_range(16.0..60.0) * scale;
            let amplitude = chance.random_range(2.5..7.0) * scale;
            let turn: f32 = chance.random_range(0.01..0.08);
            let distance = chance.random_range(2.2..4.0);
            for strand in 0..(size.1 / distance) as u16 + 4 {
                let wave = Wave {
                    middle: (f32::from(strand) * distance - 4.0) * scale,
                    amplitude,
                    length,
                    phase: f32::from(strand) * turn + family as f32 * 0.3,
                    stroke: 1.2,
                };
                draw_wave(&mut picture, wave, ink);
            }
        }
        Self { picture, size, scale }
    }

    /// Head and shoulders of nobody, in a frame.
    pub(crate) fn portrait(&mut self, at: Millimetres, size: Millimetres, chance: &mut ChaCha8Rng) {
        let skin = [[236, 200, 172], [198, 152, 116], [140, 98, 70], [92, 64, 48]][chance.random_range(0..4)];
        let hair = [[40, 30, 26], [110, 72, 40], [186, 150, 90], [150, 150, 150]][chance.random_range(0..4)];
        let coat = [[52, 70, 104], [88, 52, 60], [60, 88, 66]][chance.random_range(0..3)];
        let (width, height) = self.px(size);
        let (along, down) = (size.0 / PASSPORT_PORTRAIT.0, size.1 / PASSPORT_PORTRAIT.1);
        let mut portrait = RgbImage::from_pixel(width as u32, height as u32, Rgb([214, 220, 226]));
        for (centre, radii, colour) in [
            ((16.5, 44.0), (13.0, 14.0), coat),
            ((16.5, 17.0), (9.6, 12.4), hair),
            ((16.5, 20.0), (8.2, 11.0), skin),
        ] {
            let here = |(x, y): Millimetres| self.px((x * along, y * down));
            fill_ellipse(&mut portrait, here(centre), here(radii), Ink::solid(colour));
        }
        draw_frame(&mut portrait, (0.0, 0.0), (width.floor(), height.floor()), 2.0, LABEL);
        let (x, y) = self.px(at);
        image::imageops::overlay(&mut self.picture, &portrait, x as i64, y as i64);
    }

    /// Labels with their values below; a value too wide for its place is set smaller.
    pub(crate) fn fields(&mut self, print: Print, fields: &[Field<'_>]) {
        for &(label, value, (x, y), right) in fields {
            self.text(label, (x, y), print.label_em, LABEL);
            let em = fitting_em(value, print.value_em, right - x);
            self.text(value, (x, y + print.drop), em, PRINT);
        }
    }

    /// `SPECIMEN` across the sheet above `until`, slanted, faint enough to read through.
    pub(crate) fn watermark(&mut self, em: f32, baseline: f32, until: f32) {
        let mut stencil = RgbImage::from_pixel(self.picture.width(), self.picture.height(), Rgb([255; 3]));
        let em = em * self.scale;
        let width = Typeface::sans().width("SPECIMEN", em);
        let (middle, baseline) = self.px((self.size.0 / 2.0, baseline));
        let origin = (middle - width / 2.0, baseline);
        Typeface::sans().draw_text(&mut stencil, "SPECIMEN", em, origin, Ink::solid([0; 3]));
        let slanted = image_ops::rotate(&stencil, 18.0, Rgb([255; 3]));
        let ink = Ink::sheer([190, 30, 40], 0.16);
        let (_, until) = self.px((0.0, until));
        for (x, y, pixel) in slanted.enumerate_pixels() {
            if (y as f32) < until && pixel.0[0] < 255 {
                let coverage = f32::from(255 - pixel.0[0]) / 255.0;
                ink.mark(&mut self.picture, i64::from(x), i64::from(y), coverage);
            }
        }
    }

    /// The lines of a zone, each on its baseline, the first letter's cell at `left`.
    pub(crate) fn zone(&mut self, lines: &[String], left: f32, baselines: &[f32]) {
        let em = Typeface::ocr_b().em_for_cap_height(ZONE_LETTER * self.scale);
        for (line, &baseline) in lines.iter().zip(baselines) {
            let origin = self.px((left, baseline));
            Typeface::ocr_b().draw_cells(&mut self.picture, line, em, origin, ZONE_PITCH * self.scale, PRINT);
        }
    }

    /// Text of `em` millimetres from a point on its baseline.
    pub(crate) fn text(&mut self, text: &str, at: Millimetres, em: f32, ink: Ink) {
        let origin = self.px(at);
        Typeface::sans().draw_text(&mut self.picture, text, em * self.scale, origin, ink);
    }

    /// The sheet on a table that shows around it, in a dark frame.
    pub(crate) fn on_the_table(&self, edge: Millimetres, (width, height): (u32, u32)) -> RgbImage {
        let mut picture = RgbImage::from_pixel(width, height, TABLE);
        let (x, y) = self.px(edge);
        image::imageops::overlay(&mut picture, &self.picture, x as i64, y as i64);
        let size = (self.picture.width() as f32, self.picture.height() as f32);
        let corner = (x.floor(), y.floor());
        draw_frame(&mut picture, corner, size, 3.0, Ink::solid([70, 74, 84]));
        picture
    }

    /// As [`Self::on_the_table`] with as much table on every side as a slight turn needs.
    pub(crate) fn in_the_middle_of_the_table(&self) -> RgbImage {
        let edge = 0.045 * self.size.0;
        let (width, height) = self.px((self.size.0 + 2.0 * edge, self.size.1 + 2.0 * edge));
        self.on_the_table((edge, edge), (width as u32, height as u32))
    }

    pub(crate) fn px(&self, (x, y): Millimetres) -> (f32, f32) {
        (x * self.scale, y * self.scale)
    }
}

/// The largest em of at most `requested` millimetres at which `text` is `room` millimetres wide.
fn fitting_em(text: &str, requested: f32, room: f32) -> f32 {
    let width = Typeface::sans().width(text, requested);
    if width > room {
        requested * room / width
    } else {
        requested
    }
}
