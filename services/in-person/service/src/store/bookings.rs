//! Holding a verifier and a slot, moving what is held, and ending it.

use super::appointments::{
    WorkflowRun, change_appointment, find, lock_appointment, lock_verifier, note_known, record_change, slot_not_free,
    span,
};
use super::meetings::{Meeting, close_meeting, lock_meeting};
use super::{Store, VerifierMethod, newer};
use crate::appointment::{Appointment, State};
use crate::diary::{Diary, Entry};
use in_person_availability::{Availability, Span};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use mesh_keyring::Sealed;
use mesh_runtime::{Actor, Problem};
use mesh_types::{AppointmentId, MemberId, VerificationId};
use sqlx::{PgConnection, PgExecutor};
use std::collections::HashMap;

/// No zone's day is farther from a UTC instant of it than this.
const A_DAY: SignedDuration = SignedDuration::from_hours(26);

/// What to hold, for whom.
#[derive(Clone, Debug)]
pub struct Hold {
    /// For what.
    pub meeting: Meeting,
    /// Which appointment of the verification it is, from 1.
    pub number: u32,
    /// The id that the appointment gets.
    pub appointment_id: AppointmentId,
    /// When it may begin at the earliest.
    pub from: Timestamp,
    /// When it must have ended.
    pub until: Timestamp,
    /// The key that the code for the check-in is made with.
    pub code_key_id: String,
}

/// How an appointment is ended.
#[derive(Clone, Copy, Debug)]
pub struct Ending {
    /// Which one; none for the latest.
    pub appointment_id: Option<AppointmentId>,
    /// Only if it still ends then.
    pub at: Option<Timestamp>,
    /// What it becomes.
    pub state: State,
    /// Whether nothing is booked for its verification any more.
    pub closes: bool,
}

/// What came of holding.
#[derive(Debug)]
pub enum Held {
    /// It is held, or was by an earlier attempt.
    Appointment(Box<Appointment>),
    /// The verifier has no time any more.
    NotFree,
    /// Nothing is booked for the verification any more.
    Over,
}

struct Bookable {
    time_zone: String,
    availability: Availability,
    certified_until: Timestamp,
    meeting_point: Sealed,
    is_paused: bool,
}

impl Store {
    /// Holds the first of some slots of a verifier at which they are still free, in one transaction. The same number again is held once. With
    /// what is held, `then` writes what belongs to it.
    ///
    /// # Errors
    /// `NEWER_VERSION_NEEDED`; `DATABASE_UNAVAILABLE` when PostgreSQL is away; those of `then`.
    pub async fn hold(
        &self,
        hold: &Hold,
        (verifier_id, slots): (MemberId, &[Span]),
        (actor, now): (&Actor, Timestamp),
        then: impl AsyncFnOnce(&mut PgConnection, &Appointment) -> Result<(), Problem>,
    ) -> Result<Held, Problem> {
        let _turn = self.turn(verifier_id).await?;
        let mut transaction = self.pool.begin().await?;
        if !lock_meeting(&mut transaction, &hold.meeting).await? {
            return Ok(Held::Over);
        }
        if let Some(id) = find_numbered(&mut *transaction, hold.meeting.verification_id, hold.number).await? {
            let held = find(&mut *transaction, id).await?;
            // The meeting may just have been made.
            transaction.commit().await?;
            let held = held.ok_or_else(|| Problem::internal("an appointment is gone"))?;
            return Ok(Held::Appointment(Box::new(held)));
        }
        lock_verifier(&mut transaction, verifier_id.get()).await?;
        let Some(bookable) = find_bookable(&mut transaction, verifier_id).await? else {
            return Ok(Held::NotFree);
        };
        let zone = TimeZone::get(&bookable.time_zone).map_err(|_| newer("the zone of this verifier"))?;
        let Some((first, last)) = slots.first().zip(slots.last()) else {
            return Ok(Held::NotFree);
        };
        let days = Span::new(first.start(), last.end()).map_err(Problem::internal)?;
        let mut diaries = diaries(&mut *transaction, &[verifier_id.get()], days, None).await?;
        let diary = diaries.remove(&verifier_id.get()).unwrap_or_default();
        for slot in slots {
            let has_time = slot.end() <= bookable.certified_until
                && slot.end() <= hold.until
                && slot.start() >= hold.from
                && bookable.availability.covers(&zone, *slot)
                && diary.admits(*slot, &zone);
            if !has_time {
                continue;
            }
            let appointment = appointment(hold, verifier_id, &bookable, *slot);
            if insert(&mut transaction, &appointment, hold.number, now).await? {
                record_change(&mut transaction, &appointment, (actor, now)).await?;
                then(&mut transaction, &appointment).await?;
                transaction.commit().await?;
                return Ok(Held::Appointment(Box::new(appointment)));
            }
        }
        Ok(Held::NotFree)
    }

