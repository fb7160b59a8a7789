//! Pages that are no identity document: a reader must find nothing on them.

use image::{Rgb, RgbImage};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::canvas::{Ink, Typeface};
use crate::person;

/// Plain paper, 1280 × 920 pixels.
pub fn blank_page() -> RgbImage {
    RgbImage::from_pixel(1280, 920, Rgb([248, 247, 243]))
}

/// A typed letter of invented words, 1240 × 1754 pixels (A4 at 150 dots per inch), without any machine-readable zone.
pub fn letter_page(seed: u64) -> RgbImage {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    chance.set_stream(3);
    let mut picture = RgbImage::from_pixel(1240, 1754, Rgb([250, 250, 248]));
    let (em, left, right) = (24.0, 130.0, 1110.0);
    let mut baseline = 180.0;
    while baseline < 1600.0 {
        let mut line = String::new();
        // A paragraph's last line is short, and a gap follows it.
        let paragraph_ends = chance.random_bool(0.15);
        let room = (right - left) * if paragraph_ends { 0.4 } else { 1.0 };
        loop {
            let word = person::invent_word(&mut chance);
            let longer = format!("{line}{word} ");
            if Typeface::sans().width(&longer, em) > room {
                break;
            }
            line = longer;
        }
        Typeface::sans().draw_text(&mut picture, &line, em, (left, baseline), Ink::solid([35, 35, 40]));
        baseline += if paragraph_ends { 64.0 } else { 36.0 };
    }
    picture
}
