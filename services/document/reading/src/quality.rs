//! How good a picture is, and what is wrong with it.
//!
//! Measured on the gray picture, brought to about the same size whatever the camera: a photo of a document fills its
//! frame, so what is sharp enough and large enough can be said in pixels of that size. The bounds are calibrated on
//! specimens: those that are read pass, and those that are degraded until they aren't say why.

use crate::halved::halved_to;
use image::GrayImage;
use mesh_types::{Check, CheckName, CheckReason};
use serde::{Deserialize, Serialize};

/// The longer side in pixels up to which a picture is halved before it is measured.
const MEASURED_SIDE: u32 = 1500;
/// The least longer side in pixels of a picture on which a document can be read.
const LEAST_SIDE: u32 = 500;
/// The least pixels from one letter of a zone to the next.
const LEAST_PITCH: u16 = 9;
/// The least sharpness, in hundredths.
const LEAST_SHARPNESS: u8 = 18;
/// The most glare, in thousandths.
const MOST_GLARE: u16 = 60;
/// The most strokes that run into the picture's edge.
const MOST_STROKES_AT_EDGE: u16 = 3;
/// The most of one edge, in hundredths, that may look otherwise than the rest of it.
const MOST_OF_EDGE: u8 = 12;

/// What was measured of one page. Numbers only: nothing of what the page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quality {
    /// How steep the steepest edges are: the share of their contrast that they rise in one pixel, in hundredths; 50 is as
    /// sharp as can be.
    pub sharpness: u8,
    /// The share of the page that is blown out, so that print there is lost, in thousandths.
    pub glare: u16,
    /// Strokes of print that the worst edge of the picture cuts.
    pub strokes_at_edge: u16,
    /// How much of the worst edge belongs to a document that goes on beyond it, in hundredths.
    pub document_at_edge: u8,
    /// The picture's longer side in pixels.
    pub longer_side: u32,
    /// Pixels from one letter of the zone to the next, where there is a zone.
    pub pitch: Option<u16>,
}

/// What is wrong with a picture, the first thing to mend first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QualityFault {
    /// Too few pixels.
    TooSmall,
    /// Part of the document is outside the picture.
    Cropped,
    /// Blown-out light over the print.
    Glare,
    /// Out of focus or shaken.
    Blurred,
}

impl QualityFault {
    /// The stable reason code of the check.
    pub const fn reason(self) -> CheckReason {
        match self {
            Self::TooSmall => CheckReason::PictureTooSmall,
            Self::Cropped => CheckReason::PictureCropped,
            Self::Glare => CheckReason::PictureGlare,
            Self::Blurred => CheckReason::PictureBlurred,
        }
    }
}

impl Quality {
    /// Measures a page; `pitch` is that of its zone in pixels, if one was found.
    pub fn measure(gray: &GrayImage, pitch: Option<f32>) -> Self {
        let small = halved_to(gray, MEASURED_SIDE);
        let edges = edges(&small);
        Self {
            sharpness: sharpness(&small),
            glare: glare(&small),
            strokes_at_edge: edges.iter().map(|edge| edge.strokes).max().unwrap_or(0),
            document_at_edge: edges.iter().map(|edge| edge.other).max().unwrap_or(0),
            longer_side: gray.width().max(gray.height()),
            pitch: pitch.map(|pitch| pitch.round().clamp(0.0, f32::from(u16::MAX)) as u16),
        }
    }

    /// What is wrong; `None` where nothing is.
    pub fn fault(&self) -> Option<QualityFault> {
        let too_small = self.longer_side < LEAST_SIDE || self.pitch.is_some_and(|pitch| pitch < LEAST_PITCH);
        let cropped = self.strokes_at_edge > MOST_STROKES_AT_EDGE || self.document_at_edge > MOST_OF_EDGE;
        let faults = [
            (too_small, QualityFault::TooSmall),
            (cropped, QualityFault::Cropped),
            (self.glare > MOST_GLARE, QualityFault::Glare),
            (self.sharpness < LEAST_SHARPNESS, QualityFault::Blurred),
        ];
        faults.into_iter().find(|(is_so, _)| *is_so).map(|(_, fault)| fault)
    }
}

