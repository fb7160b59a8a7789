//! A picture at about the size at which something is looked for.

use image::{GrayImage, imageops};
use std::borrow::Cow;

/// Halves a picture until its longer side is at most so many pixels.
pub(crate) fn halved_to(gray: &GrayImage, side: u32) -> Cow<'_, GrayImage> {
    let mut gray = Cow::Borrowed(gray);
    while gray.width().max(gray.height()) > side {
        let half = imageops::thumbnail(&*gray, gray.width().div_ceil(2), gray.height().div_ceil(2));
        gray = Cow::Owned(half);
    }
    gray
}
