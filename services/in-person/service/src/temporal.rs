//! Workflows of meetings in Temporal: they are told that an appointment has changed.

use crate::store::Untold;
use in_person_workflows::InPersonVerificationWorkflow;
use in_person_workflows::contract::AppointmentChange;
use mesh_runtime::Problem;
use mesh_runtime::workflows::{CALL_TIMEOUT, handle_of, signal, update_within};
use mesh_types::{AppointmentId, RequestId};
use temporalio_client::{Client, WorkflowHandle};
use temporalio_common::data_converters::RawValue;
use uuid::Uuid;

/// The workflows.
#[derive(Clone)]
pub struct Workflows {
    client: Client,
}

impl Workflows {
    /// Over a connection.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Tells a workflow by an update, and waits until it has taken it. One that is over has no need of it.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away, or no worker answers.
    pub async fn report(&self, change: &Untold) -> Result<(), Problem> {
        let update = InPersonVerificationWorkflow::report_appointment;
        let input = AppointmentChange {
            appointment_id: change.appointment_id,
            version: change.version,
        };
        let workflow = self.handle(change);
        let told = update_within(CALL_TIMEOUT, &workflow, update, input, request_id(change));
        told.await.map(|_is_open| ())
    }

    /// Tells a workflow by a signal, which Temporal keeps until a worker takes it. One that is over has no need of it.
    ///
    /// # Errors
    /// `TEMPORAL_UNAVAILABLE` when Temporal is away.
    pub async fn signal(&self, change: &Untold) -> Result<(), Problem> {
        let (workflow, nothing) = (self.handle(change), RawValue::new(Vec::new()));
        let told = signal(
            &workflow,
            InPersonVerificationWorkflow::appointment_changed,
            nothing,
            request_id(change),
        );
        told.await.map(|_is_open| ())
    }

    fn handle(&self, change: &Untold) -> WorkflowHandle<Client, InPersonVerificationWorkflow> {
        handle_of(
            &self.client,
            change.run.workflow_id.clone(),
            Some(change.run.run_id.clone()),
        )
    }
}

/// The same for the same change, so that nothing is told twice.
fn request_id(change: &Untold) -> RequestId {
    change_id(change.appointment_id, change.version).into()
}

fn change_id(appointment_id: AppointmentId, version: i64) -> Uuid {
    let mut bytes = *appointment_id.uuid().as_bytes();
    for (byte, of_version) in bytes[8..].iter_mut().zip(version.to_be_bytes()) {
        *byte ^= of_version;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
