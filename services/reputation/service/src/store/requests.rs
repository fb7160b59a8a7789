//! What must be remembered so that a repeated request does nothing twice, and a repeated assessment finds the same.

use super::Store;
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use mesh_runtime::Problem;
use mesh_types::{EvidenceId, MemberId, RequestId, Score, VerificationId};
use std::collections::BTreeMap;

/// How a request whose work is done elsewhere stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody has seen it before; it is the caller's now.
    New,
    /// It came before, and how it ended is not known: perhaps it was done. It is the caller's now.
    Begun,
    /// It came a moment ago, and somebody is at work on it.
    InProgress,
    /// It came before, and this was the answer.
    Done(String),
    /// The request id came before with other content.
    Reused,
}

/// Work on a request is over by then, one way or the other: a call to Temporal and one to PostgreSQL give up after 3 s each.
const WORK: SignedDuration = SignedDuration::from_secs(10);

impl Store {
    /// Claims a request before anything is done about it.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "INSERT requests", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "requests"))]
    pub async fn claim_request(
        &self,
        request_id: RequestId,
        fingerprint: [u8; 32],
        claimed_at: Timestamp,
    ) -> Result<Claim, Problem> {
        let inserted = sqlx::query!(
            "INSERT INTO requests (request_id, fingerprint, claimed_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            request_id.uuid(),
            fingerprint.as_slice(),
            claimed_at.to_sqlx() as _,
        )
        .execute(&self.pool)
        .await?;
        if inserted.rows_affected() == 1 {
            return Ok(Claim::New);
        }
        let row = sqlx::query!(
            "SELECT fingerprint, answer FROM requests WHERE request_id = $1",
            request_id.uuid()
        )
        .fetch_optional(&self.pool)
        .await?;
        match row {
            // It was refused and let go in between.
            None => return Ok(Claim::InProgress),
            Some(row) if row.fingerprint != fingerprint => return Ok(Claim::Reused),
            Some(row) => {
                if let Some(answer) = row.answer {
                    return Ok(Claim::Done(answer));
                }
            }
        }
        let taken_over = sqlx::query!(
            "UPDATE requests SET claimed_at = $2 WHERE request_id = $1 AND answer IS NULL AND claimed_at < $3",
            request_id.uuid(),
            claimed_at.to_sqlx() as _,
            (claimed_at - WORK).to_sqlx() as _,
        )
        .execute(&self.pool)
        .await?;
        Ok(match taken_over.rows_affected() {
            0 => Claim::InProgress,
            _ => Claim::Begun,
        })
    }

    /// Writes down how a request was answered; the first answer stays.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "UPDATE requests", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "requests"))]
    pub async fn settle_request(&self, request_id: RequestId, answer: &str) -> Result<(), Problem> {
        sqlx::query!(
            "UPDATE requests SET answer = $2 WHERE request_id = $1 AND answer IS NULL",
            request_id.uuid(),
            answer
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Lets a request go that was refused, so that it is refused again and not taken for done; not one that somebody else
    /// has claimed since.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "DELETE requests", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "DELETE", db.collection.name = "requests"))]
    pub async fn release_request(&self, request_id: RequestId, claimed_at: Timestamp) -> Result<(), Problem> {
        sqlx::query!(
            "DELETE FROM requests WHERE request_id = $1 AND answer IS NULL AND claimed_at = $2",
            request_id.uuid(),
            claimed_at.to_sqlx() as _,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Keeps how active a member was when a verification asked, once for each verification; returns the evidence of it.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "INSERT assessments", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "assessments"))]
    pub async fn insert_assessment(
        &self,
        verification_id: VerificationId,
        member_id: MemberId,
        (evidence_id, activity): (EvidenceId, Score),
        assessed_at: Timestamp,
    ) -> Result<EvidenceId, Problem> {
        sqlx::query!(
            "INSERT INTO assessments (verification_id, member_id, evidence_id, activity, assessed_at)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT ON CONSTRAINT assessments_once DO NOTHING",
            verification_id.uuid(),
            member_id.get(),
            evidence_id.uuid(),
            i16::from(activity.get()),
            assessed_at.to_sqlx() as _,
        )
        .execute(&self.pool)
        .await?;
        let kept = sqlx::query_scalar!(
            "SELECT evidence_id FROM assessments WHERE verification_id = $1",
            verification_id.uuid()
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(EvidenceId::from(kept))
    }

    /// How active the members were whom these pieces of evidence are about; what is no assessment is left out.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT assessments", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "assessments"))]
    pub async fn list_assessed(&self, evidence: &[EvidenceId]) -> Result<BTreeMap<EvidenceId, Score>, Problem> {
        let ids: Vec<uuid::Uuid> = evidence.iter().map(|id| id.uuid()).collect();
        let rows = sqlx::query!(
            "SELECT evidence_id, activity FROM assessments WHERE evidence_id = ANY ($1)",
            &ids
        )
        .fetch_all(&self.pool)
        .await?;
        let assessed = rows.into_iter().map(|row| {
            let activity = Score::capped(i64::from(row.activity));
            (EvidenceId::from(row.evidence_id), activity)
        });
        Ok(assessed.collect())
    }
}
