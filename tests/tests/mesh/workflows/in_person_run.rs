//! One verification in person, alone or as a method of a member's verification, and what is told of its appointments.

use super::fakes::{Booked, Course, MeetingScript, Script};
use super::support::{Clock, DEADLINE, Stack, Verification, event_types, history_of, queue_named, start_of};
use super::time::let_time_pass;
use anyhow::Context;
use in_person_workflows::InPersonVerificationWorkflow;
use in_person_workflows::contract::{
    Appointment, IN_PERSON_VERIFICATION_WORKFLOW, InPersonVerificationRequest, MeetingRules, Phase, Progress, Slot,
    Standing, TASK_QUEUE,
};
use mesh_runtime::clock;
use mesh_testkit::eventually;
use mesh_types::{Decision, MeetingPreferenceId, Method, MethodOutcome};
use orchestrator_workflows::contract::method_workflow_id;
use std::sync::Arc;
use temporalio_client::errors::WorkflowGetResultError;
use temporalio_client::{
    Client, WorkflowCancelOptions, WorkflowExecuteUpdateOptions, WorkflowGetResultOptions, WorkflowHandle,
    WorkflowQueryOptions, WorkflowSignalOptions,
};
use temporalio_common::data_converters::RawValue;
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_common::protos::temporal::api::history::v1::History;
use temporalio_common::protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;

/// What a test asks for; the rest is [`MeetingPlan::default`].
pub struct MeetingPlan {
    /// What happens.
    pub meetings: MeetingScript,
    /// How long everything lasts.
    pub rules: MeetingRules,
    /// How its time passes.
    pub clock: Clock,
}

impl Default for MeetingPlan {
    fn default() -> Self {
        Self {
            meetings: MeetingScript::default(),
            rules: MeetingRules::default(),
            clock: Clock::Real,
        }
    }
}

/// A verification in person that was started.
pub struct InPersonRun {
    /// Its script.
    pub script: Arc<Script>,
    /// Its workflow.
    pub handle: WorkflowHandle<Client, InPersonVerificationWorkflow>,
    client: Client,
}

impl InPersonRun {
    /// Starts one without a parent.
    pub async fn start(stack: &Stack, plan: MeetingPlan) -> anyhow::Result<Self> {
        let script = stack.scripts.add(Course {
            meetings: plan.meetings,
            ..Course::default()
        });
        let request = InPersonVerificationRequest {
            verification_id: script.verification_id,
            member_id: script.member_id,
            meeting_preference_id: MeetingPreferenceId::from(clock::new_uuid()),
            rules: plan.rules,
        };
        let start = StartWorkflowExecutionRequest {
            workflow_id: method_workflow_id(script.verification_id, Method::InPerson, 1),
            task_queue: queue_named(TASK_QUEUE),
            ..start_of(IN_PERSON_VERIFICATION_WORKFLOW, &request, plan.clock)?
        };
        stack.start_workflow(start).await?;
        Ok(Self::of(stack, script))
    }

    /// The method in person of a member's verification.
    pub fn of_verification(stack: &Stack, verification: &Verification) -> Self {
        Self::of(stack, verification.script.clone())
    }

    fn of(stack: &Stack, script: Arc<Script>) -> Self {
        let id = method_workflow_id(script.verification_id, Method::InPerson, 1);
        Self {
            script,
            handle: stack.client.get_workflow_handle(id),
            client: stack.client.clone(),
        }
    }

    /// How it stands.
    pub async fn progress(&self) -> anyhow::Result<Progress> {
        let query = self.handle.query(
            InPersonVerificationWorkflow::progress,
            (),
            WorkflowQueryOptions::default(),
        );
        Ok(query.await?)
    }

    /// The present appointment.
    pub async fn appointment(&self) -> anyhow::Result<Option<Appointment>> {
        let query = self.handle.query(
            InPersonVerificationWorkflow::appointment,
            (),
            WorkflowQueryOptions::default(),
        );
        Ok(query.await?)
    }

