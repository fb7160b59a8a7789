//! What the workflow asks for, bound to the contract's names. Each may come twice, and the second time changes nothing.

use crate::count_trust_network::Count;
use crate::store::{Considered, KnownOf, Voting, WorkflowRun};
use crate::{Network, Scores, Store};
use community_trust::{
    BurstSettings, Neighbour, NeighbourhoodSettings, RingSettings, SuspicionReason, Vouch, find_burst, neighbourhood,
    rings_around,
};
use community_workflows::contract::{
    Aggregate, AggregationRequest, Answer, InvitationRequest, Invited, ReminderRequest, TrustNetworkFigures,
    TrustNetworkRequest, ValidationEnd, VoteRecorded, VoteRequest, definitions,
};
use community_workflows::policy::{self, Candidate, LEAST_VALIDATOR_SCORE};
use jiff::Timestamp;
use mesh_runtime::{Problem, clock};
use mesh_types::{EvidenceId, MemberId, Reason, Score, VerificationId};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;

/// What the worker runs.
pub struct Activities {
    store: Store,
    network: Network,
    scores: Scores,
}

#[activities]
impl Activities {
    #[activity(definition = definitions::RequestCommunityValidators)]
    pub async fn request_community_validators(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: InvitationRequest,
    ) -> Result<Invited, ActivityError> {
        let run = run_of(&ctx)?;
        let validators = self.invite(&request, &run, clock::now()).await?;
        Ok(Invited { validators })
    }

    #[activity(definition = definitions::RecordValidatorVote)]
    pub async fn record_validator_vote(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: VoteRequest,
    ) -> Result<VoteRecorded, ActivityError> {
        Ok(self.vote(&request).await?)
    }

    #[activity(definition = definitions::RemindCommunityValidators)]
    pub async fn remind_community_validators(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: ReminderRequest,
    ) -> Result<(), ActivityError> {
        let reminded = self
            .store
            .remind(request.verification_id, request.reminder, clock::now());
        Ok(reminded.await?)
    }

    #[activity(definition = definitions::AggregateValidationScores)]
    pub async fn aggregate_validation_scores(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: AggregationRequest,
    ) -> Result<Aggregate, ActivityError> {
        Ok(self.aggregate(&request).await?)
    }

    #[activity(definition = definitions::CountTrustNetwork)]
    pub async fn count_trust_network(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: TrustNetworkRequest,
    ) -> Result<TrustNetworkFigures, ActivityError> {
        let mut count = Count::begin(&request)?;
        loop {
            let (so_far, goes_on) = tokio::select! {
                () = ctx.cancelled() => return Err(ActivityError::cancelled()),
                so_far = count.go_on(&self.store) => so_far?,
            };
            ctx.record_heartbeat(()).await?;
            count = so_far;
            if !goes_on {
                return Ok(count.figures(self.network.seeds()).await?);
            }
        }
    }
}

impl Activities {
    /// Over the tables, the network in memory and the scores of members.
    pub fn new(store: Store, network: Network, scores: Scores) -> Self {
        Self { store, network, scores }
    }

    /// Chooses validators from the member's neighbourhood and invites them. Scores are asked for before anything is locked.
    pub async fn invite(
        &self,
        request: &InvitationRequest,
        run: &WorkflowRun,
        now: Timestamp,
    ) -> Result<Vec<MemberId>, Problem> {
        if let Some(made) = self.store.find_batch(request.verification_id, request.batch).await? {
            return Ok(made);
        }
        let member_id = request.member_id;
        let (around, connected) = self
            .network
            .read_latest(move |gate| surroundings(gate, member_id))
            .await?;
        let passing = around.iter().filter(|one| one.passes).map(|one| one.member);
        let scores = self.scores.of(passing.collect()).await?;
        let mut batch = match self.store.begin_batch(request, run, now).await? {
            Ok(batch) => batch,
            Err(made) => return Ok(made),
        };
        let ids: Vec<MemberId> = around.iter().map(|one| one.member).collect();
        let known = batch.known_of(request, &ids).await?;
        let candidates = candidates(&around, &scores, &known);
        let are_connected = |one, other| connected.contains(&(one, other)) || connected.contains(&(other, one));
        let standings = policy::choose(&candidates, are_connected, request.count);
        let considered = candidates
            .iter()
            .zip(standings)
            .map(|(candidate, standing)| Considered {
                member_id: candidate.member_id,
                distance: candidate.distance,
                reputation: candidate.passes_gate.then_some(candidate.score),
                standing,
            });
        batch.finish(request, &considered.collect::<Vec<_>>()).await
    }

