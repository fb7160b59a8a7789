//! One slot for each method that there is: it waits until its method is asked for, runs the method's child, and may run it
//! again.

use super::VerificationWorkflow;
use crate::contract::{MethodState, MethodStatus, method_workflow_id};
use crate::methods::{ChildFailure, MethodRequest};
use crate::policy;
use crate::reason::MethodReason;
use mesh_types::{Method, MethodOutcome};
use temporalio_workflow::{WorkflowCancellationToken, WorkflowContext, workflows};

/// A method of the verification, whether it was asked for or not.
pub(super) struct Slot {
    method: Method,
    /// What was asked for and has not begun.
    asked: Option<MethodRequest>,
    /// Whether a child runs.
    is_running: bool,
    /// How many children there were; their ids count by it.
    children: u32,
    /// How the method stands; none until it is asked for.
    shown: Option<MethodState>,
}

/// A slot for every method that a verification can ask for. Those that are asked for at the start come first, in their order.
pub(super) fn all(chosen: &[MethodRequest]) -> Vec<Slot> {
    let mut slots: Vec<Slot> = Vec::new();
    for request in chosen {
        let mut slot = Slot::idle(request.method());
        slot.ask(request.clone());
        slots.push(slot);
    }
    for method in Method::offered() {
        if !slots.iter().any(|slot| slot.method == method) {
            slots.push(Slot::idle(method));
        }
    }
    slots
}

impl Slot {
    fn idle(method: Method) -> Self {
        Self {
            method,
            asked: None,
            is_running: false,
            children: 0,
            shown: None,
        }
    }

    fn ask(&mut self, request: MethodRequest) {
        self.shown = Some(MethodState::in_progress(self.method));
        self.asked = Some(request);
    }

    /// Whether the method runs, or is about to.
    pub(super) fn is_open(&self) -> bool {
        self.asked.is_some() || self.is_running
    }

    /// Whether a child runs, and may still find something.
    pub(super) fn is_running(&self) -> bool {
        self.is_running
    }

    /// How the method stands while the verification runs.
    pub(super) fn shown(&self) -> Option<MethodState> {
        self.shown.clone()
    }

    /// How the method ended, where the verification has ended.
    pub(super) fn ended(&self) -> Option<MethodState> {
        let shown = self.shown.clone()?;
        Some(if shown.status == MethodStatus::InProgress {
            MethodState::ended(self.method, MethodStatus::Cancelled, MethodReason::NotFinished)
        } else {
            shown
        })
    }

    fn begin(&mut self) -> Option<MethodRequest> {
        let request = self.asked.take()?;
        self.is_running = true;
        Some(request)
    }

    fn end(&mut self, result: &Result<MethodOutcome, ChildFailure>) {
        self.is_running = false;
        self.shown = Some(match result {
            Ok(outcome) => MethodState {
                method: self.method.into(),
                status: MethodStatus::from(outcome.decision).into(),
                internal_reason: Some(outcome.internal_reason.clone().into()),
                member_reason: outcome.member_reason.clone(),
            },
            Err(ChildFailure::Cancelled) => {
                MethodState::ended(self.method, MethodStatus::Cancelled, MethodReason::Cancelled)
            }
            Err(ChildFailure::Failed { reason, .. }) => {
                MethodState::ended(self.method, MethodStatus::Failed, reason.clone())
            }
        });
    }
}

impl VerificationWorkflow {
    /// Runs what the slot is asked for, again and again, until the verification ends. A method that fails never fails the
    /// others.
    pub(super) async fn run_slot(ctx: &WorkflowContext<Self>, at: usize) {
        loop {
            let waited = ctx.wait_condition(|state| state.ending.is_some() || state.slots[at].asked.is_some());
            if waited.await.is_err() || ctx.state(|state| state.ending.is_some()) {
                return;
            }
            let Some(request) = ctx.state_mut(|state| state.slots[at].begin()) else {
                return;
            };
            let cancellation = ctx.cancellation_token().child_token();
            let run = async {
                let result = Self::run_children(ctx, at, request, cancellation.clone()).await;
                ctx.state_mut(|state| state.take_result(at, result));
            };
            let watch = async {
                let is_not_needed = |state: &Self| state.ending.is_some() || !state.slots[at].is_running;
                // A wait that breaks off was cancelled, and so is the child then.
                let _ = ctx.wait_condition(is_not_needed).await;
                cancellation.cancel();
            };
            workflows::join!(run, watch);
        }
    }

    fn take_result(&mut self, at: usize, result: Result<MethodOutcome, ChildFailure>) {
        let slot = &mut self.slots[at];
        slot.end(&result);
        self.evidence
            .extend(result.into_iter().flat_map(|outcome| outcome.evidence));
    }

    /// Runs a method's child, and another one where the first failed and its method allows that.
    async fn run_children(
        ctx: &WorkflowContext<Self>,
        at: usize,
        request: MethodRequest,
        cancellation: WorkflowCancellationToken,
    ) -> Result<MethodOutcome, ChildFailure> {
        let at_most = request.limits().attempts;
        let mut tried = 0;
        loop {
            tried += 1;
            let (subject, id) = ctx.state_mut(|state| {
                let subject = state.subject();
                let slot = &mut state.slots[at];
                slot.children += 1;
                (
                    subject,
                    method_workflow_id(subject.verification_id, slot.method, slot.children),
                )
            });
            match request.clone().run(ctx, subject, id, cancellation.clone()).await {
                Err(ChildFailure::Failed { is_retryable, .. })
                    if policy::is_tried_again(is_retryable, tried, at_most) => {}
                result => return result,
            }
        }
    }
}
