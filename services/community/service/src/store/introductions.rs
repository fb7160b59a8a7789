//! What members agreed to show to those who are asked to vouch for them.

use super::Store;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mesh_runtime::Problem;
use mesh_types::{IntroductionId, MemberId};
use sqlx::PgConnection;
use std::fmt;

/// An introduction. It is personal, so it shows nothing when it is printed.
pub struct NewIntroduction {
    /// Its id.
    pub introduction_id: IntroductionId,
    /// Whose it is.
    pub member_id: MemberId,
    /// The name by which others know the member.
    pub display_name: String,
    /// How they know each other.
    pub relationship: String,
}

impl fmt::Debug for NewIntroduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewIntroduction").finish_non_exhaustive()
    }
}

/// Keeps an introduction, within a transaction.
///
/// # Errors
/// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
#[tracing::instrument(name = "INSERT introductions", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "introductions"))]
pub async fn insert_introduction(
    connection: &mut PgConnection,
    new: &NewIntroduction,
    now: Timestamp,
) -> Result<(), Problem> {
    sqlx::query!(
        "INSERT INTO introductions (introduction_id, member_id, display_name, relationship, created_at)
         VALUES ($1, $2, $3, $4, $5)",
        new.introduction_id.uuid(),
        new.member_id.get(),
        new.display_name,
        new.relationship,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// Deletes introductions from before an instant that no validation uses which goes on, of at most so many; returns how many.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "DELETE introductions", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "DELETE", db.collection.name = "introductions"))]
    pub async fn forget_introductions(&self, before: Timestamp, limit: i64) -> Result<u64, Problem> {
        let deleted = sqlx::query!(
            "DELETE FROM introductions WHERE introduction_id IN (
                 SELECT introduction_id FROM introductions AS introduction
                  WHERE created_at < $1 AND NOT EXISTS (
                      SELECT FROM validations WHERE validations.introduction_id = introduction.introduction_id
                         AND (decision IS NULL OR decision = 'needs_review'))
                  ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
            before.to_sqlx() as _,
            limit,
        )
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected())
    }
}
