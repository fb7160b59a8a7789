//! The keys of documents, and what was read on their pages: personal data, which lives here and nowhere else.

use super::Store;
use super::rows::known;
use crate::cipher::WrappedKey;
use document_reading::PageReading;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mesh_runtime::Problem;
use mesh_types::DocumentId;
use sqlx::types::Json;

/// What was read on a page, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadingAtRest {
    /// Of a document from the time before documents had keys.
    Plain(Box<PageReading>),
    /// Sealed under the document's key.
    Sealed(Vec<u8>),
}

impl Store {
    /// The wrapped key of a document; `None` for one of the time before keys, and for one that was erased.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "SELECT document_keys", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "document_keys"))]
    pub async fn find_key(&self, document_id: DocumentId) -> Result<Option<WrappedKey>, Problem> {
        let key = sqlx::query_as!(
            WrappedKey,
            "SELECT key_id, wrapped_key AS wrapped FROM document_keys WHERE document_id = $1",
            document_id.uuid(),
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(key)
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
        reading: ReadingAtRest,
        read_at: Timestamp,
    ) -> Result<(), Problem> {
        let (plain, sealed) = match reading {
            ReadingAtRest::Plain(reading) => (Some(Json(reading)), None),
            ReadingAtRest::Sealed(reading) => (None, Some(reading)),
        };
        // The lock makes an erasure wait, or this see it.
        sqlx::query!(
            "INSERT INTO page_readings (document_id, page_number, reading, sealed_reading, read_at)
             SELECT document_id, $2, $3, $4, $5 FROM documents WHERE document_id = $1 AND erased_at IS NULL FOR SHARE
             ON CONFLICT ON CONSTRAINT page_readings_pkey DO NOTHING",
            document_id.uuid(),
            page_number as i32,
            plain as _,
            sealed,
            read_at.to_sqlx() as _,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// What was read so far, with the page's number, in the order of the pages.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "SELECT page_readings", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "page_readings"))]
    pub async fn list_readings(&self, document_id: DocumentId) -> Result<Vec<(u32, ReadingAtRest)>, Problem> {
        let rows = sqlx::query!(
            r#"SELECT page_number, reading AS "reading: Json<Box<PageReading>>", sealed_reading
             FROM page_readings WHERE document_id = $1 ORDER BY page_number"#,
            document_id.uuid(),
        )
        .fetch_all(&self.pool)
        .await?;
        let readings = rows.into_iter().map(|row| {
            let reading = match (row.sealed_reading, row.reading) {
                (Some(sealed), _) => Some(ReadingAtRest::Sealed(sealed)),
                (None, plain) => plain.map(|Json(reading)| ReadingAtRest::Plain(reading)),
            };
            let number = known("page_number", row.page_number.try_into().ok())?;
            Ok((number, known("reading", reading)?))
        });
        readings.collect()
    }
}
