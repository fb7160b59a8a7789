//! Verifications.

#[cfg(test)]
mod tests;

use super::{Revoked, Store};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use mesh_runtime::Problem;
use mesh_types::{MemberId, Method, Open, Score, VerificationId, VerificationStatus};
use orchestrator_workflows::contract::{VerificationOutcome, VerificationState};
use orchestrator_workflows::methods::MethodRequest;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;

/// How long after its start a verification is looked at first. By then its start has come to an end or was lost.
const FIRST_LOOK: SignedDuration = SignedDuration::from_secs(60);
/// How long after a look the next one comes while the workflow is not started.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(60);
/// How long after a look the next one comes while the workflow is started.
const LOOK_AGAIN_WHEN_STARTED: SignedDuration = SignedDuration::from_hours(1);

/// What a caller asked for, as the table keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRequest {
    /// The score that completes it.
    pub target_score: Score,
    /// The chosen methods, each at most once.
    pub methods: Vec<StoredMethod>,
    /// When to give up, in seconds from the start.
    pub timeout_seconds: u64,
}

/// A chosen method, as the table keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum StoredMethod {
    /// One that this version can start.
    Known(MethodRequest),
    /// One that only a newer version knows.
    Newer {
        /// Its name.
        method: Open<Method>,
    },
}

impl StoredMethod {
    /// The method.
    pub fn method(&self) -> Open<Method> {
        match self {
            Self::Known(request) => request.method().into(),
            Self::Newer { method } => method.clone(),
        }
    }
}

/// A verification to be inserted.
pub struct NewVerification {
    /// The verification.
    pub verification_id: VerificationId,
    /// The member.
    pub member_id: MemberId,
    /// What was asked for.
    pub request: StoredRequest,
    /// When it was asked for.
    pub started_at: Timestamp,
}

/// A verification in the read model.
pub struct Verification {
    /// The verification.
    pub verification_id: VerificationId,
    /// The member.
    pub member_id: MemberId,
    /// What was asked for.
    pub request: StoredRequest,
    /// How it stands.
    pub status: Open<VerificationStatus>,
    /// Its run in Temporal, once it is started there.
    pub run_id: Option<String>,
    /// How its methods and its score stood at its end.
    pub outcome: Option<VerificationState>,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// That something it rests on was taken away.
    pub revoked: Option<Revoked>,
}

impl Verification {
    /// When its workflow gives up.
    pub fn deadline(&self) -> Timestamp {
        let timeout = SignedDuration::from_secs(i64::try_from(self.request.timeout_seconds).unwrap_or(i64::MAX));
        self.started_at.saturating_add(timeout).unwrap_or(Timestamp::MAX)
    }
}

/// How an insertion came out.
pub enum InsertOutcome {
    /// It is there, now or by an earlier insertion under the same id.
    Inserted(Box<Verification>),
    /// The member has another one in progress.
    InProgress(Box<Verification>),
}

/// Which verifications to list.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct VerificationFilter {
    /// Only this member's.
    pub member_id: Option<MemberId>,
    /// Only with this status.
    pub status: Option<VerificationStatus>,
}

struct Row {
    verification_id: Uuid,
    member_id: i64,
    request: Json<StoredRequest>,
    status: String,
    run_id: Option<String>,
    /// A [`VerificationOutcome`]; its status stands in the column as well.
    outcome: Option<Json<VerificationState>>,
    started_at: SqlTimestamp,
    ended_at: Option<SqlTimestamp>,
    revoked_reason: Option<String>,
    revoked_at: Option<SqlTimestamp>,
}

impl TryFrom<Row> for Verification {
    type Error = Problem;

