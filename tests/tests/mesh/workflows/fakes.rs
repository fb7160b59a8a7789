//! Activities without a database: each verification follows the script that its test wrote for it.

#![expect(
    dead_code,
    reason = "the macro makes a constant of each activity, and only the definitions are called by"
)]

mod community;
mod decay;
mod document;
mod in_person;
mod scheduled;

pub use community::{CommunityFakes, SeenOfCommunity, THE_NETWORK};
pub use decay::{DATABASE_AWAY, DecayFakes, Updates};
pub use document::DocumentFakes;
pub use in_person::{
    Booked, HoldScript, InPersonFakes, MeetingScript, NOT_CONFIRMED, SeenInPerson, confirmed, verifier,
};
pub use scheduled::{ScheduledFakes, Writing, Writings};

use document_workflows::contract::{
    DecisionRecord, DocumentDecision, ExtractionRequest, Refusal, ReviewClosing, ReviewDecision, ReviewRequest,
};
use in_person::Diary;
use mesh_runtime::clock;
use mesh_testkit::eventually;
use mesh_types::{
    Decision, DocumentId, Evidence, EvidenceId, EvidenceKind, MemberId, ReviewId, RuleVersion, Score, VerificationId,
};
use orchestrator_workflows::contract::definitions as orchestrator;
use orchestrator_workflows::contract::{MemberLookUp, OutcomeRecord, UserEmail, UserExists, UserScore};
use reputation_workflows::contract::definitions as reputation;
use reputation_workflows::contract::{AssessmentRequest, ReputationOutcome, Scored, ScoringRequest};
use reputation_workflows::policy::{self, NetworkPoints, Withheld};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use temporalio_common::ActivityError;
use temporalio_common::error::ApplicationFailure;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// One verification: what happens in it, and what was seen of it.
pub struct Script {
    /// Whose verification it is; its own in every test.
    pub member_id: MemberId,
    /// The verification.
    pub verification_id: VerificationId,
    course: Course,
    seen: Mutex<Seen>,
    review: Mutex<Review>,
    diary: Mutex<Diary>,
}

/// A review as a person's desk has it.
#[derive(Default)]
struct Review {
    /// The activity that waits for the decision.
    waiting: Option<Vec<u8>>,
    decision: Option<ReviewDecision>,
}

/// What happens in a verification; by default everything goes well.
pub struct Course {
    /// Whether the look-up finds the member.
    pub member_exists: bool,
    /// How the extraction goes.
    pub extraction: ExtractionScript,
    /// What each document shows, in the order of their submissions; those that are not named show everything.
    pub documents: Vec<Shows>,
    /// How a review goes.
    pub review: ReviewScript,
    /// What a person decided just before the review was closed.
    pub decided_before_closing: Option<Decision>,
    /// What stands against accepting a document when it is recorded.
    pub refusal: Option<Refusal>,
    /// How the scoring goes.
    pub scoring: ScoringScript,
    /// How the look at the member's reputation goes.
    pub reputation: ReputationScript,
    /// How many attempts to record the outcome fail before one succeeds.
    pub failing_records: u32,
    /// Whether no local activity can record the outcome or the decision on a document.
    pub local_records_fail: bool,
    /// What the service decides on the checks; by default what the rules of today say.
    pub ruling: Option<DocumentDecision>,
    /// A final decision on the document that was recorded before.
    pub stands: Option<DocumentDecision>,
    /// Members who may vouch.
    pub validators: u32,
    /// Why the vouches look made up, if they do.
    pub suspicion: Option<&'static str>,
    /// What becomes of the meetings with verifiers.
    pub meetings: MeetingScript,
}

impl Default for Course {
    fn default() -> Self {
        Self {
            member_exists: true,
            extraction: ExtractionScript::Reads,
            documents: Vec::new(),
            review: ReviewScript::WaitsForAPerson,
            decided_before_closing: None,
            refusal: None,
            scoring: ScoringScript::Scores,
            reputation: ReputationScript::NothingCounts,
            failing_records: 0,
            local_records_fail: false,
            ruling: None,
            stands: None,
            validators: 20,
            suspicion: None,
            meetings: MeetingScript::default(),
        }
    }
}

/// How the extraction of a document goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ExtractionScript {
    /// Every page is read.
    Reads,
    /// There is no such document, and no retry would find it.
    FindsNoDocument,
    /// The first document was erased; the next one is read.
    FirstWasErased,
    /// Every attempt of the first workflow breaks; another workflow reads every page.
    BreaksAtFirst,
    /// Object store and database are away at the first five attempts; then two attempts break, and the next reads every
    /// page.
    MeetsAnOutage,
    /// The database is away at every attempt.
    IsAway,
    /// It goes on until it is cancelled.
    RunsUntilCancelled,
}

/// What a document shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// All that is needed.
    Everything,
    /// No zone, so another picture is needed.
    NoZone,
    /// A zone with a blind spot and nothing beside it, so a person is needed.
    OneSource,
}

