//! From the bytes of an upload to a gray picture, with the limits held before anything is decoded.

use crate::reader::ReadError;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageReader, Limits as DecoderLimits, metadata::Orientation};
use std::io::Cursor;

/// The most pixels that a page may have (domain.md, "Document").
pub const MAX_PIXELS: u64 = 50_000_000;

/// A decoded pixel takes at most this many bytes (RGBA with 16 bits a channel).
const MAX_BYTES_PER_PIXEL: u64 = 8;

/// The format of a picture, told by its first bytes and never by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PictureFormat {
    /// Portable Network Graphics.
    Png,
    /// JPEG, baseline or progressive.
    Jpeg,
}

impl PictureFormat {
    /// The media type, e.g. `image/png`.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
        }
    }

    const fn decoder(self) -> image::ImageFormat {
        match self {
            Self::Png => image::ImageFormat::Png,
            Self::Jpeg => image::ImageFormat::Jpeg,
        }
    }
}

/// Says what picture this is, from its header alone; no pixel is decoded.
///
/// # Errors
/// [`ReadError::NotAPicture`] for any other content, [`ReadError::Damaged`] if the header cannot be read,
/// [`ReadError::TooManyPixels`] above [`MAX_PIXELS`].
pub fn sniff(picture: &[u8]) -> Result<PictureFormat, ReadError> {
    let format = match picture {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => PictureFormat::Png,
        [0xff, 0xd8, 0xff, ..] => PictureFormat::Jpeg,
        _ => return Err(ReadError::NotAPicture),
    };
    let (width, height) = ImageReader::with_format(Cursor::new(picture), format.decoder())
        .into_dimensions()
        .map_err(|_| ReadError::Damaged)?;
    let pixels = u64::from(width) * u64::from(height);
    match pixels {
        0 => Err(ReadError::Damaged),
        pixels if pixels > MAX_PIXELS => Err(ReadError::TooManyPixels {
            pixels,
            limit: MAX_PIXELS,
        }),
        _ => Ok(format),
    }
}

/// Decodes a picture to gray, turned as its camera says.
///
/// # Errors
/// Those of [`sniff`], and [`ReadError::Damaged`] if the pixels cannot be decoded.
pub(crate) fn decode_gray(picture: &[u8]) -> Result<GrayImage, ReadError> {
    let format = sniff(picture)?;
    let mut reader = ImageReader::with_format(Cursor::new(picture), format.decoder());
    let mut limits = DecoderLimits::default();
    limits.max_alloc = Some(MAX_PIXELS * MAX_BYTES_PER_PIXEL);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|_| ReadError::Damaged)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut decoded = DynamicImage::from_decoder(decoder).map_err(|_| ReadError::Damaged)?;
    decoded.apply_orientation(orientation);
    Ok(decoded.into_luma8())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        GrayImage::new(width, height)
            .write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png)
            .expect("a gray picture can be written as PNG");
        bytes
    }

    #[test]
    fn the_first_bytes_decide_the_format() {
        assert!(matches!(sniff(&png(3, 2)), Ok(PictureFormat::Png)));
        for other in [&b"%PDF-1.7"[..], b"", b"GIF89a", b"hello"] {
            assert!(matches!(sniff(other), Err(ReadError::NotAPicture)));
        }
    }

    #[test]
    fn a_picture_over_the_pixel_limit_is_refused_by_its_header_alone() {
        let mut bytes = png(1, 1);
        bytes[16..20].copy_from_slice(&10_000u32.to_be_bytes());
        bytes[20..24].copy_from_slice(&10_000u32.to_be_bytes());
        let crc = crc32(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&crc.to_be_bytes());
        assert!(matches!(
            sniff(&bytes),
            Err(ReadError::TooManyPixels {
                pixels: 100_000_000,
                ..
            })
        ));
    }

    #[test]
    fn a_picture_cut_short_is_damaged() {
        let bytes = png(200, 100);
        assert!(matches!(sniff(&bytes[..20]), Err(ReadError::Damaged)));
        assert!(matches!(decode_gray(&bytes[..60]), Err(ReadError::Damaged)));
    }

    fn crc32(bytes: &[u8]) -> u32 {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 {
                    (crc >> 1) ^ 0xedb8_8320
                } else {
                    crc >> 1
                };
            }
        }
        !crc
    }
}
