//! Single lines of machine-readable text, cut and degraded as a reader cuts them, to train and to test its model.
//!
//! Sizes hang on each other as on a document: the capital letters fill [`LETTER_SHARE`] of a cut's
//! height, one cell is about one letter height wide, and a frame or the table behind the document may
//! show at either end, so that a model learns to pass over it.

use std::ops::RangeInclusive;

use image::imageops::FilterType;
use image::{DynamicImage, GrayImage, Rgb, RgbImage};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::canvas::{Ink, Typeface, Wave, draw_wave, fill_box};
use crate::image_ops;

/// The share of the cut's height that a capital letter fills.
pub const LETTER_SHARE: RangeInclusive<f32> = 0.42..=0.55;

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<";
const LETTERS: &[u8] = ALPHABET.split_at(26).0;
const DIGITS: &[u8] = b"0123456789";
const STATES: &[&str] = &[
    "UTO", "UTO", "D<<", "FRA", "GBR", "USA", "IND", "POL", "ESP", "SWE", "NLD", "CZE", "TUR", "KEN", "BRA", "XOM",
    "UNO", "JPN", "KOR", "VNM", "ZAF", "QAT", "HUN", "WSM",
];

/// One line of text and its picture.
#[derive(Debug, Clone)]
pub struct TrainingLine {
    /// What stands on the picture: 20 to 44 characters of A–Z, 0–9 and `<`.
    pub text: String,
    /// The cut, 27 to 121 pixels high.
    pub picture: GrayImage,
}

impl TrainingLine {
    /// The line that belongs to `seed`.
    pub fn from_seed(seed: u64) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let text = invent_text(&mut chance);
        let picture = draw_line(&text, &mut chance);
        Self { text, picture }
    }

    /// The boxes tesseract's `lstm.train` asks for: every character boxed by the whole line, and a closing tab.
    pub fn box_file(&self) -> String {
        let (width, height) = self.picture.dimensions();
        let mut boxes: String = self
            .text
            .chars()
            .map(|character| format!("{character} 0 0 {width} {height} 0\n"))
            .collect();
        boxes.push_str(&format!("\t {width} 0 {} {} 0\n", width + 1, height + 1));
        boxes
    }
}

fn invent_text(chance: &mut ChaCha8Rng) -> String {
    match chance.random_range(0..10) {
        0 | 1 => name_line("P", 44, chance),
        2 | 3 => data_line(44, chance),
        4 => name_line("I", 36, chance),
        5 => data_line(36, chance),
        6 => {
            let code = ["I", "A", "C"].choose(chance).expect("three codes");
            let start = format!("{code}{}{}", pick(b"<ADPR", 1, chance), state(chance));
            fill(start + &document_number(chance) + &pick(DIGITS, 1, chance), 30, chance)
        }
        7 => {
            let dates = dates_and_sex(chance);
            fill(dates + &state(chance), 29, chance) + &pick(DIGITS, 1, chance)
        }
        8 => names(30, chance),
        _ => {
            let length = chance.random_range(20..=44);
            mixture(length, chance)
        }
    }
}

fn name_line(code: &str, length: usize, chance: &mut ChaCha8Rng) -> String {
    let start = format!("{code}{}{}", pick(b"<<<<PDSOEL", 1, chance), state(chance));
    let rest = names(length - start.len(), chance);
    start + &rest
}

fn data_line(length: usize, chance: &mut ChaCha8Rng) -> String {
    let start = document_number(chance) + &pick(DIGITS, 1, chance) + &state(chance) + &dates_and_sex(chance);
    fill(start, length - 2, chance) + &pick(b"0123456789<", 1, chance) + &pick(DIGITS, 1, chance)
}

fn dates_and_sex(chance: &mut ChaCha8Rng) -> String {
    let date = |chance: &mut ChaCha8Rng| {
        format!(
            "{:02}{:02}{:02}{}",
            chance.random_range(0..100),
            chance.random_range(1..=12),
            chance.random_range(1..=31),
            chance.random_range(0..10)
        )
    };
    let birth = date(chance);
    birth + &pick(b"MFMF<", 1, chance) + &date(chance)
}

fn document_number(chance: &mut ChaCha8Rng) -> String {
    let length = chance.random_range(6..=9);
    let number = match chance.random_range(0..3) {
        0 => pick(DIGITS, length, chance),
        1 => pick(LETTERS, 2, chance) + &pick(DIGITS, length - 2, chance),
        _ => pick(&ALPHABET[..36], length, chance),
    };
    format!("{number:<<9}")
}

fn state(chance: &mut ChaCha8Rng) -> String {
    if chance.random_bool(0.4) {
        return (*STATES.choose(chance).expect("a list of states")).to_owned();
    }
    pick(LETTERS, 3, chance)
}

