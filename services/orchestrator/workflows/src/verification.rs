//! The parent workflow of one verification.

use crate::contract::{
    self, MemberLookUp, MethodState, MethodStatus, OrchestratorActivities, OutcomeRecord, VerificationRequest,
    VerificationState,
};
use crate::policy::{self, Ending};
use mesh_types::{ScoreBreakdown, VerificationStatus};
use reputation_workflows::contract::{MethodEvidence, Scored, ScoringActivities, ScoringRequest};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{
    ActivityOptions, LocalActivityOptions, RetryPolicy, WorkflowCancellationToken, WorkflowContext,
    WorkflowContextView, WorkflowResult, WorkflowTermination, workflows,
};

/// A look-up has one second and one try: what it finds helps, and nothing waits for it.
const LOOK_UP: Duration = Duration::from_secs(1);
/// One attempt to score.
const SCORE: Duration = Duration::from_secs(10);
/// One attempt to record the end, and how long attempts go on while the database is away.
const RECORD: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(7 * 24 * 3600));

/// Looks the member up, runs every chosen method as a child of its own, scores what they find, and records the end.
#[workflow]
pub struct VerificationWorkflow {
    pub(crate) request: VerificationRequest,
    pub(crate) methods: Vec<MethodState>,
    pub(crate) evidence: Vec<MethodEvidence>,
    status: VerificationStatus,
    ending: Option<Ending>,
    scored_evidence: usize,
    scored: Scored,
}

#[workflow_methods]
impl VerificationWorkflow {
    #[init]
    fn new(_ctx: &WorkflowContextView, request: VerificationRequest) -> Self {
        let in_progress = |chosen: &contract::MethodRequest| MethodState {
            method: chosen.method(),
            status: MethodStatus::InProgress,
            internal_reason: String::new(),
            member_reason: String::new(),
        };
        let nothing = ScoreBreakdown::of(Vec::new());
        Self {
            methods: request.methods.iter().map(in_progress).collect(),
            evidence: Vec::new(),
            status: VerificationStatus::InProgress,
            ending: None,
            scored_evidence: 0,
            scored: Scored {
                next_steps: reputation_workflows::policy::next_steps(&nothing),
                breakdown: nothing,
            },
            request,
        }
    }

