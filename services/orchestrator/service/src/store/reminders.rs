//! Reminders: that a member was due one, once a week for each verification.

#[cfg(test)]
mod tests;

use super::{SCHEDULED_STATEMENT_TIMEOUT, Store};
use crate::calendar::Week;
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::{Date as SqlDate, Timestamp as SqlTimestamp, ToSqlx};
use mesh_runtime::{BATCH, Problem, begin_with_statement_timeout};
use mesh_types::{MemberId, VerificationId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long a reminder is listed: 400 days.
const RETENTION: SignedDuration = SignedDuration::from_hours(400 * 24);

/// Whom to remind of what: the verifications that were in progress at an instant, and had been for longer than a while.
#[derive(Clone, Copy, Debug)]
pub struct ReminderRound {
    as_of: Timestamp,
    started_before: Timestamp,
}

impl ReminderRound {
    /// The round of an instant; `remind_after_seconds` is the while.
    pub fn new(as_of: Timestamp, remind_after_seconds: u32) -> Self {
        let quiet = SignedDuration::from_secs(i64::from(remind_after_seconds));
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

/// The order of reminders: the week, then the verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReminderKey {
    /// The week.
    pub week: Week,
    /// The verification.
    pub verification_id: VerificationId,
}

/// Which reminders to list.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ReminderFilter {
    /// Only this member's.
    pub member_id: Option<MemberId>,
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

impl Store {
    /// Writes the reminders of a round that are not there yet, one a week for each verification; returns how many.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then none is written.
    #[tracing::instrument(name = "INSERT verification_reminders", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "verification_reminders"))]
    pub async fn insert_reminders(&self, round: ReminderRound, reminded_at: Timestamp) -> Result<u64, Problem> {
        let mut transaction = begin_with_statement_timeout(&self.pool, SCHEDULED_STATEMENT_TIMEOUT).await?;
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
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(written.rows_affected())
    }

    /// Deletes reminders that are older than 400 days at `now`.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; what stays is left to a later round.
    pub async fn forget_reminders(&self, now: Timestamp) -> Result<(), Problem> {
        while self.delete_reminders(now - RETENTION, BATCH).await? >= BATCH.unsigned_abs() {}
        Ok(())
    }

    /// Deletes reminders of weeks that began before a day, at most so many; returns how many.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "DELETE verification_reminders", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "DELETE", db.collection.name = "verification_reminders"))]
    pub async fn delete_reminders(&self, before: Timestamp, limit: i64) -> Result<u64, Problem> {
        let deleted = sqlx::query!(
            "DELETE FROM verification_reminders WHERE (verification_id, week) IN
                 (SELECT verification_id, week FROM verification_reminders WHERE week < $1
                   ORDER BY week LIMIT $2 FOR UPDATE SKIP LOCKED)",
            Week::of(before).monday().to_sqlx() as _,
            limit,
        )
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected())
    }

    /// Reminders, the newest week first; within a week the newest verification first.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT verification_reminders", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "verification_reminders"))]
    pub async fn list_reminders(
        &self,
        filter: ReminderFilter,
        after: Option<&ReminderKey>,
        limit: i64,
    ) -> Result<Vec<Reminder>, Problem> {
        let rows = sqlx::query_as!(
            ReminderRow,
            r#"SELECT verification_id, member_id, week AS "week: _", reminded_at AS "reminded_at: _"
                 FROM verification_reminders
                WHERE ($1::bigint IS NULL OR member_id = $1)
                  AND ($2::date IS NULL OR (week, verification_id) < ($2, $3::uuid))
                ORDER BY week DESC, verification_id DESC LIMIT $4"#,
            filter.member_id.map(MemberId::get),
            after.map(|key| key.week.monday().to_sqlx()) as _,
            after.map(|key| key.verification_id.uuid()),
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Reminder::try_from).collect()
    }
}
