//! Objects that no document names: of an upload until it is recorded, of an erased document until they are deleted.

use super::Store;
use super::rows::{count, member};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mesh_runtime::Problem;
use mesh_types::{DocumentId, MemberId};
use std::future::Future;
use uuid::Uuid;

/// Objects that no document names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Whose they are.
    pub member_id: MemberId,
    /// The document that they were meant for.
    pub document_id: DocumentId,
    /// How many, from number 1.
    pub file_count: u32,
}

struct LeftoverRow {
    document_id: Uuid,
    member_id: i64,
    file_count: i32,
}

impl Store {
    /// Says which objects are about to be put, before they are.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "INSERT leftover_objects", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "leftover_objects"))]
    pub async fn insert_leftover(&self, objects: Leftover, since: Timestamp) -> Result<(), Problem> {
        sqlx::query!(
            "INSERT INTO leftover_objects (document_id, member_id, file_count, since) VALUES ($1, $2, $3, $4)",
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
    #[tracing::instrument(name = "DELETE leftover_objects", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "DELETE", db.collection.name = "leftover_objects"))]
    pub async fn delete_leftover(&self, document_id: DocumentId) -> Result<(), Problem> {
        sqlx::query!(
            "DELETE FROM leftover_objects WHERE document_id = $1",
            document_id.uuid()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Has objects deleted that no document has named since `before`: one document's, the oldest. `false` when there are
    /// none. Nobody else records or deletes them meanwhile.
    ///
    /// # Errors
    /// What `delete` returns, and then they are still known; `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "DELETE leftover_objects", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "DELETE", db.collection.name = "leftover_objects"))]
    pub async fn sweep_leftover<F>(
        &self,
        before: Timestamp,
        delete: impl FnOnce(Leftover) -> F + Send,
    ) -> Result<bool, Problem>
    where
        F: Future<Output = Result<(), Problem>> + Send,
    {
        let mut transaction = self.pool.begin().await?;
        let row = sqlx::query_as!(
            LeftoverRow,
            "DELETE FROM leftover_objects WHERE document_id =
                 (SELECT document_id FROM leftover_objects WHERE since < $1 ORDER BY since LIMIT 1
                  FOR UPDATE SKIP LOCKED)
             RETURNING document_id, member_id, file_count",
            before.to_sqlx() as _,
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = row else { return Ok(false) };
        delete(row.parse()?).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

impl LeftoverRow {
    fn parse(self) -> Result<Leftover, Problem> {
        Ok(Leftover {
            member_id: member(self.member_id)?,
            document_id: self.document_id.into(),
            file_count: count("file_count", self.file_count)?,
        })
    }
}
