//! What a score is made of. The rules that give the points are in `reputation-workflows::policy`.

use crate::{EvidenceId, EvidenceKind, Method};
use serde::{Deserialize, Serialize};

/// Points from 0 to 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Score(u8);

impl Score {
    /// No points.
    pub const ZERO: Score = Score(0);
    /// The most there can be.
    pub const MAX: Score = Score(100);
    /// The target when a caller names none (domain.md).
    pub const DEFAULT_TARGET: Score = Score(50);

    /// The sum of points, cut at 0 and 100.
    pub fn capped(points: i64) -> Score {
        Score(points.clamp(0, 100) as u8)
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Score {
    type Error = &'static str;

    fn try_from(value: u8) -> Result<Self, Self::Error> {
        if value <= 100 {
            Ok(Score(value))
        } else {
            Err("must be from 0 to 100")
        }
    }
}

impl From<Score> for u8 {
    fn from(score: Score) -> u8 {
        score.0
    }
}

impl std::fmt::Display for Score {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The level that a score gives: bronze from 25, silver from 50, gold from 75 (domain.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Below 25.
    None,
    /// 25 to 49.
    Bronze,
    /// 50 to 74.
    Silver,
    /// 75 to 100.
    Gold,
}

impl Level {
    /// The level of a score.
    pub const fn of(score: Score) -> Level {
        match score.get() {
            0..=24 => Level::None,
            25..=49 => Level::Bronze,
            50..=74 => Level::Silver,
            _ => Level::Gold,
        }
    }

    /// Every level, the lowest first.
    pub const ALL: [Level; 4] = [Level::None, Level::Bronze, Level::Silver, Level::Gold];

    /// The least score of the level.
    pub const fn least_score(self) -> Score {
        match self {
            Level::None => Score::ZERO,
            Level::Bronze => Score(25),
            Level::Silver => Score(50),
            Level::Gold => Score(75),
        }
    }

    /// The stable text in tables and search attributes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Level::None => "none",
            Level::Bronze => "bronze",
            Level::Silver => "silver",
            Level::Gold => "gold",
        }
    }
}

/// One line of a breakdown: some evidence and what it gave under one rule version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution {
    /// The method that found the evidence.
    pub method: Method,
    /// What the evidence proves.
    pub kind: EvidenceKind,
    /// The evidence.
    pub evidence_id: EvidenceId,
    /// Points, 0 to 100.
    pub points: i32,
    /// The version of the scoring rules, e.g. 2.
    pub rule_version: u16,
}

/// A method that the member can still use, and what it could give at most. The method reputation is earned by activity on
/// the platform, such as a point for each full hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextStep {
    /// The method.
    pub method: Method,
    /// The most points that it could add.
    pub points: i32,
}

/// A score and everything it is made of: `contributions` plus the two adjustments sum exactly to `score`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreBreakdown {
    /// The score itself.
    pub score: Score,
    /// Each contribution, oldest first.
    pub contributions: Vec<Contribution>,
    /// What the cap at 100 took away: 0 or less.
    pub cap_adjustment: i32,
    /// What decay took away: 0 or less. A verification's own score does not decay.
    #[serde(default)]
    pub decay_adjustment: i32,
}

impl ScoreBreakdown {
    /// Sums contributions and caps at 100; the cap is a line of its own.
    pub fn of(contributions: Vec<Contribution>) -> ScoreBreakdown {
        let sum: i64 = contributions.iter().map(|line| i64::from(line.points)).sum();
        let score = Score::capped(sum);
        let cap_adjustment = i32::try_from(i64::from(score.get()) - sum).unwrap_or(i32::MIN);
        ScoreBreakdown {
            score,
            contributions,
            cap_adjustment,
            decay_adjustment: 0,
        }
    }

    /// The level that the score gives.
    pub fn level(&self) -> Level {
        Level::of(self.score)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_begin_at_25_50_and_75() {
        let table = [
            (0, Level::None),
            (24, Level::None),
            (25, Level::Bronze),
            (49, Level::Bronze),
        ];
        let more = [
            (50, Level::Silver),
            (74, Level::Silver),
            (75, Level::Gold),
            (100, Level::Gold),
        ];
        for (points, level) in table.into_iter().chain(more) {
            assert_eq!(Level::of(Score::capped(points)), level, "{points}");
        }
    }

    #[test]
    fn the_parts_and_the_cap_sum_to_the_score() {
        let line = |points| Contribution {
            method: Method::Document,
            kind: EvidenceKind::DocumentAccepted,
            evidence_id: EvidenceId::from(uuid::Uuid::nil()),
            points,
            rule_version: 2,
        };
        for parts in [vec![], vec![30], vec![60, 40], vec![90, 30, 20]] {
            let breakdown = ScoreBreakdown::of(parts.iter().map(|points| line(*points)).collect());
            let sum = parts.iter().sum::<i32>() + breakdown.cap_adjustment;
            assert_eq!(i32::from(breakdown.score.get()), sum);
        }
    }
}
