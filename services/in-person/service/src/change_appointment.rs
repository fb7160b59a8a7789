//! What the RPCs that change an appointment have in common: whose it is, one change at a time, and who is told of it.

use crate::api::render;
use crate::appointment::{Appointment, Party, Terms};
use crate::store::{Untold, change_appointment, lock_appointment, no_appointment, note_wrong_code};
use crate::{Store, Workflows, notify};
use jiff::Timestamp;
use mesh_keyring::Keyring;
use mesh_proto::in_person::v1 as proto;
use mesh_runtime::idempotency::{IdempotencyStore, ResourceId};
use mesh_runtime::{Access, Actor, Problem};
use mesh_types::{AppointmentId, Reason, RequestId};
use prost::Message;
use sqlx::PgConnection;

/// Changes appointments. Clones share everything.
#[derive(Clone)]
pub struct Appointments {
    /// The tables.
    pub store: Store,
    /// The requests that were answered.
    pub idempotency: IdempotencyStore,
    /// The keys of meeting points and codes.
    pub keyring: Keyring,
    /// The workflows that are told.
    pub workflows: Workflows,
    /// How long things last.
    pub terms: Terms,
}

/// Who asks for a change of which appointment, and when.
pub struct Asked<'a, Q> {
    /// The RPC's full name.
    pub rpc: &'static str,
    /// What the caller may do.
    pub access: &'a Access,
    /// The message.
    pub request: &'a Q,
    /// Its id.
    pub request_id: RequestId,
    /// The appointment.
    pub appointment_id: AppointmentId,
    /// Who may ask for it.
    pub whose: Whose,
    /// The present instant.
    pub now: Timestamp,
}

/// Who may ask for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Either of the two, and staff.
    Either,
    /// The verifier alone: who is to be verified can't do it, whatever they are besides.
    Verifiers,
}

/// How a workflow hears of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// By an update: whoever waits for the answer then finds the verification changed.
    AndWait,
    /// By a signal, which Temporal keeps.
    Only,
}

impl Appointments {
    /// Looks whose an appointment is, and what the caller is to it.
    ///
    /// # Errors
    /// `APPOINTMENT_NOT_FOUND` when there is none, or it is another's; `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    pub async fn require_party(
        &self,
        access: &Access,
        appointment: Option<Appointment>,
        whose: Whose,
    ) -> Result<(Appointment, Party), Problem> {
        let (party, owner) = match (&appointment, access.actor()) {
            (Some(it), Actor::Person(id)) if *id == it.verifier_id.get() => (Party::Verifier, Some(*id)),
            (Some(it), Actor::Person(id)) if *id == it.member_id.get() && whose == Whose::Either => {
                (Party::Member, Some(*id))
            }
            _ => (Party::Staff, None),
        };
        access.require_owner(async { Ok(owner) }, no_appointment).await?;
        Ok((appointment.ok_or_else(no_appointment)?, party))
    }

    /// Changes an appointment once for each request, tells both people where it concerns their calendars, and the workflow.
    ///
    /// # Errors
    /// `APPOINTMENT_NOT_FOUND`; those of `change` and of [`IdempotencyStore::in_transaction`].
    pub async fn change<Q: Message, A: Message + Default>(
        &self,
        asked: Asked<'_, Q>,
        telling: Telling,
        change: impl AsyncFnOnce(&mut PgConnection, Appointment, Party) -> Result<Appointment, Problem>,
        answer: impl FnOnce(proto::Appointment, &Appointment) -> A,
    ) -> Result<A, Problem> {
        let found = self.store.find_appointment(asked.appointment_id).await?;
        let (found, party) = self.require_party(asked.access, found, asked.whose).await?;
        let turn = self.store.turn(found.verifier_id).await?;
        let work = async |connection: &mut PgConnection, _: ResourceId| {
            let change = async |connection: &mut PgConnection, before| change(connection, before, party).await;
            let by = (asked.access.actor(), asked.now);
            let becomes = apply(connection, &self.keyring, asked.appointment_id, by, change).await?;
            Ok(answer(render::appointment(&becomes), &becomes))
        };
        let done = self
            .idempotency
            .in_transaction(asked.rpc, asked.request_id, asked.request, asked.now, work);
        let answer = done.await?;
        drop(turn);
        self.tell(asked.appointment_id, telling).await;
        Ok(answer)
    }

    /// Tells the workflow of the last change, if it was not told. What fails is made up for by [`Appointments::tell_of_all`].
    async fn tell(&self, appointment_id: AppointmentId, telling: Telling) {
        let told = async {
            let Some(untold) = self.store.find_untold(appointment_id).await? else {
                return Ok(());
            };
            match telling {
                Telling::AndWait => self.workflows.report(&untold).await?,
                Telling::Only => self.workflows.signal(&untold).await?,
            }
            self.store.note_told(&untold).await
        };
        if let Err(problem) = told.await {
            tracing::warn!(%problem, "a workflow was not told that an appointment has changed; it will be in some seconds");
        }
    }

    /// Tells workflows of the changes before an instant that they were not told of.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away; `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    pub async fn tell_of_all(&self, before: Timestamp, limit: i64) -> Result<(), Problem> {
        let untold: Vec<Untold> = self.store.list_untold(before, limit).await?;
        let mut failed = None;
        for one in &untold {
            match self.workflows.signal(one).await {
                Ok(()) => self.store.note_told(one).await?,
                Err(problem) if problem.reason() == Reason::TemporalUnavailable => return Err(problem),
                // One that can't be told keeps no other one waiting.
                Err(problem) => failed = Some(problem),
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

/// Changes an appointment within a transaction, in which nobody else changes one of its verifier, and tells both people where it
/// concerns their calendars.
///
/// # Errors
/// `APPOINTMENT_NOT_FOUND`; `SLOT_NOT_FREE`; `KEY_UNAVAILABLE`; `DATABASE_UNAVAILABLE` when PostgreSQL is away; those of `change`.
pub async fn apply(
    connection: &mut PgConnection,
    keyring: &Keyring,
    appointment_id: AppointmentId,
    (actor, now): (&Actor, Timestamp),
    change: impl AsyncFnOnce(&mut PgConnection, Appointment) -> Result<Appointment, Problem>,
) -> Result<Appointment, Problem> {
    let before = lock_appointment(connection, appointment_id).await?;
    let (was_at, version) = (before.span, before.version);
    let becomes = change(connection, before).await?;
    if becomes.version == version {
        note_wrong_code(connection, &becomes).await?;
        return Ok(becomes);
    }
    change_appointment(connection, &becomes, (actor, now)).await?;
    if !becomes.state.is_open() || becomes.span != was_at {
        notify::tell_both(connection, keyring, &becomes, now).await?;
    }
    Ok(becomes)
}
