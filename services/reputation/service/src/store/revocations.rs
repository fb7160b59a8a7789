//! The verifications of which an entry was countered: a list that only grows, for the orchestrator to follow.

#[cfg(test)]
mod tests;

use super::Store;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as Instant, ToSqlx};
use mesh_runtime::{Problem, clock};
use mesh_types::{RevocationReason, VerificationId};
use sqlx::PgConnection;
use uuid::Uuid;

/// An entry of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Its key in the list.
    pub revocation_id: Uuid,
    /// The verification.
    pub verification_id: VerificationId,
    /// Why.
    pub reason: RevocationReason,
    /// When it was countered first.
    pub revoked_at: Timestamp,
}

impl Store {
    /// The entries after one, in the order in which they were committed; all of them after one that is not there, as when the
    /// database was restored to a time before it.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT revocations", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "revocations"))]
    pub async fn list_revocations(&self, after: Option<Uuid>, limit: i64) -> Result<Vec<Revocation>, Problem> {
        let rows = sqlx::query!(
            r#"SELECT revocation_id, verification_id, reason, revoked_at AS "revoked_at: Instant"
             FROM revocations
             WHERE place > coalesce((SELECT place FROM revocations WHERE revocation_id = $1), 0)
             ORDER BY place LIMIT $2"#,
            after,
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        let entries = rows.into_iter().map(|row| Revocation {
            revocation_id: row.revocation_id,
            verification_id: row.verification_id.into(),
            reason: RevocationReason::parse(&row.reason),
            revoked_at: row.revoked_at.to_jiff(),
        });
        Ok(entries.collect())
    }
}

/// Adds a verification of which an entry was countered, within a transaction; one that is there stays as it is.
///
/// The table is locked until the transaction ends, so that entries are committed in the order of their places, and who reads
/// the list leaves none out. Nothing of another member is locked after it, so nobody waits in a circle.
pub(super) async fn insert_revocation(
    connection: &mut PgConnection,
    verification_id: Uuid,
    revoked_at: Timestamp,
) -> Result<(), Problem> {
    sqlx::query!("LOCK TABLE revocations IN SHARE ROW EXCLUSIVE MODE")
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        "INSERT INTO revocations (revocation_id, verification_id, reason, revoked_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT ON CONSTRAINT revocations_once DO NOTHING",
        clock::new_uuid(),
        verification_id,
        RevocationReason::EvidenceCountered.as_str(),
        revoked_at.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
