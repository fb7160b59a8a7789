//! What a meeting has done by activities, and when.

use super::InPersonVerificationWorkflow;
use crate::contract::{
    Appointment, AppointmentRequest, AvailableVerifier, AvailableVerifiers, CloseReason, CloseRequest,
    InPersonActivities, LookRequest, Looked, SearchRequest,
};
use crate::timeouts;
use mesh_workflows::{seconds, write};
use std::time::Duration;
use temporalio_workflow::{WorkflowContext, WorkflowResult};

/// How often in a row it is looked for verifiers where those who were found have been booked by others meanwhile.
const SEARCHES_AT_ONCE: u32 = 3;

impl InPersonVerificationWorkflow {
    /// Looks for verifiers and holds the first who is still free; none when there is none. Holding is not cancelled: what is held has to be
    /// known.
    pub(super) async fn search_and_hold(ctx: &WorkflowContext<Self>) -> WorkflowResult<Option<Appointment>> {
        for _ in 0..SEARCHES_AT_ONCE {
            let AvailableVerifiers { verifiers } = Self::search(ctx).await?;
            if verifiers.is_empty() {
                break;
            }
            // Whoever was found may have been booked by others meanwhile.
            if let Some(appointment) = Self::hold(ctx, verifiers).await? {
                return Ok(Some(appointment));
            }
        }
        Ok(None)
    }

    async fn hold(
        ctx: &WorkflowContext<Self>,
        verifiers: Vec<AvailableVerifier>,
    ) -> WorkflowResult<Option<Appointment>> {
        let until_seconds = Self::last_end_seconds(ctx);
        let request = ctx.state(|state| AppointmentRequest {
            verification_id: state.request.verification_id,
            member_id: state.request.member_id,
            meeting_preference_id: state.request.meeting_preference_id,
            number: state.tried.appointments + 1,
            verifiers,
            until_seconds,
        });
        let activity = || InPersonActivities::schedule_verification_appointment;
        let scheduled = write(ctx, activity, request, timeouts::uncancelled_writing()).await?;
        Ok(scheduled.appointment)
    }

    async fn search(ctx: &WorkflowContext<Self>) -> WorkflowResult<AvailableVerifiers> {
        let (now, until_seconds) = (Self::now_seconds(ctx), Self::last_end_seconds(ctx));
        let begun_at_seconds = Self::begun_at_seconds(ctx);
        let request = ctx.state(|state| SearchRequest {
            verification_id: state.request.verification_id,
            member_id: state.request.member_id,
            meeting_preference_id: state.request.meeting_preference_id,
            within_metres: state.request.rules.within_metres,
            begun_at_seconds,
            from_seconds: now,
            until_seconds,
            excluded: state.excluded.iter().copied().collect(),
        });
        let activity = || InPersonActivities::find_available_verifiers;
        Ok(write(ctx, activity, request, timeouts::reading()).await?)
    }

    /// How an appointment stands. Whatever is told from here on is looked at again.
    pub(super) async fn look(ctx: &WorkflowContext<Self>, appointment: Appointment) -> WorkflowResult<Looked> {
        ctx.state_mut(|state| state.looked_at = state.changes);
        let request = LookRequest {
            appointment_id: appointment.appointment_id,
        };
        let activity = || InPersonActivities::look_at_verification_appointment;
        Ok(write(ctx, activity, request, timeouts::reading()).await?)
    }

    /// Ends what is open, and says how it stands. Nothing cancels that.
    pub(super) async fn close(
        ctx: &WorkflowContext<Self>,
        appointment: Option<Appointment>,
        reason: CloseReason,
    ) -> WorkflowResult<Option<Looked>> {
        let request = ctx.state(|state| CloseRequest {
            verification_id: state.request.verification_id,
            member_id: state.request.member_id,
            meeting_preference_id: state.request.meeting_preference_id,
            appointment,
            reason,
        });
        let activity = || InPersonActivities::close_verification_appointment;
        let closed = write(ctx, activity, request, timeouts::uncancelled_writing()).await?;
        Ok(closed.looked)
    }

    /// After how long an appointment is given up, and why: some time after its end, or when the time for all of it is over.
    pub(super) fn gives_up(ctx: &WorkflowContext<Self>, appointment: &Appointment) -> (Duration, CloseReason) {
        let (now, deadline) = (Self::now_seconds(ctx), Self::deadline_seconds(ctx));
        let unattended = ctx.state(|state| {
            let after = state.request.rules.unattended_seconds;
            appointment.slot.end_seconds.saturating_add_unsigned(after)
        });
        let (at, reason) = match unattended < deadline {
            true => (unattended, CloseReason::Unattended),
            false => (deadline, CloseReason::TimedOut),
        };
        // A timer of no length is none.
        let after = u64::try_from(at.saturating_sub(now)).unwrap_or_default().max(1);
        (Duration::from_secs(after), reason)
    }

    /// The time that is left for all of it.
    pub(super) fn time_left(ctx: &WorkflowContext<Self>) -> Duration {
        let left = Self::deadline_seconds(ctx).saturating_sub(Self::now_seconds(ctx));
        Duration::from_secs(u64::try_from(left).unwrap_or_default())
    }

    /// When an appointment has to have ended, so that there is time to say what came of it.
    fn last_end_seconds(ctx: &WorkflowContext<Self>) -> i64 {
        let deadline = Self::deadline_seconds(ctx);
        ctx.state(|state| deadline.saturating_sub_unsigned(state.request.rules.closing_seconds))
    }

    fn deadline_seconds(ctx: &WorkflowContext<Self>) -> i64 {
        let begun_at = Self::begun_at_seconds(ctx);
        ctx.state(|state| begun_at.saturating_add_unsigned(state.request.rules.total_seconds))
    }

    fn begun_at_seconds(ctx: &WorkflowContext<Self>) -> i64 {
        seconds(ctx.info().start_time()).unwrap_or_default()
    }

    fn now_seconds(ctx: &WorkflowContext<Self>) -> i64 {
        seconds(ctx.workflow_time()).unwrap_or_default()
    }
}
