//! Checks, decisions and evidence.

use super::Store;
use super::identities::{Found, NewClaim, bytes, find_identity, insert_claim, lock};
use super::profile_changes::is_outdated;
use super::rows::{count, decision, kind, member};
use crate::identity::IdentityHash;
use document_workflows::contract::Refusal;
use document_workflows::policy::RULE_VERSION;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as Instant, ToSqlx};
use mesh_runtime::Problem;
use mesh_types::{Check, Decision, DocumentId, DocumentKind, EvidenceId, EvidenceKind, Open, VerificationId};
use sqlx::PgConnection;
use sqlx::types::Json;

/// A decision to be recorded, see [`Store::record_decision`].
#[derive(Clone, Debug)]
pub struct NewDecision {
    /// The verification that the document is for.
    pub verification_id: VerificationId,
    /// The document.
    pub document_id: DocumentId,
    /// What was decided.
    pub decision: Decision,
    /// The stable internal reason.
    pub internal_reason: String,
    /// A sentence for the member; that of a reviewer who decided the same goes before it.
    pub member_reason: String,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// Which physical document it is, under every key; empty if that could not be read.
    pub identity: Vec<IdentityHash>,
    /// What the document proves, each with the id that a new piece of evidence gets.
    pub evidence: Vec<(Open<EvidenceKind>, EvidenceId)>,
    /// How long the evidence is kept.
    pub retention_class: &'static str,
    /// When it is written down.
    pub recorded_at: Timestamp,
}

/// What came of recording a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It stands, or a final one of before does; with the evidence of the one that stands, by its kind.
    Stands {
        /// The final decision of before, where it says otherwise than the new one.
        earlier: Option<StoredDecision>,
        /// What the decision that stands rests on.
        evidence: Vec<(Open<EvidenceKind>, EvidenceId)>,
    },
    /// An acceptance that can't be; nothing was written.
    Refused(Refusal),
    /// There is no such document.
    NoDocument,
}

/// A decision as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDecision {
    /// What was decided.
    pub decision: Decision,
    /// The stable internal reason.
    pub internal_reason: String,
    /// A sentence for the member.
    pub member_reason: String,
    /// When it was decided.
    pub decided_at: Timestamp,
}

/// A piece of evidence as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvidenceItem {
    /// The piece.
    pub evidence_id: EvidenceId,
    /// The document.
    pub document_id: DocumentId,
    /// What the document was announced as.
    pub document_kind: DocumentKind,
    /// Which submission of the verification it was, from 1.
    pub submission: u32,
    /// What it proves.
    pub proves: Open<EvidenceKind>,
    /// Of the document.
    pub sha256: Vec<u8>,
    /// How long it is kept.
    pub retention_class: String,
    /// When it was recorded.
    pub created_at: Timestamp,
}

/// The key of a piece in the list of evidence: microseconds since 1970-01-01 UTC, then the piece.
pub type EvidenceKey = (i64, EvidenceId);

impl StoredEvidenceItem {
    /// Its key in the list.
    pub fn key(&self) -> EvidenceKey {
        (self.created_at.as_microsecond(), self.evidence_id)
    }
}