    fn try_from(row: Row) -> Result<Self, Problem> {
        Ok(Self {
            verification_id: row.verification_id.into(),
            member_id: MemberId::try_from(row.member_id).map_err(Problem::internal)?,
            status: Open::of_text(&row.status),
            request: row.request.0,
            run_id: row.run_id,
            outcome: row.outcome.map(|outcome| outcome.0),
            started_at: row.started_at.to_jiff(),
            ended_at: row.ended_at.map(SqlTimestamp::to_jiff),
            revoked: Revoked::of_row(row.revoked_reason, row.revoked_at),
        })
    }
}

impl Store {
    /// Inserts a verification, unless it is there already or the member has another one in progress.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then nothing is written.
    #[tracing::instrument(name = "INSERT verifications", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "verifications"))]
    pub async fn insert_verification(&self, new: &NewVerification) -> Result<InsertOutcome, Problem> {
        // What stood in the way may be gone when it is looked at: then the next try gets through.
        loop {
            sqlx::query!(
                "INSERT INTO verifications (verification_id, member_id, request, status, started_at, next_look_at)
                 VALUES ($1, $2, $3, 'in_progress', $4, $5)
                 ON CONFLICT DO NOTHING",
                new.verification_id.uuid(),
                new.member_id.get(),
                Json(&new.request) as _,
                new.started_at.to_sqlx() as _,
                (new.started_at + FIRST_LOOK).to_sqlx() as _,
            )
            .execute(&self.pool)
            .await?;
            if let Some(found) = self.find_verification(new.verification_id).await? {
                return Ok(InsertOutcome::Inserted(Box::new(found)));
            }
            if let Some(other) = self.find_in_progress(new.member_id).await? {
                return Ok(InsertOutcome::InProgress(Box::new(other)));
            }
        }
    }

