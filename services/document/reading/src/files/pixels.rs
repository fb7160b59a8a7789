//! From a picture's bytes to gray pixels, with the limits held before anything is decoded.

use super::{FileFormat, MAX_PIXELS, directories, inspect_picture};
use crate::error::ReadError;
use image::{
    DynamicImage, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, metadata::Orientation,
};
use std::{borrow::Cow, io::Cursor};

/// A decoded pixel takes at most this many bytes (RGBA with 16 bits a channel).
const MAX_BYTES_PER_PIXEL: u64 = 8;

/// Decodes a page of a picture to gray, turned as its camera says; `page` counts from 1.
///
/// # Errors
/// Those of [`inspect_picture`], [`ReadError::NoSuchPage`], and [`ReadError::Damaged`] or [`ReadError::Unsupported`] if the
/// pixels cannot be decoded.
pub(super) fn decode_gray(picture: &[u8], page: u32) -> Result<GrayImage, ReadError> {
    let facts = inspect_picture(picture)?;
    if page == 0 || page > facts.pages {
        return Err(ReadError::NoSuchPage { page });
    }
    let (format, bytes) = match facts.format {
        FileFormat::Png => (ImageFormat::Png, Cow::Borrowed(picture)),
        FileFormat::Jpeg => (ImageFormat::Jpeg, Cow::Borrowed(picture)),
        FileFormat::WebP => (ImageFormat::WebP, Cow::Borrowed(picture)),
        FileFormat::Tiff => {
            let pages = directories::pages(picture)?;
            let first = directories::beginning_with(picture, pages[page as usize - 1]);
            (ImageFormat::Tiff, Cow::Owned(first))
        }
        FileFormat::Pdf => return Err(ReadError::NotAPicture),
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_PIXELS * MAX_BYTES_PER_PIXEL);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(failure)?;
    // The header that was inspected and the one that the decoder believes could differ.
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(ReadError::Damaged);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut decoded = DynamicImage::from_decoder(decoder).map_err(failure)?;
    decoded.apply_orientation(orientation);
    Ok(decoded.into_luma8())
}

fn failure(error: ImageError) -> ReadError {
    match error {
        ImageError::Unsupported(_) => ReadError::Unsupported,
        _ => ReadError::Damaged,
    }
}
