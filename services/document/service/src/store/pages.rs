//! The pages of documents, and how often their reading was tried.

use super::Store;
use super::rows::{count, known};
use mesh_runtime::Problem;
use mesh_types::DocumentId;
use uuid::Uuid;

/// A page of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// From 1.
    pub number: u32,
    /// The file that it is in, from 1.
    pub file_number: u32,
    /// Which page of that file it is, from 1.
    pub page_in_file: u32,
    /// Of the file.
    pub media_type: String,
    /// Over the file's bytes, as they were uploaded.
    pub sha256: [u8; 32],
    /// How often a reading was begun.
    pub attempts: u32,
    /// How many of them never ended, because their process died.
    pub unended: u32,
    /// Whether there is a reading.
    pub is_read: bool,
}

struct PageRow {
    page_number: i32,
    file_number: i32,
    page_in_file: i32,
    media_type: String,
    sha256: Vec<u8>,
    attempts: i32,
    unended: i32,
    is_read: bool,
}

impl Store {
    /// The pages of a document in their order, and which of them were read.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "SELECT document_pages", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "document_pages"))]
    pub async fn list_pages(&self, document_id: DocumentId) -> Result<Vec<Page>, Problem> {
        let rows = sqlx::query_as!(
            PageRow,
            r#"SELECT page_number, file_number, page_in_file, media_type, sha256, attempts, unended,
                   EXISTS (SELECT FROM page_readings reading
                           WHERE reading.document_id = page.document_id AND reading.page_number = page.page_number)
                       AS "is_read!"
             FROM document_pages page WHERE document_id = $1 ORDER BY page_number"#,
            document_id.uuid(),
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(PageRow::parse).collect()
    }

    /// Counts a try of a process to read a page, before it is made; returns how many tries before it never ended, because
    /// another process died in them.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "UPDATE document_pages", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "document_pages"))]
    pub async fn record_attempt(
        &self,
        document_id: DocumentId,
        page_number: u32,
        process: Uuid,
    ) -> Result<u32, Problem> {
        let unended = sqlx::query_scalar!(
            "UPDATE document_pages SET attempts = attempts + 1, reading_by = $3,
                 unended = unended + CASE WHEN reading_by <> $3 THEN 1 ELSE 0 END
              WHERE document_id = $1 AND page_number = $2 RETURNING unended",
            document_id.uuid(),
            page_number as i32,
            process,
        )
        .fetch_optional(&self.pool)
        .await?;
        count("unended", unended.unwrap_or_default())
    }

    /// Says that the process reads none of a document's pages any more: what it read broke off in order.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "UPDATE document_pages", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "document_pages"))]
    pub async fn record_break(&self, document_id: DocumentId, process: Uuid) -> Result<(), Problem> {
        sqlx::query!(
            "UPDATE document_pages SET reading_by = NULL WHERE document_id = $1 AND reading_by = $2",
            document_id.uuid(),
            process,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Counts that the OCR engine ran into its limits on a page, and returns how often it did so far.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "UPDATE document_pages", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "document_pages"))]
    pub async fn record_engine_limit(&self, document_id: DocumentId, page_number: u32) -> Result<u32, Problem> {
        let limits = sqlx::query_scalar!(
            "UPDATE document_pages SET engine_limits = engine_limits + 1 WHERE document_id = $1 AND page_number = $2
             RETURNING engine_limits",
            document_id.uuid(),
            page_number as i32,
        )
        .fetch_optional(&self.pool)
        .await?;
        count("engine_limits", limits.unwrap_or_default())
    }
}

impl PageRow {
    fn parse(self) -> Result<Page, Problem> {
        Ok(Page {
            number: count("page_number", self.page_number)?,
            file_number: count("file_number", self.file_number)?,
            page_in_file: count("page_in_file", self.page_in_file)?,
            media_type: self.media_type,
            sha256: known("sha256", self.sha256.try_into().ok())?,
            attempts: count("attempts", self.attempts)?,
            unended: count("unended", self.unended)?,
            is_read: self.is_read,
        })
    }
}