/// The check of some pages: the first thing to mend on any of them.
pub(crate) fn check<'a>(pages: impl Iterator<Item = &'a Quality>) -> Check {
    let name = CheckName::ImageQuality;
    let faults: Vec<Option<QualityFault>> = pages.map(Quality::fault).collect();
    match faults.iter().flatten().min() {
        Some(fault) => Check::failed(name, fault.reason()),
        None if faults.is_empty() => Check::not_applicable(name, CheckReason::NotMeasured),
        None => Check::passed(name, CheckReason::PictureGood),
    }
}

/// Side of the squares in which contrast is looked for, in pixels.
const SQUARE: u32 = 24;
/// Contrast below this is of paper and patterns, not of print.
const PRINT_CONTRAST: f32 = 60.0;
/// Of the squares with print this share is less sharp than the answer.
const SHARP_SHARE: f32 = 0.8;

fn sharpness(gray: &GrayImage) -> u8 {
    let smooth = smoothed(gray);
    let (columns, rows) = (gray.width() / SQUARE, gray.height() / SQUARE);
    let mut steepness: Vec<f32> = (0..rows)
        .flat_map(|row| (0..columns).map(move |column| (column * SQUARE, row * SQUARE)))
        .filter_map(|(left, top)| steepness(&smooth, left, top))
        .collect();
    if steepness.is_empty() {
        return 0;
    }
    steepness.sort_by(f32::total_cmp);
    let at = ((steepness.len() - 1) as f32 * SHARP_SHARE) as usize;
    (steepness[at] * 100.0).round().clamp(0.0, 100.0) as u8
}

/// The steepest rise in a square as a share of its contrast; `None` where there is no print.
fn steepness(gray: &GrayImage, left: u32, top: u32) -> Option<f32> {
    let (width, left) = (gray.width() as usize, left as usize);
    let side = SQUARE as usize;
    // At the right edge the pixels two further on are those of the edge.
    let across = (width - left).min(side + 2);
    let row = |y: u32| &gray.as_raw()[y.min(gray.height() - 1) as usize * width + left..][..across];
    let (mut darkest, mut lightest, mut steepest) = (255u8, 0u8, 0u8);
    for y in top..top + SQUARE {
        let (here, below) = (row(y), row(y + 2));
        for (x, tone) in here[..side].iter().enumerate() {
            darkest = darkest.min(*tone);
            lightest = lightest.max(*tone);
            let right = here[(x + 2).min(across - 1)];
            steepest = steepest.max(right.abs_diff(*tone)).max(below[x].abs_diff(*tone));
        }
    }
    let contrast = f32::from(lightest.saturating_sub(darkest));
    (contrast >= PRINT_CONTRAST).then(|| f32::from(steepest) / 2.0 / contrast)
}

/// The mean of each pixel and its eight neighbours: noise is no sharpness.
fn smoothed(gray: &GrayImage) -> GrayImage {
    let (width, height) = gray.dimensions();
    let columns = width as usize;
    let mut samples = Vec::with_capacity(columns * height as usize);
    let mut sums = vec![0u32; columns];
    for y in 0..height {
        let rows = y.saturating_sub(1)..(y + 2).min(height);
        sums.fill(0);
        for row in rows.clone() {
            let row = &gray.as_raw()[row as usize * columns..][..columns];
            sums.iter_mut()
                .zip(row)
                .for_each(|(sum, value)| *sum += u32::from(*value));
        }
        samples.extend((0..columns).map(|x| {
            let near = &sums[x.saturating_sub(1)..(x + 2).min(columns)];
            (near.iter().sum::<u32>() / (near.len() * rows.len()) as u32) as u8
        }));
    }
    GrayImage::from_raw(width, height, samples).expect("one mean was taken for each pixel")
}

/// A pixel as light as this holds nothing any more.
const BLOWN_OUT: u8 = 252;
/// Side of the squares that are blown out as a whole or not, in pixels.
const GLARE_SQUARE: u32 = 12;
/// Paper up to this tone is exposed rightly; a page that is lighter as a whole is a scan, unless its ink is pale.
const LIGHT_PAPER: u8 = 246;
/// Ink that is lighter than this on blown-out paper is overexposed.
const PALE_INK: u8 = 80;

