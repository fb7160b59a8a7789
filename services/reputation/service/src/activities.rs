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
        self.store
            .insert_entries(by_method.into_values().collect(), clock::now())
            .await?;
        Ok(Scored {
            next_steps: policy::next_steps(&breakdown),
            breakdown,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;
    use mesh_testkit::Postgres;
    use mesh_types::{Evidence, EvidenceId, EvidenceKind, MemberId, VerificationId};
    use reputation_workflows::contract::MethodEvidence;
    use sqlx::PgPool;

    async fn empty_ledger() -> (PgPool, Activities) {
        let postgres = Postgres::shared().await.expect("PostgreSQL starts");
        let url = postgres
            .create_database("reputation")
            .await
            .expect("a database is made");
        let pool = PgPool::connect(&url).await.expect("it answers");
        crate::MIGRATIONS.run(&pool).await.expect("the schema is made");
        (pool.clone(), Activities::new(Store::new(pool)))
    }

    fn request(member: i64) -> ScoringRequest {
        let evidence = |kind| MethodEvidence {
            method: Method::Document,
            evidence: Evidence {
                evidence_id: EvidenceId::from(clock::new_uuid()),
                kind,
            },
        };
        ScoringRequest {
            verification_id: VerificationId::from(clock::new_uuid()),
            member_id: MemberId::try_from(member).expect("a positive number"),
            evidence: EvidenceKind::ALL.map(evidence).to_vec(),
            occurred_at_seconds: 1_700_000_000,
        }
    }

    async fn count(pool: &PgPool, select: &'static str) -> i64 {
        sqlx::query_scalar(select)
            .fetch_one(pool)
            .await
            .expect("it can be counted")
    }

    #[tokio::test]
    async fn a_verification_scored_many_times_at_once_is_in_the_ledger_once() {
        let (pool, activities) = empty_ledger().await;
        let request = request(1);
        let all = join_all((0..20).map(|_| activities.score(RuleVersion::V2, request.clone()))).await;
        for scored in all {
            let scored = scored.unwrap_or_else(|problem| panic!("{}", problem.message()));
            assert_eq!(scored.breakdown.score.get(), 30);
        }
        assert_eq!(count(&pool, "SELECT count(*) FROM ledger_entries").await, 1);
        assert_eq!(count(&pool, "SELECT count(*) FROM ledger_lines").await, 3);
        let lines = activities.store.list_contributions(request.member_id).await;
        let standing = policy::standing(lines.unwrap_or_else(|problem| panic!("{}", problem.message())));
        assert_eq!(standing.score.get(), 30);
    }

    #[tokio::test]
    async fn a_later_verification_renews_points_and_the_ledger_keeps_both() {
        let (pool, activities) = empty_ledger().await;
        for _ in 0..2 {
            activities
                .score(RuleVersion::V2, request(1))
                .await
                .unwrap_or_else(|problem| panic!("{}", problem.message()));
        }
        assert_eq!(count(&pool, "SELECT count(*) FROM ledger_entries").await, 2);
        let lines = activities
            .store
            .list_contributions(MemberId::try_from(1).expect("positive"))
            .await;
        let standing = policy::standing(lines.unwrap_or_else(|problem| panic!("{}", problem.message())));
        assert_eq!(standing.score.get(), 30);
    }

    #[tokio::test]
    async fn an_entry_of_the_ledger_can_be_neither_changed_nor_deleted() {
        let (pool, activities) = empty_ledger().await;
        activities
            .score(RuleVersion::V2, request(1))
            .await
            .unwrap_or_else(|problem| panic!("{}", problem.message()));
        for change in ["UPDATE ledger_lines SET points = 100", "DELETE FROM ledger_entries"] {
            let refused = sqlx::query(change).execute(&pool).await.expect_err(change);
            assert!(refused.to_string().contains("append-only"), "{refused}");
        }
    }
}
