//! What crosses the wire to and from the reputation service's workers: each name stands here and nowhere else.

use mesh_types::{
    Decision, Evidence, EvidenceKind, MemberId, MethodOutcome, NextStep, Score, ScoreBreakdown, VerificationId,
};
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

/// The task queue of workflows and activities.
pub const TASK_QUEUE: &str = "reputation";
/// Workflow: looks at what a member has earned, as one method of a verification.
pub const REPUTATION_VERIFICATION_WORKFLOW: &str = "ReputationVerificationWorkflow";
/// Workflow: the clock of one member's decay.
pub const REPUTATION_DECAY_WORKFLOW: &str = "ReputationDecayWorkflow";
/// Workflow: brings every member's materialised score up to date.
pub const REPUTATION_BATCH_UPDATE_WORKFLOW: &str = "ReputationBatchUpdateWorkflow";
/// Signal of the decay workflow: stop. Whatever comes with it is not looked at.
pub const CANCEL_DECAY: &str = "cancel_decay";
/// Query of the decay workflow: how it stands.
pub const DECAY_STATE: &str = "decay_state";
/// Activity: brings one member's materialised score up to date.
pub const DECAY_REPUTATION_SCORE: &str = "decay_reputation_score";
/// Activity: brings all members' materialised scores up to date, shard by shard.
pub const SWEEP_REPUTATION_SCORES: &str = "sweep_reputation_scores";
/// Activity: scores a verification by the rules of version 1.
pub const CALCULATE_VERIFICATION_SCORE: &str = "calculate_verification_score";
/// Activity: scores a verification by the rules of version 2.
pub const CALCULATE_VERIFICATION_SCORE_V2: &str = "calculate_verification_score_v2";
/// Activity: finds what counts for the method `reputation`: in the ledger, and by the trust network.
pub const ASSESS_REPUTATION: &str = "assess_reputation";

/// Evidence that a method found, to be scored and written to the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoringRequest {
    /// The verification that the evidence belongs to; the ledger takes each piece of evidence of it once.
    pub verification_id: VerificationId,
    /// The member.
    pub member_id: MemberId,
    /// All evidence of the verification so far.
    pub evidence: Vec<Evidence>,
    /// The verification's start in seconds since 1970-01-01 UTC, which the ledger keeps as the entries' time.
    pub occurred_at_seconds: i64,
}

/// A verification's score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scored {
    /// The score and what it is made of.
    pub breakdown: ScoreBreakdown,
    /// The methods that could still add points, the most first.
    pub next_steps: Vec<NextStep>,
}

/// The id of a member's decay workflow: one a member.
pub fn decay_workflow_id(member_id: MemberId) -> String {
    format!("reputation-decay-{member_id}")
}

/// Input of [`crate::ReputationDecayWorkflow`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecayRequest {
    /// The member.
    pub member_id: MemberId,
    /// Seconds between two updates; unless said otherwise, 30 days.
    #[serde(default = "default_decay_interval_seconds")]
    pub interval_seconds: u64,
    /// How many updates there are in all; at most, and unless said otherwise, [`MAX_DECAY_ITERATIONS`].
    #[serde(default = "default_decay_iterations")]
    pub iterations: u32,
    /// How many there were in earlier runs of the workflow.
    #[serde(default)]
    pub iterations_done: u32,
    /// When the first run started, in seconds since 1970-01-01 UTC; the instants of all updates count from it.
    #[serde(default)]
    pub began_at_seconds: Option<i64>,
}

/// 30 days.
pub const fn default_decay_interval_seconds() -> u64 {
    crate::policy::decay::PERIOD_SECONDS as u64
}

/// 1,000 updates, one every 30 days: 82 years.
pub const MAX_DECAY_ITERATIONS: u32 = 1_000;

/// 1,000.
pub const fn default_decay_iterations() -> u32 {
    MAX_DECAY_ITERATIONS
}

/// How a decay workflow stands: the answer of its query and its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecayState {
    /// How many updates there were.
    pub iterations_done: u32,
    /// Whether `cancel_decay` came.
    pub is_cancelled: bool,
    /// What the last update of this run came to.
    pub last: Option<Decayed>,
}

/// Input of `decay_reputation_score`: a member and a period, which together say what is to be done once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecayPeriod {
    /// The member.
    pub member_id: MemberId,
    /// The number of the update, from 1.
    pub period: u32,
    /// The instant that the score is brought up to, in seconds since 1970-01-01 UTC.
    pub as_of_seconds: i64,
}

/// A member's materialised score after `decay_reputation_score`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decayed {
    /// Whole points.
    pub score: Score,
    /// Full periods since the last event that counted.
    pub periods: u32,
}

/// Input of [`crate::ReputationBatchUpdateWorkflow`]. A schedule sends an empty object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchUpdateRequest {
    /// The instant that scores are brought up to, in seconds since 1970-01-01 UTC; that of the schedule when unset.
    #[serde(default)]
    pub as_of_seconds: Option<i64>,
}

/// Input of `sweep_reputation_scores`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// The instant that scores are brought up to, in seconds since 1970-01-01 UTC.
    pub as_of_seconds: i64,
}

