//! Finds and decodes a PDF417 symbol on a page.

use super::BarcodeReading;
use crate::halved::halved_to;
use image::{GrayImage, imageops};
use rxing::{
    BinaryBitmap, DecodeHints, Luma8LuminanceSource, Reader,
    common::{GlobalHistogramBinarizer, HybridBinarizer},
    pdf417::PDF417Reader,
};

/// The longer side in pixels up to which a page is halved: the narrowest bar of a card 85 mm wide still has 3 pixels.
const MOST_SIDE: u32 = 2400;
/// The longer side in pixels of a page on which it is looked whether there is anything like a barcode.
const SKETCH_SIDE: u32 = 1600;
/// Side of the squares of that page which are of bars or not, in pixels.
const SQUARE: u32 = 24;
/// Bars differ from the paper between them by this much at least.
const LEAST_CONTRAST: u8 = 40;
/// Across bars the tone changes from pixel to pixel by this share of the contrast, on average.
const LEAST_CHANGE: f32 = 0.08;
/// Along bars it changes by at most this share of that; print changes both ways alike.
const MOST_CHANGE_ALONG: f32 = 0.5;
/// A barcode of a card is a block: squares along its length and across it, at least.
const BLOCK: (u32, u32) = (10, 3);
/// Squares of such a block that may be of something else; patterns of the paper are never so dense.
const MOST_OTHERS: usize = 3;

/// What there is of a barcode on a page.
pub(crate) enum Found {
    /// None.
    Nothing,
    /// Something with many bars, which could not be read.
    Unreadable,
    /// A barcode with AAMVA data.
    Read(Box<BarcodeReading>),
}

/// Reads the barcode of a page that has one; tries harder where something looks like one.
pub(crate) fn find(gray: &GrayImage) -> Found {
    if !has_bars(&halved_to(gray, SKETCH_SIDE)) {
        return Found::Nothing;
    }
    let page = halved_to(gray, MOST_SIDE);
    let ways: [fn(&GrayImage) -> GrayImage; 4] = [
        GrayImage::clone,
        |page| imageops::blur(page, 0.8),
        |page| {
            imageops::resize(
                page,
                page.width() * 3 / 2,
                page.height() * 3 / 2,
                imageops::FilterType::CatmullRom,
            )
        },
        |page| {
            imageops::resize(
                page,
                page.width() * 2 / 3,
                page.height() * 2 / 3,
                imageops::FilterType::Triangle,
            )
        },
    ];
    let read = ways.iter().find_map(|way| {
        let shown = way(&page);
        decode(&shown, Threshold::Local).or_else(|| decode(&shown, Threshold::Global))
    });
    read.map_or(Found::Unreadable, |reading| Found::Read(Box::new(reading)))
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

/// Whether there is a block of upright bars, longer than high, or one of lying bars, higher than long.
fn has_bars(sketch: &GrayImage) -> bool {
    let (columns, rows) = (sketch.width() / SQUARE, sketch.height() / SQUARE);
    let squares: Vec<Option<Bars>> = (0..rows)
        .flat_map(|row| (0..columns).map(move |column| (column * SQUARE, row * SQUARE)))
        .map(|(left, top)| direction(sketch, left, top))
        .collect();
    let (long, across) = BLOCK;
    [(Bars::Upright, long, across), (Bars::Lying, across, long)]
        .into_iter()
        .any(|(bars, wide, high)| {
            let is_block = |left: u32, top: u32| {
                let places = (top..top + high).flat_map(|row| (left..left + wide).map(move |column| (column, row)));
                let others = places.filter(|(column, row)| squares[(row * columns + column) as usize] != Some(bars));
                others.count() <= MOST_OTHERS
            };
            (0..(rows + 1).saturating_sub(high))
                .any(|top| (0..(columns + 1).saturating_sub(wide)).any(|left| is_block(left, top)))
        })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bars {
    Upright,
    Lying,
}

/// How the bars of a square lie, if it is of bars.
fn direction(sketch: &GrayImage, left: u32, top: u32) -> Option<Bars> {
    let at = |x: u32, y: u32| sketch.get_pixel(x, y).0[0];
    let (mut darkest, mut lightest, mut across, mut down) = (u8::MAX, 0, 0u32, 0u32);
    for y in top..top + SQUARE - 1 {
        for x in left..left + SQUARE - 1 {
            let here = at(x, y);
            darkest = darkest.min(here);
            lightest = lightest.max(here);
            across += u32::from(here.abs_diff(at(x + 1, y)));
            down += u32::from(here.abs_diff(at(x, y + 1)));
        }
    }
    let contrast = lightest.saturating_sub(darkest);
    let pixels = ((SQUARE - 1) * (SQUARE - 1)) as f32;
    let (more, less) = (across.max(down) as f32, across.min(down) as f32);
    let of_bars = contrast >= LEAST_CONTRAST
        && more >= LEAST_CHANGE * f32::from(contrast) * pixels
        && less <= MOST_CHANGE_ALONG * more;
    of_bars.then_some(if across > down { Bars::Upright } else { Bars::Lying })
}
