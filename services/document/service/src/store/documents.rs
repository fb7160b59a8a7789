//! Documents: coming, found again, and erased.

use super::rows::{count, kind, member};
use super::{Leftover, Store};
use crate::cipher::WrappedKey;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as Instant, ToSqlx};
use mesh_runtime::Problem;
use mesh_types::{DocumentId, DocumentKind, MemberId, RequestId};
use uuid::Uuid;

/// A document that was put into the object store and is to be recorded.
#[derive(Clone, Debug)]
pub struct NewDocument {
    /// Its new id.
    pub document_id: DocumentId,
    /// What its uploader chose.
    pub request_id: RequestId,
    /// Whose it is.
    pub member_id: MemberId,
    /// What it was announced as.
    pub kind: DocumentKind,
    /// Over the bytes of all files in their order.
    pub sha256: [u8; 32],
    /// Its files in their order, 1 to 50.
    pub files: Vec<NewFile>,
    /// Under which its files are encrypted.
    pub key: WrappedKey,
}

impl NewDocument {
    /// The bytes of all files.
    pub fn size_bytes(&self) -> i64 {
        self.files.iter().map(|file| file.size_bytes).sum()
    }

    /// The pages of all files.
    pub fn page_count(&self) -> u32 {
        self.files.iter().map(|file| file.page_count).sum()
    }
}

/// A file of a new document.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// By its first bytes, e.g. `image/png`.
    pub media_type: &'static str,
    /// Its bytes.
    pub size_bytes: i64,
    /// Over its bytes.
    pub sha256: [u8; 32],
    /// Its pages, 1 to 50.
    pub page_count: u32,
}

/// What came of recording an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The document is there now.
    New,
    /// Another upload with the same request id was there first; nothing was written.
    RequestIdTaken,
    /// It took so long that its objects were swept away; nothing was written.
    SweptAway,
}

/// An upload as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedUpload {
    /// The document.
    pub document_id: DocumentId,
    /// Whose it is.
    pub member_id: MemberId,
    /// What it was announced as.
    pub kind: DocumentKind,
    /// Pages, 1 to 50.
    pub page_count: u32,
    /// Bytes of all files.
    pub size_bytes: i64,
    /// Over the bytes of all files in their order.
    pub sha256: Vec<u8>,
    /// Over each file's bytes, in their order.
    pub file_hashes: Vec<Vec<u8>>,
}

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The document.
    pub document_id: DocumentId,
    /// Whose it is.
    pub member_id: MemberId,
    /// What it was announced as.
    pub kind: DocumentKind,
    /// Pages, 1 to 50.
    pub page_count: u32,
    /// When it was erased, if it was.
    pub erased_at: Option<Timestamp>,
}

/// A document that was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// When, for the first time.
    pub erased_at: Timestamp,
    /// Its objects, which are to be deleted.
    pub objects: Leftover,
}

struct UploadRow {
    document_id: Uuid,
    member_id: i64,
    kind: String,
    page_count: i32,
    size_bytes: i64,
    sha256: Vec<u8>,
    file_hashes: Vec<Vec<u8>>,
}

struct DocumentRow {
    document_id: Uuid,
    member_id: i64,
    kind: String,
    page_count: i32,
    erased_at: Option<Instant>,
}

