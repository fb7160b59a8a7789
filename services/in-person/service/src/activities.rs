//! What the workflow asks for, bound to the contract's names. Each may come twice, and the second time changes nothing.

use crate::appointment::Terms;
use crate::book::Bookings;
use crate::find_verifiers::find_verifiers;
use crate::store::WorkflowRun;
use crate::{Connections, Store};
use in_person_workflows::contract::{
    AppointmentRequest, AvailableVerifiers, CloseRequest, Closed, LookRequest, Looked, Scheduled, SearchRequest,
    definitions,
};
use mesh_keyring::Keyring;
use mesh_runtime::{Problem, clock};
use std::sync::Arc;
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;

/// What the worker runs.
pub struct Activities {
    store: Store,
    connections: Connections,
    bookings: Bookings,
    terms: Terms,
}

#[activities]
impl Activities {
    #[activity(definition = definitions::FindAvailableVerifiers)]
    pub async fn find_available_verifiers(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: SearchRequest,
    ) -> Result<AvailableVerifiers, ActivityError> {
        let connected = |others| self.connections.among(request.member_id, others);
        let verifiers = find_verifiers(&self.store, connected, &request, (&self.terms, clock::now())).await?;
        Ok(AvailableVerifiers { verifiers })
    }

    #[activity(definition = definitions::ScheduleVerificationAppointment)]
    pub async fn schedule_verification_appointment(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: AppointmentRequest,
    ) -> Result<Scheduled, ActivityError> {
        let run = run_of(&ctx)?;
        let appointment = self.bookings.schedule(&request, &run, clock::now()).await?;
        Ok(Scheduled { appointment })
    }

    #[activity(definition = definitions::LookAtVerificationAppointment)]
    pub async fn look_at_verification_appointment(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: LookRequest,
    ) -> Result<Looked, ActivityError> {
        Ok(self.bookings.look(request).await?)
    }

    #[activity(definition = definitions::CloseVerificationAppointment)]
    pub async fn close_verification_appointment(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: CloseRequest,
    ) -> Result<Closed, ActivityError> {
        let run = run_of(&ctx)?;
        Ok(self.bookings.close(&request, &run, clock::now()).await?)
    }
}

impl Activities {
    /// Over the tables, the community service and the keys.
    pub fn new(store: Store, connections: Connections, keyring: Keyring, terms: Terms) -> Self {
        Self {
            store: store.clone(),
            connections,
            bookings: Bookings::new(store, keyring, terms),
            terms,
        }
    }
}

fn run_of(ctx: &ActivityContext) -> Result<WorkflowRun, Problem> {
    let info = ctx.info();
    let run = info.workflow_id.clone().zip(info.workflow_run_id.clone());
    let (workflow_id, run_id) = run.ok_or_else(|| Problem::internal("the activity was started by no workflow"))?;
    Ok(WorkflowRun { workflow_id, run_id })
}