fn glare(gray: &GrayImage) -> u16 {
    let (columns, rows) = (gray.width() / GLARE_SQUARE, gray.height() / GLARE_SQUARE);
    let squares = (columns * rows).max(1);
    let is_blown_out = |left: u32, top: u32| {
        (top..top + GLARE_SQUARE).all(|y| (left..left + GLARE_SQUARE).all(|x| gray.get_pixel(x, y).0[0] >= BLOWN_OUT))
    };
    let blown_out = (0..rows)
        .flat_map(|row| (0..columns).map(move |column| (column * GLARE_SQUARE, row * GLARE_SQUARE)))
        .filter(|(left, top)| is_blown_out(*left, *top))
        .count();
    let mut counts = [0usize; 256];
    gray.as_raw().iter().for_each(|tone| counts[usize::from(*tone)] += 1);
    // The tone below which a share of all pixels is.
    let tone = |share: f32| {
        let mut left = ((gray.as_raw().len() - 1) as f32 * share) as usize;
        let mut tones = counts.iter().zip(0u8..=255);
        let found = tones.find(|(count, _)| {
            left < **count || {
                left -= **count;
                false
            }
        });
        found.map_or(255, |(_, tone)| tone)
    };
    let scan = tone(0.5) > LIGHT_PAPER && tone(0.02) < PALE_INK;
    if scan {
        return 0;
    }
    u16::try_from(blown_out as u64 * 1000 / u64::from(squares)).unwrap_or(1000)
}

/// What an edge of the picture shows.
struct Edge {
    /// Strokes of print that it cuts.
    strokes: u16,
    /// How much of it looks otherwise than the rest, in hundredths.
    other: u8,
}

/// Strokes are this many pixels wide, at most.
const STROKE: usize = 10;
/// Print is darker than its paper by this much.
const STROKE_CONTRAST: u8 = 70;
/// Half the pixels within which a document's border is crossed.
const JUMP: usize = 3;
/// A document differs from the table by this much.
const DOCUMENT_CONTRAST: u8 = 22;

/// The four edges, a little inside: cameras and scanners make borders of their own.
fn edges(gray: &GrayImage) -> [Edge; 4] {
    let (width, height) = gray.dimensions();
    let (x, y) = (3.min(width - 1), 3.min(height - 1));
    let row = |y: u32| (0..width).map(|x| gray.get_pixel(x, y).0[0]).collect::<Vec<u8>>();
    let column = |x: u32| (0..height).map(|y| gray.get_pixel(x, y).0[0]).collect::<Vec<u8>>();
    [row(y), row(height - 1 - y), column(x), column(width - 1 - x)].map(|tones| Edge::of(&tones))
}

