//! What the scheduled workflows write: reminders and reports.

use super::Store;
use crate::calendar::{Month, Week};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::{Date as SqlDate, Timestamp as SqlTimestamp, ToSqlx};
use mesh_runtime::Problem;
use mesh_types::{Level, MemberId, Method, VerificationId};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;

/// Whom to remind of what: the verifications that were in progress at an instant, and had been for longer than a while.
#[derive(Clone, Copy, Debug)]
pub struct ReminderRound {
    as_of: Timestamp,
    started_before: Timestamp,
}

impl ReminderRound {
    /// The round of an instant; `quiet_seconds` is the while.
    pub fn new(as_of: Timestamp, quiet_seconds: u32) -> Self {
        let quiet = SignedDuration::from_secs(i64::from(quiet_seconds));
        Self {
            as_of,
            started_before: as_of.saturating_sub(quiet).unwrap_or(Timestamp::MIN),
        }
    }
}

/// That a member was due a reminder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reminder {
    /// The verification that stood still.
    pub verification_id: VerificationId,
    /// Whose it is.
    pub member_id: MemberId,
    /// One reminder a week for each verification.
    pub week: Week,
    /// When it was written.
    pub reminded_at: Timestamp,
}

/// A place in the list of reminders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReminderPlace {
    /// The week.
    pub week: Week,
    /// The verification.
    pub verification_id: VerificationId,
}

/// Which reminders to list.
pub struct ReminderFilter {
    /// Only this member's.
    pub member_id: Option<MemberId>,
    /// Only those that come after this one.
    pub after: Option<ReminderPlace>,
    /// How many at most.
    pub limit: i64,
}

/// Which reports to list.
pub struct ReportFilter {
    /// Only of months before this one.
    pub before: Option<Month>,
    /// How many at most.
    pub limit: i64,
}

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
    /// Those by the level that their score gives, the lowest level first.
    pub levels: [(Level, i64); 4],
    /// How each chosen method came out, by method.
    pub methods: Vec<MethodCount>,
    /// The median time from start to end of those that completed, in seconds; none when none did.
    pub median_seconds: Option<i64>,
    /// When it was computed.
    pub computed_at: Timestamp,
}

/// How a method came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodCount {
    /// The method.
    pub method: Method,
    /// How often it counted.
    pub accepted: i64,
    /// How often it came to any other end.
    pub not_accepted: i64,
}

struct ReminderRow {
    verification_id: Uuid,
    member_id: i64,
    week: SqlDate,
    reminded_at: SqlTimestamp,
}

impl TryFrom<ReminderRow> for Reminder {
    type Error = Problem;

    fn try_from(row: ReminderRow) -> Result<Self, Problem> {
        let week = Week::beginning(row.week.to_jiff());
        Ok(Self {
            verification_id: row.verification_id.into(),
            member_id: MemberId::try_from(row.member_id).map_err(Problem::internal)?,
            week: week.ok_or_else(|| Problem::internal("a reminder's week begins on no Monday"))?,
            reminded_at: row.reminded_at.to_jiff(),
        })
    }
}

struct ReportRow {
    month: SqlDate,
    in_progress: i64,
    completed: i64,
    failed: i64,
    cancelled: i64,
    timed_out: i64,
    level_none: i64,
    level_bronze: i64,
    level_silver: i64,
    level_gold: i64,
    methods: Json<Vec<MethodCount>>,
    median_seconds: Option<i64>,
    computed_at: SqlTimestamp,
}

impl TryFrom<ReportRow> for VerificationReport {
    type Error = Problem;

    fn try_from(row: ReportRow) -> Result<Self, Problem> {
        let month = Month::beginning(row.month.to_jiff());
        let mut methods = row.methods.0;
        methods.sort_by_key(|count| count.method);
        Ok(Self {
            month: month.ok_or_else(|| Problem::internal("a report's month begins on no first"))?,
            in_progress: row.in_progress,
            completed: row.completed,
            failed: row.failed,
            cancelled: row.cancelled,
            timed_out: row.timed_out,
            levels: [
                (Level::None, row.level_none),
                (Level::Bronze, row.level_bronze),
                (Level::Silver, row.level_silver),
                (Level::Gold, row.level_gold),
            ],
            methods,
            median_seconds: row.median_seconds,
            computed_at: row.computed_at.to_jiff(),
        })
    }
}

/// The lowest score of each level above none, in order: what PostgreSQL's `width_bucket` tells levels apart by.
fn level_bounds() -> Vec<i16> {
    let above_none = Level::ALL.into_iter().skip(1);
    above_none.map(|level| i16::from(level.least_score().get())).collect()
}