/// Names over the rest of a line: parts by one filler, surname and given names by two.
fn names(length: usize, chance: &mut ChaCha8Rng) -> String {
    let mut line = String::new();
    for part in 0..chance.random_range(2..=5) {
        match part {
            0 => {}
            1 => line.push_str("<<"),
            _ => line.push('<'),
        }
        line.push_str(&name_part(chance));
    }
    line.truncate(length);
    format!("{line:<<length$}")
}

fn name_part(chance: &mut ChaCha8Rng) -> String {
    let length = chance.random_range(2..=11);
    if chance.random_bool(0.4) {
        return pick(LETTERS, length, chance);
    }
    // Vowels and consonants in turn, with some doubled: the look of a name without a language's habits.
    (0..length)
        .map(|place| {
            let row: &[u8] = if place % 2 == 0 {
                b"BCDFGHJKLMNPQRSTVWXYZ"
            } else {
                b"AEIOUY"
            };
            char::from(*row.choose(chance).expect("a row of letters"))
        })
        .collect()
}

/// Optional data up to `length`: fillers, or letters and digits, or both.
fn fill(start: String, length: usize, chance: &mut ChaCha8Rng) -> String {
    let room = length - start.len();
    let used = if chance.random_bool(0.5) {
        0
    } else {
        chance.random_range(0..=room)
    };
    let line = start + &pick(&ALPHABET[..36], used, chance);
    format!("{line:<<length$}")
}

/// Characters without any order, with runs of fillers between.
fn mixture(length: usize, chance: &mut ChaCha8Rng) -> String {
    let mut line = String::new();
    while line.len() < length {
        let run = chance.random_range(1..=8);
        if chance.random_bool(0.3) {
            line.push_str(&"<".repeat(run));
        } else {
            line.push_str(&pick(ALPHABET, run, chance));
        }
    }
    line.truncate(length);
    line
}

fn pick(from: &[u8], count: usize, chance: &mut ChaCha8Rng) -> String {
    (0..count)
        .map(|_| char::from(*from.choose(chance).expect("a row of characters")))
        .collect()
}

fn draw_line(text: &str, chance: &mut ChaCha8Rng) -> GrayImage {
    let letter: f32 = chance.random_range(15.0..34.0);
    let em = Typeface::ocr_b().em_for_cap_height(letter);
    let pitch = Typeface::ocr_b().advance('0', em) * chance.random_range(0.94..1.06);
    let height = letter / chance.random_range(LETTER_SHARE);
    let (left, right) = (margin(chance) * pitch, margin(chance) * pitch);
    let text_width = text.len() as f32 * pitch;
    let size = ((left + text_width + right) as u32, height as u32);

    let (paper, ink, table) = shades(chance);
    let mut picture = RgbImage::from_pixel(size.0, size.1, paper);
    draw_background(&mut picture, paper, chance);
    let baseline = (height + letter) / 2.0 + height * chance.random_range(-0.06..0.06);
    Typeface::ocr_b().draw_cells(&mut picture, text, em, (left, baseline), pitch, ink);
    if chance.random_bool(0.25) {
        // A heavier print: the same line once more, a fraction of a stroke aside.
        let aside = letter * chance.random_range(0.01..0.05);
        Typeface::ocr_b().draw_cells(&mut picture, text, em, (left + aside, baseline), pitch, ink);
    }
    draw_surroundings(&mut picture, (left, left + text_width), letter, table, chance);
    wear_line(picture, letter, table, chance)
}

/// Free paper before the first or after the last cell, in cells.
fn margin(chance: &mut ChaCha8Rng) -> f32 {
    if chance.random_bool(0.7) {
        chance.random_range(0.15..1.0)
    } else {
        chance.random_range(1.0..3.0)
    }
}

fn shades(chance: &mut ChaCha8Rng) -> (Rgb<u8>, Ink, Rgb<u8>) {
    let light: u8 = chance.random_range(120..=252);
    let mut tint = || light.saturating_sub(chance.random_range(0..30));
    let paper = Rgb([tint(), tint(), tint()]);
    let dark = chance.random_range(0..=u16::from(light) / 2) as u8;
    let ink = Ink::sheer([dark, dark, dark.saturating_add(8)], chance.random_range(0.75..1.0));
    let table = chance.random_range(20..=235);
    (paper, ink, Rgb([table, table, table]))
}

