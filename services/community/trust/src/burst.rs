//! Bursts: many vouches by few within a short time.

use crate::suspicion::SuspicionReason;
use jiff::{SignedDuration, Timestamp};
use mesh_types::MemberId;
use std::collections::{BTreeSet, HashMap};

/// Somebody vouched for somebody, or made a connection to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vouch {
    /// Who vouched.
    pub from: MemberId,
    /// When.
    pub at: Timestamp,
}

/// When vouches are a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BurstSettings {
    /// Vouches are together if not more than this lies between the first and the last. Default: 24 hours.
    pub window: SignedDuration,
    /// How many vouches are many. From 1; 0 is taken as 1. Default: 12.
    pub least_vouches: usize,
    /// How many members are few. 0 finds nothing. Default: 3.
    pub most_vouchers: usize,
}

impl Default for BurstSettings {
    fn default() -> Self {
        Self {
            window: SignedDuration::from_hours(24),
            least_vouches: 12,
            most_vouchers: 3,
        }
    }
}

/// A burst, in sizes alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    /// How many vouches it has.
    pub vouches: usize,
    /// How many members they are by.
    pub vouchers: usize,
}

impl Burst {
    /// The code of the reason.
    pub const REASON: SuspicionReason = SuspicionReason::Burst;
}

/// The largest burst in vouches that are given in any order: those of the few who vouched most within a window. For a case,
/// these are all the recent vouches by the member's vouchers, for whomever they are. With as many in two windows it is the
/// earlier. Takes n log n.
pub fn find_burst(vouches: &[Vouch], settings: BurstSettings) -> Option<Burst> {
    let mut vouches = vouches.to_vec();
    vouches.sort_unstable_by_key(|vouch| (vouch.at, vouch.from));
    let mut counts = Counts::default();
    let mut largest: Option<Burst> = None;
    let mut first = 0;
    for vouch in &vouches {
        counts.add(vouch.from);
        while vouch.at.duration_since(vouches[first].at) > settings.window {
            counts.take(vouches[first].from);
            first += 1;
        }
        let burst = counts.of_busiest(settings.most_vouchers);
        let is_larger = largest.is_none_or(|largest| burst.vouches > largest.vouches);
        if burst.vouches >= settings.least_vouches.max(1) && is_larger {
            largest = Some(burst);
        }
    }
    largest
}

/// How often each vouched within the window.
#[derive(Default)]
struct Counts {
    /// Only looked up, never iterated.
    by_voucher: HashMap<MemberId, usize>,
    ordered: BTreeSet<(usize, MemberId)>,
}

impl Counts {
    fn add(&mut self, from: MemberId) {
        let count = self.by_voucher.get(&from).copied().unwrap_or(0);
        self.set(from, count, count + 1);
    }

    fn take(&mut self, from: MemberId) {
        let count = self.by_voucher.get(&from).copied().unwrap_or(0);
        self.set(from, count, count.saturating_sub(1));
    }

    fn set(&mut self, from: MemberId, before: usize, count: usize) {
        self.ordered.remove(&(before, from));
        if count > 0 {
            self.by_voucher.insert(from, count);
            self.ordered.insert((count, from));
        } else {
            self.by_voucher.remove(&from);
        }
    }

    fn of_busiest(&self, vouchers: usize) -> Burst {
        let busiest = self.ordered.iter().rev().take(vouchers);
        busiest.fold(
            Burst {
                vouches: 0,
                vouchers: 0,
            },
            |burst, (count, _)| Burst {
                vouches: burst.vouches + count,
                vouchers: burst.vouchers + 1,
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: i64 = 3600;

    fn vouch(from: i64, second: i64) -> Vouch {
        Vouch {
            from: MemberId::try_from(from).expect("from 1"),
            at: Timestamp::from_second(second).expect("an instant"),
        }
    }

    fn spread(vouchers: i64, number: i64, seconds_apart: i64) -> Vec<Vouch> {
        (0..number)
            .map(|n| vouch(1 + n % vouchers, n * seconds_apart))
            .collect()
    }

    #[test]
    fn many_vouches_by_few_within_the_window_are_a_burst() {
        let find = |vouches: &[Vouch]| {
            find_burst(vouches, BurstSettings::default()).map(|burst| (burst.vouches, burst.vouchers))
        };
        assert_eq!(find(&spread(3, 11, HOUR)), None, "too few");
        assert_eq!(find(&spread(3, 12, HOUR)), Some((12, 3)));
        assert_eq!(find(&spread(1, 40, HOUR)), Some((25, 1)), "both ends of 24 hours");
        assert_eq!(find(&spread(3, 1000, 3 * HOUR)), None, "9 a day");
        assert_eq!(find(&spread(20, 24, 60)), None, "by many");
        let hidden = [spread(20, 24, 60), spread(2, 12, 61)].concat();
        assert_eq!(find(&hidden), Some((18, 3)), "8 by each of two, 2 by another");
        assert_eq!(find(&[]), None);
    }

    proptest! {
        #[test]
        fn it_finds_what_trying_all_windows_finds(
            vouches in proptest::collection::vec((1..6i64, 0..200i64), 0..40),
            window in 0..60i64, least in 0..8usize, most in 0..4usize,
        ) {
            let vouches: Vec<Vouch> = vouches.into_iter().map(|(from, at)| vouch(from, at)).collect();
            let settings = BurstSettings { window: SignedDuration::from_secs(window), least_vouches: least, most_vouchers: most };
            let largest = vouches.iter().map(|last| {
                let mut counts = [0; 6];
                let together = vouches.iter().filter(|one| one.at <= last.at && last.at.duration_since(one.at) <= settings.window);
                together.for_each(|one| counts[one.from.get() as usize] += 1);
                counts.sort_unstable_by(|a, b| b.cmp(a));
                counts[..most].iter().sum::<usize>()
            }).max().filter(|largest| *largest >= least.max(1));
            prop_assert_eq!(find_burst(&vouches, settings).map(|burst| burst.vouches), largest);
        }
    }
}
