//! What the method reputation found, once for each verification.

use super::Store;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mesh_runtime::Problem;
use mesh_types::{EvidenceId, MemberId, Score, VerificationId};
use reputation_workflows::policy::{NetworkPoints, Withheld};

/// What a verification found when it asked, whether or not it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assessed {
    /// How active the member was.
    pub activity: Score,
    /// The evidence of that, if there is enough of it.
    pub activity_evidence_id: EvidenceId,
    /// The points by the trust network, and the evidence of them, if there are any. Absent where an older version assessed,
    /// which did not ask for them.
    pub network: Option<(EvidenceId, NetworkPoints)>,
}

impl Store {
    /// What a verification found, if it was assessed.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT assessments", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "assessments"))]
    pub async fn find_assessment(&self, verification_id: VerificationId) -> Result<Option<Assessed>, Problem> {
        let row = sqlx::query!(
            "SELECT evidence_id, activity, network_evidence_id, network_points, network_withheld
               FROM assessments WHERE verification_id = $1",
            verification_id.uuid()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| Assessed {
            activity: score(row.activity),
            activity_evidence_id: row.evidence_id.into(),
            network: row.network_evidence_id.map(|evidence_id| {
                let points = match row.network_withheld.as_deref() {
                    Some(why) => NetworkPoints::Withheld(Withheld::of_text(why)),
                    None => NetworkPoints::Given(score(row.network_points.unwrap_or_default())),
                };
                (evidence_id.into(), points)
            }),
        }))
    }

    /// Records what a verification found, and returns it. A verification is assessed once: a repeat changes nothing and returns
    /// what was found first.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "INSERT assessments", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "assessments"))]
    pub async fn insert_assessment(
        &self,
        (verification_id, member_id): (VerificationId, MemberId),
        new: Assessed,
        assessed_at: Timestamp,
    ) -> Result<Assessed, Problem> {
        let (network_points, network_withheld) = match new.network.map(|(_, network)| network) {
            None => (None, None),
            Some(NetworkPoints::Given(points)) => (Some(i16::from(points.get())), None),
            Some(NetworkPoints::Withheld(why)) => (Some(0), Some(why.as_str())),
        };
        sqlx::query!(
            "INSERT INTO assessments (verification_id, member_id, evidence_id, activity, assessed_at,
                                      network_evidence_id, network_points, network_withheld)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT ON CONSTRAINT assessments_once DO NOTHING",
            verification_id.uuid(),
            member_id.get(),
            new.activity_evidence_id.uuid(),
            i16::from(new.activity.get()),
            assessed_at.to_sqlx() as _,
            new.network.map(|(evidence_id, _)| evidence_id.uuid()),
            network_points,
            network_withheld,
        )
        .execute(&self.pool)
        .await?;
        let assessed = self.find_assessment(verification_id).await?;
        assessed.ok_or_else(|| Problem::internal("an assessment that was recorded is gone"))
    }
}

fn score(number: i16) -> Score {
    Score::capped(i64::from(number))
}

#[cfg(test)]
mod tests;
