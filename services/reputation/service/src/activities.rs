//! The activities: score a verification and write the ledger.

use crate::Store;
use crate::store::NewEntry;
use mesh_runtime::{Problem, clock};
use mesh_types::Method;
use reputation_workflows::contract::{
    ReputationOutcome, ReputationVerificationRequest, Scored, ScoringRequest, definitions,
};
use reputation_workflows::policy::{self, RuleVersion};
use std::collections::BTreeMap;
use std::sync::Arc;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

/// What the worker runs.
pub struct Activities {
    store: Store,
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
        _request: ReputationVerificationRequest,
    ) -> Result<ReputationOutcome, ActivityError> {
        Ok(policy::assess())
    }
}

impl Activities {
    /// Activities over a ledger.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Scores, and writes each method's evidence into the ledger once: a repeated call finds it there and changes nothing.
    pub async fn score(&self, rules: RuleVersion, request: ScoringRequest) -> Result<Scored, Problem> {
        let breakdown = policy::score(rules, &request.evidence);
        let occurred_at = jiff::Timestamp::from_second(request.occurred_at_seconds).map_err(Problem::internal)?;
        let mut by_method: BTreeMap<Method, NewEntry> = BTreeMap::new();
        for line in &breakdown.contributions {
            let entry = by_method.entry(line.method).or_insert_with(|| NewEntry {
                entry_id: clock::new_uuid(),
                member_id: request.member_id,
                verification_id: request.verification_id,
                method: line.method,
                rule_version: rules.number(),
                occurred_at,
                lines: Vec::new(),
            });
            entry.lines.push(line.clone());
        }
        self.store.insert_entries(by_method.into_values().collect(), clock::now()).await?;
        Ok(Scored { next_steps: policy::next_steps(&breakdown), breakdown })
    }
}
