//! What crosses the wire to and from the orchestrator's worker: each name stands here and nowhere else.

use crate::methods::MethodRequest;
use crate::reason::MethodReason;
pub use community_workflows::contract::{TrustNetworkFigures, TrustNetworkRequest};
use mesh_types::{
    Decision, MemberId, Method, NextStep, Open, Score, ScoreBreakdown, VerificationId, VerificationStatus, Word,
};
use serde::{Deserialize, Serialize};
use temporalio_common::{ActivityError, SearchAttributeKey, SearchAttributes, Timestamp};
use temporalio_macros::activity_definitions;

/// The task queue of workflows and activities.
pub const TASK_QUEUE: &str = "orchestrator";
/// Workflow: one verification of a member.
pub const VERIFICATION_WORKFLOW: &str = "VerificationWorkflow";
/// Workflow, scheduled: reminders of the verifications that stand still.
pub const VERIFICATION_REMINDER_WORKFLOW: &str = "VerificationReminderWorkflow";
/// Workflow, scheduled: the verifications of a month in numbers.
pub const VERIFICATION_REPORT_WORKFLOW: &str = "VerificationReportWorkflow";
/// Query: how the verification stands now.
pub const VERIFICATION_STATE: &str = "verification_state";
/// Local activity: whether the member is registered.
pub const CHECK_USER_EXISTS_LOCAL: &str = "check_user_exists_local";
/// Local activity: whether the member can be reached by e-mail.
pub const GET_USER_EMAIL_LOCAL: &str = "get_user_email_local";
/// Local activity: the score of the member's last completed verification.
pub const GET_USER_VERIFICATION_SCORE_LOCAL: &str = "get_user_verification_score_local";
/// Local activity: the member's score at the reputation service.
pub const GET_USER_REPUTATION_LOCAL: &str = "get_user_reputation_local";
/// Local activity: writes the end of a verification into the read model.
pub const RECORD_VERIFICATION_OUTCOME_LOCAL: &str = "record_verification_outcome_local";
/// Activity: the same, where the local one did not succeed soon.
pub const RECORD_VERIFICATION_OUTCOME: &str = "record_verification_outcome";
/// Activity: writes the week's reminders.
pub const WRITE_VERIFICATION_REMINDERS: &str = "write_verification_reminders";
/// Activity: counts a month's verifications and writes their report.
pub const WRITE_VERIFICATION_REPORT: &str = "write_verification_report";
/// Activity: adds the trust network of the month to its report.
pub const WRITE_TRUST_NETWORK_REPORT: &str = "write_trust_network_report";
/// The patch that adds the trust network to a month's report; a run without it writes the verifications alone.
pub const TRUST_NETWORK_IN_REPORT: &str = "trust-network-in-report";
/// The patch that scores by version 2; a verification without it goes on under version 1.
pub const SCORING_ALGORITHM_V2: &str = "scoring-algorithm-v2";

/// Search attribute (Int): the member.
pub const USER_ID_ATTRIBUTE: SearchAttributeKey<i64> = SearchAttributeKey::int("user_id");
/// Search attribute (Keyword): the status, e.g. `in_progress`.
pub const STATUS_ATTRIBUTE: SearchAttributeKey<String> = SearchAttributeKey::keyword("verification_status");
/// Search attribute (Double): the score that completes it, 0 to 100.
pub const TARGET_SCORE_ATTRIBUTE: SearchAttributeKey<f64> = SearchAttributeKey::float("target_score");
/// Search attribute (Datetime): when the verification was started.
pub const CREATED_AT_ATTRIBUTE: SearchAttributeKey<Timestamp> = SearchAttributeKey::datetime("created_at");
/// Search attribute (Int): how many methods were chosen.
pub const METHODS_COUNT_ATTRIBUTE: SearchAttributeKey<i64> = SearchAttributeKey::int("verification_methods_count");
/// Search attribute (Int): the score at the end, 0 to 100.
pub const SCORE_ATTRIBUTE: SearchAttributeKey<i64> = SearchAttributeKey::int("verification_score");
/// Search attribute (Keyword): the level at the end, e.g. `silver`.
pub const LEVEL_ATTRIBUTE: SearchAttributeKey<String> = SearchAttributeKey::keyword("verification_level");

/// The workflow's id. It names the verification, so a start is idempotent by it, and a cancellation reaches no other.
pub fn workflow_id(verification_id: VerificationId) -> String {
    format!("verification-{verification_id}")
}

/// The id of a method's child workflow; `attempt` counts the children of the method from 1.
pub fn method_workflow_id(verification_id: VerificationId, method: Method, attempt: u32) -> String {
    format!("verification-{verification_id}-{}-{attempt}", method.as_str())
}

