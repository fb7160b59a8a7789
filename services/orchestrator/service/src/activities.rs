//! The activities: four look-ups, the end of a verification in the read model, and what the scheduled workflows write.

use crate::Store;
use crate::calendar::{self, Month};
use crate::store::ReminderRound;
use jiff::Timestamp;
use mesh_proto::reputation::v1::GetReputationRequest;
use mesh_proto::reputation::v1::reputation_service_client::ReputationServiceClient;
use mesh_runtime::{PeerChannel, Problem, ServiceMetrics, clock, from_peer};
use mesh_types::{Schedule, Score};
use orchestrator_workflows::contract::TrustNetworkRequest;
use orchestrator_workflows::contract::{
    MemberLookUp, OutcomeRecord, ReminderRequest, RemindersWritten, ReportRequest, ReportWritten, TrustNetworkReport,
    UserEmail, UserExists, UserScore, definitions,
};
use std::sync::Arc;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

/// What the worker runs.
pub struct Activities {
    store: Store,
    reputations: ReputationServiceClient<PeerChannel>,
    metrics: ServiceMetrics,
}

#[activities]
impl Activities {
    #[activity(definition = definitions::CheckUserExistsLocal)]
    pub async fn check_user_exists_local(
        self: Arc<Self>,
        _ctx: ActivityContext,
        look_up: MemberLookUp,
    ) -> Result<UserExists, ActivityError> {
        Ok(UserExists {
            exists: self.store.find_member(look_up.member_id).await?.is_some(),
        })
    }

    #[activity(definition = definitions::GetUserEmailLocal)]
    pub async fn get_user_email_local(
        self: Arc<Self>,
        _ctx: ActivityContext,
        look_up: MemberLookUp,
    ) -> Result<UserEmail, ActivityError> {
        let member = self.store.find_member(look_up.member_id).await?;
        Ok(UserEmail {
            known: member.is_some_and(|member| member.profile.email.is_some()),
        })
    }

    #[activity(definition = definitions::GetUserVerificationScoreLocal)]
    pub async fn get_user_verification_score_local(
        self: Arc<Self>,
        _ctx: ActivityContext,
        look_up: MemberLookUp,
    ) -> Result<UserScore, ActivityError> {
        Ok(UserScore {
            score: self.store.last_score(look_up.member_id).await?,
        })
    }

    #[activity(definition = definitions::GetUserReputationLocal)]
    pub async fn get_user_reputation_local(
        self: Arc<Self>,
        _ctx: ActivityContext,
        look_up: MemberLookUp,
    ) -> Result<UserScore, ActivityError> {
        let request = GetReputationRequest {
            member_id: look_up.member_id.get(),
            // Only the score counts here, and the smallest page has it as well.
            page_size: 1,
            ..Default::default()
        };
        let answer = self
            .reputations
            .clone()
            .get_reputation(request)
            .await
            .map_err(from_peer)?;
        let score = answer
            .into_inner()
            .breakdown
            .map_or(0, |breakdown| i64::from(breakdown.score));
        Ok(UserScore {
            score: Score::capped(score),
        })
    }

    #[activity(definition = definitions::RecordVerificationOutcomeLocal)]
    pub async fn record_verification_outcome_local(
        self: Arc<Self>,
        ctx: ActivityContext,
        record: OutcomeRecord,
    ) -> Result<(), ActivityError> {
        Ok(self.record(&ctx, &record).await?)
    }

    #[activity(definition = definitions::RecordVerificationOutcome)]
    pub async fn record_verification_outcome(
        self: Arc<Self>,
        ctx: ActivityContext,
        record: OutcomeRecord,
    ) -> Result<(), ActivityError> {
        Ok(self.record(&ctx, &record).await?)
    }

    #[activity(definition = definitions::WriteVerificationReminders)]
    pub async fn write_verification_reminders(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: ReminderRequest,
    ) -> Result<RemindersWritten, ActivityError> {
        let as_of = calendar::instant(request.as_of_seconds)?;
        let round = ReminderRound::new(as_of, request.remind_after_seconds);
        let count = self.store.insert_reminders(round, clock::now()).await?;
        self.note_success(Schedule::WeeklyVerificationReminders);
        Ok(RemindersWritten { count })
    }

    #[activity(definition = definitions::WriteVerificationReport)]
    pub async fn write_verification_report(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: ReportRequest,
    ) -> Result<ReportWritten, ActivityError> {
        let month = Month::before(calendar::instant(request.as_of_seconds)?);
        let span = TrustNetworkRequest {
            from_seconds: month.start()?.as_second(),
            until_seconds: month.end()?.as_second(),
        };
        let unreadable = self.store.record_report(month, clock::now()).await?;
        if unreadable > 0 {
            tracing::warn!(verifications = unreadable, %month, "some outcomes have no methods that can be counted");
        }
        self.metrics.count_skipped_rows("verifications", unreadable);
        Ok(ReportWritten {
            month: month.to_string(),
            span: Some(span),
        })
    }

    #[activity(definition = definitions::WriteTrustNetworkReport)]
    pub async fn write_trust_network_report(
        self: Arc<Self>,
        _ctx: ActivityContext,
        report: TrustNetworkReport,
    ) -> Result<(), ActivityError> {
        let message = "must be a month as YYYY-MM";
        let month = Month::parse(&report.month).ok_or_else(|| Problem::invalid_field("month", message))?;
        self.store.record_trust_network(month, &report.figures).await?;
        // What the run had to do is done with this.
        self.note_success(Schedule::MonthlyVerificationReport);
        Ok(())
    }
}

impl Activities {
    /// Activities over a store and the reputation service.
    pub fn new(store: Store, reputations: ReputationServiceClient<PeerChannel>, metrics: ServiceMetrics) -> Self {
        Self {
            store,
            reputations,
            metrics,
        }
    }

    fn note_success(&self, schedule: Schedule) {
        self.metrics.note_scheduled_success(schedule.as_str(), clock::now());
    }

    async fn record(&self, ctx: &ActivityContext, record: &OutcomeRecord) -> Result<(), Problem> {
        let ended_at = Timestamp::from_second(record.ended_at_seconds).map_err(Problem::internal)?;
        let run_id = ctx.info().workflow_run_id.as_deref();
        let run_id = run_id.ok_or_else(|| Problem::internal("the activity was started by no workflow"))?;
        self.store
            .record_outcome(record.verification_id, run_id, &record.outcome, ended_at)
            .await
    }
}
