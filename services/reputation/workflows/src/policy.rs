//! The scoring rules (domain.md, "Members, verification, score"): total functions on plain data. What a member's ledger
//! amounts to is in [`standing`], how it fades in [`decay`], what activity is worth in [`activity`].

use crate::contract::MethodEvidence;
use mesh_types::{Contribution, EvidenceKind, Method, NextStep, Score, ScoreBreakdown};
use std::cmp::Reverse;

pub mod activity;
pub mod decay;
pub mod materialized;
pub mod standing;
pub mod steps;

/// Which rules score a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleVersion {
    /// For verifications that began before version 2: a flat 25 for a document.
    V1,
    /// Points by what the evidence proves.
    V2,
}

impl RuleVersion {
    /// The number in breakdowns and in the ledger.
    pub const fn number(self) -> u16 {
        match self {
            RuleVersion::V1 => 1,
            RuleVersion::V2 => 2,
        }
    }

    /// Points of one piece of evidence, 0 to 100. `activity` is the score of the member's activity alone and matters for
    /// an activity history only.
    pub const fn points(self, kind: EvidenceKind, activity: Score) -> i32 {
        match (self, kind) {
            (RuleVersion::V1, EvidenceKind::DocumentAccepted) => 25,
            (RuleVersion::V1, _) => 0,
            (RuleVersion::V2, EvidenceKind::DocumentAccepted) => 20,
            (RuleVersion::V2, EvidenceKind::DocumentMachineReadable) => 5,
            (RuleVersion::V2, EvidenceKind::DocumentAgreesWithPrint) => 5,
            (RuleVersion::V2, EvidenceKind::DocumentVisaSupports) => 0,
            (RuleVersion::V2, EvidenceKind::ActivityHistory) => activity_history_points(activity),
            // Activities are events of their own and no evidence of a verification.
            (RuleVersion::V2, EvidenceKind::VolunteerHours | EvidenceKind::ReviewReceived) => 0,
        }
    }
}

/// The most points that the method document can give under version 2.
pub const DOCUMENT_MAX_POINTS: i32 = 30;
/// Activity below this score gives nothing to a verification.
pub const LEAST_ACTIVITY: u8 = 10;

/// What activity gives to a verification: 0, or from 10 at the least activity to 20 at the most (domain.md).
const fn activity_history_points(activity: Score) -> i32 {
    let activity = activity.get();
    if activity < LEAST_ACTIVITY {
        0
    } else {
        10 + (activity - LEAST_ACTIVITY) as i32 * 10 / (100 - LEAST_ACTIVITY) as i32
    }
}

/// Evidence, and what the ledger holds about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The evidence and its method.
    pub evidence: MethodEvidence,
    /// For an activity history: the score of the member's activity when it was assessed.
    pub activity: Score,
}

/// The line of a breakdown that a piece of evidence gives.
pub fn contribution(rules: RuleVersion, found: &Found) -> Contribution {
    let MethodEvidence { method, evidence } = &found.evidence;
    Contribution {
        method: *method,
        kind: evidence.kind,
        evidence_id: evidence.evidence_id,
        points: rules.points(evidence.kind, found.activity),
        rule_version: rules.number(),
    }
}

/// The score of a verification: each kind of evidence counts once, however many pieces of it there are; evidence
/// without points is left out; the sum is capped at 100.
pub fn score(rules: RuleVersion, evidence: &[Found]) -> ScoreBreakdown {
    let mut counted: Vec<Contribution> = Vec::new();
    let lines = evidence.iter().map(|found| contribution(rules, found));
    for line in lines.filter(|line| line.points > 0) {
        counted.retain(|older| (older.method, older.kind) != (line.method, line.kind));
        counted.push(line);
    }
    ScoreBreakdown::of(counted)
}

/// The methods that could still add points to a verification's score, the most first.
pub fn next_steps(breakdown: &ScoreBreakdown) -> Vec<NextStep> {
    let given = |method: Method| -> i32 {
        let lines = breakdown.contributions.iter().filter(|line| line.method == method);
        lines.map(|line| line.points).sum()
    };
    let most = [
        (Method::Document, DOCUMENT_MAX_POINTS),
        (Method::Reputation, activity_history_points(Score::MAX)),
    ];
    let mut steps: Vec<NextStep> = most
        .into_iter()
        .map(|(method, most)| NextStep {
            method,
            points: most - given(method),
        })
        .filter(|step| step.points > 0)
        .collect();
    steps.sort_by_key(|step| Reverse(step.points));
    steps
}

