//! The eyes of the document service: from a picture of a passport to its fields, and from the fields to checks.
//!
//! [`Reader::read_page`] turns one picture into a [`PageReading`]: the machine-readable zone (MRZ, ICAO Doc 9303 part 4,
//! TD3) and the printed words. [`check`] turns the readings of all pages into the [`Check`](mesh_types::Check)s on which
//! others decide.
//!
//! Invariants:
//! - Two eyes read the zone, independent of each other: tesseract with a model of its own for OCR-B, and the shapes of
//!   the font's glyphs laid over each cell. What no check digit covers and what the eyes see differently is doubtful.
//! - A field counts only when two sources agree on it: zone and print, zone and profile, or zone and check digit.
//! - A file is hostile until its headers were looked at ([`Files`]); what runs on it is fenced in (`document_sandbox`).
//! - No personal data in errors, logs, spans or `Debug` output; programs get what they open on their standard input only,
//!   so nothing is written to a disk.
//! - Absent on purpose: Temporal, SQL, gRPC, a clock (today is an argument), and any decision.

pub mod checks;
mod decode;
pub mod engine;
mod error;
mod files;
mod glyphs;
mod grid;
pub mod mrz_reading;
pub mod names;
mod plane;
mod printed;
mod reader;
mod rows;
mod weigh;
mod zone;

pub use checks::{DocumentReading, Profile, check};
pub use document_sandbox::{Confinement, InForce, Limits, RunError, SandboxError};
pub use engine::ReaderConfig;
pub use error::{Fault, ReadError, ReaderError};
pub use files::{FileFacts, FileFormat, Files, FilesConfig, MAX_PAGES, MAX_PIXELS, inspect_picture};
pub use mrz_reading::{CheckDigit, CheckDigits, MrzFields, MrzReading, Repair, Sex};
pub use names::names_agree;
pub use printed::{Agreement, FieldAgreement, PrintedText, Word};
pub use reader::{PageReading, Reader};