    /// The appointment of a verification that is open; none when there is none.
    ///
    /// # Errors
    /// `NEWER_VERSION_NEEDED`; `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    pub async fn find_open_appointment(&self, verification_id: VerificationId) -> Result<Option<Appointment>, Problem> {
        let latest = self.find_latest_appointment(verification_id).await?;
        Ok(latest.filter(|latest| latest.state.is_open()))
    }

    /// What some verifiers have to do around a time.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    pub async fn diaries(&self, verifiers: &[i64], around: Span) -> Result<HashMap<i64, Diary>, Problem> {
        diaries(&self.pool, verifiers, around, None).await
    }

    /// Ends the appointment of a verification that is open, with `then` in the same transaction. Returns the appointment as it stands.
    ///
    /// # Errors
    /// `NEWER_VERSION_NEEDED`; `DATABASE_UNAVAILABLE` when PostgreSQL is away; those of `then`.
    pub async fn end(
        &self,
        meeting: &Meeting,
        ending: Ending,
        (actor, now): (&Actor, Timestamp),
        then: impl AsyncFnOnce(&mut PgConnection, &Appointment) -> Result<(), Problem>,
    ) -> Result<Option<Appointment>, Problem> {
        let mut transaction = self.pool.begin().await?;
        // Made where there is none, so that an attempt to hold that got lost finds it closed.
        lock_meeting(&mut transaction, meeting).await?;
        if ending.closes {
            close_meeting(&mut transaction, meeting.verification_id, now).await?;
        }
        let which = match ending.appointment_id {
            Some(id) => Some(id),
            None => find_last(&mut *transaction, meeting.verification_id).await?,
        };
        let Some(which) = which else {
            transaction.commit().await?;
            return Ok(None);
        };
        let mut stands = lock_appointment(&mut transaction, which).await?;
        // One that was moved meanwhile is not what the caller means to end.
        let is_meant = ending.at.is_none_or(|at| at == stands.span.end());
        if let Some(closed) = stands.closed_as(ending.state).filter(|_| is_meant) {
            change_appointment(&mut transaction, &closed, (actor, now)).await?;
            note_known(&mut transaction, &closed).await?;
            then(&mut transaction, &closed).await?;
            stands = closed;
        }
        transaction.commit().await?;
        Ok(Some(stands))
    }

    /// Verifications whose appointment is open though it had to have ended before an instant: their workflow is gone.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT appointments", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "appointments"))]
    pub async fn list_left_behind(&self, before: Timestamp, limit: i64) -> Result<Vec<Meeting>, Problem> {
        let rows = sqlx::query!(
            "SELECT meetings.verification_id, meetings.member_id, meeting_preference_id, workflow_id, run_id
               FROM appointments JOIN meetings USING (verification_id)
              WHERE ended_at IS NULL AND until < $1 ORDER BY until LIMIT $2",
            before.to_sqlx() as _,
            limit,
        );
        let rows = rows.fetch_all(&self.pool).await?.into_iter();
        rows.map(|row| {
            Ok(Meeting {
                verification_id: row.verification_id.into(),
                member_id: MemberId::try_from(row.member_id).map_err(Problem::internal)?,
                meeting_preference_id: row.meeting_preference_id.into(),
                run: WorkflowRun {
                    workflow_id: row.workflow_id,
                    run_id: row.run_id,
                },
            })
        })
        .collect()
    }
}