    async fn find_in_progress(&self, member_id: MemberId) -> Result<Option<Verification>, Problem> {
        let row = sqlx::query_as!(
            Row,
            r#"SELECT verification_id, member_id, request AS "request: _", status, run_id, outcome AS "outcome: _",
                      started_at AS "started_at: _", ended_at AS "ended_at: _", revoked_reason,
                      revoked_at AS "revoked_at: _"
                 FROM verifications WHERE member_id = $1 AND status = 'in_progress'"#,
            member_id.get(),
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(Verification::try_from).transpose()
    }

    /// A verification.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT verifications", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "verifications"))]
    pub async fn find_verification(&self, id: VerificationId) -> Result<Option<Verification>, Problem> {
        let row = sqlx::query_as!(
            Row,
            r#"SELECT verification_id, member_id, request AS "request: _", status, run_id, outcome AS "outcome: _",
                      started_at AS "started_at: _", ended_at AS "ended_at: _", revoked_reason,
                      revoked_at AS "revoked_at: _"
                 FROM verifications WHERE verification_id = $1"#,
            id.uuid(),
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(Verification::try_from).transpose()
    }

    /// Writes down the run of a verification, unless that was done.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; the next start of the same verification finds the run again.
    #[tracing::instrument(name = "UPDATE verifications", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "verifications"))]
    pub async fn record_run(&self, id: VerificationId, run_id: &str) -> Result<(), Problem> {
        sqlx::query!(
            "UPDATE verifications SET run_id = $2 WHERE verification_id = $1 AND run_id IS NULL",
            id.uuid(),
            run_id
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Records the end of a verification, as its own workflow tells it; `run_id` is the run that tells. The workflow's id is
    /// the verification's for ever, so every run of it may: an operator's reset goes on in another run. A verification that
    /// has ended stays as it is; one that something was taken away from ends without a score, and as revoked instead of completed.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then nothing is written.
    pub async fn record_outcome(
        &self,
        id: VerificationId,
        run_id: &str,
        outcome: &VerificationOutcome,
        ended_at: Timestamp,
    ) -> Result<(), Problem> {
        self.end_verification(id, None, run_id, outcome, ended_at).await
    }

    /// Records the end of a verification, as somebody found it who looked at Temporal while the row named `run_id`. One that
    /// has ended, and one that names another run by now, stay as they are.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then nothing is written.
    pub async fn reconcile_outcome(
        &self,
        id: VerificationId,
        run_id: &str,
        outcome: &VerificationOutcome,
        ended_at: Timestamp,
    ) -> Result<(), Problem> {
        self.end_verification(id, Some(run_id), run_id, outcome, ended_at).await
    }

    #[tracing::instrument(name = "UPDATE verifications", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "verifications"))]
    async fn end_verification(
        &self,
        id: VerificationId,
        only_of_run: Option<&str>,
        run_id: &str,
        outcome: &VerificationOutcome,
        ended_at: Timestamp,
    ) -> Result<(), Problem> {
        sqlx::query!(
            "UPDATE verifications
                SET status = CASE WHEN $4::text = 'completed' AND revoked_at IS NOT NULL THEN 'revoked' ELSE $4 END,
                    outcome = $5, score = CASE WHEN revoked_at IS NULL THEN $6::smallint ELSE 0 END, ended_at = $7::timestamptz,
                    run_id = $3, counter_due_at = CASE WHEN counter_due_at IS NOT NULL THEN $7::timestamptz END
              WHERE verification_id = $1 AND status = 'in_progress' AND ($2::text IS NULL OR run_id = $2)",
            id.uuid(),
            only_of_run,
            run_id,
            outcome.status.as_str(),
            Json(outcome) as _,
            i16::from(outcome.breakdown.score.get()),
            ended_at.to_sqlx() as _,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Claims verifications in progress that are to be looked at by `now`, those that have waited longest first. Nobody else
    /// gets them until their next look is due.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "UPDATE verifications", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "verifications"))]
    pub async fn claim_due(&self, now: Timestamp, limit: i64) -> Result<Vec<VerificationId>, Problem> {
        let rows = sqlx::query!(
            "UPDATE verifications SET next_look_at = CASE WHEN run_id IS NULL THEN $3::timestamptz ELSE $4 END
              WHERE verification_id IN (
                  SELECT verification_id FROM verifications WHERE status = 'in_progress' AND next_look_at <= $1
                   ORDER BY next_look_at LIMIT $2 FOR UPDATE SKIP LOCKED)
             RETURNING verification_id",
            now.to_sqlx() as _,
            limit,
            (now + LOOK_AGAIN).to_sqlx() as _,
            (now + LOOK_AGAIN_WHEN_STARTED).to_sqlx() as _,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|row| row.verification_id.into()).collect())
    }

    /// The score of the member's last completed verification; 0 when there is none.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT verifications", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "verifications"))]
    pub async fn last_score(&self, member_id: MemberId) -> Result<Score, Problem> {
        let row = sqlx::query!(
            "SELECT score FROM verifications WHERE member_id = $1 AND status = 'completed'
              ORDER BY verification_id DESC LIMIT 1",
            member_id.get(),
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(Score::capped(row.and_then(|row| row.score).map_or(0, i64::from)))
    }

    /// Verifications, newest first.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT verifications", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "verifications"))]
    pub async fn list_verifications(
        &self,
        filter: VerificationFilter,
        before: Option<&VerificationId>,
        limit: i64,
    ) -> Result<Vec<Verification>, Problem> {
        let rows = sqlx::query_as!(
            Row,
            r#"SELECT verification_id, member_id, request AS "request: _", status, run_id, outcome AS "outcome: _",
                      started_at AS "started_at: _", ended_at AS "ended_at: _", revoked_reason,
                      revoked_at AS "revoked_at: _"
                 FROM verifications
                WHERE ($1::bigint IS NULL OR member_id = $1) AND ($2::text IS NULL OR status = $2)
                  AND ($3::uuid IS NULL OR verification_id < $3)
                ORDER BY verification_id DESC LIMIT $4"#,
            filter.member_id.map(MemberId::get),
            filter.status.map(VerificationStatus::as_str),
            before.map(|id| id.uuid()),
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Verification::try_from).collect()
    }
}
