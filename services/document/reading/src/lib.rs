//! The eyes of the document service: from a picture of a passport to its fields, and from the fields to checks.
//!
//! [`Reader::read_page`] turns one picture into a [`PageReading`]: the machine-readable zone (MRZ, ICAO Doc 9303 parts 4
//! to 7: TD1, TD2, TD3, MRV-A, MRV-B) and the printed words. [`check`] turns the readings of all pages into the [`Check`](mesh_types::Check)s on which
//! others decide.
//!
//! Invariants:
//! - Two eyes read the zone, independent of each other: tesseract with a model of its own for OCR-B, and the shapes of
//!   the font's glyphs laid over each cell. What no check digit covers and what the eyes see differently is doubtful.
//! - A field counts only when two sources agree on it: zone and print, zone and profile, or zone and check digit.
//! - No personal data in errors, logs, spans or `Debug` output; the OCR engine sees pictures on its standard input only,
//!   so nothing is written to a disk.
//! - Absent on purpose: Temporal, SQL, gRPC, a clock (today is an argument), and any decision.

pub mod checks;
mod decode;
pub mod engine;
mod format;
mod glyphs;
mod grid;
pub mod mrz_reading;
pub mod names;
mod picture;
mod plane;
mod printed;
mod reader;
mod rows;
#[cfg(test)]
mod samples;
mod trellis;
mod weigh;
mod zone;

pub use checks::{DocumentReading, Profile, check};
pub use engine::{Limits, ReaderConfig};
pub use format::{MrzFormat, ZoneField};
pub use mrz_reading::{Cell, CheckDigit, CheckDigits, MrzFields, MrzReading, PartialDate, Repair, Sex};
pub use names::names_agree;
pub use picture::{MAX_PIXELS, PictureFormat, sniff};
pub use printed::{Agreement, FieldAgreement, PrintedText, Word};
pub use reader::{Fault, PageReading, ReadError, Reader, ReaderError};
