//! How the points of evidence are written down: by rule, and by the version of the scoring rules. The points of each
//! kind are in `method.rs`; how they are summed is in `reputation-workflows::policy`.

use crate::Score;

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
    /// As many as the basis says, which is in points itself: none below `least`, and never more than `most`.
    Basis {
        /// The least basis that gives points.
        least: i32,
        /// The most points.
        most: i32,
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
/// Fewer network points than this are none.
pub const LEAST_NETWORK_POINTS: u8 = 5;
/// The most network points that a member can have.
pub const MOST_NETWORK_POINTS: u8 = 15;

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
            Points::Basis { least, most } => match basis.get() as i32 {
                points if points < least => 0,
                points if points > most => most,
                points => points,
            },
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
}
