//! What cameras, scanners and e-mail do to a picture, one step each.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, Rgb, RgbImage};
use imageproc::geometric_transformations::{Border, Interpolation, Projection, warp_into};
use rand::Rng;

use crate::canvas::sine_of_turn;

/// Smooths by a bell of `sigma` pixels along x and along y.
///
/// A bell is approached by repeated three-pixel averages, whose variances add up.
pub(crate) fn blur(picture: &RgbImage, (sigma_x, sigma_y): (f32, f32)) -> RgbImage {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut samples: Vec<f32> = picture.as_raw().iter().map(|&v| f32::from(v)).collect();
    for y in 0..height {
        for channel in 0..3 {
            smooth_track(&mut samples, y * width * 3 + channel, 3, width, sigma_x);
        }
    }
    for track in 0..width * 3 {
        smooth_track(&mut samples, track, width * 3, height, sigma_y);
    }
    let bytes = samples.iter().map(|v| (v + 0.5) as u8).collect();
    RgbImage::from_raw(picture.width(), picture.height(), bytes).expect("smoothing keeps the number of samples")
}

fn smooth_track(samples: &mut [f32], start: usize, step: usize, length: usize, sigma: f32) {
    let variance = sigma * sigma;
    if variance <= 0.0 || length < 2 {
        return;
    }
    let passes = (variance / 0.5).ceil().max(1.0);
    let side = variance / passes / 2.0;
    for _ in 0..passes as usize {
        let mut before = samples[start];
        for index in 0..length {
            let here = samples[start + index * step];
            let after = samples[start + (index + 1).min(length - 1) * step];
            samples[start + index * step] = here + side * (before + after - 2.0 * here);
            before = here;
        }
    }
}

/// Adds sensor noise of standard deviation `deviation` grey levels, the same to all channels or to each its own.
pub(crate) fn add_noise(picture: &mut RgbImage, deviation: f32, chance: &mut impl Rng) {
    for pixel in picture.pixels_mut() {
        let common = bell(chance) * 0.8;
        for value in &mut pixel.0 {
            let shift = (common + bell(chance) * 0.6) * deviation;
            *value = (f32::from(*value) + shift + 0.5).clamp(0.0, 255.0) as u8;
        }
    }
}

/// A near-normal number of mean 0 and deviation 1, from integers alone.
fn bell(chance: &mut impl Rng) -> f32 {
    let bytes = chance.random::<u32>().to_le_bytes();
    let sum: i32 = bytes.iter().map(|&b| i32::from(b)).sum();
    (sum - 510) as f32 / 147.8
}

/// Brings the values nearer to `grey`: 1.0 leaves the picture as it is, 0.0 leaves nothing.
pub(crate) fn fade(picture: &mut RgbImage, strength: f32, grey: f32) {
    for value in picture.iter_mut() {
        *value = (grey + (f32::from(*value) - grey) * strength + 0.5).clamp(0.0, 255.0) as u8;
    }
}

/// Compresses as JPEG of `quality` (1 to 100) and reads it back.
pub(crate) fn pass_through_jpeg(picture: &RgbImage, quality: u8) -> RgbImage {
    let bytes = encode_jpeg(picture, quality);
    image::load_from_memory(&bytes)
        .expect("a JPEG that was just written can be read")
        .to_rgb8()
}

/// The bytes of a JPEG file of `quality` (1 to 100).
pub(crate) fn encode_jpeg(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality.clamp(1, 100))
        .encode(
            picture.as_raw(),
            picture.width(),
            picture.height(),
            ExtendedColorType::Rgb8,
        )
        .expect("writing into memory does not fail");
    bytes
}

/// Turns by `degrees` about the middle, counter-clockwise, into a picture of the same size.
pub(crate) fn rotate(picture: &RgbImage, degrees: f32, around: Rgb<u8>) -> RgbImage {
    let (sine, cosine) = (sine_of_turn(degrees / 360.0), sine_of_turn(degrees / 360.0 + 0.25));
    let (x, y) = (picture.width() as f32 / 2.0, picture.height() as f32 / 2.0);
    #[rustfmt::skip]
    let matrix = [
        cosine, sine, x - cosine * x - sine * y,
        -sine, cosine, y + sine * x - cosine * y,
        0.0, 0.0, 1.0,
    ];
    warp(picture, matrix, around)
}

/// Moves the four corners (top left, top right, bottom right, bottom left) to the given places, in pixels.
pub(crate) fn move_corners(picture: &RgbImage, to: [(f32, f32); 4], around: Rgb<u8>) -> RgbImage {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let [(x0, y0), (x1, y1), (x2, y2), (x3, y3)] = to;
    let (dx1, dx2, dx3) = (x1 - x2, x3 - x2, x0 - x1 + x2 - x3);
    let (dy1, dy2, dy3) = (y1 - y2, y3 - y2, y0 - y1 + y2 - y3);
    let determinant = dx1 * dy2 - dx2 * dy1;
    let g = (dx3 * dy2 - dx2 * dy3) / determinant;
    let h = (dx1 * dy3 - dx3 * dy1) / determinant;
    #[rustfmt::skip]
    let matrix = [
        (x1 - x0 + g * x1) / width, (x3 - x0 + h * x3) / height, x0,
        (y1 - y0 + g * y1) / width, (y3 - y0 + h * y3) / height, y0,
        g / width, h / height, 1.0,
    ];
    warp(picture, matrix, around)
}

fn warp(picture: &RgbImage, matrix: [f32; 9], around: Rgb<u8>) -> RgbImage {
    let projection = Projection::from_matrix(matrix).expect("the corners of a page span an area, so the map inverts");
    let mut moved = RgbImage::new(picture.width(), picture.height());
    warp_into(
        picture,
        projection,
        Interpolation::Bilinear,
        Border::Constant(around),
        &mut moved,
    );
    moved
}
