//! The keys of documents, and what was read on their pages: personal data, which lives here and nowhere else.

use super::Store;
use super::rows::count;
use crate::cipher::WrappedKey;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mesh_runtime::Problem;
use mesh_types::DocumentId;

/// The key of a document as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredKey {
    /// Wrapped by a key of the keyring.
    Wrapped(WrappedKey),
    /// The document was erased, and its key with it.
    Erased,
    /// There is no such document, or its key is missing though it was not erased.
    Missing,
}

impl Store {
    /// The key of a document.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "SELECT document_keys", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "document_keys"))]
    pub async fn find_key(&self, document_id: DocumentId) -> Result<StoredKey, Problem> {
        let row = sqlx::query!(
            r#"SELECT key_id AS "key_id?", wrapped_key AS "wrapped_key?", erased_at IS NOT NULL AS "is_erased!"
             FROM documents LEFT JOIN document_keys USING (document_id) WHERE document_id = $1"#,
            document_id.uuid(),
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(match row {
            Some(row) if row.is_erased => StoredKey::Erased,
            Some(row) => match row.key_id.zip(row.wrapped_key) {
                Some((key_id, wrapped)) => StoredKey::Wrapped(WrappedKey { key_id, wrapped }),
                None => StoredKey::Missing,
            },
            None => StoredKey::Missing,
        })
    }

    /// Keeps what was read on a page, unless the document was erased; the first reading stays.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "INSERT page_readings", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "page_readings"))]
    pub async fn insert_reading(
        &self,
        document_id: DocumentId,
        page_number: u32,
        sealed_reading: &[u8],
        read_at: Timestamp,
    ) -> Result<(), Problem> {
        // The lock makes an erasure wait, or this see it.
        sqlx::query!(
            "WITH ended AS (
                 UPDATE document_pages SET unended = 0, reading_by = NULL WHERE document_id = $1 AND page_number = $2)
             INSERT INTO page_readings (document_id, page_number, sealed_reading, read_at)
             SELECT document_id, $2, $3, $4 FROM documents WHERE document_id = $1 AND erased_at IS NULL FOR SHARE
             ON CONFLICT ON CONSTRAINT page_readings_pkey DO NOTHING",
            document_id.uuid(),
            page_number as i32,
            sealed_reading,
            read_at.to_sqlx() as _,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// What was read so far, sealed, with the page's number, in the order of the pages.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "SELECT page_readings", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "page_readings"))]
    pub async fn list_readings(&self, document_id: DocumentId) -> Result<Vec<(u32, Vec<u8>)>, Problem> {
        let rows = sqlx::query!(
            "SELECT page_number, sealed_reading FROM page_readings WHERE document_id = $1 ORDER BY page_number",
            document_id.uuid(),
        )
        .fetch_all(&self.pool)
        .await?;
        let readings = rows
            .into_iter()
            .map(|row| Ok((count("page_number", row.page_number)?, row.sealed_reading)));
        readings.collect()
    }
}
