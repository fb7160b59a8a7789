//! Decay: a score loses 5 % for each full 30 days since its anchor.
//!
//! A score is held in billionths of a point. One period takes `x` to `⌊19 x / 20⌋`, and `n` periods are `n` such steps, so
//! that whoever decays a score by `a` periods and then by `b` has decayed it by `a + b`, to the bit. The steps round down
//! by less than 20 billionths of a point in all, however many there are: that is how far `score × 0.95ⁿ` is off.

use mesh_types::{Level, Score};

/// A full period in seconds: 30 days.
pub const PERIOD_SECONDS: i64 = 30 * 24 * 3600;
/// What is left of a score after a period: 19 of 20 parts.
const LEFT: (i64, i64) = (19, 20);

/// A score in billionths of a point, from 0 to 100 points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nanopoints(i64);

impl Nanopoints {
    /// A point.
    pub const ONE_POINT: i64 = 1_000_000_000;
    /// The most there can be, 100 points.
    pub const MAX: Self = Self(100 * Self::ONE_POINT);

    /// So many billionths of a point, cut at 0 and at 100 points.
    pub fn capped(amount: i64) -> Self {
        Self(amount.clamp(0, Self::MAX.0))
    }

    /// Billionths of a point.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whole points; a part of a point does not count.
    pub fn score(self) -> Score {
        Score::capped(self.0 / Self::ONE_POINT)
    }

    /// The level of the whole points.
    pub fn level(self) -> Level {
        Level::of(self.score())
    }

    /// What is left after full periods.
    pub fn after(self, periods: u32) -> Self {
        let mut left = self.0;
        for _ in 0..periods {
            if left == 0 {
                break;
            }
            left = left * LEFT.0 / LEFT.1;
        }
        Self(left)
    }
}

/// The full periods between two instants in seconds; 0 when the second is not later.
pub fn full_periods(from_seconds: i64, to_seconds: i64) -> u32 {
    let periods = to_seconds.saturating_sub(from_seconds).max(0) / PERIOD_SECONDS;
    u32::try_from(periods).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn points(points: i64) -> Nanopoints {
        Nanopoints::capped(points * Nanopoints::ONE_POINT)
    }

    #[test]
    fn a_score_loses_a_twentieth_for_each_full_30_days() {
        let day = 24 * 3600;
        let table = [
            (100, 0, 100),
            (100, 30 * day - 1, 100),
            (100, 30 * day, 95),
            (100, 60 * day - 1, 95),
            (100, 60 * day, 90),
            (100, 365 * day, 54),
            (20, 30 * day, 19),
            (100, 90 * 365 * day, 0),
            (100, -day, 100),
        ];
        for (before, seconds, left) in table {
            let left_over = points(before).after(full_periods(0, seconds));
            assert_eq!(left_over.score().get(), left, "{before} after {seconds} s");
        }
    }

    #[test]
    fn a_level_is_lost_with_the_whole_point_below_it() {
        assert_eq!(points(25).level(), Level::Bronze);
        assert_eq!(Nanopoints::capped(25 * Nanopoints::ONE_POINT - 1).level(), Level::None);
    }

    proptest! {
        #[test]
        fn decay_over_a_sum_of_periods_is_decay_over_one_and_then_the_other(
            amount in 0..=Nanopoints::MAX.get(), a in 0..600u32, b in 0..600u32,
        ) {
            let amount = Nanopoints::capped(amount);
            prop_assert_eq!(amount.after(a + b), amount.after(a).after(b));
            prop_assert_eq!(amount.after(a + b), amount.after(b).after(a));
        }

        #[test]
        fn steps_stay_within_20_billionths_of_the_closed_form(amount in 0..=Nanopoints::MAX.get(), periods in 0..=20u32) {
            let exact = amount as u128 * 19u128.pow(periods) / 20u128.pow(periods);
            let stepped = Nanopoints::capped(amount).after(periods).get() as u128;
            prop_assert!(stepped <= exact && exact - stepped < 20, "{} {}", stepped, exact);
        }
    }
}
