//! The pages of a TIFF file (TIFF 6.0, section 2): a chain of directories, each of which describes one.

use super::{MAX_PAGES, Shape};
use crate::error::ReadError;

/// One page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    /// Where its directory begins.
    pub(super) offset: u32,
    pub(super) shape: Shape,
}

const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const BITS_PER_SAMPLE: u16 = 258;
const COMPRESSION: u16 = 259;
const STRIP_OFFSETS: u16 = 273;
const SAMPLES_PER_PIXEL: u16 = 277;
const STRIP_BYTE_COUNTS: u16 = 279;
const TILE_OFFSETS: u16 = 324;
const TILE_BYTE_COUNTS: u16 = 325;

/// The compression of a page that is a JPEG, or one for each strip or tile (technical note 2 of TIFF 6.0).
const JPEG: u32 = 7;

/// The pages in their order, at least one.
///
/// # Errors
/// [`ReadError::Cyclic`] when the chain comes back to a directory, [`ReadError::TooManyPages`],
/// [`ReadError::Damaged`] when a directory or the data it names lies outside of the file.
pub(super) fn pages(file: &[u8]) -> Result<Vec<Page>, ReadError> {
    let tiff = Tiff {
        file,
        is_little_endian: file.first() == Some(&b'I'),
    };
    let mut pages: Vec<Page> = Vec::new();
    let mut offset = tiff.long(4)?;
    while offset != 0 {
        if pages.iter().any(|page| page.offset == offset) {
            return Err(ReadError::Cyclic);
        }
        if pages.len() == MAX_PAGES as usize {
            return Err(ReadError::TooManyPages { limit: MAX_PAGES });
        }
        let (shape, next) = tiff.directory(offset as usize)?;
        pages.push(Page { offset, shape });
        offset = next;
    }
    if pages.is_empty() {
        Err(ReadError::Damaged)
    } else {
        Ok(pages)
    }
}

/// The same file with another directory as its first, so that a decoder that reads first pages reads this one.
pub(super) fn beginning_with(mut file: Vec<u8>, page: Page) -> Vec<u8> {
    let offset = if file.first() == Some(&b'I') {
        page.offset.to_le_bytes()
    } else {
        page.offset.to_be_bytes()
    };
    file[4..8].copy_from_slice(&offset);
    file
}

struct Tiff<'a> {
    file: &'a [u8],
    is_little_endian: bool,
}

/// One entry of a directory.
#[derive(Clone, Copy)]
struct Entry {
    kind: u16,
    count: u32,
    /// Where its values are: in the entry itself if they fit there.
    at: usize,
}

impl Entry {
    /// The bytes of one value.
    const fn value_bytes(self) -> usize {
        match self.kind {
            3 | 8 => 2,
            4 | 9 | 11 => 4,
            5 | 10 | 12 => 8,
            _ => 1,
        }
    }
}

impl Tiff<'_> {
    /// A page's shape, and where the next directory is.
    fn directory(&self, at: usize) -> Result<(Shape, u32), ReadError> {
        let entries = usize::from(self.short(at)?);
        let next = self.long(at + 2 + entries * 12)?;
        let mut shape = Shape {
            width: 0,
            height: 0,
            bits_per_pixel: 0,
            decoding_bytes: 0,
            packed_bytes: None,
        };
        let (mut bits, mut samples, mut compression) = (1, 1, 1);
        let (mut offsets, mut byte_counts) = (None, None);
        for index in 0..entries {
            let (tag, entry) = self.entry(at + 2 + index * 12)?;
            match tag {
                WIDTH => shape.width = self.value(entry, 0)?,
                HEIGHT => shape.height = self.value(entry, 0)?,
                BITS_PER_SAMPLE => bits = self.value(entry, 0)?,
                COMPRESSION => compression = self.value(entry, 0)?,
                SAMPLES_PER_PIXEL => samples = self.value(entry, 0)?,
                STRIP_OFFSETS | TILE_OFFSETS => offsets = Some(entry),
                STRIP_BYTE_COUNTS | TILE_BYTE_COUNTS => byte_counts = Some(entry),
                _ => {}
            }
        }
        shape.bits_per_pixel = bits.saturating_mul(samples).min(256);
        // As it comes, and once more as the samples of a pixel stand side by side; then gray. A progressive JPEG has two bytes
        // a sample besides.
        let pixel_bytes = shape.bits_per_pixel.div_ceil(8);
        let copies = if compression == JPEG { 4 } else { 2 };
        shape.decoding_bytes = shape.pixels() * u64::from(copies * pixel_bytes + 1);
        let offsets = offsets.ok_or(ReadError::Damaged)?;
        if shape.pixels() <= super::MAX_PIXELS {
            self.holds(offsets, byte_counts)?;
        }
        Ok((shape, next))
    }

    fn entry(&self, at: usize) -> Result<(u16, Entry), ReadError> {
        let mut entry = Entry {
            kind: self.short(at + 2)?,
            count: self.long(at + 4)?,
            at: at + 8,
        };
        let bytes = entry.value_bytes() * entry.count as usize;
        if bytes > 4 {
            entry.at = self.long(at + 8)? as usize;
        }
        Ok((self.short(at)?, entry))
    }

    /// Whether all of a page's data lies in the file.
    fn holds(&self, offsets: Entry, byte_counts: Option<Entry>) -> Result<(), ReadError> {
        let last = offsets.at + offsets.value_bytes() * offsets.count as usize;
        if last > self.file.len() {
            return Err(ReadError::Damaged);
        }
        for index in 0..offsets.count {
            let length = match byte_counts {
                Some(counts) if index < counts.count => self.value(counts, index)?,
                _ => 1,
            };
            let end = u64::from(self.value(offsets, index)?) + u64::from(length);
            if end > self.file.len() as u64 {
                return Err(ReadError::Damaged);
            }
        }
        Ok(())
    }

    fn value(&self, entry: Entry, index: u32) -> Result<u32, ReadError> {
        let at = entry.at + index as usize * entry.value_bytes();
        match entry.kind {
            3 => self.short(at).map(u32::from),
            4 => self.long(at),
            _ => Err(ReadError::Damaged),
        }
    }

    fn short(&self, at: usize) -> Result<u16, ReadError> {
        let bytes = self.file.get(at..).and_then(|rest| rest.first_chunk().copied());
        let bytes = bytes.ok_or(ReadError::Damaged)?;
        Ok(if self.is_little_endian {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    }

    fn long(&self, at: usize) -> Result<u32, ReadError> {
        let bytes = self.file.get(at..).and_then(|rest| rest.first_chunk().copied());
        let bytes = bytes.ok_or(ReadError::Damaged)?;
        Ok(if self.is_little_endian {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        })
    }
}
