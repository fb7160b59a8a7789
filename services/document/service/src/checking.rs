//! From what was read to checks, and from a decision to evidence.

use crate::extraction::{not_found, own_document};
use crate::identity::{Identity, IdentityHash};
use crate::profile::MemberProfile;
use crate::store::{Found, NewDecision, Written};
use crate::vault::Vault;
use document_reading::{DocumentReading, check, with_answers};
use document_workflows::contract::{DecisionRecord, StoredEvidence, ValidityRequest};
use document_workflows::policy;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use mesh_runtime::{Problem, clock};
use mesh_types::{
    Check, CheckName, CheckReason, Decision, DocumentId, DocumentKind, Evidence, EvidenceId, MemberId, Reason,
    VerificationId,
};
use std::future::Future;

/// Evidence is kept for as long as the verification counts that it stands behind.
const RETENTION_CLASS: &str = "while_verification_counts";

/// Checks what was read on a document, also against the member's `profile` and against what other members were accepted
/// with, and keeps the checks.
///
/// # Errors
/// `DOCUMENT_NOT_FOUND`, also for another member's; `DOCUMENT_ERASED`; `EXTRACTION_NOT_FOUND` when a page was not read yet;
/// `DOCUMENT_UNREADABLE`; what `profile` fails with; `DATABASE_UNAVAILABLE`.
pub async fn check_document(
    vault: &Vault,
    request: &ValidityRequest,
    profile: impl Future<Output = Result<MemberProfile, Problem>>,
) -> Result<Vec<Check>, Problem> {
    let today = day_of(request.as_of_seconds)?;
    let document = own_document(vault.store(), request.document_id, request.member_id).await?;
    let reading = DocumentReading {
        pages: vault.list_readings(document.document_id).await?,
    };
    if reading.pages.len() != document.page_count as usize {
        return Err(Problem::new(
            Reason::ExtractionNotFound,
            "not every page of the document was read",
        ));
    }
    let compared = profile.await?;
    let checks = check(&reading, &compared.profile, request.document_kind, today);
    let of_the_world = check_identity(vault, &reading, request.document_kind, request.member_id).await?;
    let checks = with_answers(checks, of_the_world);
    let store = vault.store();
    let (document_id, verification_id) = (document.document_id, request.verification_id);
    store
        .record_checks(
            document_id,
            verification_id,
            request.document_kind,
            (&checks, compared.version),
            clock::now(),
        )
        .await?;
    Ok(checks)
}

/// The checks that compare a document with those of other members and with the blocklist.
async fn check_identity(
    vault: &Vault,
    reading: &DocumentReading,
    announced: DocumentKind,
    member_id: MemberId,
) -> Result<[Check; 2], Problem> {
    let (in_use, blocked) = (CheckName::NotInUseByAnother, CheckName::NotBlocklisted);
    let Some(identity) = Identity::of(reading, announced) else {
        return Ok([in_use, blocked].map(|name| Check::not_applicable(name, CheckReason::NumberUnknown)));
    };
    let hashes = vault.identity_hashes(Some(&identity));
    let found = vault.store().find_identity(&hashes, member_id).await?;
    Ok([
        match found.in_use {
            Found::SameDocument => Check::failed(in_use, CheckReason::InUseByAnother),
            Found::SameNumber => Check::failed(in_use, CheckReason::MayBeInUse),
            Found::Nothing => Check::passed(in_use, CheckReason::NotInUse),
        },
        match found.blocked {
            Found::SameDocument => Check::failed(blocked, CheckReason::Blocklisted),
            Found::SameNumber => Check::failed(blocked, CheckReason::MayBeBlocklisted),
            Found::Nothing => Check::passed(blocked, CheckReason::NotBlocklisted),
        },
    ])
}