/// Refuses where the verifier has no time at which an appointment would be moved, within the transaction that has locked it.
///
/// # Errors
/// `SLOT_NOT_FREE`; `NEWER_VERSION_NEEDED`; `DATABASE_UNAVAILABLE` when PostgreSQL is away.
pub async fn ensure_verifier_has_time(connection: &mut PgConnection, moved: &Appointment) -> Result<(), Problem> {
    let bookable = find_bookable(connection, moved.verifier_id).await?;
    let bookable = bookable.ok_or_else(slot_not_free)?;
    let zone = TimeZone::get(&bookable.time_zone).map_err(|_| newer("the zone of this verifier"))?;
    let id = moved.verifier_id.get();
    let mut diaries = diaries(connection, &[id], moved.span, Some(moved.appointment_id)).await?;
    let diary = diaries.remove(&id).unwrap_or_default();
    let has_time = moved.span.end() <= bookable.certified_until
        && bookable.availability.covers(&zone, moved.span)
        && diary.admits(moved.span, &zone);
    match has_time {
        true => Ok(()),
        false => Err(slot_not_free()),
    }
}

/// What a verifier is certified to check, at an instant.
///
/// # Errors
/// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
#[tracing::instrument(name = "SELECT verifiers", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "verifiers"))]
pub async fn certified_for(
    connection: &mut PgConnection,
    verifier_id: MemberId,
    now: Timestamp,
) -> Result<Vec<VerifierMethod>, Problem> {
    let methods = sqlx::query_scalar!(
        "SELECT methods FROM verifiers WHERE verifier_id = $1 AND certified_until > $2",
        verifier_id.get(),
        now.to_sqlx() as _,
    );
    let methods = methods.fetch_optional(connection).await?;
    VerifierMethod::all_of(&methods.unwrap_or_default())
}

/// A verifier with whom appointments can be booked.
#[tracing::instrument(name = "SELECT verifiers", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "verifiers"))]
async fn find_bookable(connection: &mut PgConnection, verifier_id: MemberId) -> Result<Option<Bookable>, Problem> {
    let row = sqlx::query!(
        r#"SELECT time_zone, availability, is_paused, certified_until AS "certified_until: SqlTimestamp", meeting_point,
                  meeting_point_key_id
             FROM verifiers WHERE verifier_id = $1"#,
        verifier_id.get()
    );
    let Some(row) = row.fetch_optional(connection).await? else {
        return Ok(None);
    };
    let Some((bytes, key_id)) = row.meeting_point.zip(row.meeting_point_key_id) else {
        return Ok(None);
    };
    let bookable = Bookable {
        time_zone: row.time_zone,
        availability: serde_json::from_value(row.availability).map_err(|_| newer("when this verifier is free"))?,
        certified_until: row.certified_until.to_jiff(),
        meeting_point: Sealed { key_id, bytes },
        is_paused: row.is_paused,
    };
    Ok((!bookable.is_paused).then_some(bookable))
}

#[tracing::instrument(name = "SELECT appointments", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "appointments"))]
async fn find_numbered(
    executor: impl PgExecutor<'_>,
    verification_id: VerificationId,
    number: u32,
) -> Result<Option<AppointmentId>, Problem> {
    let id = sqlx::query_scalar!(
        "SELECT appointment_id FROM appointments WHERE verification_id = $1 AND number = $2",
        verification_id.uuid(),
        i32::try_from(number).map_err(Problem::internal)?,
    );
    Ok(id.fetch_optional(executor).await?.map(AppointmentId::from))
}

