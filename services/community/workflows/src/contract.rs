//! What crosses the wire to and from the community service's workers: each name stands here and nowhere else.
//!
//! No message carries personal data: what a member shows to validators stays in the service's database, and so does why a
//! validator said no.

use mesh_types::{Decision, IntroductionId, MemberId, MethodOutcome, RequestId, VerificationId};
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_common::data_converters::RawValue;
use temporalio_macros::activity_definitions;

/// The task queue of workflows and activities.
pub const TASK_QUEUE: &str = "community";
/// Workflow: asks members of the community whether they vouch for one.
pub const COMMUNITY_VALIDATION_WORKFLOW: &str = "CommunityValidationWorkflow";
/// Activity: chooses validators and invites them.
pub const REQUEST_COMMUNITY_VALIDATORS: &str = "request_community_validators";
/// Activity: records a vote with the reputation that the validator has then.
pub const RECORD_VALIDATOR_VOTE: &str = "record_validator_vote";
/// Activity: reminds the validators who have not answered.
pub const REMIND_COMMUNITY_VALIDATORS: &str = "remind_community_validators";
/// Activity: says what the votes amount to, and closes what is open.
pub const AGGREGATE_VALIDATION_SCORES: &str = "aggregate_validation_scores";
/// Activity: counts the trust network as it was when a month ended.
pub const COUNT_TRUST_NETWORK: &str = "count_trust_network";
/// Update: a validator answers.
pub const SUBMIT_VALIDATION: &str = "submit_validation";
/// Signal: a validator answers. Nobody is told what became of it; what cannot be read is left alone.
pub const VALIDATOR_RESPONSE: &str = "validator_response";
/// Update: a person decides on a validation that looks made up.
pub const DECIDE_VALIDATION: &str = "decide_validation";
/// Query: how the validation stands.
pub use mesh_workflows::contract::PROGRESS;
/// Query: who was invited and how each of them answered.
pub const VOTES: &str = "votes";

/// Input of [`crate::CommunityValidationWorkflow`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommunityValidationRequest {
    /// The verification that asks.
    pub verification_id: VerificationId,
    /// Whom to vouch for.
    pub member_id: MemberId,
    /// What the member agreed to show to validators.
    pub introduction_id: IntroductionId,
    /// How many validators there are, and how long they have.
    #[serde(default)]
    pub rules: ValidationRules,
}

/// How many validators there are, how many must approve, and how long they have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ValidationRules {
    /// Validators who are invited at first, at most; 1 to 50.
    pub validators: u32,
    /// Approvals that accept; from 1.
    pub approvals: u32,
    /// How long validators have in all, in seconds from the start.
    pub answer_seconds: u64,
    /// When silent validators are reminded, in seconds from the start, the earliest first.
    pub reminder_seconds: Vec<u64>,
    /// How long a person has to decide on a validation that looks made up, in seconds.
    pub review_seconds: u64,
}

impl Default for ValidationRules {
    fn default() -> Self {
        const HOUR: u64 = 3600;
        Self {
            validators: 10,
            approvals: 3,
            answer_seconds: 72 * HOUR,
            reminder_seconds: vec![24 * HOUR, 48 * HOUR],
            review_seconds: 7 * 24 * HOUR,
        }
    }
}

/// What a validator says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// They vouch for the member.
    Approve,
    /// They do not. It needs a reason.
    Reject,
    /// They do not want to say. Somebody else is invited where there is anybody.
    Abstain,
}

impl Answer {
    /// Every answer.
    pub const ALL: [Answer; 3] = [Answer::Approve, Answer::Reject, Answer::Abstain];

    /// The stable text in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Answer::Approve => "approve",
            Answer::Reject => "reject",
            Answer::Abstain => "abstain",
        }
    }

    /// The answer of a stable text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.as_str() == text)
    }
}

/// Why a validator rejects. A code and no text, because what people write about others is personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// The member is not who they say they are.
    IdentityDoubtful,
    /// The validator knows of conduct that speaks against the member.
    Conduct,
    /// The validator fears for somebody's safety.
    Safety,
    /// Something else.
    Other,
}

