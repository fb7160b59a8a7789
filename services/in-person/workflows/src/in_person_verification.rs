//! One meeting of a member with a verifier.

mod steps;

use crate::contract::{
    self, Appointment, AppointmentChange, CloseReason, InPersonVerificationRequest, Phase, Progress, Standing,
};
use crate::policy::{self, Next, Tried};
use crate::timeouts;
use mesh_types::{MemberId, MethodOutcome};
use std::collections::BTreeSet;
use std::time::Duration;
use temporalio_common::data_converters::RawValue;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{
    SyncWorkflowContext, WorkflowCancellationToken, WorkflowContext, WorkflowContextView, WorkflowResult,
    WorkflowTermination, workflows,
};

/// Books a verifier for the member and waits until they have met; another verifier where that comes to nothing, until the time is
/// over. What becomes of an appointment stands in the service's table. The workflow is told that something did, and looks.
#[workflow]
pub struct InPersonVerificationWorkflow {
    request: InPersonVerificationRequest,
    phase: Phase,
    appointment: Option<Appointment>,
    tried: Tried,
    /// Verifiers who are not asked again.
    excluded: BTreeSet<MemberId>,
    /// How often somebody told of a change.
    changes: u64,
    /// How many of those are looked at.
    looked_at: u64,
}

#[workflow_methods]
impl InPersonVerificationWorkflow {
    #[init]
    fn new(_ctx: &WorkflowContextView, request: InPersonVerificationRequest) -> Self {
        Self {
            request,
            phase: Phase::Searching,
            appointment: None,
            tried: Tried::default(),
            excluded: BTreeSet::new(),
            changes: 0,
            looked_at: 0,
        }
    }

    #[run(name = contract::IN_PERSON_VERIFICATION_WORKFLOW)]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<MethodOutcome> {
        let met = Self::meet(ctx).await;
        if met.is_err() {
            // Whatever is held is freed, also where nobody knows of it yet.
            Self::close(ctx, None, CloseReason::Withdrawn).await?;
        }
        ctx.state_mut(|state| state.phase = Phase::Ended);
        met
    }

    /// Takes the word that an appointment has changed.
    #[update(name = contract::REPORT_APPOINTMENT)]
    pub fn report_appointment(&mut self, _ctx: &mut SyncWorkflowContext<Self>, _change: AppointmentChange) {
        self.changes += 1;
    }

    /// The same by a signal, which Temporal keeps where no worker answers. What it holds is not read, so nothing in it can stop the
    /// workflow.
    #[signal(name = contract::APPOINTMENT_CHANGED)]
    pub fn appointment_changed(&mut self, _ctx: &mut SyncWorkflowContext<Self>, _message: RawValue) {
        self.changes += 1;
    }

    /// How the verification stands now.
    #[query(name = contract::PROGRESS)]
    pub fn progress(&self, _ctx: &WorkflowContextView) -> Progress {
        Progress {
            phase: self.phase,
            appointments: self.tried.appointments,
            member_no_shows: self.tried.member_no_shows,
        }
    }

    /// The present appointment, as it was when the workflow last looked.
    #[query(name = contract::APPOINTMENT)]
    pub fn appointment(&self, _ctx: &WorkflowContextView) -> Option<Appointment> {
        self.appointment
    }

    /// One appointment after the other, until one decides or the time is over.
    async fn meet(ctx: &WorkflowContext<Self>) -> WorkflowResult<MethodOutcome> {
        loop {
            let Some(appointment) = Self::book(ctx).await? else {
                return Self::time_out(ctx).await;
            };
            let (standing, timer) = Self::wait_for_end(ctx, appointment).await?;
            let next = ctx.state_mut(|state| {
                state.phase = Phase::Searching;
                state.appointment = None;
                state.excluded.insert(appointment.verifier_id);
                state.tried.count(&standing);
                policy::next(&standing, state.tried, &state.request.rules)
            });
            match next {
                // A timer that is open goes with the workflow.
                Next::End(outcome) => {
                    if !matches!(standing, Standing::Completed { .. } | Standing::Withdrawn) {
                        // Nothing is open, but nothing may be booked any more, and what is known of the member goes.
                        Self::close(ctx, None, CloseReason::Withdrawn).await?;
                    }
                    return Ok(outcome);
                }
                Next::Wait | Next::LookForAnother => timer.cancel(),
            }
        }
    }

    /// The end when the time is over. Where the answer to a hold got lost, there may be an appointment all the same.
    async fn time_out(ctx: &WorkflowContext<Self>) -> WorkflowResult<MethodOutcome> {
        let closed = Self::close(ctx, None, CloseReason::TimedOut).await?;
        let standing = closed.map_or(Standing::Withdrawn, |looked| looked.standing);
        let (tried, rules) = ctx.state(|state| (state.tried, state.request.rules));
        Ok(match policy::next(&standing, tried, &rules) {
            Next::End(outcome) => outcome,
            Next::Wait | Next::LookForAnother => policy::timed_out(),
        })
    }

    /// Books an appointment; none when nobody is free until the time is over.
    async fn book(ctx: &WorkflowContext<Self>) -> WorkflowResult<Option<Appointment>> {
        loop {
            let left = Self::time_left(ctx);
            if left.is_zero() {
                return Ok(None);
            }
            if let Some(appointment) = Self::search_and_hold(ctx).await? {
                ctx.state_mut(|state| {
                    state.phase = Phase::Booked;
                    state.appointment = Some(appointment);
                    state.tried.appointments += 1;
                });
                return Ok(Some(appointment));
            }
            let pause = ctx.state(|state| Duration::from_secs(state.request.rules.search_pause_seconds));
            ctx.timer(pause.min(left)).await;
            Self::ensure_wanted(ctx)?;
        }
    }

    /// Waits until an appointment has ended, or is to be given up. The token ends the timer for that, which may be open.
    async fn wait_for_end(
        ctx: &WorkflowContext<Self>,
        mut appointment: Appointment,
    ) -> WorkflowResult<(Standing, WorkflowCancellationToken)> {
        loop {
            Self::ensure_wanted(ctx)?;
            let (after, reason) = Self::gives_up(ctx, &appointment);
            let timer = ctx.cancellation_token().child_token();
            let is_told = workflows::select! {
                told = ctx.wait_condition(|state| state.changes > state.looked_at) => {
                    told?;
                    true
                }
                _ = ctx.timer(timeouts::alarm(after, timer.clone())) => false,
            };
            Self::ensure_wanted(ctx)?;
            let looked = if is_told {
                Self::look(ctx, appointment).await?
            } else {
                match Self::close(ctx, Some(appointment), reason).await? {
                    Some(looked) => looked,
                    // There was one, so there is one.
                    None => return Ok((Standing::Withdrawn, timer)),
                }
            };
            appointment = looked.appointment;
            let phase = match looked.standing {
                Standing::Booked | Standing::Other => Phase::Booked,
                Standing::CheckedIn => Phase::CheckedIn,
                standing => return Ok((standing, timer)),
            };
            timer.cancel();
            ctx.state_mut(|state| {
                state.phase = phase;
                state.appointment = Some(appointment);
            });
        }
    }

    fn ensure_wanted(ctx: &WorkflowContext<Self>) -> WorkflowResult<()> {
        match ctx.cancellation_token().is_cancelled() {
            true => Err(WorkflowTermination::cancelled()),
            false => Ok(()),
        }
    }
}
