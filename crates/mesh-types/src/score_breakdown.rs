//! A score line by line: what evidence gave, what caps took away, what decayed.

use crate::{EvidenceId, EvidenceKind, Level, Method, Open, RuleVersion, Score};
use serde::{Deserialize, Serialize};

/// One line of a breakdown: some evidence and what it gave under one rule version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution<M = Open<Method>, K = Open<EvidenceKind>> {
    /// The method that found the evidence.
    pub method: M,
    /// What the evidence proves.
    pub kind: K,
    /// The evidence.
    pub evidence_id: EvidenceId,
    /// Points, 0 to 100.
    pub points: i32,
    /// The version of the scoring rules, e.g. 2.
    pub rule_version: u16,
}

/// A line of evidence that this version knows, as scoring needs it.
pub type KnownContribution = Contribution<Method, EvidenceKind>;

impl From<KnownContribution> for Contribution {
    fn from(line: KnownContribution) -> Self {
        Self {
            method: line.method.into(),
            kind: line.kind.into(),
            evidence_id: line.evidence_id,
            points: line.points,
            rule_version: line.rule_version,
        }
    }
}

/// A method that the member can still use, and what it could give at most. The method reputation is earned by activity on
/// the platform, such as a point for each full hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextStep {
    /// The method.
    pub method: Open<Method>,
    /// The most points that it could add.
    pub points: i32,
}

/// What a cap took away; a line of a breakdown beside the contributions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cap {
    /// The method whose points are capped; `None` for the cap of 100 on the whole score.
    #[serde(default)]
    pub method: Option<Open<Method>>,
    /// Points, below 0.
    pub points: i32,
}

/// A score and everything it is made of: `contributions`, `caps` and `decay_adjustment` sum exactly to `score`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreBreakdown {
    /// The score itself.
    pub score: Score,
    /// Each contribution, oldest first.
    pub contributions: Vec<Contribution>,
    /// What each cap took away: a method's, then the one at 100. Caps that took nothing are left out.
    pub caps: Vec<Cap>,
    /// What decay took away: 0 or less. A verification's own score does not decay.
    pub decay_adjustment: i32,
}

impl ScoreBreakdown {
    /// The score of a verification: contributions, less what the caps of their methods take, capped at 100.
    pub fn of_verification(rules: RuleVersion, lines: Vec<KnownContribution>) -> ScoreBreakdown {
        let mut caps = Vec::new();
        let mut sum = 0;
        for method in Method::ALL {
            let of_method = lines.iter().filter(|line| line.method == method);
            let points: i32 = of_method.map(|line| line.points).sum();
            let capped = points.min(rules.method_cap(method));
            push_cap(&mut caps, Some(method), capped - points);
            sum += capped;
        }
        let score = Score::capped(i64::from(sum));
        push_cap(&mut caps, None, i32::from(score.get()) - sum);
        ScoreBreakdown {
            score,
            contributions: lines.into_iter().map(Into::into).collect(),
            caps,
            decay_adjustment: 0,
        }
    }

    /// No score and nothing that it is made of.
    pub fn nothing() -> ScoreBreakdown {
        ScoreBreakdown {
            score: Score::ZERO,
            contributions: Vec::new(),
            caps: Vec::new(),
            decay_adjustment: 0,
        }
    }

    /// What all caps took away: 0 or less.
    pub fn cap_adjustment(&self) -> i32 {
        self.caps.iter().map(|cap| cap.points).sum()
    }

    /// The level that the score gives.
    pub fn level(&self) -> Level {
        Level::of(self.score)
    }
}

/// Adds the line of a cap that took something away.
pub fn push_cap(caps: &mut Vec<Cap>, method: Option<Method>, points: i32) {
    if points < 0 {
        let method = method.map(Open::from);
        caps.push(Cap { method, points });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_and_the_caps_sum_to_the_score_and_each_cap_is_a_line() {
        let line = |kind: EvidenceKind, points| KnownContribution {
            method: kind.method(),
            kind,
            evidence_id: EvidenceId::from(uuid::Uuid::nil()),
            points,
            rule_version: 2,
        };
        let document = |points| line(EvidenceKind::DocumentAccepted, points);
        let vouch = |points| line(EvidenceKind::CommunityVouch, points);
        let activity = line(EvidenceKind::ActivityHistory, 35);
        let cap = |method: Option<Method>, points| Cap {
            method: method.map(Open::from),
            points,
        };
        let table = [
            (vec![], 0, vec![]),
            (vec![document(30)], 30, vec![]),
            (
                vec![vouch(25), vouch(25), vouch(15)],
                50,
                vec![cap(Some(Method::Community), -15)],
            ),
            (
                vec![document(30), vouch(25), vouch(25), vouch(25), activity],
                100,
                vec![cap(Some(Method::Community), -25), cap(None, -15)],
            ),
        ];
        for (lines, score, caps) in table {
            let breakdown = ScoreBreakdown::of_verification(RuleVersion::V2, lines);
            let sum = breakdown.contributions.iter().map(|line| line.points).sum::<i32>();
            assert_eq!(sum + breakdown.cap_adjustment(), score);
            assert_eq!((i32::from(breakdown.score.get()), breakdown.caps), (score, caps));
        }
    }
}
