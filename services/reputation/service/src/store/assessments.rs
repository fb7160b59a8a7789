//! What the method reputation found, once for each verification.

use super::Store;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mesh_runtime::Problem;
use mesh_types::{Evidence, EvidenceId, EvidenceKind, MemberId, Score, VerificationId};

impl Store {
    /// Records how active a member was when a verification asked, and returns the evidence of it. A verification is assessed
    /// once: a repeat returns the first evidence, with the activity of that time.
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
    ) -> Result<Evidence, Problem> {
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
        let assessed = sqlx::query!(
            "SELECT evidence_id, activity FROM assessments WHERE verification_id = $1",
            verification_id.uuid()
        )
        .fetch_one(&self.pool)
        .await?;
        let evidence_id = EvidenceId::from(assessed.evidence_id);
        Ok(Evidence {
            basis: Some(Score::capped(i64::from(assessed.activity))),
            ..Evidence::new(evidence_id, EvidenceKind::ActivityHistory)
        })
    }
}
