//! Makes synthetic, watermarked identity documents from a seed, with their exact truth.
//!
//! ```
//! use specimen::{Degradation, Passport, degrade, to_png};
//!
//! let passport = Passport::from_seed(7);
//! let photo = degrade(&passport.draw(), Degradation::Rotated, 7);
//! assert_eq!(passport.truth().issuing_state, "UTO");
//! assert!(to_png(&photo).starts_with(b"\x89PNG"));
//! ```
//!
//! - The same seed gives the same bytes on every machine.
//! - Every document is of Utopia, the fictional state of ICAO Doc 9303, says SPECIMEN across its
//!   face, and is of a person put together from syllables; there is no photograph anywhere.
//! - Nothing here reads: a maker that shared code with a reader would hide the reader's mistakes.
//!
//! Start at [`Passport`]; [`SpecimenOptions`] chooses dates, names and validity; [`Truth`] is what a
//! reader should find; [`training`] draws single lines for the model that reads them.

mod canvas;
mod data_page;
mod degradation;
pub mod hostile;
mod other_pages;
mod passport;
mod pdf;
mod person;
pub mod training;
mod truth;
mod wear;
mod zone;

use std::io::Cursor;

use image::{ImageFormat, RgbImage};

pub use degradation::{Degradation, degrade};
pub use other_pages::{blank_page, letter_page};
pub use passport::{Passport, SpecimenOptions};
pub use pdf::to_pdf;
pub use truth::{Sex, Truth};

/// The bytes of a PNG file.
pub fn to_png(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, ImageFormat::Png)
        .expect("writing into memory does not fail");
    bytes.into_inner()
}

/// The bytes of a JPEG file of `quality` (1 to 100).
pub fn to_jpeg(picture: &RgbImage, quality: u8) -> Vec<u8> {
    wear::encode_jpeg(picture, quality)
}
