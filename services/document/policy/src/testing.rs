//! A holder whose checks all pass, for tests that change one thing.

use crate::{Holder, HolderNames, Profile};
use jiff::civil::{Date, date};
use mesh_types::DocumentKind;

/// The day on which all is judged.
pub const TODAY: Date = date(2026, 3, 1);

pub fn holder() -> Holder<'static> {
    Holder {
        kind: DocumentKind::Passport,
        names: HolderNames {
            surname: "ERIKSSON",
            given_names: "ANNA MARIA",
            surname_may_be_cut: false,
            given_names_may_be_cut: false,
        },
        birth_date: Some(date(1974, 8, 12)),
        birth_century_is_concluded: true,
        birth_date_is_printed: true,
        expiry_date: Some(date(2030, 4, 15)),
        barcode_issue_date: None,
        printed_issue_date: None,
    }
}

pub fn profile() -> Profile {
    Profile {
        given_names: "Anna Maria".to_owned(),
        family_name: "Eriksson".to_owned(),
        birth_date: date(1974, 8, 12),
    }
}