/// How a review goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ReviewScript {
    /// The test is the person.
    WaitsForAPerson,
    /// The database is away at the first attempt and at the next, in the last minute. Nothing of it runs in between, so
    /// that the server's clock may skip.
    FailsToItsEnd,
}

/// How the scoring goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ScoringScript {
    /// By the real rules.
    Scores,
    /// It breaks, and its next attempt is later than any verification lasts.
    WaitsForARetryIn40Days,
    /// It breaks, and its next attempt comes after the other methods have ended.
    WaitsForTheOtherMethods,
    /// It breaks, and its next attempt comes 10 s later.
    WaitsFor10Seconds,
}

/// How the look at the member's reputation goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ReputationScript {
    /// There is nothing that counts.
    NothingCounts,
    /// Activity counts, which is found while the evidence of another method is scored.
    CountsDuringTheScoring,
}

/// What the activities were asked for, in order.
#[derive(Clone, Default)]
pub struct Seen {
    /// Attempts to extract.
    pub extractions: Vec<ExtractionRequest>,
    /// The documents that were read, in order.
    pub documents: Vec<DocumentId>,
    /// Decisions that were recorded.
    pub decisions: Vec<DecisionRecord>,
    /// Attempts to have a person decide.
    pub reviews: Vec<ReviewRequest>,
    /// Reviews that were closed without a decision.
    pub closings: Vec<ReviewClosing>,
    /// What the community was asked for.
    pub community: SeenOfCommunity,
    /// What the in-person service was asked for.
    pub in_person: SeenInPerson,
    /// Extractions that heard of their cancellation.
    pub cancelled_extractions: u32,
    /// Requests to score, with the rules asked for.
    pub scorings: Vec<(RuleVersion, ScoringRequest)>,
    /// Attempts to record the outcome.
    pub record_attempts: u32,
    /// Those of them that an ordinary activity made.
    pub ordinary_record_attempts: u32,
    /// Outcomes that were recorded.
    pub outcomes: Vec<OutcomeRecord>,
}

impl Script {
    /// What was seen so far.
    pub fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }

    /// Whether an activity waits for a person.
    pub fn is_waiting_for_a_person(&self) -> bool {
        lock(&self.review).waiting.is_some()
    }

    /// Writes a person's decision down; the activity that waits for it, if one does.
    pub fn decide(&self, decision: Decision) -> (ReviewDecision, Option<Vec<u8>>) {
        let decided = decided(decision);
        let mut review = lock(&self.review);
        review.decision = Some(decided.clone());
        (decided, review.waiting.take())
    }
}

fn decided(decision: Decision) -> ReviewDecision {
    ReviewDecision {
        review_id: ReviewId::from(clock::new_uuid()),
        decision,
        reason_code: "LOOKED_AT".to_owned(),
    }
}

/// Every script of this process.
#[derive(Default)]
pub struct Scripts(Mutex<Vec<Arc<Script>>>);

impl Scripts {
    /// Adds a verification of a new member.
    pub fn add(&self, course: Course) -> Arc<Script> {
        let mut scripts = lock(&self.0);
        let number = i64::try_from(scripts.len()).expect("a handful of scripts") + 1;
        let script = Arc::new(Script {
            member_id: MemberId::try_from(number).expect("counted from 1"),
            verification_id: VerificationId::from(clock::new_uuid()),
            course,
            seen: Mutex::default(),
            review: Mutex::default(),
            diary: Mutex::default(),
        });
        scripts.push(script.clone());
        script
    }

    fn of_member(&self, member_id: MemberId) -> Result<Arc<Script>, ActivityError> {
        self.find(|script| script.member_id == member_id)
    }

    fn of(&self, verification_id: VerificationId) -> Result<Arc<Script>, ActivityError> {
        self.find(|script| script.verification_id == verification_id)
    }