    /// Waits until it is in a phase.
    pub async fn comes_to(&self, phase: Phase) -> anyhow::Result<Progress> {
        let what = format!("the verification in person to be in {phase:?}");
        eventually(DEADLINE, &what, async || {
            self.progress().await.ok().filter(|progress| progress.phase == phase)
        })
        .await
    }

    /// Waits until so many appointments were booked and the last of them is to come; the last one.
    pub async fn has_booked(&self, appointments: u32) -> anyhow::Result<Appointment> {
        let what = format!("appointment {appointments} to be booked");
        eventually(DEADLINE, &what, async || {
            let progress = self.progress().await.ok()?;
            if progress.phase != Phase::Booked || progress.appointments != appointments {
                return None;
            }
            self.appointment().await.ok()?
        })
        .await
    }

    /// Waits until the present appointment is at a time.
    pub async fn has_moved_to(&self, slot: Slot) -> anyhow::Result<Appointment> {
        eventually(DEADLINE, "the appointment to be at another time", async || {
            let appointment = self.appointment().await.ok()?;
            appointment.filter(|appointment| appointment.slot == slot)
        })
        .await
    }

    /// From now on the last appointment stands so, which is told by the update.
    pub async fn report(&self, standing: Standing) -> anyhow::Result<()> {
        self.report_change(|booked| booked.standing = standing).await
    }

    /// From now on the last appointment is at another time, which is told by the update.
    pub async fn move_to(&self, slot: Slot) -> anyhow::Result<()> {
        self.report_change(|booked| booked.appointment.slot = slot).await
    }

    async fn report_change(&self, change: impl FnOnce(&mut Booked)) -> anyhow::Result<()> {
        let change = self.script.change_appointment(change);
        let update = InPersonVerificationWorkflow::report_appointment;
        let options = WorkflowExecuteUpdateOptions::default();
        Ok(self.handle.execute_update(update, change, options).await?)
    }

    /// From now on the last appointment stands so, which is told by the signal, whatever is in it.
    pub async fn signal(&self, standing: Standing, message: RawValue) -> anyhow::Result<()> {
        self.script.change_appointment(|booked| booked.standing = standing);
        let signal = InPersonVerificationWorkflow::appointment_changed;
        Ok(self
            .handle
            .signal(signal, message, WorkflowSignalOptions::default())
            .await?)
    }

    /// From now on the clock jumps over what would only be waited for.
    pub async fn let_time_pass(&self) -> anyhow::Result<()> {
        let id = method_workflow_id(self.script.verification_id, Method::InPerson, 1);
        let_time_pass(&self.client, id).await
    }

    /// Asks it to end.
    pub async fn cancel(&self) -> anyhow::Result<()> {
        let options = WorkflowCancelOptions::builder().reason("not needed".to_owned()).build();
        Ok(self.handle.cancel(options).await?)
    }

    /// Waits for its end.
    pub async fn end(&self) -> anyhow::Result<Result<MethodOutcome, WorkflowGetResultError>> {
        let result = self.handle.get_result(WorkflowGetResultOptions::default());
        tokio::time::timeout(DEADLINE, result)
            .await
            .context("the verification in person does not end")
    }

    /// Waits for its outcome: decision, internal reason, and how many pieces of evidence it found.
    pub async fn outcome(&self) -> anyhow::Result<(Decision, String, usize)> {
        let outcome = self.end().await??;
        Ok((outcome.decision, outcome.internal_reason, outcome.evidence.len()))
    }

    /// Its history.
    pub async fn history(&self) -> anyhow::Result<History> {
        let id = method_workflow_id(self.script.verification_id, Method::InPerson, 1);
        let history = history_of(&self.client, id).await?;
        println!("{:?}", event_types(&history));
        Ok(history)
    }
}

/// What no version of the workflow can read.
pub fn unreadable() -> RawValue {
    RawValue::new(vec![Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: b"{ \"appointment_id\":".to_vec(),
        ..Default::default()
    }])
}

/// What the service itself sends.
pub fn nothing() -> RawValue {
    RawValue::new(Vec::new())
}
