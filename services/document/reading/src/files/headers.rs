//! The headers of PNG, JPEG and WebP: how large a picture is and whether the file is whole, without a pixel decoded.

use super::Shape;
use crate::error::ReadError;

/// The bits of an RGBA pixel with 8 bits a channel, which is what a decoder makes of most pictures.
const RGBA_BITS: u32 = 32;

/// The rows of a PNG that are there at once.
const PNG_ROWS: u64 = 6;

fn pixels(width: u32, height: u32) -> u64 {
    u64::from(width) * u64::from(height)
}

/// PNG (W3C, third edition): the first chunk holds the size, and the chunks lead to the last one, `IEND`.
pub(super) fn png(file: &[u8]) -> Result<Shape, ReadError> {
    let mut shape = None;
    let mut packed_bytes = 0u64;
    let mut at = 8;
    loop {
        let length = be32(file, at)?;
        let kind = array::<4>(file, at + 4)?;
        let data = at + 8;
        let end = data + length as usize + 4;
        match (&kind, shape) {
            (b"IHDR", None) if length == 13 => {
                let bits = u32::from(byte(file, data + 8)?);
                let channels = match byte(file, data + 9)? {
                    0 | 3 => 1,
                    4 => 2,
                    2 => 3,
                    6 => 4,
                    _ => return Err(ReadError::Damaged),
                };
                let (width, height) = (be32(file, data)?, be32(file, data + 4)?);
                // It is decoded row by row; some rows are there at once, as they come and as they go.
                let row_bytes = u64::from(width) * u64::from(bits * channels).max(RGBA_BITS.into()) / 8;
                let shape_of_header = Shape {
                    width,
                    height,
                    bits_per_pixel: bits * channels,
                    decoding_bytes: 2 * pixels(width, height) + PNG_ROWS * row_bytes,
                    packed_bytes: None,
                };
                // What the header alone shows is said first: a picture that is too large, not one that is cut short.
                if shape_of_header.pixels() > super::MAX_PIXELS {
                    return Ok(shape_of_header);
                }
                shape = Some(shape_of_header);
            }
            (_, None) | (b"IHDR", Some(_)) => return Err(ReadError::Damaged),
            (b"IDAT", Some(_)) => packed_bytes += u64::from(length),
            (b"IEND", Some(shape)) if end <= file.len() => {
                return Ok(Shape {
                    packed_bytes: Some(packed_bytes),
                    ..shape
                });
            }
            _ => {}
        }
        at = end;
    }
}

/// JPEG (ITU-T T.81, annex B): the segments lead over a frame header (SOF), which holds the size, to the end (EOI).
pub(super) fn jpeg(file: &[u8]) -> Result<Shape, ReadError> {
    let mut shape = None;
    let mut at = 2;
    loop {
        if byte(file, at)? != 0xff {
            return Err(ReadError::Damaged);
        }
        match byte(file, at + 1)? {
            // A fill byte, and markers without a segment.
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            0xd9 => return shape.ok_or(ReadError::Damaged),
            marker => {
                let length = usize::from(be16(file, at + 2)?);
                let is_frame = matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
                if is_frame {
                    let (height, width) = (be16(file, at + 5)?.into(), be16(file, at + 7)?.into());
                    let components = u32::from(byte(file, at + 9)?);
                    // In colour, beside two bytes a component where the scans bring these one after the other; then gray.
                    let bytes = u64::from(3 + (2 * components).max(2));
                    let found = Shape {
                        width,
                        height,
                        bits_per_pixel: 8 * components,
                        decoding_bytes: bytes * pixels(width, height),
                        packed_bytes: None,
                    };
                    if found.pixels() > super::MAX_PIXELS {
                        return Ok(found);
                    }
                    shape = Some(found);
                }
                at += 2 + length.max(2);
                if marker == 0xda {
                    at = end_of_scan(file, at)?;
                }
            }
        }
    }
}

/// Where the next marker after a scan's packed data is; a stuffed zero and restart markers belong to the data.
fn end_of_scan(file: &[u8], from: usize) -> Result<usize, ReadError> {
    let scan = file.get(from..).ok_or(ReadError::Damaged)?;
    let end = scan
        .windows(2)
        .position(|pair| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7 | 0xff));
    end.map(|end| from + end).ok_or(ReadError::Damaged)
}

/// WebP (RFC 9649): the container says how long the file is; its first chunk holds the size in one of three ways.
pub(super) fn webp(file: &[u8]) -> Result<Shape, ReadError> {
    let container = le32(file, 4)? as usize;
    // Bytes a pixel: in colour (4 where it is transparent), beside what that is made of. An extended file may have a frame
    // of an animation in colour, its brightness and tints, and its transparency as a picture of its own.
    let (width, height, bytes) = match &array::<4>(file, 12)? {
        b"VP8X" => (1 + le24(file, 24)?, 1 + le24(file, 27)?, 15),
        b"VP8L" if byte(file, 20)? == 0x2f => {
            let packed = le32(file, 21)?;
            (1 + (packed & 0x3fff), 1 + ((packed >> 14) & 0x3fff), 7)
        }
        b"VP8 " if array::<3>(file, 23)? == [0x9d, 0x01, 0x2a] => {
            let packed = le32(file, 26)?;
            (packed & 0x3fff, (packed >> 16) & 0x3fff, 5)
        }
        _ => return Err(ReadError::Damaged),
    };
    let shape = Shape {
        width,
        height,
        bits_per_pixel: RGBA_BITS,
        decoding_bytes: bytes * pixels(width, height),
        packed_bytes: None,
    };
    if shape.pixels() <= super::MAX_PIXELS && container > file.len() - 8 {
        return Err(ReadError::Damaged);
    }
    Ok(shape)
}

fn array<const N: usize>(file: &[u8], at: usize) -> Result<[u8; N], ReadError> {
    file.get(at..)
        .and_then(|rest| rest.first_chunk::<N>().copied())
        .ok_or(ReadError::Damaged)
}

fn byte(file: &[u8], at: usize) -> Result<u8, ReadError> {
    file.get(at).copied().ok_or(ReadError::Damaged)
}

fn be32(file: &[u8], at: usize) -> Result<u32, ReadError> {
    array(file, at).map(u32::from_be_bytes)
}

fn be16(file: &[u8], at: usize) -> Result<u16, ReadError> {
    array(file, at).map(u16::from_be_bytes)
}

fn le32(file: &[u8], at: usize) -> Result<u32, ReadError> {
    array(file, at).map(u32::from_le_bytes)
}

fn le24(file: &[u8], at: usize) -> Result<u32, ReadError> {
    let [low, middle, high] = array(file, at)?;
    Ok(u32::from_le_bytes([low, middle, high, 0]))
}
