//! The rules on what a document says of its holder: expiry, plausible dates, age, and the member's profile.
//!
//! Each rule is a total function from plain data to one [`Check`](mesh_types::Check). `document_workflows::policy` says
//! what the checks amount to. These rules are apart from it because they compare personal data, which never enters
//! Temporal, and because they count in days of the calendar.
//!
//! Invariants:
//! - Absent on purpose: pictures, files, Temporal, SQL, a clock (today is an argument).
//! - No personal data in `Debug` output.

mod dates;
pub mod names;
mod profile;
#[cfg(test)]
mod testing;

pub use names::{HolderNames, names_agree};
pub use profile::Profile;

use jiff::civil::Date;
use mesh_types::DocumentKind;

/// What a document says of its holder and of its own validity.
pub struct Holder<'a> {
    /// What the member says it is.
    pub kind: DocumentKind,
    /// The holder's names.
    pub names: HolderNames<'a>,
    /// `None` if it is unknown or no day of the calendar.
    pub birth_date: Option<Date>,
    /// Whether the birth date was read from a zone, whose years have two digits, so that the century was concluded.
    pub birth_century_is_concluded: bool,
    /// Whether print says the same birth date.
    pub birth_date_is_printed: bool,
    /// `None` if it is no day of the calendar.
    pub expiry_date: Option<Date>,
    /// The date of issue in the barcode. Zones have none.
    pub barcode_issue_date: Option<Date>,
    /// The date of issue in print, by its caption.
    pub printed_issue_date: Option<Date>,
}
