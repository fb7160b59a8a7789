//! A score and the level that it gives. What evidence is worth is in [`crate::scoring`].

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
    /// The target when a caller names none.
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

/// The level that a score gives: bronze from 25, silver from 50, gold from 75.
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
}