impl Edge {
    fn of(tones: &[u8]) -> Self {
        // The tone of paper or table around a place: the median of its neighbourhood.
        let around: Vec<u8> = (0..tones.len())
            .map(|at| {
                let mut near = tones[at.saturating_sub(3 * STROKE)..(at + 3 * STROKE).min(tones.len())].to_vec();
                near.sort_unstable();
                near[near.len() / 2]
            })
            .collect();
        let is_ink: Vec<bool> = tones
            .iter()
            .zip(&around)
            .map(|(tone, paper)| paper.saturating_sub(*tone) > STROKE_CONTRAST)
            .collect();
        let strokes = is_ink
            .chunk_by(|a, b| a == b)
            .filter(|run| run[0] && (2..=STROKE).contains(&run.len()))
            .count();
        // Where the tone jumps, a document begins or ends; light that falls off slowly is no jump.
        let mut lengths = [0usize; 2];
        let (mut side, mut jumped_at) = (0, 0);
        for at in 0..around.len() {
            let before = around[at.saturating_sub(JUMP)];
            let behind = around[(at + JUMP).min(around.len() - 1)];
            if before.abs_diff(behind) > DOCUMENT_CONTRAST && at >= jumped_at + 8 * JUMP {
                side = 1 - side;
                jumped_at = at;
            }
            lengths[side] += 1;
        }
        let other = lengths[0].min(lengths[1]);
        Self {
            strokes: u16::try_from(strokes).unwrap_or(u16::MAX),
            other: u8::try_from(other * 100 / tones.len().max(1)).unwrap_or(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Luma, RgbImage, imageops};
    use specimen::{Degradation, Document, DocumentKind, degrade};

    fn sides(kind: DocumentKind, seed: u64) -> Vec<RgbImage> {
        Document::from_seed(kind, seed).draw()
    }

    fn gray(picture: &RgbImage) -> GrayImage {
        image::DynamicImage::ImageRgb8(picture.clone()).into_luma8()
    }

    fn fault(gray: &GrayImage) -> Option<QualityFault> {
        Quality::measure(gray, None).fault()
    }

    #[test]
    fn pictures_that_are_read_are_good_enough() {
        for kind in DocumentKind::ALL {
            for seed in 0..1 {
                for way in Degradation::MEASURED_ON_ALL_KINDS {
                    for (side, picture) in sides(kind, seed).iter().enumerate() {
                        let measured = Quality::measure(&gray(&degrade(picture, way, seed)), None);
                        assert_eq!(
                            measured.fault(),
                            None,
                            "{kind:?} {seed} side {side} {}: {measured:?}",
                            way.name()
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_wrong_with_a_picture_is_named() {
        for kind in DocumentKind::ALL {
            for (side, picture) in sides(kind, 7).iter().enumerate() {
                let page = gray(picture);
                let (width, height) = page.dimensions();
                let blurred = imageops::blur(&page, 6.0);
                assert_eq!(
                    fault(&blurred),
                    Some(QualityFault::Blurred),
                    "{kind:?} side {side}: {:?}",
                    Quality::measure(&blurred, None)
                );
                let overexposed = GrayImage::from_fn(width, height, |x, y| {
                    Luma([(f32::from(page.get_pixel(x, y).0[0]) * 1.6 + 60.0).min(255.0) as u8])
                });
                assert_eq!(
                    fault(&overexposed),
                    Some(QualityFault::Glare),
                    "{kind:?} side {side}: {:?}",
                    Quality::measure(&overexposed, None)
                );
                let cropped = imageops::crop_imm(&page, width / 3, 0, width - width / 3, height).to_image();
                assert_eq!(
                    fault(&cropped),
                    Some(QualityFault::Cropped),
                    "{kind:?} side {side}: {:?}",
                    Quality::measure(&cropped, None)
                );
                let tiny = imageops::thumbnail(&page, width / 4, height / 4);
                assert_eq!(fault(&tiny), Some(QualityFault::TooSmall), "{kind:?} side {side}");
            }
        }
    }

    #[test]
    fn a_lamp_over_the_print_is_glare() {
        let picture = &sides(DocumentKind::Passport, 3)[0];
        let mut page = gray(picture);
        let (width, height) = page.dimensions();
        let (middle, radius) = ((width as f32 / 2.0, height as f32 / 2.0), height as f32 / 4.0);
        for (x, y, pixel) in page.enumerate_pixels_mut() {
            if (x as f32 - middle.0).hypot(y as f32 - middle.1) < radius {
                pixel.0 = [255];
            }
        }
        assert_eq!(fault(&page), Some(QualityFault::Glare));
    }

    #[test]
    fn a_scan_that_the_document_fills_is_not_cropped() {
        // A sheet of white paper with print in its middle, as a flatbed scanner shows it.
        let mut scan = GrayImage::from_pixel(1200, 900, Luma([250]));
        for y in (200..700).step_by(30) {
            for x in (200..1000).step_by(12) {
                imageproc::drawing::draw_filled_rect_mut(
                    &mut scan,
                    imageproc::rect::Rect::at(x, y).of_size(4, 16),
                    Luma([20]),
                );
            }
        }
        assert_eq!(fault(&scan), None, "{:?}", Quality::measure(&scan, None));
    }

    #[test]
    fn the_check_names_what_to_mend_first() {
        let good = Quality {
            sharpness: 40,
            glare: 0,
            strokes_at_edge: 0,
            document_at_edge: 0,
            longer_side: 1400,
            pitch: Some(24),
        };
        let blurred = Quality { sharpness: 2, ..good };
        let small = Quality {
            pitch: Some(5),
            ..blurred
        };
        let reason = |pages: &[Quality]| check(pages.iter()).reason;
        assert_eq!(reason(&[good]), CheckReason::PictureGood);
        assert_eq!(reason(&[good, blurred]), CheckReason::PictureBlurred);
        assert_eq!(reason(&[blurred, small]), CheckReason::PictureTooSmall);
        assert_eq!(reason(&[]), CheckReason::NotMeasured);
    }
}
