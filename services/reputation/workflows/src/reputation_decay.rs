//! The clock of one member's decay.

use crate::contract::{self, DecayPeriod, DecayRequest, DecayState, ScoringActivities};
use crate::timeouts;
use mesh_workflows::seconds;
use std::time::Duration;
use temporalio_common::data_converters::RawValue;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{
    ContinueAsNewOptions, SyncWorkflowContext, TimerOptions, WorkflowContext, WorkflowContextView, WorkflowResult,
    workflows,
};

/// Updates of one run of the workflow. Each costs 11 events, so a run ends below 60.
const ITERATIONS_A_RUN: u32 = 4;

/// Brings one member's materialised score up to date every 30 days, 1,000 times, or until `cancel_decay`.
#[workflow]
pub struct ReputationDecayWorkflow {
    request: DecayRequest,
    state: DecayState,
}

#[workflow_methods]
impl ReputationDecayWorkflow {
    #[init]
    fn new(_ctx: &WorkflowContextView, request: DecayRequest) -> Self {
        Self {
            state: DecayState {
                iterations_done: request.iterations_done,
                is_cancelled: false,
                last: None,
            },
            request,
        }
    }

    #[run(name = contract::REPUTATION_DECAY_WORKFLOW)]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<DecayState> {
        let began_at = ctx.state(|state| state.request.began_at_seconds);
        let began_at = began_at.or(seconds(ctx.info().start_time())).unwrap_or_default();
        let first = ctx.state(|state| state.request.iterations_done);
        let all = ctx.state(|state| state.request.iterations.min(contract::MAX_DECAY_ITERATIONS));
        let last = first.saturating_add(ITERATIONS_A_RUN).min(all);
        for period in first + 1..=last {
            if !Self::period_passes(ctx, began_at, period).await? {
                return Ok(ctx.state(|state| state.state.clone()));
            }
            Self::update(ctx, began_at, period).await?;
            if ctx.state(|state| state.state.is_cancelled) {
                return Ok(ctx.state(|state| state.state.clone()));
            }
        }
        if last == all {
            return Ok(ctx.state(|state| state.state.clone()));
        }
        let next = ctx.state(|state| DecayRequest {
            iterations_done: last,
            began_at_seconds: Some(began_at),
            ..state.request.clone()
        });
        match ctx.continue_as_new(next, ContinueAsNewOptions::default())? {}
    }

    /// Stop. The input is not looked at, so whatever a client sends with it is right.
    #[signal(name = contract::CANCEL_DECAY)]
    pub fn cancel_decay(&mut self, _ctx: &mut SyncWorkflowContext<Self>, _input: RawValue) {
        self.state.is_cancelled = true;
    }

    /// How it stands.
    #[query(name = contract::DECAY_STATE)]
    pub fn decay_state(&self, _ctx: &WorkflowContextView) -> DecayState {
        self.state.clone()
    }

    /// Waits for the end of a period, counted from the very first start; false when `cancel_decay` came.
    async fn period_passes(ctx: &WorkflowContext<Self>, began_at: i64, period: u32) -> WorkflowResult<bool> {
        let now = seconds(ctx.workflow_time()).unwrap_or_default();
        let left = ctx.state(|state| state.ends_at(began_at, period)).saturating_sub(now);
        let waiting = ctx.cancellation_token().child_token();
        let timer = TimerOptions::builder(Duration::from_secs(u64::try_from(left).unwrap_or(0)))
            .cancellation_token(waiting.clone())
            .build();
        let passed = workflows::select! {
            cancelled = ctx.wait_condition(|state| state.state.is_cancelled) => { cancelled?; false }
            _ = ctx.timer(timer) => true,
        };
        waiting.cancel();
        Ok(passed)
    }

    async fn update(ctx: &WorkflowContext<Self>, began_at: i64, period: u32) -> WorkflowResult<()> {
        let input = ctx.state(|state| DecayPeriod {
            member_id: state.request.member_id,
            period,
            as_of_seconds: state.ends_at(began_at, period),
        });
        let trying = ctx.cancellation_token().child_token();
        let options = timeouts::decay_reputation_score(trying.clone());
        // While the database is away an update is tried again without end, but for a clock that is stopped.
        let decayed = workflows::select! {
            decayed = ctx.execute_activity(ScoringActivities::decay_reputation_score, input, options) => decayed?,
            cancelled = ctx.wait_condition(|state| state.state.is_cancelled) => {
                trying.cancel();
                return Ok(cancelled?);
            }
        };
        ctx.state_mut(|state| {
            state.state.iterations_done = period;
            state.state.last = Some(decayed);
        });
        Ok(())
    }

    fn ends_at(&self, began_at: i64, period: u32) -> i64 {
        let interval = i64::try_from(self.request.interval_seconds).unwrap_or(i64::MAX);
        began_at.saturating_add(interval.saturating_mul(i64::from(period)))
    }
}