/// Records a decision with its evidence; the same document and verification again return the same evidence. With an
/// acceptance the member claims the physical document; where that can't be, nothing is written and the answer says why.
///
/// # Errors
/// `DOCUMENT_NOT_FOUND`; `DOCUMENT_UNREADABLE`; `DATABASE_UNAVAILABLE`.
pub async fn record_decision(vault: &Vault, record: DecisionRecord) -> Result<StoredEvidence, Problem> {
    let new_id = |kind| (kind, EvidenceId::from(clock::new_uuid()));
    let decided = NewDecision {
        verification_id: record.verification_id,
        document_id: record.document_id,
        decision: record.decided.decision,
        identity: match record.decided.decision {
            Decision::Accepted => claimed(vault, &record).await?,
            Decision::Rejected | Decision::Resubmit | Decision::NeedsReview => Vec::new(),
        },
        internal_reason: record.decided.internal_reason,
        member_reason: record.decided.member_reason,
        decided_at: instant("decided_at_seconds", record.decided_at_seconds)?,
        evidence: record.decided.proves.into_iter().map(new_id).collect(),
        retention_class: RETENTION_CLASS,
        recorded_at: clock::now(),
    };
    match vault.store().record_decision(&decided).await? {
        Written::NoDocument => Err(not_found()),
        Written::Refused(refusal) => Ok(StoredEvidence {
            refused: Some(refusal),
            ..StoredEvidence::default()
        }),
        Written::Stands { earlier, evidence } => Ok(StoredEvidence {
            // Not the sentence that was stored: a reviewer may have written it, and nothing of that enters Temporal.
            stands: earlier.map(|earlier| {
                let proves = evidence.iter().map(|(kind, _)| kind.clone()).collect();
                policy::standing(earlier.decision, earlier.internal_reason, proves)
            }),
            evidence: evidence
                .into_iter()
                .map(|(kind, evidence_id)| Evidence {
                    evidence_id,
                    kind,
                    basis: None,
                })
                .collect(),
            refused: None,
        }),
    }
}

/// The hashes that an acceptance claims: what a person accepted, and what was read unless its number is another one. A number
/// that a person corrected may be that of another member's document.
pub(crate) fn to_claim(read: Vec<IdentityHash>, mut accepted: Vec<IdentityHash>) -> Vec<IdentityHash> {
    // Of one kind and number they share the weak hash, whatever the issuer.
    if accepted.is_empty() || read.iter().any(|hash| accepted.contains(hash)) {
        accepted.extend(read);
    }
    accepted
}

async fn claimed(vault: &Vault, record: &DecisionRecord) -> Result<Vec<IdentityHash>, Problem> {
    let (document_id, verification_id) = (record.document_id, record.verification_id);
    let read = identity_of(vault, document_id, verification_id).await?;
    let reviewed = vault.store().list_reviewed_identity(document_id, verification_id);
    Ok(to_claim(vault.identity_hashes(&read), reviewed.await?))
}

/// Which physical document was read in a verification. An erased one has none; that it is erased is found again where the
/// decision is written.
///
/// # Errors
/// `DOCUMENT_NOT_FOUND`; `DOCUMENT_UNREADABLE`; `KEY_UNAVAILABLE`; `DATABASE_UNAVAILABLE`.
pub(crate) async fn identity_of(
    vault: &Vault,
    document_id: DocumentId,
    verification_id: VerificationId,
) -> Result<Option<Identity>, Problem> {
    let store = vault.store();
    let document = store.find_document(document_id).await?.ok_or_else(not_found)?;
    let checked = store.find_checked_kind(document_id, verification_id).await?;
    let reading = DocumentReading {
        pages: vault.list_readings(document_id).await?,
    };
    Ok(Identity::of(&reading, checked.unwrap_or(document.kind)))
}

fn day_of(seconds: i64) -> Result<Date, Problem> {
    Ok(instant("as_of_seconds", seconds)?.to_zoned(TimeZone::UTC).date())
}

pub(crate) fn instant(field: &str, seconds: i64) -> Result<Timestamp, Problem> {
    Timestamp::from_second(seconds)
        .map_err(|_| Problem::invalid_field(field, "must be a time between the years -9999 and 9999"))
}

#[cfg(test)]
mod tests;
