//! The scoring rules: total functions on plain data. The points themselves are a table beside [`Method`]. A member's
//! reputation is in [`ledger_fold`], its decay in [`decay`], the worth of activity in [`activity`].

use mesh_types::scoring::{LEAST_ACTIVITY, LEAST_NETWORK_POINTS};
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

/// What the method `reputation` finds: activity and the trust network, each where it gives points. `network` is absent where
/// the trust network was not asked, as by versions that did not know it.
pub fn assess(activity: Score, network: Option<NetworkPoints>) -> Assessment {
    let network = match network {
        Some(NetworkPoints::Given(points)) if points.get() >= LEAST_NETWORK_POINTS => Ok(points),
        Some(NetworkPoints::Given(_)) => Err(Withheld::BelowMinimum.as_str()),
        Some(NetworkPoints::Withheld(why)) => Err(why.as_str()),
        None => Err("TRUST_NETWORK_NOT_AVAILABLE"),
    };
    let activity = match activity.get() >= LEAST_ACTIVITY {
        true => Ok(activity),
        false => Err("ACTIVITY_HISTORY_TOO_SMALL"),
    };
    let reasons = [network.err(), activity.err()].into_iter().flatten();
    Assessment {
        reasons: reasons.map(str::to_owned).collect(),
        activity: activity.ok(),
        network: network.ok(),
    }
}

/// The points that a member has by the trust network, or why there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkPoints {
    /// So many: 5 to 15.
    Given(Score),
    /// None.
    Withheld(Withheld),
}

/// Why a member has no points by the trust network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// The member does not pass the gate against made-up accounts.
    DoesNotPassGate,
    /// What others said of the member comes to less than 5 points.
    BelowMinimum,
    /// Something that only a newer version knows.
    Otherwise,
}

impl Withheld {
    /// The stable text, in tables and as the reason of the method.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DoesNotPassGate => "TRUST_NETWORK_DOES_NOT_PASS_GATE",
            Self::BelowMinimum => "TRUST_NETWORK_BELOW_MINIMUM",
            Self::Otherwise => "TRUST_NETWORK_WITHHELD",
        }
    }

    /// What a stable text means.
    pub fn of_text(text: &str) -> Self {
        let known = [Self::DoesNotPassGate, Self::BelowMinimum];
        let found = known.into_iter().find(|known| known.as_str() == text);
        found.unwrap_or(Self::Otherwise)
    }
}

/// What the method `reputation` finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// The activity that counts; the basis of evidence of [`EvidenceKind::ActivityHistory`].
    pub activity: Option<Score>,
    /// The network points that count; the basis of evidence of [`EvidenceKind::TrustNetwork`].
    pub network: Option<Score>,
    /// Why each source of points gave none, e.g. `TRUST_NETWORK_BELOW_MINIMUM`.
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
    fn a_meeting_gives_30_or_40_under_version_2_and_35_under_version_1() {
        use EvidenceKind::{InPersonMet, InPersonOriginalDocument};
        let table: [(&[EvidenceKind], u8, u8); 2] = [
            (&[InPersonMet], 35, 30),
            (&[InPersonMet, InPersonOriginalDocument], 35, 40),
        ];
        for (kinds, v1, v2) in table {
            let evidence: Vec<_> = kinds.iter().zip(1..).map(|(kind, id)| found(*kind, id)).collect();
            for (rules, points) in [(RuleVersion::V1, v1), (RuleVersion::V2, v2)] {
                let breakdown = score(rules, &evidence);
                assert_eq!(
                    (breakdown.score.get(), breakdown.caps),
                    (points, vec![]),
                    "{rules:?} {kinds:?}"
                );
            }
        }
    }

    #[test]
    fn each_source_of_points_that_gives_none_says_why() {
        use NetworkPoints::{Given, Withheld as None_};
        let table: [(i64, Option<NetworkPoints>, &[&str]); 8] = [
            (10, Some(Given(Score::capped(5))), &[]),
            (9, Some(Given(Score::capped(15))), &["ACTIVITY_HISTORY_TOO_SMALL"]),
            (10, Some(Given(Score::capped(4))), &["TRUST_NETWORK_BELOW_MINIMUM"]),
            (
                100,
                Some(None_(Withheld::BelowMinimum)),
                &["TRUST_NETWORK_BELOW_MINIMUM"],
            ),
            (
                100,
                Some(None_(Withheld::DoesNotPassGate)),
                &["TRUST_NETWORK_DOES_NOT_PASS_GATE"],
            ),
            (100, Some(None_(Withheld::Otherwise)), &["TRUST_NETWORK_WITHHELD"]),
            (100, None, &["TRUST_NETWORK_NOT_AVAILABLE"]),
            (
                0,
                Some(None_(Withheld::DoesNotPassGate)),
                &["TRUST_NETWORK_DOES_NOT_PASS_GATE", "ACTIVITY_HISTORY_TOO_SMALL"],
            ),
        ];
        for (activity, network, reasons) in table {
            let found = assess(Score::capped(activity), network);
            assert_eq!(found.reasons, reasons, "{activity} {network:?}");
        }
        for why in [Withheld::DoesNotPassGate, Withheld::BelowMinimum, Withheld::Otherwise] {
            assert_eq!(Withheld::of_text(why.as_str()), why);
        }
        assert_eq!(Withheld::of_text("TRUST_NETWORK_ON_STRIKE"), Withheld::Otherwise);
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
        assert_eq!(of(Method::InPerson), Some(40), "a meeting with an original document");
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
        fn a_source_is_evidence_where_it_gives_points_and_else_has_a_reason(activity in 0..=100i64, network in 0..=100i64) {
            let (activity, network) = (Score::capped(activity), Score::capped(network));
            let found = assess(activity, Some(NetworkPoints::Given(network)));
            let points = |kind, basis| RuleVersion::V2.points(kind).of(basis);
            let by_activity = points(EvidenceKind::ActivityHistory, activity);
            let by_network = points(EvidenceKind::TrustNetwork, network);
            prop_assert_eq!(found.activity, (by_activity > 0).then_some(activity));
            prop_assert_eq!(found.network, (by_network > 0).then_some(network));
            prop_assert_eq!(found.reasons.len(), [by_activity, by_network].iter().filter(|points| **points == 0).count());
            let evidence = [(EvidenceKind::ActivityHistory, activity), (EvidenceKind::TrustNetwork, network)];
            let evidence = evidence.map(|(kind, basis)| KnownEvidence { basis: Some(basis), ..self::found(kind, kind as u128) });
            let breakdown = score(RuleVersion::V2, &evidence);
            prop_assert_eq!(i32::from(breakdown.score.get()), by_activity + by_network);
            prop_assert_eq!(breakdown.caps, vec![]);
        }

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
