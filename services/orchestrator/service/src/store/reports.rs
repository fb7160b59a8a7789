//! Reports: the verifications of a month in numbers.

#[cfg(test)]
mod tests;

use super::{SCHEDULED_STATEMENT_TIMEOUT, Store};
use crate::calendar::Month;
use jiff::Timestamp;
use jiff_sqlx::{Date as SqlDate, Timestamp as SqlTimestamp, ToSqlx};
use mesh_runtime::{Problem, begin_with_statement_timeout};
use mesh_types::{Level, Method, Open, Reason};
use orchestrator_workflows::contract::TrustNetworkFigures;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

/// The verifications of a month. Counts are of those that ended in it, except for `in_progress`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationReport {
    /// The month.
    pub month: Month,
    /// How many were in progress when the month ended.
    pub in_progress: i64,
    /// How many reached their target.
    pub completed: i64,
    /// How many ended below it.
    pub failed: i64,
    /// How many were cancelled.
    pub cancelled: i64,
    /// How many ran out of time.
    pub timed_out: i64,
    /// How many reached their target and were revoked since.
    pub revoked: i64,
    /// Those by the level that their score gives, the lowest level first.
    pub levels: [(Level, i64); 4],
    /// How each chosen method came out, by method.
    pub methods: Vec<MethodCount>,
    /// The median time from start to end of those that completed, in seconds; none when none did.
    pub median_seconds: Option<i64>,
    /// The trust network when it ended; none until the community service has counted it.
    pub trust_network: Option<TrustNetworkFigures>,
    /// When the verifications were counted.
    pub computed_at: Timestamp,
}

/// How a method came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodCount {
    /// The method.
    pub method: Open<Method>,
    /// How often it counted.
    pub accepted: i64,
    /// How often it came to any other end.
    pub not_accepted: i64,
}

struct ReportRow {
    month: SqlDate,
    in_progress: i64,
    completed: i64,
    failed: i64,
    cancelled: i64,
    timed_out: i64,
    revoked: i64,
    level_none: i64,
    level_bronze: i64,
    level_silver: i64,
    level_gold: i64,
    methods: Json<Vec<MethodCount>>,
    median_seconds: Option<i64>,
    trust_network: Option<Json<TrustNetworkFigures>>,
    computed_at: SqlTimestamp,
}

impl TryFrom<ReportRow> for VerificationReport {
    type Error = Problem;

    fn try_from(row: ReportRow) -> Result<Self, Problem> {
        let month = Month::beginning(row.month.to_jiff());
        let mut methods = row.methods.0;
        methods.sort_by(|one, other| one.method.cmp(&other.method));
        Ok(Self {
            month: month.ok_or_else(|| Problem::internal("a report's month begins on no first"))?,
            in_progress: row.in_progress,
            completed: row.completed,
            failed: row.failed,
            cancelled: row.cancelled,
            timed_out: row.timed_out,
            revoked: row.revoked,
            levels: [
                (Level::None, row.level_none),
                (Level::Bronze, row.level_bronze),
                (Level::Silver, row.level_silver),
                (Level::Gold, row.level_gold),
            ],
            methods,
            median_seconds: row.median_seconds,
            trust_network: row.trust_network.map(|figures| figures.0),
            computed_at: row.computed_at.to_jiff(),
        })
    }
}

/// The lowest score of each level above none, in order: what PostgreSQL's `width_bucket` tells levels apart by.
fn level_bounds() -> Vec<i16> {
    let above_none = Level::ALL.into_iter().skip(1);
    above_none.map(|level| i16::from(level.least_score().get())).collect()
}

/// Refuses what needs the report of a month that was not written.
pub(crate) fn no_report() -> Problem {
    Problem::new(
        Reason::VerificationReportNotFound,
        "no report was written for this month",
    )
}

