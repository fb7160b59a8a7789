//! The activities: score a verification, assess a member, and materialise scores.

use crate::config::Pace;
use crate::store::{Assessed, EvidenceBatch, newer};
use crate::{Store, Trust};
use jiff::Timestamp;
use mesh_runtime::{Problem, ServiceMetrics, clock};
use mesh_types::{Evidence, EvidenceId, EvidenceKind, KnownEvidence, RuleVersion, Schedule, Score};
use reputation_workflows::contract::{
    AssessmentRequest, DecayPeriod, Decayed, ReputationOutcome, Scored, ScoringRequest, Sweep, SweepProgress,
    definitions,
};
use reputation_workflows::policy;
use reputation_workflows::policy::ledger_fold::activity_score;
use std::sync::Arc;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tokio::time::{MissedTickBehavior, interval};

/// What the worker runs.
pub struct Activities {
    store: Store,
    trust: Trust,
    pace: Pace,
    metrics: ServiceMetrics,
}

#[activities]
impl Activities {
    #[activity(definition = definitions::CalculateVerificationScore)]
    pub async fn calculate_verification_score(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: ScoringRequest,
    ) -> Result<Scored, ActivityError> {
        Ok(self.score(RuleVersion::V1, request).await?)
    }

    #[activity(definition = definitions::CalculateVerificationScoreV2)]
    pub async fn calculate_verification_score_v2(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: ScoringRequest,
    ) -> Result<Scored, ActivityError> {
        Ok(self.score(RuleVersion::V2, request).await?)
    }

    #[activity(definition = definitions::AssessReputation)]
    pub async fn assess_reputation(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: AssessmentRequest,
    ) -> Result<ReputationOutcome, ActivityError> {
        Ok(self.assess(request).await?)
    }

    #[activity(definition = definitions::DecayReputationScore)]
    pub async fn decay_reputation_score(
        self: Arc<Self>,
        _ctx: ActivityContext,
        period: DecayPeriod,
    ) -> Result<Decayed, ActivityError> {
        Ok(self.decay(period).await?)
    }

    #[activity(definition = definitions::SweepReputationScores)]
    pub async fn sweep_reputation_scores(
        self: Arc<Self>,
        ctx: ActivityContext,
        sweep: Sweep,
    ) -> Result<SweepProgress, ActivityError> {
        let mut progress: SweepProgress = ctx.heartbeat_details().deserialize()?.unwrap_or_default();
        let mut ticks = interval(self.pace.between_shards);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = ctx.cancelled() => return Err(ActivityError::cancelled()),
                _ = ticks.tick() => {}
            }
            let goes_on = self.sweep_once(sweep, &mut progress).await?;
            ctx.record_heartbeat(progress).await?;
            if !goes_on {
                self.ended(&progress);
                return Ok(progress);
            }
        }
    }
}

impl Activities {
    /// Activities over a ledger and the trust network.
    pub fn new((store, trust): (Store, Trust), pace: Pace, metrics: ServiceMetrics) -> Self {
        Self {
            store,
            trust,
            pace,
            metrics,
        }
    }

    /// Scores, and writes what the ledger does not have yet. A repeated call changes nothing; one with more evidence adds it.
    pub async fn score(&self, rules: RuleVersion, request: ScoringRequest) -> Result<Scored, Problem> {
        let known = |found: &Evidence| {
            found
                .known()
                .ok_or_else(|| newer("kind of evidence", found.kind.as_str()))
        };
        let evidence: Vec<KnownEvidence> = request.evidence.iter().map(known).collect::<Result<_, _>>()?;
        let breakdown = policy::score(rules, &evidence);
        let batch = EvidenceBatch {
            member_id: request.member_id,
            verification_id: request.verification_id,
            rules,
            occurred_at: instant(request.occurred_at_seconds)?,
            evidence,
        };
        self.store.insert_evidence(&batch, clock::now()).await?;
        Ok(Scored {
            next_steps: policy::next_steps(&breakdown),
            breakdown,
        })
    }