    fn find(&self, wanted: impl Fn(&Script) -> bool) -> Result<Arc<Script>, ActivityError> {
        let scripts = lock(&self.0);
        let found = scripts.iter().find(|script| wanted(script)).cloned();
        found.ok_or_else(|| permanent("NO_SCRIPT"))
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn permanent(type_name: &str) -> ActivityError {
    ApplicationFailure::builder(type_name.to_owned())
        .type_name(type_name.to_owned())
        .non_retryable(true)
        .build()
        .into()
}

fn transient(type_name: &str, next_attempt: Duration) -> ActivityError {
    let failure = ApplicationFailure::builder(type_name.to_owned()).type_name(type_name.to_owned());
    failure.next_retry_delay(next_attempt).build().into()
}

/// The orchestrator's activities.
pub struct OrchestratorFakes(pub Arc<Scripts>);

#[activities]
impl OrchestratorFakes {
    #[activity(definition = orchestrator::CheckUserExistsLocal)]
    pub async fn check_user_exists_local(
        self: Arc<Self>,
        _ctx: ActivityContext,
        look_up: MemberLookUp,
    ) -> Result<UserExists, ActivityError> {
        Ok(UserExists {
            exists: self.0.of_member(look_up.member_id)?.course.member_exists,
        })
    }

    #[activity(definition = orchestrator::GetUserEmailLocal)]
    pub async fn get_user_email_local(
        self: Arc<Self>,
        _ctx: ActivityContext,
        _look_up: MemberLookUp,
    ) -> Result<UserEmail, ActivityError> {
        Ok(UserEmail { known: true })
    }

    #[activity(definition = orchestrator::GetUserVerificationScoreLocal)]
    pub async fn get_user_verification_score_local(
        self: Arc<Self>,
        _ctx: ActivityContext,
        _look_up: MemberLookUp,
    ) -> Result<UserScore, ActivityError> {
        Ok(UserScore { score: Score::ZERO })
    }

    #[activity(definition = orchestrator::GetUserReputationLocal)]
    pub async fn get_user_reputation_local(
        self: Arc<Self>,
        _ctx: ActivityContext,
        _look_up: MemberLookUp,
    ) -> Result<UserScore, ActivityError> {
        Ok(UserScore { score: Score::ZERO })
    }

    #[activity(definition = orchestrator::RecordVerificationOutcomeLocal)]
    pub async fn record_verification_outcome_local(
        self: Arc<Self>,
        _ctx: ActivityContext,
        record: OutcomeRecord,
    ) -> Result<(), ActivityError> {
        if self.0.of(record.verification_id)?.course.local_records_fail {
            return Err(permanent("DATABASE_UNAVAILABLE"));
        }
        self.record(record)
    }

    #[activity(definition = orchestrator::RecordVerificationOutcome)]
    pub async fn record_verification_outcome(
        self: Arc<Self>,
        _ctx: ActivityContext,
        record: OutcomeRecord,
    ) -> Result<(), ActivityError> {
        let script = self.0.of(record.verification_id)?;
        lock(&script.seen).ordinary_record_attempts += 1;
        self.record(record)
    }
}

impl OrchestratorFakes {
    fn record(&self, record: OutcomeRecord) -> Result<(), ActivityError> {
        let script = self.0.of(record.verification_id)?;
        let mut seen = lock(&script.seen);
        seen.record_attempts += 1;
        if seen.record_attempts <= script.course.failing_records {
            return Err(transient("DATABASE_UNAVAILABLE", Duration::from_millis(10)));
        }
        seen.outcomes.push(record);
        Ok(())
    }
}

/// The reputation service's activities; the scoring rules are the real ones.
pub struct ReputationFakes(pub Arc<Scripts>);

#[activities]
impl ReputationFakes {
    #[activity(definition = reputation::CalculateVerificationScore)]
    pub async fn calculate_verification_score(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: ScoringRequest,
    ) -> Result<Scored, ActivityError> {
        self.score(RuleVersion::V1, request)
    }

    #[activity(definition = reputation::CalculateVerificationScoreV2)]
    pub async fn calculate_verification_score_v2(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: ScoringRequest,
    ) -> Result<Scored, ActivityError> {
        self.score(RuleVersion::V2, request)
    }

    #[activity(definition = reputation::AssessReputation)]
    pub async fn assess_reputation(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: AssessmentRequest,
    ) -> Result<ReputationOutcome, ActivityError> {
        let script = self.0.of(request.verification_id)?;
        if script.course.reputation == ReputationScript::CountsDuringTheScoring {
            let is_scored = async || (!lock(&script.seen).scorings.is_empty()).then_some(());
            eventually(Duration::from_secs(10), "the scoring to begin", is_scored).await?;
            return Ok(ReputationOutcome {
                evidence: vec![Evidence::new(
                    EvidenceId::from(clock::new_uuid()),
                    EvidenceKind::ActivityHistory,
                )],
                reasons: Vec::new(),
            });
        }
        let network = NetworkPoints::Withheld(Withheld::DoesNotPassGate);
        Ok(ReputationOutcome {
            evidence: Vec::new(),
            reasons: policy::assess(Score::ZERO, Some(network)).reasons,
        })
    }
}

impl ReputationFakes {
    fn score(&self, rules: RuleVersion, request: ScoringRequest) -> Result<Scored, ActivityError> {
        let script = self.0.of(request.verification_id)?;
        let evidence = request.evidence.iter().filter_map(Evidence::known);
        let breakdown = policy::score(rules, &evidence.collect::<Vec<_>>());
        let is_first = {
            let mut seen = lock(&script.seen);
            seen.scorings.push((rules, request));
            seen.scorings.len() == 1
        };
        match script.course.scoring {
            ScoringScript::WaitsForARetryIn40Days => return Err(transient("DATABASE_UNAVAILABLE", 40 * DAY)),
            ScoringScript::WaitsForTheOtherMethods if is_first => {
                return Err(transient("DATABASE_UNAVAILABLE", Duration::from_secs(2)));
            }
            ScoringScript::WaitsFor10Seconds if is_first => {
                return Err(transient("DATABASE_UNAVAILABLE", Duration::from_secs(10)));
            }
            ScoringScript::WaitsForTheOtherMethods | ScoringScript::WaitsFor10Seconds | ScoringScript::Scores => {}
        }
        Ok(Scored {
            next_steps: policy::next_steps(&breakdown),
            breakdown,
        })
    }
}
