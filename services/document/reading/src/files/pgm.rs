//! Gray pictures in the format PGM, as poppler draws them.

use crate::error::ReadError;
use image::GrayImage;

/// The header takes less.
pub(super) const MAX_HEADER_BYTES: usize = 64;

/// A binary gray picture: `P5`, width, height, 255, then the pixels.
pub(super) fn decode(mut bytes: Vec<u8>) -> Result<GrayImage, ReadError> {
    let header = &bytes[..bytes.len().min(MAX_HEADER_BYTES)];
    let mut words = header.split(u8::is_ascii_whitespace);
    let mut length = 0;
    let mut word = || {
        let word = words.next()?;
        length += word.len() + 1;
        std::str::from_utf8(word).ok()
    };
    let (Some("P5"), Some(width), Some(height), Some("255")) = (word(), word(), word(), word()) else {
        return Err(ReadError::Damaged);
    };
    let size = (width.parse(), height.parse());
    let (Ok(width), Ok(height)) = size else {
        return Err(ReadError::Damaged);
    };
    if length > bytes.len() {
        return Err(ReadError::Damaged);
    }
    bytes.drain(..length);
    GrayImage::from_raw(width, height, bytes).ok_or(ReadError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_gray_picture_is_taken() {
        let picture = decode(b"P5\n3 2\n255\nabcdef".to_vec()).expect("whole");
        assert_eq!(
            (picture.dimensions(), picture.as_raw().as_slice()),
            ((3, 2), &b"abcdef"[..])
        );
        for broken in [
            &b""[..],
            b"P5",
            b"P5\n3 2\n255\nabc",
            b"P6\n1 1\n255\na",
            b"P5\n3 2\n255",
            b"P5\n-1 2\n255\n",
        ] {
            assert!(decode(broken.to_vec()).is_err(), "{broken:?}");
        }
    }
}
