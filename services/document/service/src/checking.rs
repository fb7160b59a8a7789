//! From what was read to checks, and from a ruling to evidence.

use crate::extraction::{not_found, own_document};
use crate::store::{NewRuling, Store};
use document_reading::{DocumentReading, Profile, check};
use document_workflows::contract::{RulingRecord, ValidityRequest};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use mesh_runtime::{Problem, clock};
use mesh_types::{Check, Evidence, EvidenceId, Reason};
use std::future::Future;

/// Evidence is kept for as long as the verification counts that it stands behind.
const RETENTION_CLASS: &str = "while_verification_counts";

/// Checks what was read on a document, also against the member's `profile`, and keeps the checks.
///
/// # Errors
/// `DOCUMENT_NOT_FOUND`, `DOCUMENT_OF_ANOTHER_MEMBER`; `EXTRACTION_NOT_FOUND` when a page was not read yet; what `profile`
/// fails with; `DATABASE_UNAVAILABLE`.
pub async fn check_document(
    store: &Store,
    request: &ValidityRequest,
    profile: impl Future<Output = Result<Profile, Problem>>,
) -> Result<Vec<Check>, Problem> {
    let today = day_of(request.as_of_seconds)?;
    let document = own_document(store, request.document_id, request.member_id).await?;
    let pages = store.list_readings(document.document_id).await?;
    if pages.len() != document.page_count as usize {
        return Err(Problem::new(
            Reason::ExtractionNotFound,
            "not every page of the document was read",
        ));
    }
    let checks = check(
        &DocumentReading { pages },
        &profile.await?,
        request.document_kind,
        today,
    );
    store
        .record_checks(document.document_id, request.verification_id, &checks, clock::now())
        .await?;
    Ok(checks)
}

/// Records a ruling with its evidence; the same document and verification again return the same evidence.
///
/// # Errors
/// `DOCUMENT_NOT_FOUND`; `DATABASE_UNAVAILABLE`.
pub async fn record_ruling(store: &Store, record: RulingRecord) -> Result<Vec<Evidence>, Problem> {
    let ruling = NewRuling {
        verification_id: record.verification_id,
        document_id: record.document_id,
        decision: record.ruling.decision.as_str(),
        internal_reason: record.ruling.internal_reason,
        member_reason: record.ruling.member_reason,
        decided_at: instant("decided_at_seconds", record.decided_at_seconds)?,
        evidence: record
            .ruling
            .proves
            .into_iter()
            .map(|kind| (kind, EvidenceId::from(clock::new_uuid())))
            .collect(),
        retention_class: RETENTION_CLASS,
        recorded_at: clock::now(),
    };
    let evidence = store.record_ruling(&ruling).await?.ok_or_else(not_found)?;
    Ok(evidence
        .into_iter()
        .map(|(kind, evidence_id)| Evidence { evidence_id, kind })
        .collect())
}

fn day_of(seconds: i64) -> Result<Date, Problem> {
    Ok(instant("as_of_seconds", seconds)?.to_zoned(TimeZone::UTC).date())
}

fn instant(field: &str, seconds: i64) -> Result<Timestamp, Problem> {
    Timestamp::from_second(seconds)
        .map_err(|_| Problem::invalid_field(field, "must be a time between the years -9999 and 9999"))
}

#[cfg(test)]
mod tests;
