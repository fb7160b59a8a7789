//! The reputation service's updates of kept scores, without a database.

use super::{lock, transient};
use mesh_types::{MemberId, Score};
use reputation_workflows::contract::definitions as reputation;
use reputation_workflows::contract::{DecayPeriod, Decayed, Sweep, SweepProgress};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;

/// For this member the database is never there.
pub const DATABASE_AWAY: i64 = 834_000;

/// Every attempt to bring scores up to date.
#[derive(Default)]
pub struct Updates {
    periods: Mutex<Vec<DecayPeriod>>,
    sweeps: Mutex<Vec<(String, Sweep)>>,
}

impl Updates {
    /// The updates of a member, in order.
    pub fn of(&self, member_id: MemberId) -> Vec<DecayPeriod> {
        let all = lock(&self.periods);
        all.iter()
            .filter(|period| period.member_id == member_id)
            .cloned()
            .collect()
    }

    /// The sweeps of a workflow, each attempt once.
    pub fn sweeps_of(&self, workflow_id: &str) -> Vec<Sweep> {
        let all = lock(&self.sweeps);
        all.iter()
            .filter(|(id, _)| id == workflow_id)
            .map(|(_, sweep)| *sweep)
            .collect()
    }
}

/// The activities.
pub struct DecayFakes(pub Arc<Updates>);

#[activities]
impl DecayFakes {
    #[activity(definition = reputation::DecayReputationScore)]
    pub async fn decay_reputation_score(
        self: Arc<Self>,
        _ctx: ActivityContext,
        period: DecayPeriod,
    ) -> Result<Decayed, ActivityError> {
        let periods = period.period;
        let fails = period.member_id.get() == DATABASE_AWAY;
        lock(&self.0.periods).push(period);
        if fails {
            return Err(transient("DATABASE_UNAVAILABLE", Duration::from_millis(10)));
        }
        Ok(Decayed {
            score: Score::ZERO,
            periods,
        })
    }

    #[activity(definition = reputation::SweepReputationScores)]
    pub async fn sweep_reputation_scores(
        self: Arc<Self>,
        ctx: ActivityContext,
        sweep: Sweep,
    ) -> Result<SweepProgress, ActivityError> {
        let workflow_id = ctx.info().workflow_id.clone().unwrap_or_default();
        lock(&self.0.sweeps).push((workflow_id, sweep));
        if ctx.info().attempt <= 2 {
            return Err(transient("DATABASE_UNAVAILABLE", Duration::from_millis(10)));
        }
        Ok(SweepProgress {
            members: 3,
            ..SweepProgress::default()
        })
    }
}
