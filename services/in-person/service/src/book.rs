//! What workflows have done to appointments: one is held, looked at, and ended where it is open.

use crate::appointment::{Appointment, State, Terms};
use crate::free_slots::to_slot;
use crate::store::{Ending, Held, Hold, Meeting, WorkflowRun};
use crate::{Store, notify};
use in_person_availability::Span;
use in_person_workflows::contract::{
    self, AppointmentRequest, CloseReason, CloseRequest, Closed, LookRequest, Looked, Slot,
};
use jiff::{SignedDuration, Timestamp};
use mesh_keyring::Keyring;
use mesh_runtime::{Actor, Problem, clock};
use mesh_types::AppointmentId;
use sqlx::PgConnection;

/// What the notice of a slot may have shrunk by since it was found.
const SLACK: SignedDuration = SignedDuration::from_mins(10);

/// Holds, looks and ends.
#[derive(Clone)]
pub struct Bookings {
    store: Store,
    keyring: Keyring,
    terms: Terms,
}

impl Bookings {
    /// Over the tables and the keys.
    pub fn new(store: Store, keyring: Keyring, terms: Terms) -> Self {
        Self { store, keyring, terms }
    }

    /// Holds the first verifier who still has time, and invites both.
    pub async fn schedule(
        &self,
        request: &AppointmentRequest,
        run: &WorkflowRun,
        now: Timestamp,
    ) -> Result<Option<contract::Appointment>, Problem> {
        let hold = Hold {
            meeting: Meeting {
                verification_id: request.verification_id,
                member_id: request.member_id,
                meeting_preference_id: request.meeting_preference_id,
                run: run.clone(),
            },
            number: request.number,
            appointment_id: AppointmentId::from(clock::new_uuid()),
            from: now
                .saturating_add(self.terms.notice - SLACK)
                .map_err(Problem::internal)?
                .max(now),
            until: instant(request.until_seconds)?,
            code_key_id: self.keyring.identity_key_id().to_owned(),
        };
        let invite = async |connection: &mut PgConnection, appointment: &Appointment| {
            notify::tell_both(connection, &self.keyring, appointment, now).await
        };
        for verifier in &request.verifiers {
            let slots = verifier.slots.iter().map(of_slot).collect::<Result<Vec<_>, _>>()?;
            let of = (verifier.verifier_id, slots.as_slice());
            match self.store.hold(&hold, of, (&workflow(), now), invite).await? {
                Held::Appointment(held) => return Ok(Some(to_contract(&held))),
                Held::NotFree => {}
                Held::Over => return Ok(None),
            }
        }
        Ok(None)
    }

    /// How an appointment stands.
    pub async fn look(&self, request: LookRequest) -> Result<Looked, Problem> {
        let found = self.store.find_appointment(request.appointment_id).await?;
        Ok(looked(
            &found.ok_or_else(|| Problem::internal("an appointment is gone"))?,
        ))
    }

    /// Ends what is open, and tells both.
    pub async fn close(&self, request: &CloseRequest, run: &WorkflowRun, now: Timestamp) -> Result<Closed, Problem> {
        let meeting = Meeting {
            verification_id: request.verification_id,
            member_id: request.member_id,
            meeting_preference_id: request.meeting_preference_id,
            run: run.clone(),
        };
        let (state, closes) = match request.reason {
            CloseReason::Unattended => (State::Unattended, false),
            CloseReason::TimedOut | CloseReason::Withdrawn => (State::Withdrawn, true),
        };
        let known = request
            .appointment
            .map(|known| instant(known.slot.end_seconds))
            .transpose()?;
        let ending = Ending {
            appointment_id: request.appointment.map(|known| known.appointment_id),
            at: known.filter(|_| request.reason == CloseReason::Unattended),
            state,
            closes,
        };
        let stands = self.end(&meeting, ending, now).await?;
        Ok(Closed {
            looked: stands.as_ref().map(looked),
        })
    }

    /// Ends appointments that had to have ended before an instant, which their workflow would have done. One that can't be ended keeps no
    /// other one waiting.
    ///
    /// # Errors
    /// That of the last one that could not be ended.
    pub async fn end_left_behind(&self, before: Timestamp, limit: i64, now: Timestamp) -> Result<(), Problem> {
        let mut failed = None;
        for meeting in self.store.list_left_behind(before, limit).await? {
            tracing::warn!(verification_id = %meeting.verification_id, "an appointment was left behind by its workflow; it is ended");
            let ending = Ending {
                appointment_id: None,
                at: None,
                state: State::Withdrawn,
                closes: true,
            };
            if let Err(problem) = self.end(&meeting, ending, now).await {
                failed = Some(problem);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn end(&self, meeting: &Meeting, ending: Ending, now: Timestamp) -> Result<Option<Appointment>, Problem> {
        let tell = async |connection: &mut PgConnection, appointment: &Appointment| {
            notify::tell_both(connection, &self.keyring, appointment, now).await
        };
        self.store.end(meeting, ending, (&workflow(), now), tell).await
    }
}

fn looked(found: &Appointment) -> Looked {
    Looked {
        appointment: to_contract(found),
        standing: found.standing(),
    }
}

/// Who acts where a workflow does.
fn workflow() -> Actor {
    Actor::Service("in-person".into())
}

fn to_contract(appointment: &Appointment) -> contract::Appointment {
    contract::Appointment {
        appointment_id: appointment.appointment_id,
        verifier_id: appointment.verifier_id,
        slot: to_slot(appointment.span),
    }
}

fn of_slot(slot: &Slot) -> Result<Span, Problem> {
    Span::new(instant(slot.start_seconds)?, instant(slot.end_seconds)?).map_err(Problem::internal)
}

fn instant(seconds: i64) -> Result<Timestamp, Problem> {
    Timestamp::from_second(seconds).map_err(Problem::internal)
}
