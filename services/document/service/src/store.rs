//! All SQL of the service: documents, their pages, what was read, and what was ruled.
//!
//! Time and ids are arguments, what is not there is `None`, and every write may come twice.

mod rows;

pub use rows::{Document, NewDocument, NewPage, Page, RecordedUpload, Standing, StoredRuling};

use document_reading::PageReading;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as Instant, ToSqlx};
use mesh_runtime::Problem;
use mesh_types::{Check, DocumentId, EvidenceId, EvidenceKind, RequestId, VerificationId};
use sqlx::PgPool;
use sqlx::types::Json;

/// The service's tables. Clones share the pool.
#[derive(Clone)]
pub struct Store {
    pool: PgPool,
}

/// What came of recording an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The document is there now.
    New,
    /// Another upload with the same request id was there first; nothing was written.
    RequestIdTaken,
}

/// A ruling to be recorded, see [`Store::record_ruling`].
#[derive(Clone, Debug)]
pub struct NewRuling {
    /// The verification that the document is for.
    pub verification_id: VerificationId,
    /// The document.
    pub document_id: DocumentId,
    /// `mesh_types::Decision::as_str`.
    pub decision: &'static str,
    /// The stable internal reason.
    pub internal_reason: String,
    /// A sentence for the member.
    pub member_reason: String,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// What the document proves, each with the id that a new piece of evidence gets.
    pub evidence: Vec<(EvidenceKind, EvidenceId)>,
    /// How long the evidence is kept.
    pub retention_class: &'static str,
    /// When it is written down.
    pub recorded_at: Timestamp,
}