    /// Looks at what a member has done on the platform and how far others trust them. The same verification gets the same answer
    /// again, whatever has changed since.
    pub async fn assess(&self, request: AssessmentRequest) -> Result<ReputationOutcome, Problem> {
        if let Some(assessed) = self.store.find_assessment(request.verification_id).await? {
            return Ok(outcome(assessed));
        }
        let ledger = self.store.list_ledger(request.member_id).await?;
        let new = Assessed {
            activity: activity_score(&ledger, request.as_of_seconds),
            activity_evidence_id: clock::new_uuid().into(),
            network: Some((clock::new_uuid().into(), self.trust.of(request.member_id).await?)),
        };
        let whose = (request.verification_id, request.member_id);
        Ok(outcome(self.store.insert_assessment(whose, new, clock::now()).await?))
    }

    /// Brings one member's materialised score up to the end of a period; a member and a period again change nothing.
    pub async fn decay(&self, period: DecayPeriod) -> Result<Decayed, Problem> {
        let as_of = instant(period.as_of_seconds)?;
        let advanced = self.store.advance(period.member_id, as_of, clock::now()).await?;
        Ok(advanced.map_or(
            Decayed {
                score: Score::ZERO,
                periods: 0,
            },
            |score| Decayed {
                score: score.score.score(),
                periods: score.periods,
            },
        ))
    }

    /// The next part of a sweep; false after the last. What a heartbeat says is done is committed.
    async fn sweep_once(&self, sweep: Sweep, progress: &mut SweepProgress) -> Result<bool, Problem> {
        let as_of = instant(sweep.as_of_seconds)?;
        let size = self.pace.shard_members;
        let shard = self
            .store
            .sweep_shard(progress.after_member_id, size, as_of, clock::now());
        let Some(shard) = shard.await? else {
            return Ok(begin_second_pass(progress));
        };
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        progress.after_member_id = shard.last_member_id;
        progress.shards += 1;
        if !progress.is_second_pass {
            progress.members += count(shard.members);
        }
        progress.changed += count(shard.changed);
        progress.level_falls += count(shard.level_falls);
        progress.skipped += count(shard.skipped);
        Ok(count(shard.members) == u64::from(size) || begin_second_pass(progress))
    }

    fn ended(&self, progress: &SweepProgress) {
        if progress.skipped > 0 {
            tracing::warn!(
                members = progress.skipped,
                "rows of members were locked all the while; the next sweep makes up for them"
            );
        }
        self.metrics.count_skipped_rows("reputations", progress.skipped);
        self.metrics
            .note_scheduled_success(Schedule::DailyReputationUpdate.as_str(), clock::now());
    }
}

/// What counts of it.
fn outcome(assessed: Assessed) -> ReputationOutcome {
    let (network_evidence_id, network) = assessed.network.unzip();
    let found = policy::assess(assessed.activity, network);
    let evidence = |kind, evidence_id: EvidenceId, basis| Evidence {
        basis: Some(basis),
        ..Evidence::new(evidence_id, kind)
    };
    let by_activity = found
        .activity
        .map(|basis| evidence(EvidenceKind::ActivityHistory, assessed.activity_evidence_id, basis));
    let by_network = network_evidence_id
        .zip(found.network)
        .map(|(evidence_id, basis)| evidence(EvidenceKind::TrustNetwork, evidence_id, basis));
    ReputationOutcome {
        evidence: by_activity.into_iter().chain(by_network).collect(),
        reasons: found.reasons,
    }
}

/// Goes over the members once more for those that the first pass skipped; false when there is nothing to go over.
fn begin_second_pass(progress: &mut SweepProgress) -> bool {
    if progress.is_second_pass || progress.skipped == 0 {
        return false;
    }
    progress.is_second_pass = true;
    progress.after_member_id = 0;
    progress.skipped = 0;
    true
}

/// No retry mends an instant that is none.
fn instant(seconds: i64) -> Result<Timestamp, Problem> {
    Timestamp::from_second(seconds)
        .map_err(|_| Problem::invalid_field("as_of_seconds", "must be an instant from year 1 to 9999"))
}

#[cfg(test)]
mod tests;
