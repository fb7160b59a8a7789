//! What evidence is worth, by the version of the scoring rules (domain.md, "Members, verification, score").
//!
//! This is the one place for points. How they are summed is in `reputation-workflows::policy`.

use crate::{EvidenceKind, Method, Score};

/// Which rules score a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleVersion {
    /// For verifications that began before version 2: the same for every piece.
    V1,
    /// Points by what the evidence proves.
    V2,
}

/// The points of one piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Points {
    /// The same for each piece.
    Flat(i32),
    /// By the score that the evidence depends on: none below `from`, `least` at `from`, `most` at 100, in even steps
    /// between them.
    ByScore {
        /// The least score that gives points.
        from: u8,
        /// Points at `from`.
        least: i32,
        /// Points at 100.
        most: i32,
        /// What becomes of a part of a point.
        rounding: Rounding,
    },
}

/// What becomes of a part of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// It is dropped.
    Down,
    /// Half a point or more counts as one.
    Nearest,
}

/// Activity below this score gives nothing to a verification.
pub const LEAST_ACTIVITY: u8 = 10;

struct Rule {
    kind: EvidenceKind,
    v1: Points,
    v2: Points,
}

const NOTHING: Points = Points::Flat(0);

/// The points of every kind, in the order of [`EvidenceKind`]. Hours and reviews are events of their own, whose points stand
/// with them (`policy/activity.rs`); a verification gives none for them.
const RULES: [Rule; EvidenceKind::ALL.len()] = {
    use EvidenceKind::*;
    use Points::*;
    const fn rule(kind: EvidenceKind, v1: Points, v2: Points) -> Rule {
        Rule { kind, v1, v2 }
    }
    const VOUCH: Points = ByScore {
        from: 0,
        least: 15,
        most: 25,
        rounding: Rounding::Nearest,
    };
    const ACTIVITY: Points = ByScore {
        from: LEAST_ACTIVITY,
        least: 10,
        most: 20,
        rounding: Rounding::Down,
    };
    [
        rule(DocumentAccepted, Flat(25), Flat(20)),
        rule(DocumentMachineReadable, NOTHING, Flat(5)),
        rule(DocumentAgreesWithPrint, NOTHING, Flat(5)),
        rule(DocumentVisaSupports, NOTHING, NOTHING),
        rule(CommunityVouch, Flat(15), VOUCH),
        rule(ActivityHistory, NOTHING, ACTIVITY),
        rule(VolunteerHours, NOTHING, NOTHING),
        rule(ReviewReceived, NOTHING, NOTHING),
    ]
};

const _: () = {
    let mut at = 0;
    while at < RULES.len() {
        assert!(
            RULES[at].kind as usize == at,
            "a rule does not stand at the place of its kind"
        );
        at += 1;
    }
};

impl Points {
    /// The points of a piece; `basis` is [`crate::Evidence::basis`].
    pub const fn of(self, basis: Score) -> i32 {
        match self {
            Points::Flat(points) => points,
            Points::ByScore {
                from,
                least,
                most,
                rounding,
            } => {
                let score = basis.get();
                if score < from {
                    return 0;
                }
                let span = 100 - from as i32;
                let part = (score - from) as i32 * (most - least);
                let half = match rounding {
                    Rounding::Down => 0,
                    Rounding::Nearest => span / 2,
                };
                least + (part + half) / span
            }
        }
    }

    /// The most that a piece can give.
    pub const fn most(self) -> i32 {
        self.of(Score::MAX)
    }
}

impl RuleVersion {
    /// Every version, the oldest first.
    pub const ALL: [RuleVersion; 2] = [Self::V1, Self::V2];

    /// The number in breakdowns and in the ledger.
    pub const fn number(self) -> u16 {
        match self {
            RuleVersion::V1 => 1,
            RuleVersion::V2 => 2,
        }
    }

    /// The version of a number.
    pub fn of_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.number() == number)
    }

    /// The points of a kind.
    pub const fn points(self, kind: EvidenceKind) -> Points {
        let rule = &RULES[kind as usize];
        match self {
            RuleVersion::V1 => rule.v1,
            RuleVersion::V2 => rule.v2,
        }
    }

    /// The most that a method can give to a verification; what is above it is taken off as a line of its own.
    pub const fn method_cap(self, method: Method) -> i32 {
        match (self, method) {
            (RuleVersion::V1, Method::Document) => 25,
            (RuleVersion::V1, Method::Community) => 45,
            (RuleVersion::V1, Method::Reputation) => 0,
            (RuleVersion::V2, Method::Document) => 30,
            (RuleVersion::V2, Method::Community) => 50,
            // 20 for activity and 15 for the trust network.
            (RuleVersion::V2, Method::Reputation) => 35,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vouch_gives_15_to_25_by_the_reputation_of_the_voucher() {
        let table = [(0, 15), (4, 15), (5, 16), (50, 20), (94, 24), (95, 25), (100, 25)];
        for (reputation, points) in table {
            let vouch = RuleVersion::V2.points(EvidenceKind::CommunityVouch);
            assert_eq!(vouch.of(Score::capped(reputation)), points, "{reputation}");
        }
    }

    #[test]
    fn activity_gives_nothing_or_10_to_20() {
        let table = [(0, 0), (9, 0), (10, 10), (54, 14), (55, 15), (99, 19), (100, 20)];
        for (activity, points) in table {
            let history = RuleVersion::V2.points(EvidenceKind::ActivityHistory);
            assert_eq!(history.of(Score::capped(activity)), points, "{activity}");
        }
    }
}