impl Store {
    /// Writes the reminders of a round that are not there yet, one a week for each verification; returns how many.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then none is written.
    #[tracing::instrument(name = "INSERT verification_reminders", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "verification_reminders"))]
    pub async fn insert_reminders(&self, round: ReminderRound, reminded_at: Timestamp) -> Result<u64, Problem> {
        let written = sqlx::query!(
            "INSERT INTO verification_reminders (verification_id, week, member_id, reminded_at)
             SELECT verification_id, $1, member_id, $2
               FROM verifications
              WHERE started_at < $3 AND (ended_at IS NULL OR ended_at > $4)
             ON CONFLICT ON CONSTRAINT verification_reminders_once_a_week DO NOTHING",
            Week::of(round.as_of).monday().to_sqlx() as _,
            reminded_at.to_sqlx() as _,
            round.started_before.to_sqlx() as _,
            round.as_of.to_sqlx() as _,
        )
        .execute(&self.pool)
        .await?;
        Ok(written.rows_affected())
    }

    /// Counts the verifications of a month and writes its report, in place of the one that may be there.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then the report stays as it was.
    #[tracing::instrument(name = "INSERT verification_reports", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "verification_reports"))]
    pub async fn record_report(&self, month: Month, computed_at: Timestamp) -> Result<(), Problem> {
        sqlx::query!(
            "WITH ended AS (
                 SELECT status, outcome, width_bucket(score, $4::smallint[]) AS level,
                        greatest(extract(epoch FROM ended_at - started_at), 0)::double precision AS seconds
                   FROM verifications WHERE ended_at >= $2 AND ended_at < $3),
             counted AS (
                 SELECT method ->> 'method' AS method,
                        count(*) FILTER (WHERE method ->> 'status' = 'accepted') AS accepted,
                        count(*) FILTER (WHERE method ->> 'status' <> 'accepted') AS not_accepted
                   FROM ended CROSS JOIN LATERAL jsonb_array_elements(outcome -> 'methods') AS each (method)
                  GROUP BY 1)
             INSERT INTO verification_reports (month, in_progress, completed, failed, cancelled, timed_out,
                 level_none, level_bronze, level_silver, level_gold, methods, median_seconds, computed_at)
             SELECT $1,
                    (SELECT count(*) FROM verifications
                      WHERE started_at < $3 AND (ended_at IS NULL OR ended_at >= $3)),
                    count(*) FILTER (WHERE status = 'completed'), count(*) FILTER (WHERE status = 'failed'),
                    count(*) FILTER (WHERE status = 'cancelled'), count(*) FILTER (WHERE status = 'timeout'),
                    count(*) FILTER (WHERE level = 0), count(*) FILTER (WHERE level = 1),
                    count(*) FILTER (WHERE level = 2), count(*) FILTER (WHERE level = 3),
                    (SELECT coalesce(jsonb_agg(to_jsonb(counted)), '[]') FROM counted),
                    round(percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds)
                          FILTER (WHERE status = 'completed'))::bigint,
                    $5
               FROM ended
             ON CONFLICT ON CONSTRAINT verification_reports_one_a_month DO UPDATE
                SET in_progress = excluded.in_progress, completed = excluded.completed, failed = excluded.failed,
                    cancelled = excluded.cancelled, timed_out = excluded.timed_out,
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
        .execute(&self.pool)
        .await?;
        Ok(())
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
            r#"SELECT month AS "month: _", in_progress, completed, failed, cancelled, timed_out, level_none, level_bronze,
                      level_silver, level_gold, methods AS "methods: _", median_seconds, computed_at AS "computed_at: _"
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
    pub async fn list_reports(&self, filter: &ReportFilter) -> Result<Vec<VerificationReport>, Problem> {
        let rows = sqlx::query_as!(
            ReportRow,
            r#"SELECT month AS "month: _", in_progress, completed, failed, cancelled, timed_out, level_none, level_bronze,
                      level_silver, level_gold, methods AS "methods: _", median_seconds, computed_at AS "computed_at: _"
                 FROM verification_reports
                WHERE ($1::date IS NULL OR month < $1)
                ORDER BY month DESC LIMIT $2"#,
            filter.before.map(|month| month.first_day().to_sqlx()) as _,
            filter.limit,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(VerificationReport::try_from).collect()
    }

    /// Reminders, the newest week first; within a week the newest verification first.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT verification_reminders", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "verification_reminders"))]
    pub async fn list_reminders(&self, filter: &ReminderFilter) -> Result<Vec<Reminder>, Problem> {
        let rows = sqlx::query_as!(
            ReminderRow,
            r#"SELECT verification_id, member_id, week AS "week: _", reminded_at AS "reminded_at: _"
                 FROM verification_reminders
                WHERE ($1::bigint IS NULL OR member_id = $1)
                  AND ($2::date IS NULL OR (week, verification_id) < ($2, $3::uuid))
                ORDER BY week DESC, verification_id DESC LIMIT $4"#,
            filter.member_id.map(MemberId::get),
            filter.after.map(|place| place.week.monday().to_sqlx()) as _,
            filter.after.map(|place| place.verification_id.uuid()),
            filter.limit,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Reminder::try_from).collect()
    }
}

#[cfg(test)]
mod tests;
