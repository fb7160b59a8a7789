//! What must be remembered so that a repeated request does nothing twice, and a repeated assessment finds the same.

use super::Store;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mesh_runtime::Problem;
use mesh_types::{EvidenceId, MemberId, RequestId, Score, VerificationId};
use std::collections::BTreeMap;

/// What a caller asked of a decay clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecayOperation {
    /// Start it.
    Start,
    /// Stop it.
    Cancel,
}

impl DecayOperation {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Cancel => "cancel",
        }
    }
}

/// How a request about a decay clock came out before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecayRequestSeen {
    /// It was done, with this run of the workflow.
    Done(String),
    /// The request id came before with other content.
    RequestIdReused,
}

impl Store {
    /// How a request about a decay clock came out, if it came before.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT decay_requests", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "decay_requests"))]
    pub async fn find_decay_request(
        &self,
        request_id: RequestId,
        member_id: MemberId,
        operation: DecayOperation,
    ) -> Result<Option<DecayRequestSeen>, Problem> {
        let row = sqlx::query!(
            "SELECT member_id, operation, run_id FROM decay_requests WHERE request_id = $1",
            request_id.uuid()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| {
            if row.member_id == member_id.get() && row.operation == operation.as_str() {
                DecayRequestSeen::Done(row.run_id)
            } else {
                DecayRequestSeen::RequestIdReused
            }
        }))
    }

    /// Remembers that a request about a decay clock was done; one that is remembered stays as it is.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "INSERT decay_requests", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "decay_requests"))]
    pub async fn insert_decay_request(
        &self,
        request_id: RequestId,
        member_id: MemberId,
        operation: DecayOperation,
        run_id: &str,
        requested_at: Timestamp,
    ) -> Result<(), Problem> {
        sqlx::query!(
            "INSERT INTO decay_requests (request_id, member_id, operation, run_id, requested_at)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            request_id.uuid(),
            member_id.get(),
            operation.as_str(),
            run_id,
            requested_at.to_sqlx() as _,
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
