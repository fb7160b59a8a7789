//! The scoring rules: total functions on plain data. The points themselves are a table beside [`Method`]. A member's
//! reputation is in [`ledger_fold`], its decay in [`decay`], the worth of activity in [`activity`].

use mesh_types::scoring::LEAST_ACTIVITY;
use mesh_types::{
    EvidenceKind, KnownContribution, KnownEvidence, Method, NextStep, RuleVersion, Score, ScoreBreakdown,
};
use std::cmp::Reverse;
use std::collections::BTreeSet;

pub mod activity;
pub mod decay;
pub mod ledger_fold;
pub mod materialized;
pub mod steps;
pub mod summary;

/// The line of a breakdown that a piece of evidence gives.
pub fn contribution(rules: RuleVersion, evidence: &KnownEvidence) -> KnownContribution {
    KnownContribution {
        method: evidence.kind.method(),
        kind: evidence.kind,
        evidence_id: evidence.evidence_id,
        points: rules.points(evidence.kind).of(evidence.basis.unwrap_or(Score::ZERO)),
        rule_version: rules.number(),
    }
}

/// The score of a verification. Each piece of evidence is a line by its id, however often it is named. A piece without points
/// is left out. What the cap of a method or the cap at 100 takes is a line of its own.
pub fn score(rules: RuleVersion, evidence: &[KnownEvidence]) -> ScoreBreakdown {
    let mut seen = BTreeSet::new();
    let lines = evidence
        .iter()
        .filter(|evidence| seen.insert(evidence.evidence_id))
        .map(|evidence| contribution(rules, evidence))
        .filter(|line| line.points > 0);
    ScoreBreakdown::of_verification(rules, lines.collect())
}

/// The most that a method can give to a verification under version 2, by the evidence that it finds today.
pub fn most_points(method: Method) -> i32 {
    let cap = RuleVersion::V2.method_cap(method);
    let most = |kind| match kind {
        // One of each member who vouches, so only the cap limits them.
        EvidenceKind::CommunityVouch => cap,
        kind => RuleVersion::V2.points(kind).most(),
    };
    EvidenceKind::of_method(method).map(most).sum::<i32>().min(cap)
}

/// The methods that could still add points to a verification's score, the most first.
pub fn next_steps(breakdown: &ScoreBreakdown) -> Vec<NextStep> {
    let given = |method: Method| -> i32 {
        let lines = breakdown.contributions.iter().filter(|line| line.method == method);
        lines.map(|line| line.points).sum()
    };
    let mut steps: Vec<NextStep> = Method::offered()
        .map(|method| NextStep {
            method: method.into(),
            points: most_points(method) - given(method),
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
    use mesh_types::{Cap, EvidenceId};
    use proptest::prelude::*;

    fn found(kind: EvidenceKind, id: u128) -> KnownEvidence {
        KnownEvidence {
            basis: Some(Score::MAX),
            ..KnownEvidence::new(EvidenceId::from(uuid::Uuid::from_u128(id)), kind)
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
    fn activity_is_evidence_where_it_gives_points() {
        for activity in 0..=100 {
            let activity = Score::capped(activity);
            let points = RuleVersion::V2.points(EvidenceKind::ActivityHistory).of(activity);
            assert_eq!(assess(activity).proves.is_some(), points > 0, "{activity}");
        }
    }

    #[test]
    fn each_vouch_is_a_line_and_what_is_above_50_is_another() {
        let vouches: Vec<_> = (1..=3).map(|id| found(EvidenceKind::CommunityVouch, id)).collect();
        let cap = |points| {
            let method = Some(Method::Community.into());
            vec![Cap { method, points }]
        };
        for (rules, points, score, caps) in [(RuleVersion::V1, 15, 45, vec![]), (RuleVersion::V2, 25, 50, cap(-25))] {
            let breakdown = super::score(rules, &vouches);
            let lines: Vec<i32> = breakdown.contributions.iter().map(|line| line.points).collect();
            assert_eq!(lines, [points; 3]);
            assert_eq!((breakdown.score.get(), breakdown.caps), (score, caps), "{rules:?}");
        }
    }

    #[test]
    fn next_steps_name_what_each_method_could_still_add() {
        let nothing = score(RuleVersion::V2, &[]);
        let steps = next_steps(&nothing);
        let of = |method| steps.iter().find(|step| step.method == method).map(|step| step.points);
        assert_eq!([of(Method::Document), of(Method::Reputation)], [Some(30), Some(35)]);
        assert_eq!(of(Method::Community), Some(50), "two vouches or more");
        assert!(steps.is_sorted_by_key(|step| Reverse(step.points)), "{steps:?}");
        let of_each = |kinds: Vec<EvidenceKind>| -> Vec<KnownEvidence> {
            kinds.into_iter().zip(1..).map(|(kind, id)| found(kind, id)).collect()
        };
        // What a method finds when it finds everything is what it could still add, and the others' steps stay.
        for method in Method::offered() {
            let twice = EvidenceKind::of_method(method).filter(|kind| *kind == EvidenceKind::CommunityVouch);
            let all = EvidenceKind::of_method(method).chain(twice).collect();
            let all = score(RuleVersion::V2, &of_each(all));
            assert_eq!(of(method).unwrap_or_default(), i32::from(all.score.get()), "{method:?}");
            let others: Vec<_> = steps.iter().filter(|step| step.method != method).cloned().collect();
            assert_eq!(next_steps(&all), others, "{method:?}");
        }
        let accepted = next_steps(&score(RuleVersion::V2, &[found(EvidenceKind::DocumentAccepted, 1)]));
        let left = NextStep {
            method: Method::Document.into(),
            points: 10,
        };
        assert!(accepted.contains(&left), "{accepted:?}");
        let everything = EvidenceKind::ALL.into_iter().chain([EvidenceKind::CommunityVouch]);
        let everything = of_each(everything.collect());
        assert_eq!(next_steps(&score(RuleVersion::V2, &everything)), Vec::new());
    }

    proptest! {
        #[test]
        fn a_breakdown_sums_to_its_score_and_repeats_add_nothing(
            kinds in proptest::collection::vec(0..EvidenceKind::ALL.len(), 0..20),
        ) {
            let evidence: Vec<_> = kinds.iter().zip(1..).map(|(kind, id)| found(EvidenceKind::ALL[*kind], id)).collect();
            for rules in RuleVersion::ALL {
                let breakdown = score(rules, &evidence);
                let lines: i32 = breakdown.contributions.iter().map(|line| line.points).sum();
                prop_assert_eq!(lines + breakdown.cap_adjustment(), i32::from(breakdown.score.get()));
                let of_method = |method| evidence.iter().filter(move |found| found.kind.method() == method);
                let expected: i32 = Method::ALL
                    .into_iter()
                    .map(|method| of_method(method).map(|found| rules.points(found.kind).most()).sum::<i32>().min(rules.method_cap(method)))
                    .sum();
                prop_assert_eq!(i32::from(breakdown.score.get()), expected.min(100));
                let twice: Vec<_> = evidence.iter().chain(&evidence).cloned().collect();
                prop_assert_eq!(score(rules, &twice), breakdown);
            }
        }
    }
}
