//! From a picture's bytes to gray pixels, with the limits held before anything is decoded. Runs in the program that reads
//! pictures, inside the fence.

use super::{FileFormat, MAX_PIXELS, Shape, directories, pgm, shapes};
use crate::{error::ReadError, wire::Which};
use image::{
    DynamicImage, GrayImage, ImageBuffer, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Luma, LumaA,
    Pixel, Rgb, Rgba, metadata::Orientation,
};
use png::{BitDepth, ColorType, InterlaceInfo, Transformations};
use std::io::Cursor;

/// What a decoded picture may take: 8 bytes a pixel (RGBA with 16 bits a channel), and 64 MiB to decode it from.
const MAX_DECODED_BYTES: u64 = MAX_PIXELS * 8 + (64 << 20);

/// What the rows of a PNG that are there at once may take.
const MAX_ROW_BYTES: usize = 64 << 20;

/// Decodes a page of a file to gray, turned as its camera says.
///
/// # Errors
/// Those of [`inspect_picture`](super::inspect_picture), [`ReadError::NoSuchPage`], and [`ReadError::Damaged`] or [`ReadError::Unsupported`] if the
/// pixels cannot be decoded.
pub(crate) fn decode_gray(file: Vec<u8>, which: Which) -> Result<GrayImage, ReadError> {
    let page = match which {
        Which::Drawn => return pgm::decode(file),
        Which::Page(page) => page,
    };
    let (format, shapes) = shapes(&file)?;
    let index = (page as usize).checked_sub(1);
    let shape = index.and_then(|index| shapes.get(index));
    let (Some(index), Some(shape)) = (index, shape) else {
        return Err(ReadError::NoSuchPage { page });
    };
    match format {
        FileFormat::Png => decode_png(&file, shape),
        FileFormat::Jpeg => decode(file, ImageFormat::Jpeg, shape),
        FileFormat::WebP => decode(file, ImageFormat::WebP, shape),
        FileFormat::Tiff => {
            let pages = directories::pages(&file)?;
            let file = directories::beginning_with(file, pages[index]);
            decode(file, ImageFormat::Tiff, shape)
        }
        FileFormat::Pdf => Err(ReadError::NotAPicture),
    }
}

/// A picture of a format that can be decoded as a whole only.
fn decode(file: Vec<u8>, format: ImageFormat, shape: &Shape) -> Result<GrayImage, ReadError> {
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(failure)?;
    check_size(decoder.dimensions(), shape)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let gray = DynamicImage::from_decoder(decoder).map_err(failure)?.into_luma8();
    Ok(turned(gray, orientation))
}

/// A PNG, row by row: only its gray pixels are ever there as a whole.
fn decode_png(file: &[u8], shape: &Shape) -> Result<GrayImage, ReadError> {
    let limits = png::Limits { bytes: MAX_ROW_BYTES };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(file), limits);
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(|_| ReadError::Damaged)?;
    let exif = reader.info().exif_metadata.as_deref();
    let orientation = exif
        .and_then(Orientation::from_exif_chunk)
        .unwrap_or(Orientation::NoTransforms);
    let (width, height) = reader.info().size();
    check_size((width, height), shape)?;
    let kind = reader.output_color_type();
    let mut gray = GrayImage::new(width, height);
    let mut line = 0;
    while let Some(row) = reader.next_interlaced_row().map_err(|_| ReadError::Damaged)? {
        let luma = luma(kind, row.data())?;
        match row.interlace() {
            InterlaceInfo::Null(_) => {
                let whole = gray.chunks_exact_mut(width as usize).nth(line);
                let whole = whole.filter(|whole| whole.len() == luma.len());
                whole.ok_or(ReadError::Damaged)?.copy_from_slice(&luma);
                line += 1;
            }
            InterlaceInfo::Adam7(pass) => png::expand_interlaced_row(&mut gray, width as usize, &luma, pass, 8),
        }
    }
    Ok(turned(gray, orientation))
}

/// A row of a PNG in gray, by the same rules as every other picture.
fn luma((color, depth): (ColorType, BitDepth), row: &[u8]) -> Result<Vec<u8>, ReadError> {
    use DynamicImage as Image;
    let bytes = || row.to_vec();
    let words = || {
        row.as_chunks::<2>()
            .0
            .iter()
            .map(|word| u16::from_be_bytes(*word))
            .collect()
    };
    let image = match (color, depth) {
        (ColorType::Grayscale, BitDepth::Eight) => return Ok(bytes()),
        (ColorType::GrayscaleAlpha, BitDepth::Eight) => of_one_row::<LumaA<u8>>(bytes()).map(Image::ImageLumaA8),
        (ColorType::Rgb, BitDepth::Eight) => of_one_row::<Rgb<u8>>(bytes()).map(Image::ImageRgb8),
        (ColorType::Rgba, BitDepth::Eight) => of_one_row::<Rgba<u8>>(bytes()).map(Image::ImageRgba8),
        (ColorType::Grayscale, BitDepth::Sixteen) => of_one_row::<Luma<u16>>(words()).map(Image::ImageLuma16),
        (ColorType::GrayscaleAlpha, BitDepth::Sixteen) => of_one_row::<LumaA<u16>>(words()).map(Image::ImageLumaA16),
        (ColorType::Rgb, BitDepth::Sixteen) => of_one_row::<Rgb<u16>>(words()).map(Image::ImageRgb16),
        (ColorType::Rgba, BitDepth::Sixteen) => of_one_row::<Rgba<u16>>(words()).map(Image::ImageRgba16),
        _ => return Err(ReadError::Unsupported),
    };
    Ok(image.ok_or(ReadError::Damaged)?.into_luma8().into_raw())
}

fn of_one_row<P: Pixel>(samples: Vec<P::Subpixel>) -> Option<ImageBuffer<P, Vec<P::Subpixel>>> {
    let width = samples.len() / usize::from(P::CHANNEL_COUNT);
    ImageBuffer::from_raw(width as u32, 1, samples)
}

/// The memory is set aside for the size in the header that was inspected; a decoder may believe another one.
fn check_size(size: (u32, u32), shape: &Shape) -> Result<(), ReadError> {
    if size != (shape.width, shape.height) {
        return Err(ReadError::Damaged);
    }
    Ok(())
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    limits
}

fn turned(gray: GrayImage, orientation: Orientation) -> GrayImage {
    let mut gray = DynamicImage::ImageLuma8(gray);
    gray.apply_orientation(orientation);
    gray.into_luma8()
}

fn failure(error: ImageError) -> ReadError {
    match error {
        ImageError::Unsupported(_) => ReadError::Unsupported,
        _ => ReadError::Damaged,
    }
}
