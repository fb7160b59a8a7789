//! Verifications.

use super::{Intake, Store, Verification, VerificationFilter};
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use mesh_runtime::Problem;
use mesh_types::{MemberId, RequestId, Score, VerificationId, VerificationStatus};
use orchestrator_workflows::contract::{VerificationRequest, VerificationState};
use sqlx::types::Json;
use std::future::Future;

struct Row {
    request: Json<VerificationRequest>,
    status: String,
    run_id: Option<String>,
    state: Option<Json<VerificationState>>,
    started_at: SqlTimestamp,
    ended_at: Option<SqlTimestamp>,
}

impl TryFrom<Row> for Verification {
    type Error = Problem;

    fn try_from(row: Row) -> Result<Self, Problem> {
        let unknown = || Problem::internal(format!("the read model holds the unknown status {:?}", row.status));
        Ok(Self {
            status: VerificationStatus::parse(&row.status).ok_or_else(unknown)?,
            request: row.request.0,
            run_id: row.run_id,
            state: row.state.map(|state| state.0),
            started_at: row.started_at.to_jiff(),
            ended_at: row.ended_at.map(SqlTimestamp::to_jiff),
        })
    }
}

impl Store {
    /// Takes a verification in, unless its request came before or the member has another one in progress.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then nothing is written.
    #[tracing::instrument(name = "INSERT verifications", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "verifications"))]
    pub async fn insert_verification(
        &self,
        request_id: RequestId,
        request: &VerificationRequest,
        started_at: Timestamp,
    ) -> Result<Intake, Problem> {
        // Whatever stood in the way can be gone when it is looked at: then the next try gets through.
        loop {
            sqlx::query!(
                "INSERT INTO verifications (verification_id, member_id, request_id, request, status, started_at)
                 VALUES ($1, $2, $3, $4, 'in_progress', $5)
                 ON CONFLICT DO NOTHING",
                request.verification_id.uuid(),
                request.member_id.get(),
                request_id.uuid(),
                Json(request) as _,
                started_at.to_sqlx() as _,
            )
            .execute(&self.pool)
            .await?;
            if let Some(taken) = self.find_by_request(request_id).await? {
                let same = VerificationRequest { verification_id: taken.request.verification_id, ..request.clone() };
                return Ok(if taken.request == same { Intake::Taken(Box::new(taken)) } else { Intake::RequestIdReused });
            }
            if let Some(other) = self.find_in_progress(request.member_id).await? {
                return Ok(Intake::InProgress(Box::new(other)));
            }
        }
    }

    async fn find_by_request(&self, request_id: RequestId) -> Result<Option<Verification>, Problem> {
        let row = sqlx::query_as!(
            Row,
            r#"SELECT request AS "request: _", status, run_id, state AS "state: _", started_at AS "started_at: _",
                      ended_at AS "ended_at: _"
                 FROM verifications WHERE request_id = $1"#,
            request_id.uuid(),
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(Verification::try_from).transpose()
    }

    async fn find_in_progress(&self, member_id: MemberId) -> Result<Option<Verification>, Problem> {
        let row = sqlx::query_as!(
            Row,
            r#"SELECT request AS "request: _", status, run_id, state AS "state: _", started_at AS "started_at: _",
                      ended_at AS "ended_at: _"
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
            r#"SELECT request AS "request: _", status, run_id, state AS "state: _", started_at AS "started_at: _",
                      ended_at AS "ended_at: _"
                 FROM verifications WHERE verification_id = $1"#,
            id.uuid(),
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(Verification::try_from).transpose()
    }

    /// Starts a verification's workflow by `start` unless that was done, and returns its run. The row is locked
    /// meanwhile, so of any number of callers one starts it, and its end is recorded after its run.
    ///
    /// # Errors
    /// What `start` returns; `DATABASE_UNAVAILABLE` when PostgreSQL is away. Either way the next call goes on.
    #[tracing::instrument(name = "UPDATE verifications", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "verifications"))]
    pub async fn record_run<F>(&self, id: VerificationId, start: impl FnOnce() -> F + Send) -> Result<String, Problem>
    where
        F: Future<Output = Result<String, Problem>> + Send,
    {
        let mut transaction = self.pool.begin().await?;
        let row = sqlx::query!("SELECT run_id FROM verifications WHERE verification_id = $1 FOR UPDATE", id.uuid())
            .fetch_one(&mut *transaction)
            .await?;
        if let Some(run_id) = row.run_id {
            return Ok(run_id);
        }
        let run_id = start().await?;
        sqlx::query!("UPDATE verifications SET run_id = $2 WHERE verification_id = $1", id.uuid(), run_id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(run_id)
    }

    /// Records a verification's end; one that has ended stays as it is.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then nothing is written.
    #[tracing::instrument(name = "UPDATE verifications", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "verifications"))]
    pub async fn record_outcome(&self, state: &VerificationState, ended_at: Timestamp) -> Result<(), Problem> {
        sqlx::query!(
            "UPDATE verifications SET status = $2, state = $3, score = $4, ended_at = $5
              WHERE verification_id = $1 AND status = 'in_progress'",
            state.verification_id.uuid(),
            state.status.as_str(),
            Json(state) as _,
            i16::from(state.breakdown.score.get()),
            ended_at.to_sqlx() as _,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
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
    pub async fn list_verifications(&self, filter: &VerificationFilter) -> Result<Vec<Verification>, Problem> {
        let rows = sqlx::query_as!(
            Row,
            r#"SELECT request AS "request: _", status, run_id, state AS "state: _", started_at AS "started_at: _",
                      ended_at AS "ended_at: _"
                 FROM verifications
                WHERE ($1::bigint IS NULL OR member_id = $1) AND ($2::text IS NULL OR status = $2)
                  AND ($3::uuid IS NULL OR verification_id < $3)
                ORDER BY verification_id DESC LIMIT $4"#,
            filter.member_id.map(MemberId::get),
            filter.status.map(VerificationStatus::as_str),
            filter.before.map(VerificationId::uuid),
            filter.limit,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Verification::try_from).collect()
    }
}
