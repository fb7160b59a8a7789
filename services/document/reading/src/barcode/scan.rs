//! Finds and decodes a PDF417 symbol on a page.

use super::BarcodeReading;
use image::{GrayImage, imageops};
use rxing::{
    BinaryBitmap, DecodeHints, Luma8LuminanceSource, Reader,
    common::{GlobalHistogramBinarizer, HybridBinarizer},
    pdf417::PDF417Reader,
};

/// The longer side in pixels up to which a page is halved: the narrowest bar of a card 85 mm wide still has 3 pixels.
const MOST_SIDE: u32 = 2400;
/// The longer side in pixels of a page on which it is looked whether there is anything like a barcode.
const SKETCH_SIDE: u32 = 800;
/// A square of this many pixels of the sketch is of a barcode when its rows change from dark to light and back so often…
const LEAST_CHANGES: usize = 3;
/// …and this share of its rows does.
const LEAST_ROWS: f32 = 0.6;
const SQUARE: u32 = 16;
/// Squares in a barcode of a card, at least.
const LEAST_SQUARES: usize = 24;

/// Reads the barcode of a page that has one; tries harder where something looks like one.
pub(crate) fn find(gray: &GrayImage) -> Option<BarcodeReading> {
    if !may_have_a_barcode(gray) {
        return None;
    }
    let page = halved_to(gray, MOST_SIDE);
    let ways: [fn(&GrayImage) -> GrayImage; 4] = [
        GrayImage::clone,
        |page| imageops::blur(page, 0.8),
        |page| imageops::resize(page, page.width() * 3 / 2, page.height() * 3 / 2, imageops::FilterType::CatmullRom),
        |page| imageops::resize(page, page.width() * 2 / 3, page.height() * 2 / 3, imageops::FilterType::Triangle),
    ];
    ways.iter().find_map(|way| {
        let shown = way(&page);
        decode(&shown, Threshold::Local).or_else(|| decode(&shown, Threshold::Global))
    })
}

/// How light and dark are told apart.
#[derive(Clone, Copy)]
enum Threshold {
    /// By the neighbourhood: bears shadows.
    Local,
    /// By the whole picture: bears large bars.
    Global,
}

fn decode(page: &GrayImage, threshold: Threshold) -> Option<BarcodeReading> {
    let (width, height) = page.dimensions();
    let source = Luma8LuminanceSource::new(page.as_raw().clone(), width, height).ok()?;
    let hints = DecodeHints {
        TryHarder: Some(true),
        ..DecodeHints::default()
    };
    let mut reader = PDF417Reader::new();
    let symbol = match threshold {
        Threshold::Local => reader.decode_with_hints(&mut BinaryBitmap::new(HybridBinarizer::new(source)), &hints),
        Threshold::Global => {
            reader.decode_with_hints(&mut BinaryBitmap::new(GlobalHistogramBinarizer::new(source)), &hints)
        }
    };
    BarcodeReading::parse(symbol.ok()?.getText())
}

/// Whether enough of a page changes between dark and light as often as bars do, along its rows or along its columns.
fn may_have_a_barcode(gray: &GrayImage) -> bool {
    let sketch = halved_to(gray, SKETCH_SIDE);
    squares_of_bars(&sketch) >= LEAST_SQUARES || squares_of_bars(&imageops::rotate90(&sketch)) >= LEAST_SQUARES
}

fn squares_of_bars(sketch: &GrayImage) -> usize {
    let (columns, rows) = (sketch.width() / SQUARE, sketch.height() / SQUARE);
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (column * SQUARE, row * SQUARE)));
    places.filter(|(left, top)| is_of_bars(sketch, *left, *top)).count()
}

fn is_of_bars(sketch: &GrayImage, left: u32, top: u32) -> bool {
    let row = |y: u32| (left..left + SQUARE).map(move |x| sketch.get_pixel(x, y).0[0]);
    let of_bars = (top..top + SQUARE).filter(|y| {
        let (Some(darkest), Some(lightest)) = (row(*y).min(), row(*y).max()) else {
            return false;
        };
        if lightest - darkest < 40 {
            return false;
        }
        let middle = darkest + (lightest - darkest) / 2;
        let dark: Vec<bool> = row(*y).map(|value| value < middle).collect();
        dark.windows(2).filter(|pair| pair[0] != pair[1]).count() >= LEAST_CHANGES
    });
    of_bars.count() as f32 >= LEAST_ROWS * SQUARE as f32
}

fn halved_to(gray: &GrayImage, side: u32) -> GrayImage {
    let mut gray = gray.clone();
    while gray.width().max(gray.height()) > side {
        gray = imageops::thumbnail(&gray, gray.width().div_ceil(2), gray.height().div_ceil(2));
    }
    gray
}
