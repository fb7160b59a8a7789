//! Every format that is read, page by page, against the picture that went in.

use bytes::Bytes;
use document_reading::{FileFormat, Files, FilesConfig, OpenFile, ReadError};
use image::{DynamicImage, GrayImage, ImageFormat, RgbImage, imageops};
use specimen::{Passport, to_jpeg, to_pdf};
use std::io::Cursor;
use tiff::encoder::{TiffEncoder, colortype::RGB8};

fn files() -> Files {
    Files::new(FilesConfig::default()).expect("poppler is there, and a kernel that can fence it in")
}

async fn decoded(file: &OpenFile, page: u32) -> Result<GrayImage, ReadError> {
    file.picture(page).await?.decode()
}

fn written(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(picture.clone())
        .write_to(&mut bytes, format)
        .expect("can be written");
    bytes.into_inner()
}

fn tiff_of(pages: &[RgbImage]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).expect("into memory");
    for page in pages {
        encoder
            .write_image::<RGB8>(page.width(), page.height(), page.as_raw())
            .expect("into memory");
    }
    bytes.into_inner()
}

/// How far two pictures of one size are apart, in gray levels a pixel.
fn distance(one: &GrayImage, other: &GrayImage) -> f64 {
    assert_eq!(one.dimensions(), other.dimensions());
    let sum: u64 = one
        .iter()
        .zip(other.iter())
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    sum as f64 / one.len() as f64
}

#[tokio::test]
async fn each_page_of_each_format_is_the_picture_that_went_in() {
    let files = files();
    let pages = [1, 2].map(|seed| Passport::from_seed(seed).draw());
    let grays = pages.clone().map(|page| DynamicImage::from(page).into_luma8());
    let [first, _] = &pages;
    let table = [
        (FileFormat::Png, written(first, ImageFormat::Png), 1, 0.0),
        (FileFormat::Jpeg, to_jpeg(first, 90), 1, 4.0),
        (FileFormat::WebP, written(first, ImageFormat::WebP), 1, 0.0),
        (FileFormat::Tiff, tiff_of(&pages), 2, 0.0),
        (FileFormat::Pdf, to_pdf(&pages, 95), 2, 8.0),
    ];
    for (format, bytes, count, most) in table {
        let file = Bytes::from(bytes);
        let facts = files.inspect(&file).await.expect("inspected");
        assert_eq!((facts.format, facts.pages), (format, count));
        let opened = files.open(&file).await.expect("opened");
        for page in 1..=count {
            let drawn = decoded(&opened, page).await.expect("decoded");
            let truth = &grays[page as usize - 1];
            let scaled = imageops::resize(&drawn, truth.width(), truth.height(), imageops::FilterType::Triangle);
            let apart = distance(&scaled, truth);
            assert!(apart <= most, "{format:?}, page {page}: {apart:.2} gray levels apart");
            // The other page is far away, so that this shows which page it is.
            if count == 2 {
                assert!(distance(&scaled, &grays[2 - page as usize]) > apart);
            }
        }
        for none in [0, count + 1] {
            let error = decoded(&opened, none).await.expect_err("no such page");
            assert!(
                matches!(error, ReadError::NoSuchPage { page } if page == none),
                "{format:?}: {error:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_picture_is_turned_as_its_camera_says() {
    let upright = RgbImage::from_fn(40, 20, |x, _| image::Rgb([if x < 20 { 0 } else { 255 }; 3]));
    let plain = to_jpeg(&upright, 95);
    // EXIF with the one tag "orientation", 6: the camera was turned by 90° to the right.
    let exif = b"Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let mut turned = plain[..2].to_vec();
    turned.extend([0xff, 0xe1, 0, exif.len() as u8 + 2]);
    turned.extend(exif);
    turned.extend(&plain[2..]);
    let opened = files().open(&turned.into()).await.expect("opened");
    let drawn = decoded(&opened, 1).await.expect("decoded");
    assert_eq!(drawn.dimensions(), (20, 40));
    assert!(drawn.get_pixel(10, 5).0[0] < 64 && drawn.get_pixel(10, 35).0[0] > 192);
}
