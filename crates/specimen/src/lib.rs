//! Makes synthetic, watermarked identity documents from a seed, with their exact truth.
//!
//! ```
//! use specimen::{Degradation, Document, DocumentKind, Passport, degrade, to_png};
//!
//! let passport = Passport::from_seed(7);
//! let photo = degrade(&passport.draw(), Degradation::Rotated, 7);
//! assert_eq!(passport.truth().issuing_state, "UTO");
//! assert!(to_png(&photo).starts_with(b"\x89PNG"));
//!
//! let card = Document::from_seed(DocumentKind::NationalIdTd1, 7);
//! assert_eq!(card.draw().len(), 2);
//! assert_eq!(card.truth().mrz[0].len(), 30);
//! ```
//!
//! - The same seed gives the same bytes on every machine.
//! - Every document is of Utopia, the fictional state of ICAO Doc 9303 (a one-letter state is asked
//!   for by its option), says SPECIMEN across its face, and is of a person put together from
//!   syllables; there is no photograph anywhere. A licence's issuer number and jurisdiction are ones
//!   that nobody has.
//! - Nothing here reads: a maker that shared code with a reader would hide the reader's mistakes.
//!
//! Start at [`Document`], or at [`Passport`] for passports alone; [`DocumentOptions`] chooses dates,
//! names, numbers and validity; [`DocumentTruth`] is what a reader should find. [`zone_lines`] and
//! [`aamva_text`] make zones and barcode texts apart from pictures; [`training`] draws single lines
//! for the model that reads them.

mod aamva;
mod aamva_version;
mod birth_date;
mod canvas;
mod card;
mod data_page;
pub mod dear;
mod degradation;
mod document;
mod document_kind;
mod document_options;
mod document_truth;
mod draft;
pub mod hostile;
mod image_ops;
mod invented_zone;
mod letters;
mod licence;
mod other_pages;
mod passport;
mod pdf;
mod person;
mod printed;
mod sheet;
pub mod training;
mod truth;
mod visa;
mod zone;

use std::io::Cursor;

use image::{ImageFormat, RgbImage};

pub use aamva::aamva_text;
pub use aamva_version::{AamvaVersion, Subfile};
pub use birth_date::BirthDate;
pub use degradation::{Degradation, degrade};
pub use document::Document;
pub use document_kind::DocumentKind;
pub use document_options::{DocumentOptions, FAR_EXPIRY_DATE};
pub use document_truth::{DocumentTruth, LicenceTruth};
pub use other_pages::{blank_page, letter_page};
pub use passport::{Passport, SpecimenOptions};
pub use pdf::to_pdf;
pub use truth::{Sex, Truth};
pub use zone::{ZoneFields, ZoneFormat, zone_lines};

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
    image_ops::encode_jpeg(picture, quality)
}
