//! The picture of a passport's data page, in millimetres as ICAO Doc 9303 part 4 lays it out.

use image::{Rgb, RgbImage};
use jiff::civil::Date;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::canvas::{Ink, Typeface, Wave, draw_frame, draw_wave, fill_ellipse};
use crate::truth::Truth;
use crate::wear;

const PIXELS_PER_MM: f32 = 9.6;
const PAGE: (f32, f32) = (125.0, 88.0);
const TABLE_EDGE: (f32, f32) = (4.17, 3.92);
const PICTURE: (u32, u32) = (1280, 920);

const TABLE: Rgb<u8> = Rgb([176, 172, 166]);
const PRINT: Ink = Ink::solid([22, 22, 30]);
const LABEL: Ink = Ink::solid([58, 70, 110]);

/// OCR-B size 1: 10 characters to the inch.
const ZONE_PITCH: f32 = 2.54;
const ZONE_LETTER: f32 = 2.5;
const ZONE_LEFT: f32 = 6.3;
const ZONE_BASELINES: [f32; 2] = [74.2, 80.55];
const PORTRAIT: (f32, f32) = (33.0, 43.0);
const PORTRAIT_AT: (f32, f32) = (6.0, 16.0);
const TEXT_LEFT: f32 = 45.0;
const TEXT_RIGHT: f32 = 120.0;

pub(crate) fn draw(truth: &Truth, seed: u64) -> RgbImage {
    // Another stream than the holder's: the look of a page does not hang on who it is about.
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    chance.set_stream(1);
    let mut page = Page {
        picture: paper(&mut chance),
    };
    page.portrait(&mut chance);
    page.fields(truth);
    page.watermark();
    for (line, baseline) in truth.mrz.iter().zip(ZONE_BASELINES) {
        page.zone_line(line, baseline);
    }
    on_the_table(&page.picture)
}

struct Page {
    picture: RgbImage,
}

impl Page {
    fn portrait(&mut self, chance: &mut ChaCha8Rng) {
        let skin = [[236, 200, 172], [198, 152, 116], [140, 98, 70], [92, 64, 48]][chance.random_range(0..4)];
        let hair = [[40, 30, 26], [110, 72, 40], [186, 150, 90], [150, 150, 150]][chance.random_range(0..4)];
        let coat = [[52, 70, 104], [88, 52, 60], [60, 88, 66]][chance.random_range(0..3)];
        let (width, height) = px(PORTRAIT);
        let mut portrait = RgbImage::from_pixel(width as u32, height as u32, Rgb([214, 220, 226]));
        for (centre, radii, colour) in [
            ((16.5, 44.0), (13.0, 14.0), coat),
            ((16.5, 17.0), (9.6, 12.4), hair),
            ((16.5, 20.0), (8.2, 11.0), skin),
        ] {
            fill_ellipse(&mut portrait, px(centre), px(radii), Ink::solid(colour));
        }
        draw_frame(&mut portrait, (0.0, 0.0), (width.floor(), height.floor()), 2.0, LABEL);
        let (x, y) = px(PORTRAIT_AT);
        image::imageops::overlay(&mut self.picture, &portrait, x as i64, y as i64);
    }

    fn fields(&mut self, truth: &Truth) {
        self.text("UTOPIA", (6.0, 9.5), 4.6, LABEL);
        self.text("PASSPORT", (6.0, 13.6), 2.6, LABEL);
        self.text("SPECIMEN · NO REAL PERSON · NOT VALID", (62.0, 6.6), 2.2, LABEL);
        let date = |date: Date| date.strftime("%d %b %Y").to_string().to_uppercase();
        let sex = truth.sex.in_print().to_string();
        for (label, value, (x, y), right) in [
            ("Type", &truth.document_code, (TEXT_LEFT, 10.0), 57.0),
            ("Code", &truth.issuing_state, (58.0, 10.0), 76.0),
            ("Passport No.", &truth.document_number, (78.0, 10.0), TEXT_RIGHT),
            ("Surname", &truth.surname, (TEXT_LEFT, 18.0), TEXT_RIGHT),
            ("Given names", &truth.given_names, (TEXT_LEFT, 25.8), TEXT_RIGHT),
            ("Nationality", &"UTOPIAN".to_owned(), (TEXT_LEFT, 33.6), 76.0),
            ("Personal No.", &truth.optional_data, (78.0, 33.6), TEXT_RIGHT),
            ("Date of birth", &date(truth.birth_date), (TEXT_LEFT, 41.4), 70.0),
            ("Sex", &sex, (72.0, 41.4), 78.0),
            ("Place of birth", &truth.place_of_birth, (82.0, 41.4), TEXT_RIGHT),
            ("Date of issue", &date(truth.issue_date), (TEXT_LEFT, 49.2), 76.0),
            ("Authority", &truth.authority, (78.0, 49.2), TEXT_RIGHT),
            ("Date of expiry", &date(truth.expiry_date), (TEXT_LEFT, 57.0), 76.0),
        ] {
            self.text(label, (x, y), 2.0, LABEL);
            let em = fitting_em(value, 3.5, right - x);
            self.text(value, (x, y + 4.0), em, PRINT);
        }
    }