    /// Records a vote with the validator's reputation of now.
    pub async fn vote(&self, request: &VoteRequest) -> Result<VoteRecorded, Problem> {
        let validator_id = request.response.validator_id;
        if let Some(recorded) = self.store.find_vote(request.verification_id, validator_id).await? {
            return Ok(recorded);
        }
        let scores = self.scores.of(vec![validator_id]).await?;
        let reputation = scores.get(&validator_id).copied().unwrap_or(Score::ZERO);
        let is_too_low = reputation.get() < LEAST_VALIDATOR_SCORE;
        let voting = Voting {
            reputation,
            refused: is_too_low.then_some(Reason::ValidatorScoreTooLow),
            evidence_id: EvidenceId::from(clock::new_uuid()),
        };
        self.store.insert_vote(request, voting).await
    }

    /// Says what the votes amount to and records the end.
    pub async fn aggregate(&self, request: &AggregationRequest) -> Result<Aggregate, Problem> {
        let votes = self.store.list_votes(request.verification_id).await?;
        let tallies: Vec<_> = votes.iter().map(|vote| vote.tally()).collect();
        let suspicion = match &request.end {
            ValidationEnd::Quorum | ValidationEnd::TimedOut => {
                let approvals = votes.iter().filter(|vote| vote.answer == Answer::Approve);
                let vouchers: Vec<MemberId> = approvals.map(|vote| vote.validator_id).collect();
                self.suspicion(request.verification_id, &vouchers).await?
            }
            ValidationEnd::OutOfReach
            | ValidationEnd::Withdrawn
            | ValidationEnd::Reviewed(_)
            | ValidationEnd::ReviewExpired => None,
        };
        let mut aggregate = Aggregate {
            outcome: policy::aggregate(&request.end, &tallies, suspicion.map(SuspicionReason::as_str)),
            confidence_ten_thousandths: policy::confidence(&tallies),
            rule_version: policy::RULE_VERSION,
        };
        if let Some(stands) = self.store.record_end(request, &aggregate).await? {
            aggregate.outcome = stands;
        }
        Ok(aggregate)
    }

    /// Whether the vouches for a member look made up: they or the member are of a ring, or were busy lately for whomever.
    async fn suspicion(
        &self,
        verification_id: VerificationId,
        vouchers: &[MemberId],
    ) -> Result<Option<SuspicionReason>, Problem> {
        if vouchers.is_empty() {
            return Ok(None);
        }
        let Some(validation) = self.store.find_validation(verification_id).await? else {
            return Ok(None);
        };
        let mut suspects = vouchers.to_vec();
        suspects.push(validation.member_id);
        let is_ring = self.network.read(move |gate| {
            let mut rings = suspects
                .iter()
                .map(|one| rings_around(gate, *one, RingSettings::default()));
            rings.any(|ring| ring.is_some())
        });
        if is_ring.await? {
            return Ok(Some(SuspicionReason::Ring));
        }
        let settings = BurstSettings::default();
        let since = clock::now().saturating_sub(settings.window.saturating_mul(2));
        let vouches = self
            .store
            .list_vouches(vouchers, since.map_err(Problem::internal)?)
            .await?;
        let vouches: Vec<Vouch> = vouches.into_iter().map(|(from, at)| Vouch { from, at }).collect();
        Ok(find_burst(&vouches, settings).map(|_| SuspicionReason::Burst))
    }
}

type Connected = HashSet<(MemberId, MemberId)>;

/// Who is around a member, and which of those who pass are connected with each other.
fn surroundings(gate: &community_trust::Gate, member_id: MemberId) -> (Vec<Neighbour>, Connected) {
    let around = neighbourhood(gate, member_id, NeighbourhoodSettings::default());
    let passing: HashSet<MemberId> = around.iter().filter(|one| one.passes).map(|one| one.member).collect();
    let mut connected = Connected::new();
    for one in &passing {
        let made = gate.network().connections_from(*one);
        connected.extend(
            made.filter(|made| passing.contains(&made.other))
                .map(|made| (*one, made.other)),
        );
    }
    (around, connected)
}

/// Those who may be invited by what is known; who was invited already is no candidate any more.
fn candidates(
    around: &[Neighbour],
    scores: &HashMap<MemberId, Score>,
    known: &HashMap<MemberId, KnownOf>,
) -> Vec<Candidate> {
    let of = |one: &Neighbour| {
        let known = known.get(&one.member).copied().unwrap_or_default();
        let candidate = Candidate {
            member_id: one.member,
            distance: one.distance,
            passes_gate: one.passes,
            score: scores.get(&one.member).copied().unwrap_or(Score::ZERO),
            was_vouched_for: known.was_vouched_for,
            open_requests: known.open_requests,
        };
        (!known.is_invited).then_some(candidate)
    };
    around.iter().filter_map(of).collect()
}

fn run_of(ctx: &ActivityContext) -> Result<WorkflowRun, Problem> {
    let info = ctx.info();
    let run = info.workflow_id.clone().zip(info.workflow_run_id.clone());
    let (workflow_id, run_id) = run.ok_or_else(|| Problem::internal("the activity was started by no workflow"))?;
    Ok(WorkflowRun { workflow_id, run_id })
}