impl Store {
    /// Keeps the checks of a document in a verification, with the version of the profile that it was compared with, and what the
    /// member said that it is; the last ones stay.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "INSERT document_checks", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "document_checks"))]
    pub async fn record_checks(
        &self,
        document_id: DocumentId,
        verification_id: VerificationId,
        announced: DocumentKind,
        (checks, profile_version): (&[Check], i64),
        checked_at: Timestamp,
    ) -> Result<(), Problem> {
        sqlx::query!(
            "INSERT INTO document_checks
                 (verification_id, document_id, document_kind, checks, rule_version, profile_version, checked_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT ON CONSTRAINT document_checks_pkey DO UPDATE
             SET document_kind = excluded.document_kind, checks = excluded.checks, rule_version = excluded.rule_version,
                 profile_version = excluded.profile_version, checked_at = excluded.checked_at",
            verification_id.uuid(),
            document_id.uuid(),
            announced.as_str(),
            Json(checks) as _,
            i16::try_from(RULE_VERSION).map_err(Problem::internal)?,
            profile_version,
            checked_at.to_sqlx() as _,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// What the member said that a document is when it was checked in a verification; `None` if it wasn't checked.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "SELECT document_checks", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "document_checks"))]
    pub async fn find_checked_kind(
        &self,
        document_id: DocumentId,
        verification_id: VerificationId,
    ) -> Result<Option<DocumentKind>, Problem> {
        let text = sqlx::query_scalar!(
            "SELECT document_kind FROM document_checks WHERE verification_id = $1 AND document_id = $2",
            verification_id.uuid(),
            document_id.uuid(),
        )
        .fetch_optional(&self.pool)
        .await?;
        text.map(|text| kind(&text)).transpose()
    }

    /// Records a decision with its evidence in one transaction; with an acceptance, the member's claim to the document of
    /// the world.
    ///
    /// Accepted and rejected are final: the first of them stays. A decision that asks for a person gives way to what the
    /// person decides, and one that asks for another picture to a later look at the same document.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "INSERT document_decisions", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "document_decisions"))]
    pub async fn record_decision(&self, decided: &NewDecision) -> Result<Written, Problem> {
        let (verification_id, document_id) = (decided.verification_id.uuid(), decided.document_id.uuid());
        let mut transaction = self.pool.begin().await?;
        // Locks the document, so that two at once go one after the other.
        let document = sqlx::query!(
            r#"SELECT sha256, member_id, erased_at IS NOT NULL AS "is_erased!"
             FROM documents WHERE document_id = $1 FOR UPDATE"#,
            document_id
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(document) = document else {
            return Ok(Written::NoDocument);
        };
        let standing = sqlx::query!(
            r#"SELECT decision, internal_reason, member_reason, decided_at AS "decided_at: Instant"
             FROM document_decisions WHERE verification_id = $1 AND document_id = $2"#,
            verification_id,
            document_id,
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let standing = standing.map(|row| {
            Ok::<_, Problem>(StoredDecision {
                decision: decision(&row.decision)?,
                internal_reason: row.internal_reason,
                member_reason: row.member_reason,
                decided_at: row.decided_at.to_jiff(),
            })
        });
        let earlier = standing.transpose()?.filter(|standing| !gives_way(standing, decided));
        if earlier.is_none() {
            if decided.decision == Decision::Accepted {
                let claim = NewClaim {
                    hashes: &decided.identity,
                    member_id: member(document.member_id)?,
                    document_id: decided.document_id,
                    verification_id: decided.verification_id,
                    claimed_at: decided.recorded_at,
                };
                let erased = document.is_erased.then_some(Refusal::Erased);
                let compared = (decided.verification_id, decided.document_id);
                let outdated = is_outdated(&mut transaction, claim.member_id, compared).await?;
                let outdated = outdated.then_some(Refusal::ProfileChanged);
                if let Some(refusal) = erased.or(outdated).or(refused(&mut transaction, &claim).await?) {
                    return Ok(Written::Refused(refusal));
                }
                insert_claim(&mut transaction, &claim).await?;
            }
            write_decision(&mut transaction, decided).await?;
            write_evidence(&mut transaction, decided, &document.sha256).await?;
        }
        let evidence = evidence_of(&mut transaction, decided).await?;
        transaction.commit().await?;
        let says_otherwise = |earlier: &StoredDecision| {
            (earlier.decision, &earlier.internal_reason) != (decided.decision, &decided.internal_reason)
        };
        Ok(Written::Stands {
            earlier: earlier.filter(says_otherwise),
            evidence,
        })
    }

    /// The evidence of a verification's documents after a place, the oldest first.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "SELECT evidence", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "evidence"))]
    pub async fn list_evidence(
        &self,
        verification_id: VerificationId,
        after: Option<EvidenceKey>,
        limit: i64,
    ) -> Result<Vec<StoredEvidenceItem>, Problem> {
        let after_at = after.map(|(micros, _)| Timestamp::from_microsecond(micros));
        let after_at = after_at.transpose().map_err(Problem::internal)?;
        let rows = sqlx::query!(
            r#"SELECT evidence_id, evidence.document_id, document.kind AS document_kind, evidence.kind AS proves,
                   document_sha256, retention_class, created_at AS "created_at: Instant",
                   coalesce((SELECT min(submission) FROM submissions submitted
                             WHERE submitted.verification_id = evidence.verification_id
                               AND submitted.document_id = evidence.document_id), 1) AS "submission!"
             FROM evidence JOIN documents document ON document.document_id = evidence.document_id
             WHERE evidence.verification_id = $1
               AND ($2::timestamptz IS NULL OR (created_at, evidence_id) > ($2, $3))
             ORDER BY created_at, evidence_id LIMIT $4"#,
            verification_id.uuid(),
            after_at.map(|at| at.to_sqlx()) as _,
            after.map(|(_, evidence_id)| evidence_id.uuid()),
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        let items = rows.into_iter().map(|row| {
            Ok(StoredEvidenceItem {
                evidence_id: row.evidence_id.into(),
                document_id: row.document_id.into(),
                document_kind: kind(&row.document_kind)?,
                submission: count("submission", row.submission)?,
                proves: Open::of_text(&row.proves),
                sha256: row.document_sha256,
                retention_class: row.retention_class,
                created_at: row.created_at.to_jiff(),
            })
        });
        items.collect()
    }
}

fn gives_way(standing: &StoredDecision, to: &NewDecision) -> bool {
    let decided_at = standing.decided_at;
    match standing.decision {
        Decision::Accepted | Decision::Rejected => false,
        Decision::NeedsReview => to.decided_at >= decided_at,
        // The same decision may come twice; what comes later, or says otherwise within the same second, is another look.
        Decision::Resubmit => {
            to.decided_at > decided_at || (to.decided_at == decided_at && to.decision != Decision::Resubmit)
        }
    }
}

async fn refused(connection: &mut PgConnection, claim: &NewClaim<'_>) -> Result<Option<Refusal>, Problem> {
    lock(connection, &bytes(claim.hashes)).await?;
    let found = find_identity(connection, claim.hashes, claim.member_id).await?;
    Ok(if found.blocked == Found::SameDocument {
        Some(Refusal::Blocklisted)
    } else if found.in_use == Found::SameDocument {
        Some(Refusal::InUseByAnother)
    } else if found.is_doubtful() && !is_members_own(connection, claim).await? {
        Some(Refusal::NumberKnown)
    } else {
        None
    })
}

/// Whether the person who accepted the document made sure that it is the member's own, and it was not taken from the member
/// since.
async fn is_members_own(connection: &mut PgConnection, claim: &NewClaim<'_>) -> Result<bool, Problem> {
    let is_members_own = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM reviews
                           WHERE verification_id = $1 AND document_id = $2 AND status = 'decided' AND decision = 'accepted'
                             AND is_members_own
                             AND NOT EXISTS (SELECT FROM document_identities
                                              WHERE identity_hash = ANY($3) AND member_id = $4
                                                AND released_at > ended_at)) AS "is_members_own!""#,
        claim.verification_id.uuid(),
        claim.document_id.uuid(),
        &bytes(claim.hashes),
        claim.member_id.get(),
    )
    .fetch_one(connection)
    .await?;
    Ok(is_members_own)
}

async fn write_decision(connection: &mut PgConnection, decided: &NewDecision) -> Result<(), Problem> {
    sqlx::query!(
        "INSERT INTO document_decisions
             (verification_id, document_id, decision, internal_reason, member_reason, profile_version, decided_at)
         SELECT $1, $2, $3, $4,
             coalesce((SELECT nullif(member_text, '') FROM reviews
                       WHERE verification_id = $1 AND document_id = $2 AND status = 'decided' AND decision = $3), $5),
             (SELECT profile_version FROM document_checks WHERE verification_id = $1 AND document_id = $2),
             $6
         ON CONFLICT ON CONSTRAINT document_decisions_pkey DO UPDATE
         SET decision = excluded.decision, internal_reason = excluded.internal_reason,
             member_reason = excluded.member_reason, profile_version = excluded.profile_version,
             decided_at = excluded.decided_at",
        decided.verification_id.uuid(),
        decided.document_id.uuid(),
        decided.decision.as_str(),
        decided.internal_reason,
        decided.member_reason,
        decided.decided_at.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_evidence(connection: &mut PgConnection, decided: &NewDecision, sha256: &[u8]) -> Result<(), Problem> {
    for (kind, evidence_id) in &decided.evidence {
        sqlx::query!(
            "INSERT INTO evidence
                 (evidence_id, verification_id, document_id, kind, document_sha256, retention_class, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT ON CONSTRAINT evidence_once DO NOTHING",
            evidence_id.uuid(),
            decided.verification_id.uuid(),
            decided.document_id.uuid(),
            kind.as_str(),
            sha256,
            decided.retention_class,
            decided.recorded_at.to_sqlx() as _,
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn evidence_of(
    connection: &mut PgConnection,
    decided: &NewDecision,
) -> Result<Vec<(Open<EvidenceKind>, EvidenceId)>, Problem> {
    let rows = sqlx::query!(
        "SELECT evidence_id, kind FROM evidence WHERE verification_id = $1 AND document_id = $2",
        decided.verification_id.uuid(),
        decided.document_id.uuid(),
    )
    .fetch_all(connection)
    .await?;
    let pieces = rows
        .into_iter()
        .map(|row| (Open::of_text(&row.kind), row.evidence_id.into()));
    let mut evidence: Vec<_> = pieces.collect();
    evidence.sort_unstable();
    Ok(evidence)
}