    #[run(name = contract::VERIFICATION_WORKFLOW)]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<VerificationState> {
        let ending = if Self::member_is_known(ctx).await {
            Self::run_methods(ctx).await
        } else {
            Ending::Broken
        };
        Self::record(ctx, ending).await?;
        match ending {
            Ending::Cancelled => Err(WorkflowTermination::cancelled()),
            Ending::Scored | Ending::TimedOut | Ending::Broken => Ok(ctx.state(Self::snapshot)),
        }
    }

    /// How the verification stands now.
    #[query(name = contract::VERIFICATION_STATE)]
    pub fn verification_state(&self, _ctx: &WorkflowContextView) -> VerificationState {
        self.snapshot()
    }

    /// The four look-ups, joined within one workflow task. One that fails is as good as not made, but a member who is
    /// known to be gone ends the verification.
    async fn member_is_known(ctx: &WorkflowContext<Self>) -> bool {
        let member = ctx.state(|state| MemberLookUp {
            member_id: state.request.member_id,
        });
        let once = || {
            LocalActivityOptions::builder()
                .start_to_close_timeout(LOOK_UP)
                .schedule_to_close_timeout(LOOK_UP)
                .retry_policy(RetryPolicy::builder().maximum_attempts(1).build())
                .build()
        };
        let (exists, email, score, reputation) = workflows::join!(
            ctx.execute_local_activity(OrchestratorActivities::check_user_exists_local, member, once()),
            ctx.execute_local_activity(OrchestratorActivities::get_user_email_local, member, once()),
            ctx.execute_local_activity(
                OrchestratorActivities::get_user_verification_score_local,
                member,
                once()
            ),
            ctx.execute_local_activity(OrchestratorActivities::get_user_reputation_local, member, once()),
        );
        let number =
            |found: Result<contract::UserScore, _>| found.map_or("unknown".to_owned(), |found| found.score.to_string());
        ctx.set_current_details(format!(
            "At the start: verification score {}, reputation {}, e-mail {}",
            number(score),
            number(reputation),
            email.map_or("unknown", |email| if email.known { "known" } else { "none" }),
        ));
        exists.map_or(true, |answer| answer.exists)
    }

    /// Runs all methods side by side and scores what they find, until the target, the end of all, the time limit or a
    /// cancellation; whatever still runs then is cancelled.
    async fn run_methods(ctx: &WorkflowContext<Self>) -> Ending {
        let chosen = ctx.state(|state| state.request.methods.clone());
        let needed = ctx.cancellation_token().child_token();
        let each = |(at, method)| Self::run_method(ctx, at, method, needed.clone());
        let methods = workflows::join_all(chosen.into_iter().enumerate().map(each));
        let (_, (), ending) = workflows::join!(
            methods,
            Self::score_what_is_found(ctx, needed.clone()),
            Self::wait_for_the_end(ctx, needed.clone())
        );
        ending
    }

    /// Waits for the first ending and cancels what is not needed any more.
    async fn wait_for_the_end(ctx: &WorkflowContext<Self>, needed: WorkflowCancellationToken) -> Ending {
        let timeout = ctx.state(|state| Duration::from_secs(state.request.timeout_seconds));
        let ending = workflows::select! {
            _ = ctx.cancelled() => Ending::Cancelled,
            _ = ctx.wait_condition(|state| state.ending.is_some()) => ctx.state(|state| state.ending.unwrap_or(Ending::Cancelled)),
            _ = ctx.timer(timeout) => Ending::TimedOut,
        };
        ctx.state_mut(|state| state.ending = Some(ending));
        needed.cancel();
        ending
    }

    /// Scores whenever there is new evidence; ends at the target or when every method has ended.
    async fn score_what_is_found(ctx: &WorkflowContext<Self>, needed: WorkflowCancellationToken) {
        loop {
            let waited = ctx.wait_condition(|state| {
                state.ending.is_some() || state.has_unscored_evidence() || state.all_methods_ended()
            });
            if waited.await.is_err() || ctx.state(|state| state.ending.is_some()) {
                return;
            }
            if ctx.state(Self::has_unscored_evidence) && Self::score(ctx, needed.clone()).await.is_err() {
                // Retries have no end, so this is a cancellation, or a fault that no retry mends.
                return ctx.state_mut(|state| state.ending = state.ending.or(Some(Ending::Broken)));
            }
            if ctx.state(|state| state.target_is_reached() || state.nothing_more_can_come()) {
                return ctx.state_mut(|state| state.ending = Some(Ending::Scored));
            }
        }
    }

    async fn score(ctx: &WorkflowContext<Self>, needed: WorkflowCancellationToken) -> WorkflowResult<()> {
        let request = ctx.state(|state| ScoringRequest {
            verification_id: state.request.verification_id,
            member_id: state.request.member_id,
            evidence: state.evidence.clone(),
            occurred_at_seconds: seconds(ctx.info().start_time()),
        });
        let count = request.evidence.len();
        let options = ActivityOptions::with_start_to_close_timeout(SCORE)
            .task_queue(reputation_workflows::contract::TASK_QUEUE.to_owned())
            .cancellation_token(needed)
            .build();
        let scored = if ctx.patched(contract::SCORING_ALGORITHM_V2) {
            ctx.execute_activity(ScoringActivities::calculate_verification_score_v2, request, options)
                .await?
        } else {
            ctx.execute_activity(ScoringActivities::calculate_verification_score, request, options)
                .await?
        };
        ctx.state_mut(|state| {
            state.scored_evidence = count;
            state.scored = scored;
        });
        Ok(())
    }

    /// The end, in the workflow's state, its search attributes if it has any, and the read model; not to be cancelled.
    async fn record(ctx: &WorkflowContext<Self>, ending: Ending) -> WorkflowResult<()> {
        ctx.state_mut(|state| state.end(ending));
        let state = ctx.state(Self::snapshot);
        if ctx.state(|state| state.request.search_attributes) {
            ctx.upsert_search_attributes([
                contract::STATUS_ATTRIBUTE.value_set(state.status.as_str().to_owned()),
                contract::SCORE_ATTRIBUTE.value_set(i64::from(state.breakdown.score.get())),
                contract::LEVEL_ATTRIBUTE.value_set(state.breakdown.level().as_str().to_owned()),
            ]);
        }
        let (attempt, all) = RECORD;
        let options = LocalActivityOptions::builder()
            .start_to_close_timeout(attempt)
            .schedule_to_close_timeout(all)
            .cancellation_token(WorkflowCancellationToken::new())
            .build();
        let record = OutcomeRecord {
            state,
            ended_at_seconds: seconds(ctx.workflow_time()),
        };
        Ok(ctx
            .execute_local_activity(
                OrchestratorActivities::record_verification_outcome_local,
                record,
                options,
            )
            .await?)
    }

    fn end(&mut self, ending: Ending) {
        for method in self
            .methods
            .iter_mut()
            .filter(|method| method.status == MethodStatus::InProgress)
        {
            method.status = MethodStatus::Cancelled;
            method.internal_reason = "NOT_FINISHED".to_owned();
            method.member_reason = "This had not finished when the verification ended.".to_owned();
        }
        self.status = policy::final_status(ending, self.scored.breakdown.score, self.request.target_score);
    }

    fn has_unscored_evidence(&self) -> bool {
        self.evidence.len() > self.scored_evidence
    }

    fn all_methods_ended(&self) -> bool {
        self.methods
            .iter()
            .all(|method| method.status != MethodStatus::InProgress)
    }

    fn target_is_reached(&self) -> bool {
        self.scored_evidence > 0 && self.scored.breakdown.score >= self.request.target_score
    }

    fn nothing_more_can_come(&self) -> bool {
        self.all_methods_ended() && !self.has_unscored_evidence()
    }

    fn snapshot(&self) -> VerificationState {
        VerificationState {
            verification_id: self.request.verification_id,
            status: self.status,
            methods: self.methods.clone(),
            breakdown: self.scored.breakdown.clone(),
            next_steps: self.scored.next_steps.clone(),
        }
    }
}

fn seconds(time: Option<SystemTime>) -> i64 {
    time.and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |since| since.as_secs() as i64)
}