impl Store {
    /// Counts the verifications of a month and writes its report, in place of the one that may be there. Returns how many
    /// have an outcome whose methods can't be read: they count as verifications, and by no method.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then the report stays as it was.
    #[tracing::instrument(name = "INSERT verification_reports", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "verification_reports"))]
    pub async fn record_report(&self, month: Month, computed_at: Timestamp) -> Result<u64, Problem> {
        let mut transaction = begin_with_statement_timeout(&self.pool, SCHEDULED_STATEMENT_TIMEOUT).await?;
        sqlx::query!(
            "WITH ended AS (
                 SELECT status, outcome, width_bucket(score, $4::smallint[]) AS level,
                        greatest(extract(epoch FROM ended_at - started_at), 0)::double precision AS seconds
                   FROM verifications WHERE ended_at >= $2 AND ended_at < $3),
             counted AS (
                 SELECT method ->> 'method' AS method,
                        count(*) FILTER (WHERE method ->> 'status' = 'accepted') AS accepted,
                        count(*) FILTER (WHERE method ->> 'status' <> 'accepted') AS not_accepted
                   FROM ended CROSS JOIN LATERAL jsonb_array_elements(
                            CASE jsonb_typeof(outcome -> 'methods') WHEN 'array' THEN outcome -> 'methods' ELSE '[]' END
                        ) AS each (method)
                  WHERE method ->> 'method' IS NOT NULL
                  GROUP BY 1)
             INSERT INTO verification_reports (month, in_progress, completed, failed, cancelled, timed_out, revoked,
                 level_none, level_bronze, level_silver, level_gold, methods, median_seconds, computed_at)
             SELECT $1,
                    (SELECT count(*) FROM verifications
                      WHERE started_at < $3 AND (ended_at IS NULL OR ended_at >= $3)),
                    count(*) FILTER (WHERE status = 'completed'), count(*) FILTER (WHERE status = 'failed'),
                    count(*) FILTER (WHERE status = 'cancelled'), count(*) FILTER (WHERE status = 'timeout'),
                    count(*) FILTER (WHERE status = 'revoked'),
                    count(*) FILTER (WHERE level = 0), count(*) FILTER (WHERE level = 1),
                    count(*) FILTER (WHERE level = 2), count(*) FILTER (WHERE level = 3),
                    (SELECT coalesce(jsonb_agg(to_jsonb(counted)), '[]') FROM counted),
                    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds)
                          FILTER (WHERE status = 'completed'))::bigint,
                    $5
               FROM ended
             ON CONFLICT ON CONSTRAINT verification_reports_one_a_month DO UPDATE
                SET in_progress = excluded.in_progress, completed = excluded.completed, failed = excluded.failed,
                    cancelled = excluded.cancelled, timed_out = excluded.timed_out, revoked = excluded.revoked,
                    level_none = excluded.level_none, level_bronze = excluded.level_bronze,
                    level_silver = excluded.level_silver, level_gold = excluded.level_gold,
                    methods = excluded.methods, median_seconds = excluded.median_seconds,
                    computed_at = excluded.computed_at",
            month.first_day().to_sqlx() as _,
            month.start()?.to_sqlx() as _,
            month.end()?.to_sqlx() as _,
            &level_bounds(),
            computed_at.to_sqlx() as _,
        )
        .execute(&mut *transaction)
        .await?;
        let unreadable = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM verifications
                WHERE ended_at >= $1 AND ended_at < $2 AND outcome IS NOT NULL
                  AND (jsonb_typeof(outcome -> 'methods') IS DISTINCT FROM 'array'
                       OR jsonb_path_exists(outcome, '$.methods[*] ? (!exists (@.method))'))"#,
            month.start()?.to_sqlx() as _,
            month.end()?.to_sqlx() as _,
        )
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(unreadable.unsigned_abs())
    }

    /// Adds the trust network to the report of a month, in place of the one that may be there.
    ///
    /// # Errors
    /// `VERIFICATION_REPORT_NOT_FOUND` when none was written for the month; `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "UPDATE verification_reports", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "verification_reports"))]
    pub async fn record_trust_network(&self, month: Month, figures: &TrustNetworkFigures) -> Result<(), Problem> {
        let updated = sqlx::query!(
            "UPDATE verification_reports SET trust_network = $2 WHERE month = $1",
            month.first_day().to_sqlx() as _,
            Json(figures) as _,
        )
        .execute(&self.pool)
        .await?;
        match updated.rows_affected() {
            0 => Err(no_report()),
            _ => Ok(()),
        }
    }

    /// The report of a month.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT verification_reports", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "verification_reports"))]
    pub async fn find_report(&self, month: Month) -> Result<Option<VerificationReport>, Problem> {
        let row = sqlx::query_as!(
            ReportRow,
            r#"SELECT month AS "month: _", in_progress, completed, failed, cancelled, timed_out, revoked, level_none,
                      level_bronze, level_silver, level_gold, methods AS "methods: _", median_seconds,
                      trust_network AS "trust_network: _", computed_at AS "computed_at: _"
                 FROM verification_reports WHERE month = $1"#,
            month.first_day().to_sqlx() as _,
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(VerificationReport::try_from).transpose()
    }

    /// Reports, the newest month first.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT verification_reports", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "verification_reports"))]
    pub async fn list_reports(&self, before: Option<&Month>, limit: i64) -> Result<Vec<VerificationReport>, Problem> {
        let rows = sqlx::query_as!(
            ReportRow,
            r#"SELECT month AS "month: _", in_progress, completed, failed, cancelled, timed_out, revoked, level_none,
                      level_bronze, level_silver, level_gold, methods AS "methods: _", median_seconds,
                      trust_network AS "trust_network: _", computed_at AS "computed_at: _"
                 FROM verification_reports
                WHERE ($1::date IS NULL OR month < $1)
                ORDER BY month DESC LIMIT $2"#,
            before.map(|month| month.first_day().to_sqlx()) as _,
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(VerificationReport::try_from).collect()
    }
}
