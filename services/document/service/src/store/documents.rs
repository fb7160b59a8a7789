//! Documents: coming, found again, and erased.

use super::revocations::insert_revocations;
use super::rows::{count, kind, member};
use super::{OrphanedObjects, Store};
use crate::cipher::WrappedKey;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as Instant, ToSqlx};
use mesh_runtime::{Actor, Problem};
use mesh_types::{DocumentId, DocumentKind, MemberId, Reason, RevocationReason};
use sqlx::PgConnection;
use uuid::Uuid;

/// A document that was put into the object store and is to be recorded.
#[derive(Clone, Debug)]
pub struct NewDocument {
    /// Its new id.
    pub document_id: DocumentId,
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
    pub objects: OrphanedObjects,
}

struct DocumentRow {
    document_id: Uuid,
    member_id: i64,
    kind: String,
    page_count: i32,
    erased_at: Option<Instant>,
}

impl Store {
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

    /// The documents that were uploaded last and not erased, a handful of them.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    pub async fn list_newest(&self) -> Result<Vec<(MemberId, DocumentId)>, Problem> {
        let rows = sqlx::query!(
            "SELECT member_id, document_id FROM documents WHERE erased_at IS NULL ORDER BY document_id DESC LIMIT 5"
        )
        .fetch_all(&self.pool)
        .await?;
        let documents = rows
            .into_iter()
            .map(|row| Ok((member(row.member_id)?, row.document_id.into())));
        documents.collect()
    }

    /// Erases what a document shows: its key, what was read on it, what its reviewers wrote. Hashes, checks, decisions and
    /// evidence stay; the verifications that it was accepted in are revoked. `None` when there is no such document; again it
    /// returns the time of the first time, and who erased it first stays.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "UPDATE documents", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "documents"))]
    pub async fn erase_document(
        &self,
        document_id: DocumentId,
        erased_by: &Actor,
        erased_at: Timestamp,
    ) -> Result<Option<Erased>, Problem> {
        let id = document_id.uuid();
        let mut transaction = self.pool.begin().await?;
        // First of all: a decision locks its review before the document, and two orders would be a deadlock.
        sqlx::query!(
            "UPDATE reviews SET internal_note = NULL, member_text = left(member_text, 0) WHERE document_id = $1",
            id
        )
        .execute(&mut *transaction)
        .await?;
        let row = sqlx::query!(
            r#"UPDATE documents SET erased_at = coalesce(erased_at, $2),
                 erased_by = CASE WHEN erased_at IS NULL THEN $3 ELSE erased_by END
             WHERE document_id = $1
             RETURNING member_id, erased_at AS "erased_at!: Instant",
                 (SELECT count(DISTINCT file_number) FROM document_pages page
                  WHERE page.document_id = documents.document_id) AS "file_count!""#,
            id,
            erased_at.to_sqlx() as _,
            erased_by.to_string(),
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
        let objects = OrphanedObjects {
            member_id: member(row.member_id)?,
            document_id,
            file_count: count("file_count", row.file_count)?,
        };
        sqlx::query!(
            "INSERT INTO orphaned_objects (document_id, member_id, file_count, since) VALUES ($1, $2, $3, $4)
             ON CONFLICT ON CONSTRAINT orphaned_objects_pkey DO NOTHING",
            id,
            row.member_id,
            objects.file_count as i32,
            erased_at.to_sqlx() as _,
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "UPDATE document_decisions SET member_reason = ''
             WHERE document_id = $1 AND verification_id IN (SELECT verification_id FROM reviews WHERE document_id = $1)",
            id
        )
        .execute(&mut *transaction)
        .await?;
        let accepted = sqlx::query_scalar!(
            "SELECT verification_id FROM document_decisions WHERE document_id = $1 AND decision = 'accepted'",
            id
        )
        .fetch_all(&mut *transaction)
        .await?;
        let erased_at = row.erased_at.to_jiff();
        insert_revocations(&mut transaction, &accepted, RevocationReason::DocumentErased, erased_at).await?;
        transaction.commit().await?;
        Ok(Some(Erased { erased_at, objects }))
    }
}

/// Records a document with its files, pages and key, within a transaction.
///
/// # Errors
/// `OBJECT_STORE_UNAVAILABLE` when putting its objects took so long that a sweep deleted them; `DATABASE_UNAVAILABLE`.
#[tracing::instrument(name = "INSERT documents", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "documents"))]
pub async fn insert_document(
    connection: &mut PgConnection,
    document: &NewDocument,
    uploaded_at: Timestamp,
) -> Result<(), Problem> {
    let document_id = document.document_id.uuid();
    let orphaned = sqlx::query!(
        "DELETE FROM orphaned_objects WHERE document_id = $1 AND leased_until IS NULL",
        document_id
    )
    .execute(&mut *connection)
    .await?;
    if orphaned.rows_affected() == 0 {
        let message = "the object store took too long";
        return Err(Problem::new(Reason::ObjectStoreUnavailable, message));
    }
    sqlx::query!(
        "INSERT INTO documents (document_id, member_id, kind, page_count, size_bytes, sha256, uploaded_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        document_id,
        document.member_id.get(),
        document.kind.as_str(),
        document.page_count() as i32,
        document.size_bytes(),
        &document.sha256[..],
        uploaded_at.to_sqlx() as _,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "INSERT INTO document_keys (document_id, key_id, wrapped_key) VALUES ($1, $2, $3)",
        document_id,
        document.key.key_id,
        document.key.wrapped,
    )
    .execute(&mut *connection)
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
    .execute(&mut *connection)
    .await?;
    Ok(())
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