/// Input of [`crate::VerificationWorkflow`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationInput {
    /// The verification.
    pub verification_id: VerificationId,
    /// The member.
    pub member_id: MemberId,
    /// The score that completes it.
    pub target_score: Score,
    /// The chosen methods, each at most once.
    pub methods: Vec<MethodRequest>,
    /// When it was asked for, in seconds since 1970-01-01 UTC.
    pub started_at_seconds: i64,
    /// When to give up, in seconds since 1970-01-01 UTC.
    pub deadline_at_seconds: i64,
    /// Whether the workflow shows status, score and level as search attributes.
    pub search_attributes: bool,
}

impl VerificationInput {
    /// The search attributes that the workflow is started with; none where it shows none.
    pub fn search_attributes(&self) -> Option<SearchAttributes> {
        let attributes = || {
            SearchAttributes::new([
                USER_ID_ATTRIBUTE.value_set(self.member_id.get()),
                STATUS_ATTRIBUTE.value_set(VerificationStatus::InProgress.as_str().to_owned()),
                TARGET_SCORE_ATTRIBUTE.value_set(f64::from(self.target_score.get())),
                CREATED_AT_ATTRIBUTE.value_set(Timestamp::new(self.started_at_seconds, 0)),
                METHODS_COUNT_ATTRIBUTE.value_set(self.methods.len() as i64),
            ])
        };
        self.search_attributes.then(attributes)
    }
}

/// How long a verification runs when its caller says nothing, and at most: 30 days.
pub const DEFAULT_TIMEOUT_SECONDS: u64 = 30 * 24 * 3600;

/// How a verification stands while its workflow runs: the answer of the query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationState {
    /// Each method that was asked for, in the order of the request.
    pub methods: Vec<MethodState>,
    /// The score so far.
    pub breakdown: ScoreBreakdown,
    /// The methods that could still add points, the most first.
    pub next_steps: Vec<NextStep>,
}

/// How a verification ended: the end in the read model, and the workflow's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationOutcome {
    /// How it ended; never in progress.
    pub status: VerificationStatus,
    /// Each method that was asked for, in the order of the request.
    pub methods: Vec<MethodState>,
    /// The score.
    pub breakdown: ScoreBreakdown,
    /// The methods that could have added points, the most first.
    pub next_steps: Vec<NextStep>,
}

/// How a method stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodState {
    /// The method.
    pub method: Open<Method>,
    /// How it stands.
    pub status: Open<MethodStatus>,
    /// The stable internal reason; none until it has ended.
    pub internal_reason: Option<MethodReason>,
    /// A sentence for the member; empty until it has ended.
    pub member_reason: String,
}

impl MethodState {
    /// A method that runs.
    pub fn in_progress(method: impl Into<Open<Method>>) -> Self {
        Self {
            method: method.into(),
            status: MethodStatus::InProgress.into(),
            internal_reason: None,
            member_reason: String::new(),
        }
    }

    /// A method that ended for a reason of the parent's own.
    pub fn ended(method: impl Into<Open<Method>>, status: MethodStatus, reason: MethodReason) -> Self {
        Self {
            method: method.into(),
            status: status.into(),
            member_reason: reason.member_sentence().to_owned(),
            internal_reason: Some(reason),
        }
    }
}

/// How a method stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MethodStatus {
    /// It runs.
    InProgress,
    /// It counts.
    Accepted,
    /// It does not count.
    Rejected,
    /// It could not be read; another picture may help.
    Resubmit,
    /// It broke.
    Failed,
    /// It was cancelled, or not needed any more.
    Cancelled,
}

impl MethodStatus {
    const ALL: [MethodStatus; 6] = [
        Self::InProgress,
        Self::Accepted,
        Self::Rejected,
        Self::Resubmit,
        Self::Failed,
        Self::Cancelled,
    ];
}

impl Word for MethodStatus {
    fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Resubmit => "resubmit",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl From<Decision> for MethodStatus {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Accepted => Self::Accepted,
            Decision::Rejected => Self::Rejected,
            Decision::Resubmit | Decision::NeedsReview => Self::Resubmit,
        }
    }
}

/// Names a member to a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberLookUp {
    /// The member.
    pub member_id: MemberId,
}

/// Answer of `check_user_exists_local`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserExists {
    /// Whether the member is registered.
    pub exists: bool,
}

/// Answer of `get_user_email_local`: the address itself never leaves the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserEmail {
    /// Whether there is an address to write to.
    pub known: bool,
}

/// Answer of the two score look-ups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserScore {
    /// 0 to 100.
    pub score: Score,
}

/// Input of `record_verification_outcome_local` and `record_verification_outcome`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeRecord {
    /// The verification.
    pub verification_id: VerificationId,
    /// The end.
    pub outcome: VerificationOutcome,
    /// When, in seconds since 1970-01-01 UTC.
    pub ended_at_seconds: i64,
}

/// Input of [`crate::VerificationReminderWorkflow`]; a schedule sends `{}`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ReminderRun {
    /// For a run by hand: the instant that it stands for, in seconds since 1970-01-01 UTC; one in the future is now.
    #[serde(default)]
    pub as_of_seconds: Option<i64>,
    /// How long a verification is in progress before its member is reminded, in seconds; 7 days by default.
    #[serde(default = "default_remind_after_seconds")]
    pub remind_after_seconds: u32,
}