    /// `SPECIMEN` across the printed part, slanted, faint enough to read through.
    fn watermark(&mut self) {
        let mut stencil = RgbImage::from_pixel(self.picture.width(), self.picture.height(), Rgb([255; 3]));
        let em = 19.0 * PIXELS_PER_MM;
        let width = Typeface::sans().width("SPECIMEN", em);
        let (middle, _) = px((PAGE.0 / 2.0, 0.0));
        let (_, baseline) = px((0.0, 50.0));
        Typeface::sans().draw_text(
            &mut stencil,
            "SPECIMEN",
            em,
            (middle - width / 2.0, baseline),
            Ink::solid([0; 3]),
        );
        let slanted = wear::rotate(&stencil, 18.0, Rgb([255; 3]));
        let ink = Ink::sheer([190, 30, 40], 0.16);
        let (_, zone_top) = px((0.0, 66.0));
        for (x, y, pixel) in slanted.enumerate_pixels() {
            if (y as f32) < zone_top && pixel.0[0] < 255 {
                let coverage = f32::from(255 - pixel.0[0]) / 255.0;
                ink.mark(&mut self.picture, i64::from(x), i64::from(y), coverage);
            }
        }
    }

    fn zone_line(&mut self, line: &str, baseline: f32) {
        let em = Typeface::ocr_b().em_for_cap_height(ZONE_LETTER * PIXELS_PER_MM);
        Typeface::ocr_b().draw_cells(
            &mut self.picture,
            line,
            em,
            px((ZONE_LEFT, baseline)),
            ZONE_PITCH * PIXELS_PER_MM,
            PRINT,
        );
    }

    fn text(&mut self, text: &str, at: (f32, f32), em: f32, ink: Ink) {
        Typeface::sans().draw_text(&mut self.picture, text, em * PIXELS_PER_MM, px(at), ink);
    }
}

/// The largest em of at most `wished` millimetres at which `text` is `room` millimetres wide.
fn fitting_em(text: &str, wished: f32, room: f32) -> f32 {
    let width = Typeface::sans().width(text, wished);
    if width > room { wished * room / width } else { wished }
}

/// Tinted paper under three families of sine curves.
fn paper(chance: &mut ChaCha8Rng) -> RgbImage {
    let tints: [[u8; 3]; 4] = [[238, 243, 236], [240, 238, 246], [247, 241, 231], [234, 242, 247]];
    let lines: [[u8; 3]; 4] = [[150, 190, 160], [170, 160, 205], [210, 175, 140], [140, 180, 210]];
    let tint = tints[chance.random_range(0..4)];
    let (width, height) = px(PAGE);
    let mut picture = RgbImage::from_pixel(width as u32, height as u32, Rgb(tint));
    for family in 0..3 {
        let ink = Ink::sheer(lines[chance.random_range(0..4)], 0.5);
        let length = chance.random_range(16.0..60.0) * PIXELS_PER_MM;
        let amplitude = chance.random_range(2.5..7.0) * PIXELS_PER_MM;
        let turn: f32 = chance.random_range(0.01..0.08);
        let distance = chance.random_range(2.2..4.0);
        for strand in 0..(PAGE.1 / distance) as u16 + 4 {
            let wave = Wave {
                middle: (f32::from(strand) * distance - 4.0) * PIXELS_PER_MM,
                amplitude,
                length,
                phase: f32::from(strand) * turn + family as f32 * 0.3,
                stroke: 1.2,
            };
            draw_wave(&mut picture, wave, ink);
        }
    }
    picture
}

fn on_the_table(page: &RgbImage) -> RgbImage {
    let mut picture = RgbImage::from_pixel(PICTURE.0, PICTURE.1, TABLE);
    let (x, y) = px(TABLE_EDGE);
    image::imageops::overlay(&mut picture, page, x as i64, y as i64);
    let size = (page.width() as f32, page.height() as f32);
    draw_frame(
        &mut picture,
        (x.floor(), y.floor()),
        size,
        3.0,
        Ink::solid([70, 74, 84]),
    );
    picture
}

fn px((x, y): (f32, f32)) -> (f32, f32) {
    (x * PIXELS_PER_MM, y * PIXELS_PER_MM)
}
