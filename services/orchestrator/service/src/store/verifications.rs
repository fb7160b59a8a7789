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
                let same = VerificationRequest {
                    verification_id: taken.request.verification_id,
                    search_attributes: taken.request.search_attributes,
                    ..request.clone()
                };
                return Ok(if taken.request == same {
                    Intake::Taken(Box::new(taken))
                } else {
                    Intake::RequestIdReused
                });
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
        let _turn = self.starts.acquire().await.map_err(Problem::internal)?;
        let mut transaction = self.pool.begin().await?;
        let row = sqlx::query!(
            "SELECT run_id FROM verifications WHERE verification_id = $1 FOR UPDATE",
            id.uuid()
        )
        .fetch_one(&mut *transaction)
        .await?;
        if let Some(run_id) = row.run_id {
            return Ok(run_id);
        }
        let run_id = start().await?;
        sqlx::query!(
            "UPDATE verifications SET run_id = $2 WHERE verification_id = $1",
            id.uuid(),
            run_id
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(run_id)
    }

    /// Records a verification's end, and its run where the start could not; one that has ended stays as it is.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then nothing is written.
    #[tracing::instrument(name = "UPDATE verifications", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "verifications"))]
    pub async fn record_outcome(
        &self,
        state: &VerificationState,
        run_id: Option<&str>,
        ended_at: Timestamp,
    ) -> Result<(), Problem> {
        sqlx::query!(
            "UPDATE verifications
                SET status = $2, state = $3, score = $4, ended_at = $5, run_id = coalesce(run_id, $6)
              WHERE verification_id = $1 AND status = 'in_progress'",
            state.verification_id.uuid(),
            state.status.as_str(),
            Json(state) as _,
            i16::from(state.breakdown.score.get()),
            ended_at.to_sqlx() as _,
            run_id,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{OrPanic, member, new_request, store, verification};
    use futures::future::join_all;
    use mesh_runtime::clock;
    use mesh_types::ScoreBreakdown;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn of_many_requests_at_once_one_verification_is_taken_in() {
        let store = store().await;
        let member_id = member(&store, 1).await;
        let requests: Vec<_> = (0..30).map(|_| (new_request(), verification(member_id))).collect();
        let now = clock::now();
        let all = join_all(
            requests
                .iter()
                .map(|(id, request)| store.insert_verification(*id, request, now)),
        )
        .await;
        let taken = all
            .into_iter()
            .filter(|intake| matches!(intake, Ok(Intake::Taken(_))))
            .count();
        assert_eq!(taken, 1);
    }

    #[tokio::test]
    async fn a_run_is_started_once_and_a_failed_start_is_tried_again() {
        let store = store().await;
        let member_id = member(&store, 1).await;
        let request = verification(member_id);
        store
            .insert_verification(new_request(), &request, clock::now())
            .await
            .or_panic();
        let id = request.verification_id;
        let away = store.record_run(id, async || Err(Problem::internal("away"))).await;
        assert!(away.is_err());
        let starts = AtomicU32::new(0);
        let start = async || Ok(format!("run {}", starts.fetch_add(1, Ordering::SeqCst)));
        let runs = join_all((0..20).map(|_| store.record_run(id, start))).await;
        for run in runs {
            assert_eq!(run.or_panic(), "run 0");
        }
        assert_eq!(starts.into_inner(), 1);
    }

    #[tokio::test]
    async fn a_start_whose_answer_was_lost_is_not_made_again_after_the_end() {
        let store = store().await;
        let member_id = member(&store, 1).await;
        let request = verification(member_id);
        store
            .insert_verification(new_request(), &request, clock::now())
            .await
            .or_panic();
        let id = request.verification_id;
        let lost = async || Err(Problem::internal("Temporal took the start, its answer was lost"));
        assert!(store.record_run(id, lost).await.is_err());
        let end = VerificationState {
            verification_id: id,
            status: VerificationStatus::Completed,
            methods: Vec::new(),
            breakdown: ScoreBreakdown::of(Vec::new()),
            next_steps: Vec::new(),
        };
        store
            .record_outcome(&end, Some("the run"), clock::now())
            .await
            .or_panic();
        let again = async || panic!("it must not be started again");
        assert_eq!(store.record_run(id, again).await.or_panic(), "the run");
    }

    #[tokio::test]
    async fn an_end_is_recorded_once_and_makes_room_for_the_next() {
        let store = store().await;
        let member_id = member(&store, 1).await;
        let request = verification(member_id);
        store
            .insert_verification(new_request(), &request, clock::now())
            .await
            .or_panic();
        let end = |status| VerificationState {
            verification_id: request.verification_id,
            status,
            methods: Vec::new(),
            breakdown: ScoreBreakdown::of(Vec::new()),
            next_steps: Vec::new(),
        };
        store
            .record_outcome(&end(VerificationStatus::Timeout), None, clock::now())
            .await
            .or_panic();
        store
            .record_outcome(&end(VerificationStatus::Completed), None, clock::now())
            .await
            .or_panic();
        let ended = store
            .find_verification(request.verification_id)
            .await
            .or_panic()
            .expect("it is there");
        assert_eq!(ended.status, VerificationStatus::Timeout);
        let next = store
            .insert_verification(new_request(), &verification(member_id), clock::now())
            .await
            .or_panic();
        assert!(matches!(next, Intake::Taken(_)));
    }

    #[tokio::test]
    async fn a_request_is_the_same_however_the_service_that_takes_it_is_run() {
        let store = store().await;
        let (request_id, asked) = (new_request(), verification(member(&store, 1).await));
        store
            .insert_verification(request_id, &asked, clock::now())
            .await
            .or_panic();
        // As a release wrote it that knew no such switch.
        sqlx::query("UPDATE verifications SET request = request - 'search_attributes'")
            .execute(&store.pool)
            .await
            .expect("the row changes");
        for search_attributes in [true, false] {
            let again = VerificationRequest {
                verification_id: VerificationId::from(clock::new_uuid()),
                search_attributes,
                ..asked.clone()
            };
            match store
                .insert_verification(request_id, &again, clock::now())
                .await
                .or_panic()
            {
                Intake::Taken(taken) => assert_eq!(taken.request, asked),
                _ => panic!("the same request was refused"),
            }
        }
    }
}
