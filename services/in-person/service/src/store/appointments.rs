//! Appointments as they are kept, and what becomes of them.

use super::{Store, newer};
use crate::appointment::{Appointment, Completion, State};
use in_person_availability::Span;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use mesh_keyring::Sealed;
use mesh_runtime::{Actor, Problem};
use mesh_types::{AppointmentId, MemberId, Reason, VerificationId};
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

/// The run of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowRun {
    /// Its workflow id.
    pub workflow_id: String,
    /// Its run id.
    pub run_id: String,
}

/// A change that a workflow has to be told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untold {
    /// The appointment.
    pub appointment_id: AppointmentId,
    /// Its version.
    pub version: i64,
    /// Whom to tell.
    pub run: WorkflowRun,
}

struct Row {
    appointment_id: Uuid,
    verification_id: Uuid,
    member_id: i64,
    verifier_id: i64,
    starts_at: SqlTimestamp,
    ends_at: SqlTimestamp,
    until: SqlTimestamp,
    time_zone: String,
    meeting_point: Option<Vec<u8>>,
    meeting_point_key_id: Option<String>,
    state: String,
    version: i64,
    reschedules: i32,
    code_key_id: String,
    code_tries: i32,
    evidence: Option<serde_json::Value>,
    is_confirmed: Option<bool>,
}

impl Row {
    fn read(self) -> Result<Appointment, Problem> {
        let completion = match (self.is_confirmed, self.evidence) {
            (Some(is_confirmed), Some(evidence)) => Some(Completion {
                is_confirmed,
                evidence: serde_json::from_value(evidence).map_err(|_| newer("what was found at this appointment"))?,
            }),
            _ => None,
        };
        Ok(Appointment {
            appointment_id: self.appointment_id.into(),
            verification_id: self.verification_id.into(),
            member_id: MemberId::try_from(self.member_id).map_err(Problem::internal)?,
            verifier_id: MemberId::try_from(self.verifier_id).map_err(Problem::internal)?,
            span: span(self.starts_at, self.ends_at)?,
            until: self.until.to_jiff(),
            time_zone: self.time_zone,
            meeting_point: self
                .meeting_point_key_id
                .zip(self.meeting_point)
                .map(|(key_id, bytes)| Sealed { key_id, bytes }),
            state: State::parse(&self.state).ok_or_else(|| newer("how this appointment stands"))?,
            version: self.version,
            reschedules: self.reschedules,
            code_key_id: self.code_key_id,
            code_tries: self.code_tries,
            completion,
        })
    }
}