impl RejectReason {
    /// The stable text in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            RejectReason::IdentityDoubtful => "identity_doubtful",
            RejectReason::Conduct => "conduct",
            RejectReason::Safety => "safety",
            RejectReason::Other => "other",
        }
    }
}

/// A validator's answer: payload of the update `submit_validation`, and of the signal `validator_response`, which may hold
/// other fields besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidatorResponse {
    /// Who answers.
    pub validator_id: MemberId,
    /// What they say.
    pub answer: Answer,
    /// Why, for a rejection.
    #[serde(default)]
    pub reject_reason: Option<RejectReason>,
    /// The request that it came by, so that a repeat gets the same answer; none for a signal without one.
    #[serde(default)]
    pub request_id: Option<RequestId>,
}

/// The answer in a signal, whatever else it holds; none where there is none.
pub fn read_response(message: &RawValue) -> Option<ValidatorResponse> {
    serde_json::from_slice(&message.payloads.first()?.data).ok()
}

/// Answer of the update `submit_validation`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ResponseTaken {
    /// It counts.
    Counted,
    /// It does not, for a reason of `mesh_types::Reason`.
    Refused {
        /// The reason.
        reason: String,
    },
}

/// Payload of the update `decide_validation`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewDecision {
    /// Whether the vouches count.
    pub is_accepted: bool,
    /// Who decided, as an actor writes itself, such as `person:42`.
    pub decided_by: String,
}

/// Where a validation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Validators are asked.
    Collecting,
    /// No answer is taken any more, and what there is is counted.
    Counting,
    /// It looks made up, and a person decides.
    InReview,
    /// It has ended.
    Ended,
}

/// Answer of the query `progress`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Where it is.
    pub phase: Phase,
    /// Validators who were invited so far.
    pub invited: u32,
    /// Those who approve.
    pub approvals: u32,
    /// Those who reject.
    pub rejections: u32,
    /// Those who abstain.
    pub abstentions: u32,
    /// Approvals that accept.
    pub approvals_needed: u32,
    /// Signals that could not be read or were refused.
    pub signals_ignored: u32,
}

/// A line of the answer to the query `votes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// Who was invited.
    pub validator_id: MemberId,
    /// What they said, if their vote counts.
    pub answer: Option<Answer>,
}

/// Input of `request_community_validators`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationRequest {
    /// The verification that asks.
    pub verification_id: VerificationId,
    /// Whom to vouch for.
    pub member_id: MemberId,
    /// What the member shows.
    pub introduction_id: IntroductionId,
    /// Which invitation of the validation it is, from 1; the same again returns the same validators.
    pub batch: u32,
    /// How many validators to invite, at most.
    pub count: u32,
    /// Approvals that accept.
    pub approvals_needed: u32,
    /// When it is asked, in seconds since 1970-01-01 UTC.
    pub invited_at_seconds: i64,
    /// Until when they may answer, in seconds since 1970-01-01 UTC.
    pub deadline_seconds: i64,
}

/// Who was invited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// The validators; fewer than asked for when there is nobody else.
    pub validators: Vec<MemberId>,
}

/// Input of `record_validator_vote`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoteRequest {
    /// The verification that it is for.
    pub verification_id: VerificationId,
    /// Whom it is about.
    pub member_id: MemberId,
    /// The answer.
    pub response: ValidatorResponse,
    /// When it came, in seconds since 1970-01-01 UTC.
    pub voted_at_seconds: i64,
}

/// What became of a vote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum VoteRecorded {
    /// It is recorded. After a crash another answer of the same validator may have been recorded before; then that one is.
    Recorded {
        /// What stands.
        answer: Answer,
        /// The request that it came by.
        #[serde(default)]
        request_id: Option<RequestId>,
    },
    /// The validator may not vote on this member any more, for a reason of `mesh_types::Reason`.
    Refused {
        /// The reason.
        reason: String,
    },
}

/// Input of `remind_community_validators`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReminderRequest {
    /// The verification that asks.
    pub verification_id: VerificationId,
    /// Which reminder it is, from 1; nobody gets the same one twice.
    pub reminder: u32,
    /// When, in seconds since 1970-01-01 UTC.
    pub reminded_at_seconds: i64,
}