fn draw_background(picture: &mut RgbImage, paper: Rgb<u8>, chance: &mut ChaCha8Rng) {
    let height = picture.height() as f32;
    for _ in 0..chance.random_range(0..16) {
        let wave = Wave {
            middle: chance.random_range(-height..2.0 * height),
            amplitude: chance.random_range(0.1..1.2) * height,
            length: chance.random_range(1.5..12.0) * height,
            phase: chance.random_range(0.0..1.0),
            stroke: chance.random_range(0.02..0.06) * height,
        };
        let colour = paper.0.map(|value| value.saturating_sub(chance.random_range(20..110)));
        draw_wave(picture, wave, Ink::sheer(colour, chance.random_range(0.2..0.7)));
    }
    for _ in 0..chance.random_range(0..4) {
        let spot = (
            chance.random_range(0.0..picture.width() as f32),
            chance.random_range(0.0..height),
        );
        let edge = chance.random_range(0.02..0.08) * height;
        fill_box(
            picture,
            spot,
            (edge, edge),
            Ink::sheer([40, 40, 40], chance.random_range(0.2..0.8)),
        );
    }
}

/// The document's frame beside the text, and what lies beyond its edge.
fn draw_surroundings(
    picture: &mut RgbImage,
    (first, last): (f32, f32),
    letter: f32,
    table: Rgb<u8>,
    chance: &mut ChaCha8Rng,
) {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    for left in [true, false] {
        let margin = if left { first } else { width - last };
        if chance.random_bool(0.55) || margin < letter * 0.3 {
            continue;
        }
        let away = chance.random_range(letter * 0.15..margin);
        let x = if left { first - away } else { last + away };
        if chance.random_bool(0.4) {
            let (from, beyond) = if left { (0.0, x) } else { (x, width - x) };
            fill_box(
                picture,
                (from, 0.0),
                (beyond, height),
                Ink {
                    colour: table,
                    opacity: 1.0,
                },
            );
        }
        let stroke = chance.random_range(0.04..0.2) * letter;
        let shade = chance.random_range(0..120);
        fill_box(
            picture,
            (x, 0.0),
            (stroke, height),
            Ink::sheer([shade; 3], chance.random_range(0.4..1.0)),
        );
    }
}

fn wear_line(mut picture: RgbImage, mut letter: f32, table: Rgb<u8>, chance: &mut ChaCha8Rng) -> GrayImage {
    if chance.random_bool(0.75) {
        let slope: f32 = chance.random_range(-1.3..1.3);
        // Long lines leave their cut at the full slope: steep ones are rarer than straight ones.
        let slope = if chance.random_bool(0.6) { slope * 0.35 } else { slope };
        let reach = picture.width() as f32 / 2.0 * slope.abs() * 0.01745;
        let free = (picture.height() as f32 - letter) / 2.0;
        let slope = if reach > free { slope * free / reach } else { slope };
        let corner = *picture.get_pixel(0, 0);
        let around = if chance.random_bool(0.7) { corner } else { table };
        picture = image_ops::rotate(&picture, slope, around);
    }
    if chance.random_bool(0.5) {
        let factor = chance.random_range(0.65..1.5);
        let (width, height) = (picture.width() as f32 * factor, picture.height() as f32 * factor);
        if height >= 28.0 {
            picture = image::imageops::resize(&picture, width as u32, height as u32, FilterType::Triangle);
            letter *= factor;
        }
    }
    if chance.random_bool(0.65) {
        let sigma = letter * chance.random_range(0.01..0.1);
        let along = sigma * chance.random_range(0.7..1.3);
        picture = image_ops::blur(&picture, (along, sigma));
    }
    if chance.random_bool(0.5) {
        image_ops::fade(
            &mut picture,
            chance.random_range(0.3..1.0),
            chance.random_range(90.0..200.0),
        );
    }
    if chance.random_bool(0.6) {
        image_ops::add_noise(&mut picture, chance.random_range(1.0..22.0), chance);
    }
    if chance.random_bool(0.5) {
        picture = image_ops::pass_through_jpeg(&picture, chance.random_range(30..=90));
    }
    if chance.random_bool(0.2) {
        let sigma = letter * chance.random_range(0.01..0.05);
        picture = image_ops::blur(&picture, (sigma, sigma));
    }
    DynamicImage::ImageRgb8(picture).to_luma8()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_its_seed_s_and_fits_the_zone_s_alphabet() {
        for seed in 0..25 {
            let line = TrainingLine::from_seed(seed);
            assert!((20..=44).contains(&line.text.len()), "seed {seed}");
            assert!(line.text.bytes().all(|byte| ALPHABET.contains(&byte)), "seed {seed}");
            assert!((27..=121).contains(&line.picture.height()), "seed {seed}");
            assert_eq!(line.box_file().lines().count(), line.text.len() + 1, "seed {seed}");
        }
        assert_eq!(TrainingLine::from_seed(4).picture, TrainingLine::from_seed(4).picture);
    }
}
