//! Who is told what of an appointment: invitations for the calendars of both, and reminders 24 and 2 hours before.

use crate::appointment::{Appointment, State};
use crate::invitation::{Invitation, Method, icalendar};
use crate::store::{Notification, delete_reminders, insert_notification};
use jiff::{SignedDuration, Timestamp};
use mesh_keyring::Keyring;
use mesh_runtime::{Problem, clock};
use mesh_types::MemberId;
use sqlx::PgConnection;
use uuid::Uuid;

const INVITATION: &str = "APPOINTMENT_INVITATION";
const CANCELLATION: &str = "APPOINTMENT_CANCELLATION";
const REMINDERS: [(&str, SignedDuration); 2] = [
    ("APPOINTMENT_REMINDER_24H", SignedDuration::from_hours(24)),
    ("APPOINTMENT_REMINDER_2H", SignedDuration::from_hours(2)),
];

/// Where the meeting point of a verifier is sealed. An appointment has it as it was then.
pub fn place_of_meeting_point(verifier_id: MemberId) -> Vec<u8> {
    [
        b"verifiers\0meeting_point\0".as_slice(),
        &verifier_id.get().to_be_bytes(),
    ]
    .concat()
}

/// Where the iCalendar object of a notification is sealed.
pub fn place_of_content(notification_id: Uuid) -> Vec<u8> {
    [b"notifications\0content\0".as_slice(), notification_id.as_bytes()].concat()
}

/// Tells both of a change, in its transaction: of a time by an invitation and reminders, of one that was called off by a cancellation.
/// Where they have met, or did not come, calendars stay as they are.
///
/// # Errors
/// `KEY_UNAVAILABLE` when the keyring lacks the key of the meeting point; `DATABASE_UNAVAILABLE` when PostgreSQL is away.
pub async fn tell_both(
    connection: &mut PgConnection,
    keyring: &Keyring,
    appointment: &Appointment,
    now: Timestamp,
) -> Result<(), Problem> {
    delete_reminders(connection, appointment.appointment_id).await?;
    let (kind, method) = match appointment.state {
        State::Booked => (INVITATION, Method::Request),
        State::CancelledByMember
        | State::CancelledByVerifier
        | State::CancelledByStaff
        | State::Unattended
        | State::Withdrawn => (CANCELLATION, Method::Cancel),
        State::CheckedIn | State::Completed | State::NoShowOfMember | State::NoShowOfVerifier => return Ok(()),
    };
    let place = place_of_meeting_point(appointment.verifier_id);
    let sealed = appointment.meeting_point.as_ref();
    let meeting_point = sealed.map(|sealed| keyring.open_text(&place, sealed));
    let meeting_point = meeting_point.transpose()?.unwrap_or_default();
    for person in [appointment.member_id, appointment.verifier_id] {
        let notification_id = clock::new_uuid();
        let text = icalendar(&Invitation {
            method,
            appointment_id: &appointment.appointment_id.to_string(),
            // From 0; a calendar takes any higher number.
            sequence: u32::try_from(appointment.version - 1).map_err(Problem::internal)?,
            start: appointment.span.start(),
            end: appointment.span.end(),
            time_zone: &appointment.time_zone,
            location: &meeting_point,
            summary: "Verification in person",
            description: "A verifier meets a member to confirm who they are.",
            organizer: "urn:voluntier:in-person",
            attendee: &format!("urn:voluntier:member:{person}"),
            written_at: now,
        });
        let notification = Notification {
            notification_id,
            member_id: person,
            kind,
            content: Some(keyring.seal_text(&place_of_content(notification_id), &text)),
            deliver_after: now,
        };
        insert_notification(connection, appointment, &notification, now).await?;
        if appointment.state == State::Booked {
            remind(connection, appointment, person, now).await?;
        }
    }
    Ok(())
}

/// Reminders whose time is over already are left out: the invitation says it.
async fn remind(
    connection: &mut PgConnection,
    appointment: &Appointment,
    person: MemberId,
    now: Timestamp,
) -> Result<(), Problem> {
    for (kind, before) in REMINDERS {
        let at = appointment.span.start().saturating_sub(before);
        let at = at.map_err(Problem::internal)?;
        if at > now {
            let notification = Notification {
                notification_id: clock::new_uuid(),
                member_id: person,
                kind,
                content: None,
                deliver_after: at,
            };
            insert_notification(connection, appointment, &notification, now).await?;
        }
    }
    Ok(())
}