/// How a validation ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum ValidationEnd {
    /// Enough approve.
    Quorum,
    /// Not enough can approve any more.
    OutOfReach,
    /// The time is over.
    TimedOut,
    /// The verification was cancelled, or the workflow failed.
    Withdrawn,
    /// A person decided.
    Reviewed(ReviewDecision),
    /// No person decided in time.
    ReviewExpired,
}

/// Input of `aggregate_validation_scores`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AggregationRequest {
    /// The verification.
    pub verification_id: VerificationId,
    /// How it ends.
    pub end: ValidationEnd,
    /// When, in seconds since 1970-01-01 UTC.
    pub ended_at_seconds: i64,
    /// Until when a person may decide, where one has to.
    pub review_until_seconds: i64,
}

/// What the votes amount to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aggregate {
    /// The outcome, with one piece of evidence for each voucher. `needs_review` when a person has to decide first. The activity
    /// decides, not the workflow: a validation that waits replays under whatever the rules are then, and has to come to the same.
    pub outcome: MethodOutcome,
    /// How sure it is, in ten-thousandths (see [`crate::policy::confidence`]).
    pub confidence_ten_thousandths: u32,
    /// The version of the rules that decided ([`crate::policy::RULE_VERSION`]).
    pub rule_version: u16,
}

impl Aggregate {
    /// Whether a person has to decide.
    pub fn needs_review(&self) -> bool {
        self.outcome.decision == Decision::NeedsReview
    }
}

/// Input of `count_trust_network`: a span of time, whose end is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustNetworkRequest {
    /// Its first instant, in seconds since 1970-01-01 UTC.
    pub from_seconds: i64,
    /// The first instant after it, in seconds since 1970-01-01 UTC.
    pub until_seconds: i64,
}

/// Answer of `count_trust_network`: the trust network when the span ended, by the seeds of trust of now, and what changed in
/// the span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustNetworkFigures {
    /// Members with a connection, or who are seeds.
    pub member_count: u64,
    /// Those of them who pass the gate.
    pub passing_member_count: u64,
    /// Connections.
    pub connection_count: u64,
    /// How often a connection was made in the span.
    pub connections_made: u64,
    /// How often one was removed in the span.
    pub connections_removed: u64,
}

/// The activities that the service's worker runs.
pub struct CommunityActivities;

#[activity_definitions]
impl CommunityActivities {
    /// Chooses validators from the trust network, records why each one was chosen or left out, and invites them.
    #[activity(name = REQUEST_COMMUNITY_VALIDATORS)]
    pub fn request_community_validators(request: InvitationRequest) -> Result<Invited, ActivityError> {
        unimplemented!()
    }

    /// Records a vote with the validator's reputation of now; a second one by the same validator changes nothing.
    #[activity(name = RECORD_VALIDATOR_VOTE)]
    pub fn record_validator_vote(request: VoteRequest) -> Result<VoteRecorded, ActivityError> {
        unimplemented!()
    }

    /// Reminds the validators who have not answered.
    #[activity(name = REMIND_COMMUNITY_VALIDATORS)]
    pub fn remind_community_validators(request: ReminderRequest) -> Result<(), ActivityError> {
        unimplemented!()
    }

    /// Says what the votes amount to, closes the open requests and records the end; again returns the same.
    #[activity(name = AGGREGATE_VALIDATION_SCORES)]
    pub fn aggregate_validation_scores(request: AggregationRequest) -> Result<Aggregate, ActivityError> {
        unimplemented!()
    }

    /// Works the trust network out anew from its whole history up to an instant, and says how large it is; again says the same, for the same seeds.
    #[activity(name = COUNT_TRUST_NETWORK)]
    pub fn count_trust_network(request: TrustNetworkRequest) -> Result<TrustNetworkFigures, ActivityError> {
        unimplemented!()
    }
}

/// The markers that an implementation names in `#[activity(definition = …)]`.
pub mod definitions {
    pub use super::community_activities::{
        AggregateValidationScores, CountTrustNetwork, RecordValidatorVote, RemindCommunityValidators,
        RequestCommunityValidators,
    };
}
