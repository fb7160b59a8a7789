//! Objects that no document names: of an upload until it is recorded, of an erased document until they are deleted.

use super::Store;
use super::rows::{count, member};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mesh_runtime::Problem;
use mesh_types::{DocumentId, MemberId};
use uuid::Uuid;

/// Objects that no document names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrphanedObjects {
    /// Whose they are.
    pub member_id: MemberId,
    /// The document that they were meant for.
    pub document_id: DocumentId,
    /// How many, from number 1.
    pub file_count: u32,
}

struct OrphanedObjectsRow {
    document_id: Uuid,
    member_id: i64,
    file_count: i32,
}

impl Store {
    /// Says which objects are about to be put, before they are.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "INSERT orphaned_objects", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "orphaned_objects"))]
    pub async fn insert_orphaned_objects(&self, objects: OrphanedObjects, since: Timestamp) -> Result<(), Problem> {
        sqlx::query!(
            "INSERT INTO orphaned_objects (document_id, member_id, file_count, since) VALUES ($1, $2, $3, $4)",
            objects.document_id.uuid(),
            objects.member_id.get(),
            objects.file_count as i32,
            since.to_sqlx() as _,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Forgets objects that were deleted.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "DELETE orphaned_objects", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "DELETE", db.collection.name = "orphaned_objects"))]
    pub async fn delete_orphaned_objects(&self, document_id: DocumentId) -> Result<(), Problem> {
        sqlx::query!(
            "DELETE FROM orphaned_objects WHERE document_id = $1",
            document_id.uuid()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Claims objects that no document has named since `before`: one document's, the oldest. From now on no upload can name
    /// them, and until `until` nobody else claims them. `None` when there are none.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "UPDATE orphaned_objects", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "orphaned_objects"))]
    pub async fn claim_orphaned_objects(
        &self,
        before: Timestamp,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<OrphanedObjects>, Problem> {
        let row = sqlx::query_as!(
            OrphanedObjectsRow,
            "UPDATE orphaned_objects SET leased_until = $3 WHERE document_id =
                 (SELECT document_id FROM orphaned_objects
                   WHERE since < $1 AND coalesce(leased_until, '-infinity') < $2
                   ORDER BY since LIMIT 1 FOR UPDATE SKIP LOCKED)
             RETURNING document_id, member_id, file_count",
            before.to_sqlx() as _,
            now.to_sqlx() as _,
            until.to_sqlx() as _,
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(OrphanedObjectsRow::parse).transpose()
    }
}

impl OrphanedObjectsRow {
    fn parse(self) -> Result<OrphanedObjects, Problem> {
        Ok(OrphanedObjects {
            member_id: member(self.member_id)?,
            document_id: self.document_id.into(),
            file_count: count("file_count", self.file_count)?,
        })
    }
}
