//! Pictures that take most memory to read, each a small file: the dearest kind of each format, with 50 megapixels.

use crate::hostile::png;
use flate2::{Compression, write::ZlibEncoder};
use image::{ImageFormat, RgbImage, RgbaImage};
use std::io::{Cursor, Write};

/// Pixels across and down: 50 megapixels, in whole blocks of 8.
pub const SIDE: u32 = 7064;

/// The pictures, by what they are.
pub fn pictures() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("PNG, RGBA, 16 bits", png_of_zeros(false)),
        ("PNG, RGBA, 16 bits, interlaced", png_of_zeros(true)),
        ("JPEG, progressive, CMYK", progressive_jpeg(4)),
        ("JPEG, progressive", progressive_jpeg(3)),
        ("TIFF, RGBA, 16 bits", tiff_of_zeros()),
        ("WebP, lossless", webp()),
        ("WebP, lossless, with an alpha channel", webp_with_alpha()),
        ("PNG, a page of print", page_of_print()),
        ("PNG, bars that are no barcode", unreadable_barcode()),
    ]
}

/// A black PNG with 16 bits a channel, as a whole or in the seven passes of Adam7.
pub fn png_of_zeros(interlaced: bool) -> Vec<u8> {
    // Where each pass begins across and down, and its steps.
    const PASSES: [[u32; 4]; 7] = [
        [0, 0, 8, 8],
        [4, 0, 8, 8],
        [0, 4, 4, 8],
        [2, 0, 4, 4],
        [0, 2, 2, 4],
        [1, 0, 2, 2],
        [0, 1, 1, 2],
    ];
    let rows = |[left, top, right, down]: [u32; 4]| {
        let row = 1 + 8 * (SIDE - left).div_ceil(right) as usize;
        (row, (SIDE - top).div_ceil(down) as usize)
    };
    let whole = [[0, 0, 1, 1]];
    let passes = if interlaced { &PASSES[..] } else { &whole };
    let mut data = b"IDAT".to_vec();
    let mut packed = ZlibEncoder::new(&mut data, Compression::best());
    for (bytes, rows) in passes.iter().copied().map(rows) {
        let row = vec![0; bytes];
        for _ in 0..rows {
            packed.write_all(&row).expect("into memory");
        }
    }
    packed.finish().expect("into memory");
    png(SIDE, SIDE, [16, 6, 0, 0, u8::from(interlaced)], data)
}

/// A JPEG with the first scan of a progressive one: blocks of one tone, a bit each.
fn progressive_jpeg(components: u8) -> Vec<u8> {
    let side = (SIDE as u16).to_be_bytes();
    let mut file = vec![0xff, 0xd8];
    let mut segment = |marker: u8, body: &[u8]| {
        file.extend([0xff, marker]);
        file.extend((body.len() as u16 + 2).to_be_bytes());
        file.extend(body);
    };
    segment(0xdb, &[&[0][..], &[1; 64]].concat());
    let mut frame = [&[8][..], &side, &side, &[components]].concat();
    let mut scan = vec![components];
    for component in 1..=components {
        frame.extend([component, 0x11, 0]);
        scan.extend([component, 0]);
    }
    segment(0xc2, &frame);
    // One code of one bit: the tone is that of the block before.
    segment(0xc4, &[&[0, 1][..], &[0; 15], &[0]].concat());
    scan.extend([0, 0, 0]);
    segment(0xda, &scan);
    let blocks = (SIDE / 8 * (SIDE / 8)) as usize * usize::from(components);
    file.extend(vec![0; blocks / 8]);
    file.extend([0xff, 0xd9]);
    file
}

/// A black TIFF with 16 bits a channel in one strip, packed by PackBits: 128 zeros in two bytes.
fn tiff_of_zeros() -> Vec<u8> {
    const ENTRIES: [(u16, u16, u32); 9] = [
        (256, 4, SIDE),
        (257, 4, SIDE),
        (258, 3, 16),
        (259, 3, 32773),
        (262, 3, 2),
        (273, 4, 8 + 2 + 10 * 12 + 4 + 8),
        (277, 3, 4),
        (278, 4, SIDE),
        (279, 4, SIDE * SIDE / 16 * 2),
    ];
    let mut file = b"II\x2a\0\x08\0\0\0".to_vec();
    file.extend(10u16.to_le_bytes());
    for (tag, kind, value) in ENTRIES {
        let (count, value) = if tag == 258 {
            (4, 8 + 2 + 10 * 12 + 4)
        } else {
            (1u32, value)
        };
        file.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        file.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
    }
    // The fourth sample is an alpha channel.
    file.extend([338u16.to_le_bytes(), 3u16.to_le_bytes()].concat());
    file.extend([1u32.to_le_bytes(), 2u32.to_le_bytes()].concat());
    file.extend(0u32.to_le_bytes());
    file.extend([16u16.to_le_bytes(); 4].concat());
    file.extend([0x81, 0].repeat((SIDE * SIDE / 16) as usize));
    file
}

/// A TIFF that says it has 10 x 10 pixels, whose one strip is a JPEG of 50 megapixels.
pub fn small_tiff_around_a_large_jpeg() -> Vec<u8> {
    const SMALL: u32 = 10;
    const BITS: u32 = 8 + 2 + 9 * 12 + 4;
    let jpeg = progressive_jpeg(3);
    let entries: [(u16, u16, u32, u32); 9] = [
        (256, 4, 1, SMALL),
        (257, 4, 1, SMALL),
        (258, 3, 3, BITS),
        (259, 3, 1, 7),
        (262, 3, 1, 2),
        (273, 4, 1, BITS + 6),
        (277, 3, 1, 3),
        (278, 4, 1, SMALL),
        (279, 4, 1, jpeg.len() as u32),
    ];
    let mut file = b"II\x2a\0\x08\0\0\0".to_vec();
    file.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        file.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        file.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
    }
    file.extend(0u32.to_le_bytes());
    file.extend([8u16.to_le_bytes(); 3].concat());
    file.extend(jpeg);
    file
}

fn webp() -> Vec<u8> {
    written(
        RgbImage::from_fn(SIDE, SIDE, |x, y| image::Rgb([noise(x, y); 3])).into(),
        ImageFormat::WebP,
    )
}

fn webp_with_alpha() -> Vec<u8> {
    let picture = RgbaImage::from_fn(SIDE, SIDE, |x, y| image::Rgba([noise(x, y); 4]));
    written(picture.into(), ImageFormat::WebP)
}

/// A few rows of anything, so that the file is not suspiciously small.
fn noise(x: u32, y: u32) -> u8 {
    if y < 16 {
        (x.wrapping_mul(0x9e37_79b9) >> (y + 8)) as u8
    } else {
        0
    }
}

/// What looks like a barcode and can't be read takes most memory after the decoding; it has fewer pixels.
pub fn unreadable_barcode() -> Vec<u8> {
    let picture = RgbImage::from_fn(2400, 2400, |x, y| {
        let is_bar = (x * x / 700 + y / 300) % 2 == 0;
        image::Rgb([if is_bar { 0 } else { 255 }; 3])
    });
    written(picture.into(), ImageFormat::Png)
}

/// Print, many times as large as it need be.
fn page_of_print() -> Vec<u8> {
    let page = image::DynamicImage::from(crate::letter_page(1)).into_luma8();
    let large = image::imageops::resize(&page, SIDE, SIDE, image::imageops::FilterType::Nearest);
    written(large.into(), ImageFormat::Png)
}

fn written(picture: image::DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).expect("into memory");
    file.into_inner()
}