#[tracing::instrument(name = "SELECT appointments", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "appointments"))]
async fn find_last(
    executor: impl PgExecutor<'_>,
    verification_id: VerificationId,
) -> Result<Option<AppointmentId>, Problem> {
    let id = sqlx::query_scalar!(
        "SELECT appointment_id FROM appointments WHERE verification_id = $1 ORDER BY number DESC LIMIT 1",
        verification_id.uuid(),
    );
    Ok(id.fetch_optional(executor).await?.map(AppointmentId::from))
}

/// The diaries of verifiers for the days around a time, but for one appointment.
#[tracing::instrument(name = "SELECT appointments", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "appointments"))]
async fn diaries(
    executor: impl PgExecutor<'_>,
    verifiers: &[i64],
    around: Span,
    but: Option<AppointmentId>,
) -> Result<HashMap<i64, Diary>, Problem> {
    let rows = sqlx::query!(
        r#"SELECT verifier_id, starts_at AS "starts_at: SqlTimestamp", ends_at AS "ends_at: SqlTimestamp", state,
                  ended_at IS NULL AS "is_held!"
             FROM appointments
            WHERE verifier_id = ANY ($1) AND starts_at BETWEEN $2 AND $3 AND appointment_id IS DISTINCT FROM $4"#,
        verifiers,
        around
            .start()
            .saturating_sub(A_DAY)
            .map_err(Problem::internal)?
            .to_sqlx() as _,
        around.end().saturating_add(A_DAY).map_err(Problem::internal)?.to_sqlx() as _,
        but.map(AppointmentId::uuid),
    );
    let mut diaries: HashMap<i64, Diary> = HashMap::new();
    for row in rows.fetch_all(executor).await? {
        // How one stands that only a newer version knows is no reason to stop: it fills the day.
        let fills_the_day = State::parse(&row.state).is_none_or(State::fills_the_day);
        if fills_the_day || row.is_held {
            diaries.entry(row.verifier_id).or_default().add(Entry {
                span: span(row.starts_at, row.ends_at)?,
                is_held: row.is_held,
            });
        }
    }
    Ok(diaries)
}

fn appointment(hold: &Hold, verifier_id: MemberId, bookable: &Bookable, slot: Span) -> Appointment {
    Appointment {
        appointment_id: hold.appointment_id,
        verification_id: hold.meeting.verification_id,
        member_id: hold.meeting.member_id,
        verifier_id,
        span: slot,
        until: hold.until,
        time_zone: bookable.time_zone.clone(),
        meeting_point: Some(bookable.meeting_point.clone()),
        state: State::Booked,
        version: 1,
        reschedules: 0,
        code_key_id: hold.code_key_id.clone(),
        code_tries: 0,
        completion: None,
    }
}

/// Whether it could be written: not where the verifier or the member has another appointment then.
#[tracing::instrument(name = "INSERT appointments", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "appointments"))]
async fn insert(
    connection: &mut PgConnection,
    new: &Appointment,
    number: u32,
    now: Timestamp,
) -> Result<bool, Problem> {
    // Without a target, so that the exclusion constraints are met as well as the keys.
    let inserted = sqlx::query!(
        "INSERT INTO appointments (appointment_id, verification_id, number, member_id, verifier_id, starts_at, ends_at, until,
                                   time_zone, meeting_point, meeting_point_key_id, state, code_key_id, booked_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14) ON CONFLICT DO NOTHING",
        new.appointment_id.uuid(),
        new.verification_id.uuid(),
        i32::try_from(number).map_err(Problem::internal)?,
        new.member_id.get(),
        new.verifier_id.get(),
        new.span.start().to_sqlx() as _,
        new.span.end().to_sqlx() as _,
        new.until.to_sqlx() as _,
        new.time_zone,
        new.meeting_point.as_ref().map(|sealed| sealed.bytes.as_slice()),
        new.meeting_point.as_ref().map(|sealed| sealed.key_id.as_str()),
        new.state.as_str(),
        new.code_key_id,
        now.to_sqlx() as _,
    );
    Ok(inserted.execute(connection).await?.rows_affected() == 1)
}