impl Store {
    /// A store over a database whose schema is up to date.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Records a document with its pages, unless its request id is taken.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then it is not known whether the document is there.
    #[tracing::instrument(name = "INSERT documents", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "documents"))]
    pub async fn insert_document(&self, document: &NewDocument, uploaded_at: Timestamp) -> Result<Recorded, Problem> {
        let mut transaction = self.pool.begin().await?;
        let inserted = sqlx::query!(
            "INSERT INTO documents
                 (document_id, request_id, member_id, kind, page_count, size_bytes, sha256, uploaded_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT ON CONSTRAINT documents_request_once DO NOTHING",
            document.document_id.uuid(),
            document.request_id.uuid(),
            document.member_id.get(),
            document.kind.as_str(),
            document.pages.len() as i32,
            document.size_bytes(),
            &document.sha256[..],
            uploaded_at.to_sqlx() as _,
        )
        .execute(&mut *transaction)
        .await?;
        if inserted.rows_affected() == 0 {
            return Ok(Recorded::RequestIdTaken);
        }
        let numbers: Vec<i32> = (1..).take(document.pages.len()).collect();
        let media_types: Vec<String> = document.pages.iter().map(|page| page.media_type.to_owned()).collect();
        let sizes: Vec<i64> = document.pages.iter().map(|page| page.size_bytes).collect();
        let hashes: Vec<Vec<u8>> = document.pages.iter().map(|page| page.sha256.to_vec()).collect();
        sqlx::query!(
            "INSERT INTO document_pages (document_id, page_number, media_type, size_bytes, sha256)
             SELECT $1, page_number, media_type, size_bytes, sha256
             FROM unnest($2::integer[], $3::text[], $4::bigint[], $5::bytea[])
                 AS page (page_number, media_type, size_bytes, sha256)",
            document.document_id.uuid(),
            &numbers,
            &media_types,
            &sizes,
            &hashes,
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(Recorded::New)
    }

    /// The upload that came with a request id.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "SELECT documents", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "documents"))]
    pub async fn find_upload(&self, request_id: RequestId) -> Result<Option<RecordedUpload>, Problem> {
        let row = sqlx::query_as!(
            rows::UploadRow,
            r#"SELECT document_id, member_id, kind, page_count, size_bytes, documents.sha256,
                   ARRAY(SELECT page.sha256 FROM document_pages page
                         WHERE page.document_id = documents.document_id ORDER BY page_number) AS "page_hashes!"
             FROM documents WHERE request_id = $1"#,
            request_id.uuid(),
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(RecordedUpload::try_from).transpose()
    }

    /// A document.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "SELECT documents", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "documents"))]
    pub async fn find_document(&self, document_id: DocumentId) -> Result<Option<Document>, Problem> {
        let row = sqlx::query_as!(
            rows::DocumentRow,
            "SELECT document_id, member_id, page_count FROM documents WHERE document_id = $1",
            document_id.uuid(),
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(Document::try_from).transpose()
    }

    /// Says in which verification the document is used now; the last one stays.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "UPDATE documents", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "documents"))]
    pub async fn bind_verification(
        &self,
        document_id: DocumentId,
        verification_id: VerificationId,
    ) -> Result<(), Problem> {
        sqlx::query!(
            "UPDATE documents SET verification_id = $2 WHERE document_id = $1 AND verification_id IS DISTINCT FROM $2",
            document_id.uuid(),
            verification_id.uuid(),
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The pages of a document in their order, and which of them were read.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "SELECT document_pages", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "document_pages"))]
    pub async fn list_pages(&self, document_id: DocumentId) -> Result<Vec<Page>, Problem> {
        let rows = sqlx::query_as!(
            rows::PageRow,
            r#"SELECT page_number, sha256, attempts,
                   EXISTS (SELECT FROM page_readings reading
                           WHERE reading.document_id = page.document_id AND reading.page_number = page.page_number)
                       AS "is_read!"
             FROM document_pages page WHERE document_id = $1 ORDER BY page_number"#,
            document_id.uuid(),
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Page::try_from).collect()
    }

    /// Counts a try to read a page, before it is made.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "UPDATE document_pages", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "document_pages"))]
    pub async fn record_attempt(&self, document_id: DocumentId, page_number: u32) -> Result<(), Problem> {
        sqlx::query!(
            "UPDATE document_pages SET attempts = attempts + 1 WHERE document_id = $1 AND page_number = $2",
            document_id.uuid(),
            page_number as i32,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Keeps what was read on a page; the first reading stays.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "INSERT page_readings", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "page_readings"))]
    pub async fn insert_reading(
        &self,
        document_id: DocumentId,
        page_number: u32,
        reading: &PageReading,
        read_at: Timestamp,
    ) -> Result<(), Problem> {
        sqlx::query!(
            "INSERT INTO page_readings (document_id, page_number, reading, read_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT ON CONSTRAINT page_readings_pkey DO NOTHING",
            document_id.uuid(),
            page_number as i32,
            Json(reading) as _,
            read_at.to_sqlx() as _,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// What was read so far, in the order of the pages.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "SELECT page_readings", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "page_readings"))]
    pub async fn list_readings(&self, document_id: DocumentId) -> Result<Vec<PageReading>, Problem> {
        let readings = sqlx::query_scalar!(
            r#"SELECT reading AS "reading: Json<PageReading>" FROM page_readings WHERE document_id = $1 ORDER BY page_number"#,
            document_id.uuid(),
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(readings.into_iter().map(|Json(reading)| reading).collect())
    }

    /// Keeps the checks of a document in a verification; the last ones stay.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "INSERT document_checks", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "document_checks"))]
    pub async fn record_checks(
        &self,
        document_id: DocumentId,
        verification_id: VerificationId,
        checks: &[Check],
        checked_at: Timestamp,
    ) -> Result<(), Problem> {
        sqlx::query!(
            "INSERT INTO document_checks (verification_id, document_id, checks, checked_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT ON CONSTRAINT document_checks_pkey
             DO UPDATE SET checks = excluded.checks, checked_at = excluded.checked_at",
            verification_id.uuid(),
            document_id.uuid(),
            Json(checks) as _,
            checked_at.to_sqlx() as _,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Records a ruling with its evidence in one transaction; the first ruling stays, and its evidence is returned.
    /// `None` when there is no such document.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "INSERT rulings", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "rulings"))]
    pub async fn record_ruling(&self, ruling: &NewRuling) -> Result<Option<Vec<(EvidenceKind, EvidenceId)>>, Problem> {
        let (verification_id, document_id) = (ruling.verification_id.uuid(), ruling.document_id.uuid());
        let mut transaction = self.pool.begin().await?;
        // Locks the document, so that two at once go one after the other.
        let Some(sha256) = sqlx::query_scalar!(
            "SELECT sha256 FROM documents WHERE document_id = $1 FOR UPDATE",
            document_id
        )
        .fetch_optional(&mut *transaction)
        .await?
        else {
            return Ok(None);
        };
        let inserted = sqlx::query!(
            "INSERT INTO rulings (verification_id, document_id, decision, internal_reason, member_reason, decided_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT ON CONSTRAINT rulings_pkey DO NOTHING",
            verification_id,
            document_id,
            ruling.decision,
            ruling.internal_reason,
            ruling.member_reason,
            ruling.decided_at.to_sqlx() as _,
        )
        .execute(&mut *transaction)
        .await?;
        if inserted.rows_affected() > 0 {
            for (kind, evidence_id) in &ruling.evidence {
                sqlx::query!(
                    "INSERT INTO evidence
                         (evidence_id, verification_id, document_id, kind, document_sha256, retention_class, created_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT ON CONSTRAINT evidence_once DO NOTHING",
                    evidence_id.uuid(),
                    verification_id,
                    document_id,
                    kind.as_str(),
                    &sha256,
                    ruling.retention_class,
                    ruling.recorded_at.to_sqlx() as _,
                )
                .execute(&mut *transaction)
                .await?;
            }
        }
        let rows = sqlx::query_as!(
            rows::EvidenceRow,
            "SELECT evidence_id, kind FROM evidence WHERE verification_id = $1 AND document_id = $2",
            verification_id,
            document_id,
        )
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let mut evidence = rows
            .into_iter()
            .map(rows::EvidenceRow::parse)
            .collect::<Result<Vec<_>, _>>()?;
        evidence.sort_unstable();
        Ok(Some(evidence))
    }

    /// How the check of a document stands in the verification that it was last used in.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "SELECT documents", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "documents"))]
    pub async fn find_standing(&self, document_id: DocumentId) -> Result<Option<Standing>, Problem> {
        let row = sqlx::query_as!(
            rows::StandingRow,
            r#"SELECT document.document_id, document.member_id, document.kind, document.page_count,
                   document.verification_id,
                   (SELECT count(*) FROM page_readings reading WHERE reading.document_id = document.document_id)
                       AS "pages_read!",
                   checked.checks AS "checks?: Json<Vec<Check>>",
                   ruling.decision AS "decision?", ruling.internal_reason AS "internal_reason?",
                   ruling.member_reason AS "member_reason?", ruling.decided_at AS "decided_at?: Instant"
             FROM documents document
             LEFT JOIN document_checks checked
                 ON checked.document_id = document.document_id AND checked.verification_id = document.verification_id
             LEFT JOIN rulings ruling
                 ON ruling.document_id = document.document_id AND ruling.verification_id = document.verification_id
             WHERE document.document_id = $1"#,
            document_id.uuid(),
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(Standing::try_from).transpose()
    }
}

#[cfg(test)]
mod tests;
