//! The scoring rules (domain.md, "Members, verification, score"): total functions on plain data.

use crate::contract::{MethodEvidence, ReputationOutcome};
use mesh_types::{Contribution, EvidenceKind, Method, NextStep, ScoreBreakdown};

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

    /// Points of one piece of evidence, 0 to 100.
    pub const fn points(self, kind: EvidenceKind) -> i32 {
        match (self, kind) {
            (RuleVersion::V1, EvidenceKind::DocumentAccepted) => 25,
            (RuleVersion::V1, _) => 0,
            (RuleVersion::V2, EvidenceKind::DocumentAccepted) => 20,
            (RuleVersion::V2, EvidenceKind::DocumentMachineReadable) => 5,
            (RuleVersion::V2, EvidenceKind::DocumentAgreesWithPrint) => 5,
            (RuleVersion::V2, EvidenceKind::DocumentVisaSupports) => 0,
        }
    }
}

/// The most points that the method document can give under version 2.
pub const DOCUMENT_MAX_POINTS: i32 = 30;

/// The line of a breakdown that a piece of evidence gives.
pub fn contribution(rules: RuleVersion, found: &MethodEvidence) -> Contribution {
    Contribution {
        method: found.method,
        kind: found.evidence.kind,
        evidence_id: found.evidence.evidence_id,
        points: rules.points(found.evidence.kind),
        rule_version: rules.number(),
    }
}

/// The score of a verification: each kind of evidence counts once, however many pieces of it there are; evidence
/// without points is left out; the sum is capped at 100.
pub fn score(rules: RuleVersion, evidence: &[MethodEvidence]) -> ScoreBreakdown {
    standing(evidence.iter().map(|found| contribution(rules, found)).collect())
}

/// What a list of contributions, oldest first, amounts to: of each kind of evidence only the newest counts, so a
/// repeated verification renews points and never adds them twice.
pub fn standing(contributions: Vec<Contribution>) -> ScoreBreakdown {
    let mut counted: Vec<Contribution> = Vec::new();
    for line in contributions.into_iter().filter(|line| line.points > 0) {
        counted.retain(|older| (older.method, older.kind) != (line.method, line.kind));
        counted.push(line);
    }
    ScoreBreakdown::of(counted)
}

/// The methods that could still add points to a score, the most first.
pub fn next_steps(breakdown: &ScoreBreakdown) -> Vec<NextStep> {
    let from_document: i32 = breakdown
        .contributions
        .iter()
        .filter(|line| line.method == Method::Document)
        .map(|line| line.points)
        .sum();
    let points = DOCUMENT_MAX_POINTS - from_document;
    if points > 0 {
        vec![NextStep {
            method: Method::Document,
            points,
        }]
    } else {
        Vec::new()
    }
}

/// What the method `reputation` finds. Neither of its sources, the trust network and the activity history, is recorded by
/// the mesh yet, so each gives no point and says so.
pub fn assess() -> ReputationOutcome {
    let reasons = ["TRUST_NETWORK_NOT_AVAILABLE", "ACTIVITY_HISTORY_NOT_AVAILABLE"];
    ReputationOutcome {
        evidence: Vec::new(),
        reasons: reasons.map(str::to_owned).to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_types::{Evidence, EvidenceId};
    use proptest::prelude::*;

    fn found(kind: EvidenceKind, id: u128) -> MethodEvidence {
        let evidence = Evidence {
            evidence_id: EvidenceId::from(uuid::Uuid::from_u128(id)),
            kind,
        };
        MethodEvidence {
            method: Method::Document,
            evidence,
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
    fn next_steps_name_what_a_document_could_still_add() {
        let nothing = score(RuleVersion::V2, &[]);
        assert_eq!(
            next_steps(&nothing),
            vec![NextStep {
                method: Method::Document,
                points: 30
            }]
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
        fn a_breakdown_sums_to_its_score_and_repeats_add_nothing(kinds in proptest::collection::vec(0..3usize, 0..20)) {
            let evidence: Vec<_> = kinds.iter().zip(1..).map(|(kind, id)| found(EvidenceKind::ALL[*kind], id)).collect();
            for rules in [RuleVersion::V1, RuleVersion::V2] {
                let breakdown = score(rules, &evidence);
                let sum: i32 = breakdown.contributions.iter().map(|line| line.points).sum::<i32>() + breakdown.cap_adjustment;
                prop_assert_eq!(sum, i32::from(breakdown.score.get()));
                prop_assert!(sum <= DOCUMENT_MAX_POINTS);
                let twice: Vec<_> = evidence.iter().chain(&evidence).cloned().collect();
                prop_assert_eq!(score(rules, &twice).score, breakdown.score);
            }
        }
    }
}
