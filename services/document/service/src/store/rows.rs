//! What a text or number in a table means outside: it becomes a type here and nowhere else.

use mesh_runtime::Problem;
use mesh_types::{Decision, DocumentKind, MemberId};

/// A row that no version of this code wrote.
#[derive(Debug, thiserror::Error)]
#[error("column {column} holds a value that is not known here")]
struct UnknownValue {
    column: &'static str,
}

pub(super) fn known<T>(column: &'static str, value: Option<T>) -> Result<T, Problem> {
    value.ok_or_else(|| Problem::internal(UnknownValue { column }))
}

pub(super) fn count(column: &'static str, value: impl TryInto<u32>) -> Result<u32, Problem> {
    known(column, value.try_into().ok())
}

pub(super) fn member(id: i64) -> Result<MemberId, Problem> {
    known("member_id", MemberId::try_from(id).ok())
}

pub(super) fn kind(text: &str) -> Result<DocumentKind, Problem> {
    known("kind", DocumentKind::parse(text))
}

pub(super) fn decision(text: &str) -> Result<Decision, Problem> {
    let all = [
        Decision::Accepted,
        Decision::Rejected,
        Decision::Resubmit,
        Decision::NeedsReview,
    ];
    known("decision", all.into_iter().find(|decision| decision.as_str() == text))
}
