//! What crosses the wire to and from the reputation service's workers: each name stands here and nowhere else.

use mesh_types::{Evidence, MemberId, Method, NextStep, ScoreBreakdown, VerificationId};
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

/// The task queue of workflows and activities.
pub const TASK_QUEUE: &str = "reputation";
/// Workflow: looks at what a member has earned, as one method of a verification.
pub const REPUTATION_VERIFICATION_WORKFLOW: &str = "ReputationVerificationWorkflow";
/// Activity: scores a verification by the rules of version 1.
pub const CALCULATE_VERIFICATION_SCORE: &str = "calculate_verification_score";
/// Activity: scores a verification by the rules of version 2.
pub const CALCULATE_VERIFICATION_SCORE_V2: &str = "calculate_verification_score_v2";
/// Activity: finds what in the ledger counts for the method `reputation`.
pub const ASSESS_REPUTATION: &str = "assess_reputation";

/// Evidence that a method found, to be scored and written to the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoringRequest {
    /// The verification that the evidence belongs to; the ledger takes each piece of evidence of it once.
    pub verification_id: VerificationId,
    /// The member.
    pub member_id: MemberId,
    /// All evidence of the verification so far, method by method.
    pub evidence: Vec<MethodEvidence>,
    /// The verification's start in seconds since 1970-01-01 UTC, which the ledger keeps as the entries' time.
    pub occurred_at_seconds: i64,
}

/// Evidence and the method that found it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodEvidence {
    /// The method.
    pub method: Method,
    /// The evidence.
    pub evidence: Evidence,
}

/// A verification's score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scored {
    /// The score and what it is made of.
    pub breakdown: ScoreBreakdown,
    /// The methods that could still add points, the most first.
    pub next_steps: Vec<NextStep>,
}

/// Input of [`crate::ReputationVerificationWorkflow`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReputationVerificationRequest {
    /// The verification that asks.
    pub verification_id: VerificationId,
    /// The member.
    pub member_id: MemberId,
}

/// What the method `reputation` found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReputationOutcome {
    /// Evidence for the scoring rules; empty when nothing counts.
    pub evidence: Vec<Evidence>,
    /// Why each source of points gave none, e.g. `TRUST_NETWORK_NOT_AVAILABLE`.
    pub reasons: Vec<String>,
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

    /// Reads the ledger for the method `reputation`.
    #[activity(name = ASSESS_REPUTATION)]
    pub fn assess_reputation(request: ReputationVerificationRequest) -> Result<ReputationOutcome, ActivityError> {
        unimplemented!()
    }
}

/// The markers that an implementation names in `#[activity(definition = …)]`.
pub mod definitions {
    pub use super::scoring_activities::{AssessReputation, CalculateVerificationScore, CalculateVerificationScoreV2};
}
