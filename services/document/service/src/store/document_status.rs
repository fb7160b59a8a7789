//! How the check of a document stands.

use super::rows::{count, decision, kind, member};
use super::{Store, StoredDecision};
use jiff_sqlx::Timestamp as Instant;
use mesh_runtime::Problem;
use mesh_types::{Check, DocumentId, DocumentKind, MemberId, VerificationId};
use sqlx::types::Json;
use uuid::Uuid;

/// How the check of a document stands.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentStatus {
    /// The document.
    pub document_id: DocumentId,
    /// Whose it is.
    pub member_id: MemberId,
    /// What it was announced as.
    pub kind: DocumentKind,
    /// Pages, 1 to 50.
    pub page_count: u32,
    /// Pages read so far.
    pub pages_read: u32,
    /// The verification that is meant: the one that was asked for, or the one that it was last used in.
    pub verification_id: Option<VerificationId>,
    /// Which submission of that verification it is, from 1.
    pub submission: Option<u32>,
    /// The checks in that verification; empty until they were made.
    pub checks: Vec<Check>,
    /// The decision in that verification.
    pub decided: Option<StoredDecision>,
}

struct DocumentStatusRow {
    document_id: Uuid,
    member_id: i64,
    kind: String,
    page_count: i32,
    pages_read: i64,
    verification_id: Option<Uuid>,
    submission: Option<i32>,
    checks: Option<Json<Vec<Check>>>,
    decision: Option<String>,
    internal_reason: Option<String>,
    member_reason: Option<String>,
    decided_at: Option<Instant>,
}

impl Store {
    /// How the check of a document stands in a verification, by default in the one that it was last used in.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "SELECT documents", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "documents"))]
    pub async fn find_document_status(
        &self,
        document_id: DocumentId,
        verification_id: Option<VerificationId>,
    ) -> Result<Option<DocumentStatus>, Problem> {
        let row = sqlx::query_as!(
            DocumentStatusRow,
            r#"SELECT document.document_id, document.member_id, document.kind, document.page_count,
                   meant.verification_id,
                   (SELECT count(*) FROM page_readings reading WHERE reading.document_id = document.document_id)
                       AS "pages_read!",
                   (SELECT max(submission) FROM submissions submitted
                    WHERE submitted.document_id = document.document_id
                      AND submitted.verification_id = meant.verification_id) AS submission,
                   checked.checks AS "checks?: Json<Vec<Check>>",
                   decided.decision AS "decision?", decided.internal_reason AS "internal_reason?",
                   decided.member_reason AS "member_reason?", decided.decided_at AS "decided_at?: Instant"
             FROM documents document
             CROSS JOIN LATERAL (SELECT coalesce($2, document.verification_id) AS verification_id) meant
             LEFT JOIN document_checks checked
                 ON checked.document_id = document.document_id AND checked.verification_id = meant.verification_id
             LEFT JOIN document_decisions decided
                 ON decided.document_id = document.document_id AND decided.verification_id = meant.verification_id
             WHERE document.document_id = $1"#,
            document_id.uuid(),
            verification_id.map(VerificationId::uuid),
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(DocumentStatusRow::parse).transpose()
    }
}

impl DocumentStatusRow {
    fn parse(self) -> Result<DocumentStatus, Problem> {
        let decided = match (self.decision, self.internal_reason, self.member_reason, self.decided_at) {
            (Some(text), Some(internal_reason), Some(member_reason), Some(decided_at)) => Some(StoredDecision {
                decision: decision(&text)?,
                internal_reason,
                member_reason,
                decided_at: decided_at.to_jiff(),
            }),
            _ => None,
        };
        Ok(DocumentStatus {
            document_id: self.document_id.into(),
            member_id: member(self.member_id)?,
            kind: kind(&self.kind)?,
            page_count: count("page_count", self.page_count)?,
            pages_read: count("pages_read", self.pages_read)?,
            verification_id: self.verification_id.map(VerificationId::from),
            submission: self.submission.map(|number| count("submission", number)).transpose()?,
            checks: self.checks.map(|Json(checks)| checks).unwrap_or_default(),
            decided,
        })
    }
}
