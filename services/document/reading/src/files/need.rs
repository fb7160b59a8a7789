//! What the reading of a page takes at most, told by its header. The figures were measured; the tests measure them again.
//! A header that lies about its picture is found out by the limit under which the programs run.

use super::Shape;
use crate::{
    memory::Need,
    zone::{MOST_SIDE_PRINT, MOST_SIDE_READ},
};

/// The program itself.
const PROGRAM_BYTES: u64 = 16 << 20;

/// The OCR engine, which runs from when the picture is decoded.
const ENGINE_BYTES: u64 = 96 << 20;

/// What poppler takes to draw a page, whatever is on it, and for each pixel, with the picture that comes out: twice what was
/// measured. A progressive JPEG of 50 megapixels on the page takes 230 MiB.
const DRAWING_BYTES: u64 = 256 << 20;
const DRAWING_BYTES_PER_PIXEL: u64 = 6;

pub(super) fn of_picture(shape: Shape, file_bytes: usize) -> Need {
    let file = 2 * file_bytes as u64;
    Need {
        decoding: PROGRAM_BYTES + file + shape.decoding_bytes,
        reading: reading(shape.width, shape.height) + file,
    }
}

pub(super) fn of_drawn((width, height): (u32, u32)) -> Need {
    Need {
        decoding: DRAWING_BYTES + DRAWING_BYTES_PER_PIXEL * u64::from(width) * u64::from(height),
        reading: reading(width, height),
    }
}

/// The gray picture, beside the planes on which zones are looked for, or what barcodes and print are looked for on: smaller
/// pictures, and others made of them.
fn reading(width: u32, height: u32) -> u64 {
    let pixels_of = |longest: u32| {
        let (mut width, mut height) = (width, height);
        while width.max(height) > longest {
            (width, height) = (width.div_ceil(2), height.div_ceil(2));
        }
        u64::from(width) * u64::from(height)
    };
    let looking = (13 * pixels_of(MOST_SIDE_READ)).max(40 * pixels_of(MOST_SIDE_PRINT));
    PROGRAM_BYTES + ENGINE_BYTES + u64::from(width) * u64::from(height) + looking
}
