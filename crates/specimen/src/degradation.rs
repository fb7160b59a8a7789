//! The ways in which a picture of a document arrives worse than it was.

use image::{Rgb, RgbImage};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::image_ops;

/// What shows where a moved page has left the picture.
const TABLE: Rgb<u8> = Rgb([176, 172, 166]);

/// One way of getting worse. The first five are the set that readers are measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Degradation {
    /// As drawn.
    Clean,
    /// Turned by 2°, then JPEG of quality 50.
    Rotated,
    /// Smoothed by 1.6 pixels, then noise of 14 grey levels.
    BlurredNoisy,
    /// Corners moved by up to 2.5 % of the width, then 45 % of the contrast left.
    LowContrastPerspective,
    /// Uneven light from one side and the spot of a lamp on the upper left, where portraits are, then JPEG of quality 70.
    Glare,
    /// Turned by up to 3°.
    Rotation,
    /// Smoothed by 1.6 pixels.
    Blur,
    /// Noise of 14 grey levels.
    Noise,
    /// JPEG of quality 30.
    Jpeg,
    /// Corners moved by up to 2.5 % of the width.
    Perspective,
    /// 45 % of the contrast left.
    LowContrast,
}

impl Degradation {
    /// The set that every kind of document is measured on.
    pub const MEASURED_ON_ALL_KINDS: [Self; 5] = [
        Self::Clean,
        Self::Rotated,
        Self::BlurredNoisy,
        Self::LowContrastPerspective,
        Self::Glare,
    ];

    /// The set that readers of passports are measured on.
    pub const MEASURED: [Self; 4] = [
        Self::Clean,
        Self::Rotated,
        Self::BlurredNoisy,
        Self::LowContrastPerspective,
    ];

    /// Every way, in the order of declaration.
    pub const ALL: [Self; 11] = [
        Self::Clean,
        Self::Rotated,
        Self::BlurredNoisy,
        Self::LowContrastPerspective,
        Self::Glare,
        Self::Rotation,
        Self::Blur,
        Self::Noise,
        Self::Jpeg,
        Self::Perspective,
        Self::LowContrast,
    ];

    /// A short name for files and tables, such as `rotated`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Rotated => "rotated",
            Self::BlurredNoisy => "blurred-noisy",
            Self::LowContrastPerspective => "low-contrast-perspective",
            Self::Glare => "glare",
            Self::Rotation => "rotation",
            Self::Blur => "blur",
            Self::Noise => "noise",
            Self::Jpeg => "jpeg",
            Self::Perspective => "perspective",
            Self::LowContrast => "low-contrast",
        }
    }
}

/// A worse copy of the same size; the same seed makes the same copy.
pub fn degrade(picture: &RgbImage, degradation: Degradation, seed: u64) -> RgbImage {
    let chance = &mut ChaCha8Rng::seed_from_u64(seed);
    chance.set_stream(2);
    match degradation {
        Degradation::Clean => picture.clone(),
        Degradation::Rotated => {
            let degrees = if chance.random_bool(0.5) { 2.0 } else { -2.0 };
            let turned = image_ops::rotate(picture, degrees, TABLE);
            image_ops::pass_through_jpeg(&turned, 50)
        }
        Degradation::BlurredNoisy => noise(blur(picture), chance),
        Degradation::LowContrastPerspective => low_contrast(perspective(picture, chance)),
        Degradation::Glare => image_ops::pass_through_jpeg(&glare(picture, chance), 70),
        Degradation::Rotation => image_ops::rotate(picture, chance.random_range(-3.0..3.0), TABLE),
        Degradation::Blur => blur(picture),
        Degradation::Noise => noise(picture.clone(), chance),
        Degradation::Jpeg => image_ops::pass_through_jpeg(picture, 30),
        Degradation::Perspective => perspective(picture, chance),
        Degradation::LowContrast => low_contrast(picture.clone()),
    }
}

fn blur(picture: &RgbImage) -> RgbImage {
    image_ops::blur(picture, (1.6, 1.6))
}

fn noise(mut picture: RgbImage, chance: &mut ChaCha8Rng) -> RgbImage {
    image_ops::add_noise(&mut picture, 14.0, chance);
    picture
}

fn low_contrast(mut picture: RgbImage) -> RgbImage {
    image_ops::fade(&mut picture, 0.45, 140.0);
    picture
}

/// Moves every corner inwards, as if the camera stood a little beside the page.
fn perspective(picture: &RgbImage, chance: &mut ChaCha8Rng) -> RgbImage {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let mut shift = || chance.random_range(0.0..0.025) * width;
    let corners = [
        (shift(), shift()),
        (width - shift(), shift()),
        (width - shift(), height - shift()),
        (shift(), height - shift()),
    ];
    image_ops::move_corners(picture, corners, TABLE)
}

/// A phone under a lamp: the light falls off across the picture, and the lamp shows on the plastic.
///
/// The spot's middle is 6 to 17 % of the width from the left and 22 to 34 % of the height from above, and it
/// ends after 14 % of the width: beside the zone and the barcode of every kind of document.
fn glare(picture: &RgbImage, chance: &mut ChaCha8Rng) -> RgbImage {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let lamp = (
        chance.random_range(0.06..0.17) * width,
        chance.random_range(0.22..0.34) * height,
    );
    let radius = (0.14 * width).min(0.24 * height);
    let (left, right) = (chance.random_range(0.8..1.08), chance.random_range(0.8..1.08));
    let (top, bottom) = (chance.random_range(0.95..1.08), chance.random_range(0.8..0.95));
    let mut lit = picture.clone();
    for (x, y, pixel) in lit.enumerate_pixels_mut() {
        let (across, down) = (x as f32 / width, y as f32 / height);
        let light = (left + (right - left) * across) * (top + (bottom - top) * down);
        let away = ((x as f32 - lamp.0) / radius, (y as f32 - lamp.1) / radius);
        let near = (1.0 - away.0 * away.0 - away.1 * away.1).max(0.0);
        // Steep at the edge and full in the middle, as a reflection is.
        let shine = (near * 2.2).min(1.0) * near.sqrt();
        for value in &mut pixel.0 {
            let under = f32::from(*value) * light;
            *value = (under + (252.0 - under).max(0.0) * shine + 0.5).clamp(0.0, 255.0) as u8;
        }
    }
    lit
}
