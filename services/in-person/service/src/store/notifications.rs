//! What people are to be told: rows that whoever delivers them takes out.

use super::Store;
use crate::appointment::Appointment;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mesh_keyring::Sealed;
use mesh_runtime::Problem;
use mesh_types::{AppointmentId, MemberId};
use sqlx::PgConnection;
use uuid::Uuid;

/// What somebody is to be told.
#[derive(Clone, Debug)]
pub struct Notification {
    /// Its id.
    pub notification_id: Uuid,
    /// Whom to tell.
    pub member_id: MemberId,
    /// What kind of thing it is.
    pub kind: &'static str,
    /// An iCalendar object, where there is one.
    pub content: Option<Sealed>,
    /// When to tell it at the earliest.
    pub deliver_after: Timestamp,
}

/// Adds what is to be told of an appointment, within the transaction of the change.
///
/// # Errors
/// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
#[tracing::instrument(name = "INSERT notifications", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "notifications"))]
pub async fn insert_notification(
    connection: &mut PgConnection,
    appointment: &Appointment,
    new: &Notification,
    now: Timestamp,
) -> Result<(), Problem> {
    sqlx::query!(
        "INSERT INTO notifications (notification_id, member_id, kind, appointment_id, version, content, content_key_id,
                                    created_at, deliver_after)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT ON CONSTRAINT notifications_once DO NOTHING",
        new.notification_id,
        new.member_id.get(),
        new.kind,
        appointment.appointment_id.uuid(),
        appointment.version,
        new.content.as_ref().map(|content| content.bytes.as_slice()),
        new.content.as_ref().map(|content| content.key_id.as_str()),
        now.to_sqlx() as _,
        new.deliver_after.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes back reminders of an appointment that nobody was told of.
///
/// # Errors
/// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
#[tracing::instrument(name = "DELETE notifications", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "DELETE", db.collection.name = "notifications"))]
pub async fn delete_reminders(connection: &mut PgConnection, appointment_id: AppointmentId) -> Result<(), Problem> {
    let delete = sqlx::query!(
        "DELETE FROM notifications WHERE appointment_id = $1 AND delivered_at IS NULL AND kind LIKE 'APPOINTMENT_REMINDER%'",
        appointment_id.uuid(),
    );
    delete.execute(connection).await?;
    Ok(())
}

impl Store {
    /// Forgets where people met, and what they were told, of up to `limit` appointments that ended before an instant.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "UPDATE appointments", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "appointments"))]
    pub async fn forget_places(&self, before: Timestamp, limit: i64) -> Result<(), Problem> {
        sqlx::query!(
            "WITH ended AS (UPDATE appointments SET meeting_point = NULL, meeting_point_key_id = NULL WHERE appointment_id IN
                     (SELECT appointment_id FROM appointments WHERE ended_at < $1 AND meeting_point IS NOT NULL ORDER BY ended_at LIMIT $2)
                 RETURNING appointment_id)
             DELETE FROM notifications WHERE appointment_id IN (SELECT appointment_id FROM ended)",
            before.to_sqlx() as _,
            limit,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
