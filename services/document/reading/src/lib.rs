//! The eyes of the document service: from a picture of a document to its fields, and from the fields to checks.
//!
//! [`Reader::read_page_of`] turns one picture into a [`PageReading`]: the machine-readable zone (MRZ, ICAO Doc 9303 parts 4
//! to 7: TD1, TD2, TD3, MRV-A, MRV-B), the barcode, the printed words, and how good the picture is. [`DocumentFields`]
//! sees all pages as one document, and [`check`] turns that into the [`Check`](mesh_types::Check)s on which
//! others decide.
//!
//! Invariants:
//! - Two eyes read a zone, independent of each other. The first lays the shapes of the font's glyphs over each cell. The
//!   second is tesseract: by its English model on the print above the zone, if that agrees with the zone in every field;
//!   else by a model of our own for OCR-B on the zone itself. A zone is taken without that model only if every check digit
//!   passes as the glyphs were seen, and no cell that neither print nor a check digit tells of has a near rival.
//! - What no check digit covers and what the eyes see differently is doubtful.
//! - A field counts only when two sources agree on it, or when it rests on check digits that leave it no blind spot.
//! - A file is hostile. Its headers are looked at here ([`Files`]); whatever decodes it or searches its pixels runs in a
//!   program that is fenced in (`document_sandbox`): poppler, tesseract, and our own `document-picture` ([`read_picture`]).
//! - What a page takes is set aside before it is decoded, and its programs are held to it, so that all pages at once stay
//!   within a given memory.
//! - No personal data in errors, logs, spans or `Debug` output; programs get what they open on their standard input only,
//!   so nothing is written to a disk.
//! - Absent on purpose: Temporal, SQL, gRPC, a clock (today is an argument), and any decision.

pub mod barcode;
pub mod blind_spots;
mod blocking;
pub mod checks;
mod cut;
mod decode;
pub mod document;
pub mod engine;
mod error;
pub mod fields;
mod files;
mod format;
mod fusion;
mod glyphs;
mod grid;
mod halved;
pub mod identity_fields;
mod memory;
pub mod mrz_reading;
mod page;
mod page_reading;
mod plane;
mod printed;
mod program;
pub mod quality;
mod reader;
mod rows;
#[cfg(test)]
mod samples;
mod viterbi;
mod wire;
mod zone;

pub use barcode::BarcodeReading;
pub use blocking::holding;
pub use checks::{check, with_answers};
pub use document::DocumentReading;
pub use document_sandbox::{Confinement, InForce, Limits, RunError, SandboxError};
pub use engine::{DEFAULT_PICTURE_MEMORY_MIB, ReaderConfig, picture_program};
pub use error::{Fault, ReadError, ReaderError};
pub use fields::{DocumentFields, Identity, Source, identity};
pub use files::{FileFacts, FileFormat, Files, FilesConfig, MAX_PAGES, MAX_PIXELS, OpenFile, Picture, inspect_picture};
pub use format::{MrzFormat, ZoneField};
pub use identity_fields::{DateOrder, IdentityFields};
pub use mrz_reading::{Cell, CheckDigit, CheckDigits, MrzFields, MrzReading, PartialDate, Repair, Sex};
pub use page_reading::PageReading;
pub use printed::{Agreement, FieldAgreement, PrintedFields, PrintedText, Word};
pub use program::read_picture;
pub use quality::Quality;
pub use reader::Reader;