impl Store {
    /// Records a document with its files, pages and key, unless its request id is taken or its objects are gone.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then it is not known whether the document is there.
    #[tracing::instrument(name = "INSERT documents", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "documents"))]
    pub async fn insert_document(&self, document: &NewDocument, uploaded_at: Timestamp) -> Result<Recorded, Problem> {
        let mut transaction = self.pool.begin().await?;
        let document_id = document.document_id.uuid();
        let named = sqlx::query!("DELETE FROM leftover_objects WHERE document_id = $1", document_id)
            .execute(&mut *transaction)
            .await?;
        if named.rows_affected() == 0 {
            return Ok(Recorded::SweptAway);
        }
        let inserted = sqlx::query!(
            "INSERT INTO documents
                 (document_id, request_id, member_id, kind, page_count, size_bytes, sha256, uploaded_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT ON CONSTRAINT documents_request_once DO NOTHING",
            document_id,
            document.request_id.uuid(),
            document.member_id.get(),
            document.kind.as_str(),
            document.page_count() as i32,
            document.size_bytes(),
            &document.sha256[..],
            uploaded_at.to_sqlx() as _,
        )
        .execute(&mut *transaction)
        .await?;
        if inserted.rows_affected() == 0 {
            return Ok(Recorded::RequestIdTaken);
        }
        sqlx::query!(
            "INSERT INTO document_keys (document_id, key_id, wrapped_key) VALUES ($1, $2, $3)",
            document_id,
            document.key.key_id,
            document.key.wrapped,
        )
        .execute(&mut *transaction)
        .await?;
        let pages: Vec<i32> = document.files.iter().map(|file| file.page_count as i32).collect();
        let media_types: Vec<String> = document.files.iter().map(|file| file.media_type.to_owned()).collect();
        let sizes: Vec<i64> = document.files.iter().map(|file| file.size_bytes).collect();
        let hashes: Vec<Vec<u8>> = document.files.iter().map(|file| file.sha256.to_vec()).collect();
        sqlx::query!(
            "INSERT INTO document_pages
                 (document_id, page_number, file_number, page_in_file, media_type, size_bytes, sha256)
             SELECT $1, row_number() OVER (ORDER BY file_number, page_in_file), file_number, page_in_file,
                 media_type, size_bytes, sha256
             FROM unnest($2::integer[], $3::text[], $4::bigint[], $5::bytea[]) WITH ORDINALITY
                 AS file (page_count, media_type, size_bytes, sha256, file_number)
             CROSS JOIN LATERAL generate_series(1, page_count) AS page_in_file",
            document_id,
            &pages,
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
            UploadRow,
            r#"SELECT document_id, member_id, kind, page_count, size_bytes, documents.sha256,
                   ARRAY(SELECT page.sha256 FROM document_pages page
                         WHERE page.document_id = documents.document_id AND coalesce(page.page_in_file, 1) = 1
                         ORDER BY page_number) AS "file_hashes!"
             FROM documents WHERE request_id = $1"#,
            request_id.uuid(),
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(UploadRow::parse).transpose()
    }

    /// A document.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "SELECT documents", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "documents"))]
    pub async fn find_document(&self, document_id: DocumentId) -> Result<Option<Document>, Problem> {
        let row = sqlx::query_as!(
            DocumentRow,
            r#"SELECT document_id, member_id, kind, page_count, erased_at AS "erased_at: Instant"
             FROM documents WHERE document_id = $1"#,
            document_id.uuid(),
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(DocumentRow::parse).transpose()
    }

    /// Erases what a document shows: its key, what was read on it, what its reviewers wrote. Hashes, checks, rulings and
    /// evidence stay. `None` when there is no such document; again it returns the time of the first time.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "UPDATE documents", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "documents"))]
    pub async fn erase_document(
        &self,
        document_id: DocumentId,
        erased_at: Timestamp,
    ) -> Result<Option<Erased>, Problem> {
        let id = document_id.uuid();
        let mut transaction = self.pool.begin().await?;
        let row = sqlx::query!(
            r#"UPDATE documents SET erased_at = coalesce(erased_at, $2) WHERE document_id = $1
             RETURNING member_id, erased_at AS "erased_at!: Instant",
                 (SELECT count(DISTINCT coalesce(file_number, page_number)) FROM document_pages page
                  WHERE page.document_id = documents.document_id) AS "file_count!""#,
            id,
            erased_at.to_sqlx() as _,
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = row else { return Ok(None) };
        sqlx::query!("DELETE FROM document_keys WHERE document_id = $1", id)
            .execute(&mut *transaction)
            .await?;
        sqlx::query!("DELETE FROM page_readings WHERE document_id = $1", id)
            .execute(&mut *transaction)
            .await?;
        let objects = Leftover {
            member_id: member(row.member_id)?,
            document_id,
            file_count: count("file_count", row.file_count)?,
        };
        sqlx::query!(
            "INSERT INTO leftover_objects (document_id, member_id, file_count, since) VALUES ($1, $2, $3, $4)
             ON CONFLICT ON CONSTRAINT leftover_objects_pkey DO NOTHING",
            id,
            row.member_id,
            objects.file_count as i32,
            erased_at.to_sqlx() as _,
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        // After the commit: a decision locks its review before the document, and two orders would be a deadlock.
        sqlx::query!(
            "WITH words AS (
                 UPDATE reviews SET internal_note = NULL, member_text = left(member_text, 0) WHERE document_id = $1
                 RETURNING verification_id)
             UPDATE rulings SET member_reason = ''
             WHERE document_id = $1 AND verification_id IN (SELECT verification_id FROM words)",
            id
        )
        .execute(&self.pool)
        .await?;
        Ok(Some(Erased {
            erased_at: row.erased_at.to_jiff(),
            objects,
        }))
    }
}

impl UploadRow {
    fn parse(self) -> Result<RecordedUpload, Problem> {
        Ok(RecordedUpload {
            document_id: self.document_id.into(),
            member_id: member(self.member_id)?,
            kind: kind(&self.kind)?,
            page_count: count("page_count", self.page_count)?,
            size_bytes: self.size_bytes,
            sha256: self.sha256,
            file_hashes: self.file_hashes,
        })
    }
}

impl DocumentRow {
    fn parse(self) -> Result<Document, Problem> {
        Ok(Document {
            document_id: self.document_id.into(),
            member_id: member(self.member_id)?,
            kind: kind(&self.kind)?,
            page_count: count("page_count", self.page_count)?,
            erased_at: self.erased_at.map(Instant::to_jiff),
        })
    }
}
