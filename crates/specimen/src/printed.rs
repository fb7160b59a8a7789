//! How the printed fields word what a document says.

use jiff::civil::Date;

use crate::birth_date::BirthDate;
use crate::document_truth::DocumentTruth;

/// `12 AUG 1974`.
pub(crate) fn date(date: Date) -> String {
    BirthDate::from(date).in_print()
}

/// The issuing state by name, or its code where it is not Utopia.
pub(crate) fn state(truth: &DocumentTruth) -> &str {
    match truth.issuing_state.as_str() {
        "UTO" => "UTOPIA",
        code => code,
    }
}

/// The nationality as a word, or its code where it is not Utopia's.
pub(crate) fn nationality(truth: &DocumentTruth) -> &str {
    match truth.nationality.as_str() {
        "UTO" => "UTOPIAN",
        code => code,
    }
}