impl Default for ReminderRun {
    fn default() -> Self {
        Self {
            as_of_seconds: None,
            remind_after_seconds: default_remind_after_seconds(),
        }
    }
}

/// 7 days.
pub const fn default_remind_after_seconds() -> u32 {
    7 * 24 * 3600
}

/// Input of [`crate::VerificationReportWorkflow`]; a schedule sends `{}`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct ReportRun {
    /// For a run by hand: the instant that it stands for, in seconds since 1970-01-01 UTC; one in the future is now.
    #[serde(default)]
    pub as_of_seconds: Option<i64>,
}

/// Input of `write_verification_reminders`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReminderRequest {
    /// The instant that the reminders are for, in seconds since 1970-01-01 UTC.
    pub as_of_seconds: i64,
    /// How long a verification is in progress before its member is reminded, in seconds.
    pub remind_after_seconds: u32,
}

/// Answer of `write_verification_reminders`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemindersWritten {
    /// Reminders that were not there before.
    pub count: u64,
}

/// Input of `write_verification_report`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRequest {
    /// An instant in the month after the one to report, in seconds since 1970-01-01 UTC.
    pub as_of_seconds: i64,
}

/// Answer of `write_verification_report`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportWritten {
    /// The month, e.g. `2026-10`.
    pub month: String,
    /// Which instants the month has; unknown when a version wrote the report that had no trust network.
    #[serde(default)]
    pub span: Option<TrustNetworkRequest>,
}

/// Input of `write_trust_network_report`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustNetworkReport {
    /// The month, e.g. `2026-10`.
    pub month: String,
    /// The trust network when it ended.
    pub figures: TrustNetworkFigures,
}

/// The activities that the orchestrator's worker runs.
pub struct OrchestratorActivities;

#[activity_definitions]
impl OrchestratorActivities {
    /// Whether the member is registered.
    #[activity(name = CHECK_USER_EXISTS_LOCAL)]
    pub fn check_user_exists_local(look_up: MemberLookUp) -> Result<UserExists, ActivityError> {
        unimplemented!()
    }

    /// Whether the member can be reached by e-mail.
    #[activity(name = GET_USER_EMAIL_LOCAL)]
    pub fn get_user_email_local(look_up: MemberLookUp) -> Result<UserEmail, ActivityError> {
        unimplemented!()
    }

    /// The score of the member's last completed verification.
    #[activity(name = GET_USER_VERIFICATION_SCORE_LOCAL)]
    pub fn get_user_verification_score_local(look_up: MemberLookUp) -> Result<UserScore, ActivityError> {
        unimplemented!()
    }

    /// The member's standing at the reputation service.
    #[activity(name = GET_USER_REPUTATION_LOCAL)]
    pub fn get_user_reputation_local(look_up: MemberLookUp) -> Result<UserScore, ActivityError> {
        unimplemented!()
    }

    /// Writes the end of a verification into the read model; again changes nothing.
    #[activity(name = RECORD_VERIFICATION_OUTCOME_LOCAL)]
    pub fn record_verification_outcome_local(record: OutcomeRecord) -> Result<(), ActivityError> {
        unimplemented!()
    }

    /// The same as an ordinary activity, which waits as long as the database is away.
    #[activity(name = RECORD_VERIFICATION_OUTCOME)]
    pub fn record_verification_outcome(record: OutcomeRecord) -> Result<(), ActivityError> {
        unimplemented!()
    }

    /// Writes one reminder a week for each verification that stands still; again changes nothing.
    #[activity(name = WRITE_VERIFICATION_REMINDERS)]
    pub fn write_verification_reminders(request: ReminderRequest) -> Result<RemindersWritten, ActivityError> {
        unimplemented!()
    }

    /// Writes the report of the month before an instant; again replaces it.
    #[activity(name = WRITE_VERIFICATION_REPORT)]
    pub fn write_verification_report(request: ReportRequest) -> Result<ReportWritten, ActivityError> {
        unimplemented!()
    }

    /// Adds the trust network to the report of a month that was written; again replaces it.
    #[activity(name = WRITE_TRUST_NETWORK_REPORT)]
    pub fn write_trust_network_report(report: TrustNetworkReport) -> Result<(), ActivityError> {
        unimplemented!()
    }
}

/// The markers that an implementation names in `#[activity(definition = …)]`.
pub mod definitions {
    pub use super::orchestrator_activities::{
        CheckUserExistsLocal, GetUserEmailLocal, GetUserReputationLocal, GetUserVerificationScoreLocal,
        RecordVerificationOutcome, RecordVerificationOutcomeLocal, WriteTrustNetworkReport, WriteVerificationReminders,
        WriteVerificationReport,
    };
}

#[cfg(test)]
mod tests;