/// What the method `reputation` finds: activity, when there is enough of it. The trust network is kept by no service of the
/// mesh yet, so it gives nothing and says so.
pub fn assess(activity: Score) -> Assessment {
    let is_enough = activity.get() >= LEAST_ACTIVITY;
    let mut reasons = vec!["TRUST_NETWORK_NOT_AVAILABLE".to_owned()];
    if !is_enough {
        reasons.push("ACTIVITY_HISTORY_TOO_SMALL".to_owned());
    }
    Assessment {
        proves: is_enough.then_some(EvidenceKind::ActivityHistory),
        reasons,
    }
}

/// What the method `reputation` finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// What is proven, if anything.
    pub proves: Option<EvidenceKind>,
    /// Why each source of points gave none, e.g. `TRUST_NETWORK_NOT_AVAILABLE`.
    pub reasons: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_types::{Evidence, EvidenceId};
    use proptest::prelude::*;

    fn found(kind: EvidenceKind, id: u128) -> Found {
        let evidence = Evidence {
            evidence_id: EvidenceId::from(uuid::Uuid::from_u128(id)),
            kind,
        };
        let method = match kind {
            EvidenceKind::ActivityHistory => Method::Reputation,
            _ => Method::Document,
        };
        Found {
            evidence: MethodEvidence { method, evidence },
            activity: Score::MAX,
        }
    }

    #[test]
    fn a_document_gives_20_to_30_under_version_2_and_25_under_version_1() {
        use EvidenceKind::*;
        let table: [(&[EvidenceKind], u8, u8); 4] = [
            (&[], 0, 0),
            (&[DocumentAccepted], 25, 20),
            (&[DocumentAccepted, DocumentMachineReadable], 25, 25),
            (
                &[DocumentAccepted, DocumentMachineReadable, DocumentAgreesWithPrint],
                25,
                30,
            ),
        ];
        for (kinds, v1, v2) in table {
            let evidence: Vec<_> = kinds.iter().zip(1..).map(|(kind, id)| found(*kind, id)).collect();
            assert_eq!(score(RuleVersion::V1, &evidence).score.get(), v1, "{kinds:?}");
            assert_eq!(score(RuleVersion::V2, &evidence).score.get(), v2, "{kinds:?}");
        }
    }

    #[test]
    fn activity_gives_nothing_or_10_to_20() {
        let table = [(0, 0), (9, 0), (10, 10), (54, 14), (55, 15), (99, 19), (100, 20)];
        for (activity, points) in table {
            let activity = Score::capped(activity);
            assert_eq!(
                RuleVersion::V2.points(EvidenceKind::ActivityHistory, activity),
                points,
                "{activity}"
            );
            assert_eq!(assess(activity).proves.is_some(), points > 0, "{activity}");
        }
    }

    #[test]
    fn next_steps_name_what_each_method_could_still_add() {
        let nothing = score(RuleVersion::V2, &[]);
        let step = |method, points| NextStep { method, points };
        assert_eq!(
            next_steps(&nothing),
            vec![step(Method::Document, 30), step(Method::Reputation, 20)]
        );
        let everything: Vec<_> = EvidenceKind::ALL
            .iter()
            .zip(1..)
            .map(|(kind, id)| found(*kind, id))
            .collect();
        assert_eq!(next_steps(&score(RuleVersion::V2, &everything)), Vec::new());
    }

    proptest! {
        #[test]
        fn a_breakdown_sums_to_its_score_and_repeats_add_nothing(kinds in proptest::collection::vec(0..5usize, 0..20)) {
            let evidence: Vec<_> = kinds.iter().zip(1..).map(|(kind, id)| found(EvidenceKind::ALL[*kind], id)).collect();
            for rules in [RuleVersion::V1, RuleVersion::V2] {
                let breakdown = score(rules, &evidence);
                let sum: i32 = breakdown.contributions.iter().map(|line| line.points).sum::<i32>() + breakdown.cap_adjustment;
                prop_assert_eq!(sum, i32::from(breakdown.score.get()));
                prop_assert!(sum <= DOCUMENT_MAX_POINTS + 20);
                let twice: Vec<_> = evidence.iter().chain(&evidence).cloned().collect();
                prop_assert_eq!(score(rules, &twice).score, breakdown.score);
            }
        }
    }
}