impl Store {
    /// An appointment; none when there is none.
    ///
    /// # Errors
    /// `NEWER_VERSION_NEEDED`; `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    pub async fn find_appointment(&self, appointment_id: AppointmentId) -> Result<Option<Appointment>, Problem> {
        find(&self.pool, appointment_id).await
    }

    /// The latest appointment of a verification; none when there is none.
    ///
    /// # Errors
    /// `NEWER_VERSION_NEEDED`; `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT appointments", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "appointments"))]
    pub async fn find_latest_appointment(
        &self,
        verification_id: VerificationId,
    ) -> Result<Option<Appointment>, Problem> {
        let id = sqlx::query_scalar!(
            "SELECT appointment_id FROM appointments WHERE verification_id = $1 ORDER BY number DESC LIMIT 1",
            verification_id.uuid(),
        );
        match id.fetch_optional(&self.pool).await? {
            Some(id) => find(&self.pool, id.into()).await,
            None => Ok(None),
        }
    }

    /// Changes that workflows were not told of, made before an instant, the oldest first.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT appointments", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "appointments"))]
    pub async fn list_untold(&self, before: Timestamp, limit: i64) -> Result<Vec<Untold>, Problem> {
        let rows = sqlx::query!(
            "SELECT appointment_id, version, workflow_id, run_id FROM appointments JOIN meetings USING (verification_id)
              WHERE told_version < version AND changed_at < $1 ORDER BY changed_at LIMIT $2",
            before.to_sqlx() as _,
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        let untold = rows.into_iter().map(|row| Untold {
            appointment_id: row.appointment_id.into(),
            version: row.version,
            run: WorkflowRun {
                workflow_id: row.workflow_id,
                run_id: row.run_id,
            },
        });
        Ok(untold.collect())
    }

    /// The workflow of an appointment, where it was not told of the last change.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT appointments", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "appointments"))]
    pub async fn find_untold(&self, appointment_id: AppointmentId) -> Result<Option<Untold>, Problem> {
        let row = sqlx::query!(
            "SELECT version, workflow_id, run_id FROM appointments JOIN meetings USING (verification_id)
              WHERE appointment_id = $1 AND told_version < version",
            appointment_id.uuid(),
        );
        let row = row.fetch_optional(&self.pool).await?;
        Ok(row.map(|row| Untold {
            appointment_id,
            version: row.version,
            run: WorkflowRun {
                workflow_id: row.workflow_id,
                run_id: row.run_id,
            },
        }))
    }

    /// Notes that a workflow was told.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "UPDATE appointments", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "appointments"))]
    pub async fn note_told(&self, told: &Untold) -> Result<(), Problem> {
        sqlx::query!(
            "UPDATE appointments SET told_version = $2 WHERE appointment_id = $1 AND told_version < $2",
            told.appointment_id.uuid(),
            told.version,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

#[tracing::instrument(name = "SELECT appointments", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "appointments"))]
pub(super) async fn find(
    executor: impl PgExecutor<'_>,
    appointment_id: AppointmentId,
) -> Result<Option<Appointment>, Problem> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT appointment_id, verification_id, member_id, verifier_id, starts_at AS "starts_at: SqlTimestamp",
                  ends_at AS "ends_at: SqlTimestamp", until AS "until: SqlTimestamp", time_zone, meeting_point,
                  meeting_point_key_id, state, version, reschedules, code_key_id, code_tries, evidence, is_confirmed
             FROM appointments WHERE appointment_id = $1"#,
        appointment_id.uuid(),
    );
    row.fetch_optional(executor).await?.map(Row::read).transpose()
}

/// The appointment, within a transaction in which nobody else changes one of its verifier.
///
/// # Errors
/// `APPOINTMENT_NOT_FOUND`; `NEWER_VERSION_NEEDED`; `DATABASE_UNAVAILABLE` when PostgreSQL is away.
pub async fn lock_appointment(
    connection: &mut PgConnection,
    appointment_id: AppointmentId,
) -> Result<Appointment, Problem> {
    let whose = sqlx::query!(
        "SELECT verification_id, verifier_id FROM appointments WHERE appointment_id = $1",
        appointment_id.uuid()
    );
    let whose = whose
        .fetch_optional(&mut *connection)
        .await?
        .ok_or_else(no_appointment)?;
    // In the order in which a booking locks them.
    sqlx::query!(
        "SELECT verification_id FROM meetings WHERE verification_id = $1 FOR NO KEY UPDATE",
        whose.verification_id
    )
    .fetch_optional(&mut *connection)
    .await?;
    lock_verifier(connection, whose.verifier_id).await?;
    find(connection, appointment_id).await?.ok_or_else(no_appointment)
}

#[tracing::instrument(name = "SELECT verifiers", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "verifiers"))]
pub(super) async fn lock_verifier(connection: &mut PgConnection, verifier_id: i64) -> Result<(), Problem> {
    let lock = sqlx::query!(
        "SELECT verifier_id FROM verifiers WHERE verifier_id = $1 FOR NO KEY UPDATE",
        verifier_id
    );
    lock.fetch_optional(connection).await?;
    Ok(())
}

/// Makes an appointment what it has become, within the transaction that has locked it.
///
/// # Errors
/// `SLOT_NOT_FREE` when it was moved to where the verifier or the member has another one; `DATABASE_UNAVAILABLE` when PostgreSQL is away.
#[tracing::instrument(name = "UPDATE appointments", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "appointments"))]
pub async fn change_appointment(
    connection: &mut PgConnection,
    becomes: &Appointment,
    (actor, now): (&Actor, Timestamp),
) -> Result<(), Problem> {
    let ended_at = (!becomes.state.is_open()).then_some(now);
    let found = becomes.completion.as_ref();
    let updated = sqlx::query!(
        "UPDATE appointments
            SET starts_at = $2, ends_at = $3, state = $4, version = $5, reschedules = $6, code_tries = $7, evidence = $8,
                is_confirmed = $9, changed_at = $10, ended_at = $11
          WHERE appointment_id = $1",
        becomes.appointment_id.uuid(),
        becomes.span.start().to_sqlx() as _,
        becomes.span.end().to_sqlx() as _,
        becomes.state.as_str(),
        becomes.version,
        becomes.reschedules,
        becomes.code_tries,
        found.map(|found| Json(&found.evidence)) as _,
        found.map(|found| found.is_confirmed),
        now.to_sqlx() as _,
        ended_at.map(|at| at.to_sqlx()) as _,
    );
    updated.execute(&mut *connection).await.map_err(|error| {
        // Exclusion violation: somebody is somewhere else then.
        match error.as_database_error().and_then(|error| error.code()).as_deref() {
            Some("23P01") => slot_not_free(),
            _ => error.into(),
        }
    })?;
    record_change(connection, becomes, (actor, now)).await
}

/// Notes that a wrong code was entered, within the transaction that has locked the appointment.
///
/// # Errors
/// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
#[tracing::instrument(name = "UPDATE appointments", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "appointments"))]
pub async fn note_wrong_code(connection: &mut PgConnection, after: &Appointment) -> Result<(), Problem> {
    let noted = sqlx::query!(
        "UPDATE appointments SET code_tries = $2 WHERE appointment_id = $1",
        after.appointment_id.uuid(),
        after.code_tries,
    );
    noted.execute(connection).await?;
    Ok(())
}

/// Notes within a transaction that a workflow need not be told of what it did itself.
///
/// # Errors
/// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
#[tracing::instrument(name = "UPDATE appointments", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "appointments"))]
pub(super) async fn note_known(connection: &mut PgConnection, known: &Appointment) -> Result<(), Problem> {
    let noted = sqlx::query!(
        "UPDATE appointments SET told_version = version WHERE appointment_id = $1",
        known.appointment_id.uuid()
    );
    noted.execute(connection).await?;
    Ok(())
}

#[tracing::instrument(name = "INSERT appointment_changes", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "appointment_changes"))]
pub(super) async fn record_change(
    connection: &mut PgConnection,
    becomes: &Appointment,
    (actor, now): (&Actor, Timestamp),
) -> Result<(), Problem> {
    sqlx::query!(
        "INSERT INTO appointment_changes (appointment_id, verifier_id, version, state, starts_at, ends_at, changed_by, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        becomes.appointment_id.uuid(),
        becomes.verifier_id.get(),
        becomes.version,
        becomes.state.as_str(),
        becomes.span.start().to_sqlx() as _,
        becomes.span.end().to_sqlx() as _,
        actor.to_string(),
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) fn span(start: SqlTimestamp, end: SqlTimestamp) -> Result<Span, Problem> {
    Span::new(start.to_jiff(), end.to_jiff()).map_err(|_| Problem::internal("an appointment ends before it begins"))
}

pub(crate) fn no_appointment() -> Problem {
    Problem::new(Reason::AppointmentNotFound, "no appointment has this id")
}

pub(crate) fn slot_not_free() -> Problem {
    let message = "the verifier or the member has no time then; choose another";
    Problem::new(Reason::SlotNotFree, message)
}