/// How far a sweep has come: its heartbeat and its result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepProgress {
    /// The last member of the last shard; a retry goes on after it.
    pub after_member_id: i64,
    /// Shards that are done.
    pub shards: u64,
    /// Members that were looked at.
    pub members: u64,
    /// Members whose materialised score changed.
    pub changed: u64,
    /// Falls below a level that were recorded.
    pub level_falls: u64,
    /// Members whose row another session held, so that the sweep left their score as it was: those of the second pass where
    /// there is one, which every such member makes necessary.
    #[serde(default)]
    pub skipped: u64,
    /// Whether this is the second pass, for the members that the first one skipped.
    #[serde(default)]
    pub is_second_pass: bool,
}

/// Input of [`crate::ReputationVerificationWorkflow`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReputationVerificationRequest {
    /// The verification that asks.
    pub verification_id: VerificationId,
    /// The member.
    pub member_id: MemberId,
}

/// Input of `assess_reputation`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssessmentRequest {
    /// The verification that asks.
    pub verification_id: VerificationId,
    /// The member.
    pub member_id: MemberId,
    /// The instant that counts, in seconds since 1970-01-01 UTC: the start of the workflow that asks.
    pub as_of_seconds: i64,
}

/// What the method `reputation` found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReputationOutcome {
    /// Evidence for the scoring rules; empty when nothing counts.
    pub evidence: Vec<Evidence>,
    /// Why each source of points gave none, e.g. `TRUST_NETWORK_BELOW_MINIMUM`.
    pub reasons: Vec<String>,
}

impl From<ReputationOutcome> for MethodOutcome {
    fn from(found: ReputationOutcome) -> Self {
        let has = |kind: EvidenceKind| found.evidence.iter().any(|evidence| evidence.kind == kind);
        let decision = match found.evidence.is_empty() {
            true => Decision::Rejected,
            false => Decision::Accepted,
        };
        let member_reason = match (has(EvidenceKind::ActivityHistory), has(EvidenceKind::TrustNetwork)) {
            _ if found.evidence.is_empty() => {
                "Neither activity on the platform nor the trust of other members counts for you yet."
            }
            (true, true) => "Your activity on the platform and the trust of other members count.",
            (true, false) => "Your activity on the platform counts.",
            (false, true) => "The trust of other members counts.",
            (false, false) => "What is known of you on the platform counts.",
        };
        Self {
            decision,
            member_reason: member_reason.to_owned(),
            internal_reason: found.reasons.join(", "),
            evidence: found.evidence,
        }
    }
}

/// The activities that the service's worker runs.
pub struct ScoringActivities;

#[activity_definitions]
impl ScoringActivities {
    /// Scores by version 1 and writes the ledger; for verifications that began before version 2.
    #[activity(name = CALCULATE_VERIFICATION_SCORE)]
    pub fn calculate_verification_score(request: ScoringRequest) -> Result<Scored, ActivityError> {
        unimplemented!()
    }

    /// Scores by version 2 and writes the ledger, in one transaction.
    #[activity(name = CALCULATE_VERIFICATION_SCORE_V2)]
    pub fn calculate_verification_score_v2(request: ScoringRequest) -> Result<Scored, ActivityError> {
        unimplemented!()
    }

    /// Reads the ledger for the method `reputation`, and asks the community service for the member's network points.
    #[activity(name = ASSESS_REPUTATION)]
    pub fn assess_reputation(request: AssessmentRequest) -> Result<ReputationOutcome, ActivityError> {
        unimplemented!()
    }

    /// Brings one member's materialised score up to an instant; again changes nothing.
    #[activity(name = DECAY_REPUTATION_SCORE)]
    pub fn decay_reputation_score(period: DecayPeriod) -> Result<Decayed, ActivityError> {
        unimplemented!()
    }

    /// Brings all members' materialised scores up to an instant, in shards, with a heartbeat after each.
    #[activity(name = SWEEP_REPUTATION_SCORES)]
    pub fn sweep_reputation_scores(sweep: Sweep) -> Result<SweepProgress, ActivityError> {
        unimplemented!()
    }
}

/// The markers that an implementation names in `#[activity(definition = …)]`.
pub mod definitions {
    pub use super::scoring_activities::{
        AssessReputation, CalculateVerificationScore, CalculateVerificationScoreV2, DecayReputationScore,
        SweepReputationScores,
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_types::{EvidenceId, Open};

    #[test]
    fn the_member_is_told_what_counts_and_nothing_else() {
        use EvidenceKind::{ActivityHistory, TrustNetwork};
        let newer = Open::of_text("meeting_held");
        let table = [
            (vec![], "Neither activity"),
            (vec![ActivityHistory.into()], "Your activity on the platform counts."),
            (vec![TrustNetwork.into()], "The trust of other members counts."),
            (
                vec![ActivityHistory.into(), TrustNetwork.into()],
                "Your activity on the platform and the trust",
            ),
            (vec![newer], "What is known of you"),
        ];
        for (kinds, sentence) in table {
            let evidence = |kind: Open<EvidenceKind>| Evidence {
                evidence_id: EvidenceId::MAX,
                kind,
                basis: None,
            };
            let outcome = MethodOutcome::from(ReputationOutcome {
                evidence: kinds.iter().cloned().map(evidence).collect(),
                reasons: vec!["A".to_owned(), "B".to_owned()],
            });
            let decision = match kinds.is_empty() {
                true => Decision::Rejected,
                false => Decision::Accepted,
            };
            assert_eq!((outcome.decision, outcome.evidence.len()), (decision, kinds.len()));
            assert!(outcome.member_reason.starts_with(sentence), "{}", outcome.member_reason);
            assert_eq!(outcome.internal_reason, "A, B");
        }
    }
}
