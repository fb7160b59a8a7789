//! Revocations: what other services took away from verifications, how far their lists were followed, and what is still to be
//! countered in the ledger.

#[cfg(test)]
mod tests;

use super::Store;
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use mesh_runtime::Problem;
use mesh_types::{RevocationReason, VerificationId};
use sqlx::PgConnection;

/// How long after an attempt to counter the next one comes, unless the attempt settles it.
const COUNTER_AGAIN: SignedDuration = SignedDuration::from_secs(15);
/// The same while the verification is in progress: points may be added until its end.
const COUNTER_AGAIN_IN_PROGRESS: SignedDuration = SignedDuration::from_hours(1);
/// How long after its end a verification may still be scored, where its workflow was closed from outside in the middle of an
/// attempt: more than the 10 s that one may take.
const SCORED_AFTER_THE_END: SignedDuration = SignedDuration::from_secs(15);

/// That something a verification rests on was taken away; the first time, where it happened more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Why.
    pub reason: RevocationReason,
    /// When it was taken away, by the clock of the service that did.
    pub at: Timestamp,
}

impl Revoked {
    pub(super) fn of_row(reason: Option<String>, at: Option<SqlTimestamp>) -> Option<Self> {
        Some(Self {
            reason: RevocationReason::parse(&reason?),
            at: at?.to_jiff(),
        })
    }
}

/// An entry of a service's list of revocations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// The verification.
    pub verification_id: VerificationId,
    /// What happened to it.
    pub revoked: Revoked,
    /// When its points are to be countered; none when the service that took something away did that itself.
    pub counter_due_at: Option<Timestamp>,
}

/// A verification whose points are to be countered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToCounter {
    /// The verification.
    pub verification_id: VerificationId,
    /// Whether nothing can be added to its points any more.
    pub is_settled: bool,
}

impl Store {
    /// Where the next page of a service's list of revocations begins; empty for the first page.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT followed_services", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "followed_services"))]
    pub async fn next_page_of(&self, service: &str) -> Result<String, Problem> {
        let token = sqlx::query_scalar!("SELECT page_token FROM followed_services WHERE service = $1", service)
            .fetch_optional(&self.pool)
            .await?;
        Ok(token.unwrap_or_default())
    }

    /// Applies a page of a service's list and moves on to the next one, in one transaction. Returns `false`, and changes
    /// nothing, when somebody else has moved on from `page_token` since. A revocation that comes again changes nothing.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then nothing is written.
    #[tracing::instrument(name = "UPDATE verifications", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "verifications"))]
    pub async fn apply_revocations(
        &self,
        service: &str,
        (page_token, next_page_token): (&str, &str),
        revocations: &[Revocation],
    ) -> Result<bool, Problem> {
        let mut transaction = self.pool.begin().await?;
        let moved = sqlx::query!(
            "INSERT INTO followed_services (service, page_token) VALUES ($1, $3)
             ON CONFLICT ON CONSTRAINT followed_services_once DO UPDATE SET page_token = excluded.page_token
              WHERE followed_services.page_token = $2",
            service,
            page_token,
            next_page_token,
        )
        .execute(&mut *transaction)
        .await?;
        if moved.rows_affected() == 0 {
            return Ok(false);
        }
        // In one order, so that the followers of two lists don't wait for each other's rows.
        let mut revocations = revocations.to_vec();
        revocations.sort_by_key(|revocation| revocation.verification_id);
        for revocation in &revocations {
            revoke(&mut transaction, revocation).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Claims verifications whose points are to be countered by `now`, those that have waited longest first. Nobody else gets
    /// them until they are due again.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "UPDATE verifications", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "verifications"))]
    pub async fn claim_to_counter(&self, now: Timestamp, limit: i64) -> Result<Vec<ToCounter>, Problem> {
        let rows = sqlx::query!(
            r#"UPDATE verifications
                  SET counter_due_at = CASE WHEN status = 'in_progress' THEN $3::timestamptz ELSE $4 END
                WHERE verification_id IN (
                    SELECT verification_id FROM verifications WHERE counter_due_at <= $1
                     ORDER BY counter_due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
               RETURNING verification_id, coalesce(ended_at <= $5, false) AS "is_settled!""#,
            now.to_sqlx() as _,
            limit,
            (now + COUNTER_AGAIN_IN_PROGRESS).to_sqlx() as _,
            (now + COUNTER_AGAIN).to_sqlx() as _,
            (now - SCORED_AFTER_THE_END).to_sqlx() as _,
        )
        .fetch_all(&self.pool)
        .await?;
        let claimed = rows.into_iter().map(|row| ToCounter {
            verification_id: row.verification_id.into(),
            is_settled: row.is_settled,
        });
        Ok(claimed.collect())
    }

    /// Writes down that the points of a verification that has ended are countered.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then they are countered once more, which changes nothing.
    #[tracing::instrument(name = "UPDATE verifications", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "verifications"))]
    pub async fn record_countered(&self, id: VerificationId) -> Result<(), Problem> {
        sqlx::query!(
            "UPDATE verifications SET counter_due_at = NULL WHERE verification_id = $1 AND status <> 'in_progress'",
            id.uuid()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

async fn revoke(connection: &mut PgConnection, revocation: &Revocation) -> Result<(), Problem> {
    sqlx::query!(
        "UPDATE verifications
            SET status = CASE status WHEN 'completed' THEN 'revoked' ELSE status END,
                score = CASE WHEN score IS NOT NULL THEN 0 END,
                revoked_reason = coalesce(revoked_reason, $2), revoked_at = coalesce(revoked_at, $3),
                counter_due_at = coalesce($4, counter_due_at)
          WHERE verification_id = $1",
        revocation.verification_id.uuid(),
        revocation.revoked.reason.as_str(),
        revocation.revoked.at.to_sqlx() as _,
        revocation.counter_due_at.map(|at| at.to_sqlx()) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
