//! Where and when members can meet somebody, and the verifications for which they do.

use super::Store;
use super::appointments::{WorkflowRun, slot_not_free};
use crate::Location;
use crate::appointment::Appointment;
use in_person_availability::Span;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use mesh_runtime::Problem;
use mesh_types::{MeetingPreferenceId, MemberId, VerificationId};
use sqlx::PgConnection;
use sqlx::types::Json;

/// Where and when a member can meet a verifier.
#[derive(Clone, Debug)]
pub struct MeetingPreference {
    /// Its id.
    pub meeting_preference_id: MeetingPreferenceId,
    /// The member.
    pub member_id: MemberId,
    /// Where, coarse.
    pub location: Location,
    /// When; any time when there is none. As they are read, in order and without two that overlap or touch.
    pub free_times: Vec<Span>,
    /// Whether the member brings an original document.
    pub brings_original_document: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The verification by the method in person that something is done for.
#[derive(Clone, Debug)]
pub struct Meeting {
    /// The verification.
    pub verification_id: VerificationId,
    /// The member.
    pub member_id: MemberId,
    /// Where and when the member can.
    pub meeting_preference_id: MeetingPreferenceId,
    /// The workflow that asks.
    pub run: WorkflowRun,
}

/// Adds a preference, within a transaction.
///
/// # Errors
/// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
#[tracing::instrument(name = "INSERT meeting_preferences", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "meeting_preferences"))]
pub async fn insert_meeting_preference(connection: &mut PgConnection, new: &MeetingPreference) -> Result<(), Problem> {
    let times: Vec<(i64, i64)> = (new.free_times.iter())
        .map(|time| (time.start().as_second(), time.end().as_second()))
        .collect();
    sqlx::query!(
        "INSERT INTO meeting_preferences (meeting_preference_id, member_id, location, free_times, brings_original_document,
                                          created_at)
         VALUES ($1, $2, ST_SetSRID(ST_MakePoint($3, $4), 4326)::geography, $5, $6, $7)",
        new.meeting_preference_id.uuid(),
        new.member_id.get(),
        new.location.longitude(),
        new.location.latitude(),
        Json(times) as _,
        new.brings_original_document,
        new.created_at.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Closes the meetings of a verification within a transaction: nothing is booked for it any more. What it was told of the member goes.
///
/// # Errors
/// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
#[tracing::instrument(name = "UPDATE meetings", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "meetings"))]
pub async fn close_meeting(
    connection: &mut PgConnection,
    verification_id: VerificationId,
    now: Timestamp,
) -> Result<(), Problem> {
    sqlx::query!(
        "UPDATE meetings SET closed_at = coalesce(closed_at, $2) WHERE verification_id = $1",
        verification_id.uuid(),
        now.to_sqlx() as _,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "DELETE FROM meeting_preferences USING meetings
          WHERE meetings.verification_id = $1 AND meeting_preferences.meeting_preference_id = meetings.meeting_preference_id
            AND meeting_preferences.member_id = meetings.member_id",
        verification_id.uuid(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether anything may still be booked for a verification, whose row is locked until the transaction ends. It is made where there is none.
///
/// # Errors
/// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
#[tracing::instrument(name = "INSERT meetings", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "meetings"))]
pub(super) async fn lock_meeting(connection: &mut PgConnection, meeting: &Meeting) -> Result<bool, Problem> {
    let is_open = sqlx::query_scalar!(
        r#"INSERT INTO meetings (verification_id, member_id, meeting_preference_id, workflow_id, run_id)
           VALUES ($1, $2, $3, $4, $5) ON CONFLICT ON CONSTRAINT meetings_pkey DO UPDATE SET workflow_id = excluded.workflow_id, run_id = excluded.run_id
           RETURNING closed_at IS NULL AS "is_open!""#,
        meeting.verification_id.uuid(),
        meeting.member_id.get(),
        meeting.meeting_preference_id.uuid(),
        meeting.run.workflow_id,
        meeting.run.run_id,
    );
    Ok(is_open.fetch_one(connection).await?)
}

/// As the table has them, in seconds since 1970-01-01 UTC.
type FreeTimes = Json<Vec<(i64, i64)>>;

/// In order. Those that overlap or touch are one: who has time until ten and from ten on has time at ten.
fn spans(times: FreeTimes) -> Result<Vec<Span>, Problem> {
    let instant = |seconds| Timestamp::from_second(seconds).map_err(Problem::internal);
    let span = |start, end| Span::new(start, end).map_err(|_| Problem::internal("a time ends before it begins"));
    let mut times = times.0;
    times.sort_unstable();
    let mut merged: Vec<Span> = Vec::new();
    for (start, end) in times {
        let time = span(instant(start)?, instant(end)?)?;
        match merged.last_mut() {
            Some(last) if time.start() <= last.end() => *last = span(last.start(), last.end().max(time.end()))?,
            _ => merged.push(time),
        }
    }
    Ok(merged)
}

/// Refuses where the member has said when they have time, and not then, within the transaction that has locked the appointment.
///
/// # Errors
/// `SLOT_NOT_FREE`; `DATABASE_UNAVAILABLE` when PostgreSQL is away.
#[tracing::instrument(name = "SELECT meeting_preferences", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "meeting_preferences"))]
pub async fn ensure_member_has_time(connection: &mut PgConnection, moved: &Appointment) -> Result<(), Problem> {
    let times = sqlx::query_scalar!(
        r#"SELECT free_times AS "free_times: FreeTimes"
             FROM meeting_preferences JOIN meetings USING (meeting_preference_id) WHERE verification_id = $1"#,
        moved.verification_id.uuid(),
    );
    let times = times.fetch_optional(connection).await?.map(spans).transpose()?;
    let times = times.unwrap_or_default();
    match times.is_empty() || times.iter().any(|time| time.contains(moved.span)) {
        true => Ok(()),
        false => Err(slot_not_free()),
    }
}

impl Store {
    /// A preference; none when there is none.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT meeting_preferences", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "meeting_preferences"))]
    pub async fn find_meeting_preference(&self, id: MeetingPreferenceId) -> Result<Option<MeetingPreference>, Problem> {
        let row = sqlx::query!(
            r#"SELECT member_id, ST_Y(location::geometry) AS "latitude!", ST_X(location::geometry) AS "longitude!",
                      free_times AS "free_times: FreeTimes", brings_original_document,
                      created_at AS "created_at: SqlTimestamp"
                 FROM meeting_preferences WHERE meeting_preference_id = $1"#,
            id.uuid(),
        );
        let Some(row) = row.fetch_optional(&self.pool).await? else {
            return Ok(None);
        };
        let location = Location::of_degrees(row.latitude, row.longitude);
        Ok(Some(MeetingPreference {
            meeting_preference_id: id,
            member_id: MemberId::try_from(row.member_id).map_err(Problem::internal)?,
            location: location.map_err(|_| Problem::internal("a member is at no point of the earth"))?,
            free_times: spans(row.free_times)?,
            brings_original_document: row.brings_original_document,
            created_at: row.created_at.to_jiff(),
        }))
    }

    /// Forgets up to `limit` preferences that were made before an instant, the oldest first. Returns how many.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "DELETE meeting_preferences", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "DELETE", db.collection.name = "meeting_preferences"))]
    pub async fn forget_meeting_preferences(&self, before: Timestamp, limit: i64) -> Result<u64, Problem> {
        let deleted = sqlx::query!(
            "DELETE FROM meeting_preferences WHERE meeting_preference_id IN
                 (SELECT meeting_preference_id FROM meeting_preferences WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
            before.to_sqlx() as _,
            limit,
        );
        Ok(deleted.execute(&self.pool).await?.rows_affected())
    }
}
