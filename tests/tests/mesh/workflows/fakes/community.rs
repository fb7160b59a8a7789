//! The community service's activities, without a database.

use super::{Script, Scripts, lock, transient};
use community_workflows::contract::definitions as community;
use community_workflows::contract::{
    Aggregate, AggregationRequest, InvitationRequest, Invited, ReminderRequest, TrustNetworkFigures,
    TrustNetworkRequest, ValidationEnd, VoteRecorded, VoteRequest,
};
use community_workflows::policy::{self, Tally};
use mesh_runtime::clock;
use mesh_types::{EvidenceId, MemberId, Score};
use std::sync::Arc;
use std::time::Duration;
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;

/// The reputation of every validator.
pub const VALIDATORS_SCORE: i64 = 80;

/// The trust network of every month; as many connections were made in it as it has seconds.
pub const THE_NETWORK: TrustNetworkFigures = TrustNetworkFigures {
    member_count: 5,
    passing_member_count: 4,
    connection_count: 3,
    connections_made: 0,
    connections_removed: 1,
};

/// What the activities were asked for, in order.
#[derive(Clone, Default)]
pub struct SeenOfCommunity {
    /// Invitations, each batch once.
    pub invitations: Vec<InvitationRequest>,
    /// Reminders.
    pub reminders: Vec<ReminderRequest>,
    /// Votes that were recorded.
    pub votes: Vec<VoteRequest>,
    /// Requests to count the votes.
    pub aggregations: Vec<AggregationRequest>,
    vouches: Vec<EvidenceId>,
}

impl SeenOfCommunity {
    /// How the validation ended, each time that its votes were counted.
    pub fn ends(&self) -> Vec<ValidationEnd> {
        self.aggregations.iter().map(|request| request.end.clone()).collect()
    }

    fn tallies(&self) -> Vec<Tally> {
        let votes = self.votes.iter().zip(&self.vouches);
        votes
            .map(|(vote, evidence_id)| Tally {
                answer: vote.response.answer,
                reputation: Score::capped(VALIDATORS_SCORE),
                evidence_id: *evidence_id,
            })
            .collect()
    }
}

/// The activities; validators are the members from 1 on, as many as the script has, and the rules are the real ones.
pub struct CommunityFakes(pub Arc<Scripts>);

#[activities]
impl CommunityFakes {
    #[activity(definition = community::RequestCommunityValidators)]
    pub async fn request_community_validators(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: InvitationRequest,
    ) -> Result<Invited, ActivityError> {
        let script = self.0.of(request.verification_id)?;
        Ok(Invited {
            validators: script.invite(request),
        })
    }

    #[activity(definition = community::RecordValidatorVote)]
    pub async fn record_validator_vote(
        self: Arc<Self>,
        _ctx: ActivityContext,
        vote: VoteRequest,
    ) -> Result<VoteRecorded, ActivityError> {
        let script = self.0.of(vote.verification_id)?;
        let recorded = VoteRecorded::Recorded {
            answer: vote.response.answer,
            request_id: vote.response.request_id,
        };
        let seen = &mut lock(&script.seen).community;
        seen.votes.push(vote);
        seen.vouches.push(EvidenceId::from(clock::new_uuid()));
        Ok(recorded)
    }

    #[activity(definition = community::RemindCommunityValidators)]
    pub async fn remind_community_validators(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: ReminderRequest,
    ) -> Result<(), ActivityError> {
        let script = self.0.of(request.verification_id)?;
        lock(&script.seen).community.reminders.push(request);
        Ok(())
    }

    #[activity(definition = community::CountTrustNetwork)]
    pub async fn count_trust_network(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: TrustNetworkRequest,
    ) -> Result<TrustNetworkFigures, ActivityError> {
        if ctx.info().attempt <= 2 {
            return Err(transient("DATABASE_UNAVAILABLE", Duration::from_millis(10)));
        }
        Ok(TrustNetworkFigures {
            connections_made: request.until_seconds.abs_diff(request.from_seconds),
            ..THE_NETWORK
        })
    }

    #[activity(definition = community::AggregateValidationScores)]
    pub async fn aggregate_validation_scores(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: AggregationRequest,
    ) -> Result<Aggregate, ActivityError> {
        let script = self.0.of(request.verification_id)?;
        let seen = &mut lock(&script.seen).community;
        let votes = seen.tallies();
        let aggregate = Aggregate {
            outcome: policy::aggregate(&request.end, &votes, script.course.suspicion),
            confidence_ten_thousandths: policy::confidence(&votes),
            rule_version: policy::RULE_VERSION,
        };
        seen.aggregations.push(request);
        Ok(aggregate)
    }
}

impl Script {
    /// The validators of a batch: those after the ones of the batches before it.
    fn invite(&self, request: InvitationRequest) -> Vec<MemberId> {
        let seen = &mut lock(&self.seen).community;
        let earlier = seen.invitations.iter().filter(|earlier| earlier.batch < request.batch);
        let invited: u32 = earlier.map(|earlier| earlier.count).sum();
        let last = invited.saturating_add(request.count).min(self.course.validators);
        if seen.invitations.iter().all(|known| known.batch != request.batch) {
            seen.invitations.push(request);
        }
        let numbers = (invited + 1)..=last;
        numbers
            .filter_map(|number| MemberId::try_from(i64::from(number)).ok())
            .collect()
    }
}
