//! A materialised score: a snapshot beside the ledger, by which sweeps can tell who fell below a level. It is never the truth.
//! Whoever brings it up to date, however late or often, arrives at what [`super::ledger_fold`] says, by the same falls.

use super::decay::{Nanopoints, PERIOD_SECONDS, full_periods};
use super::summary::Summary;
use mesh_types::Level;

/// A materialised score: that of its anchor after so many full periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Materialized {
    /// The last event that counted, in seconds since 1970-01-01 UTC.
    pub anchor_seconds: i64,
    /// Full periods since the anchor that have been taken off.
    pub periods: u32,
    /// What is left.
    pub score: Nanopoints,
}

/// A member's level became lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LevelFall {
    /// The instant, in seconds since 1970-01-01 UTC: the end of the period, not the run that noticed it.
    pub fell_at_seconds: i64,
    /// The level before.
    pub before: Level,
    /// The level since then.
    pub after: Level,
}

impl Materialized {
    /// The score at the anchor of a ledger, before any decay; `None` without an event that counts.
    pub fn at_anchor(summary: &Summary) -> Option<Self> {
        summary.anchor_seconds.map(|anchor_seconds| Self {
            anchor_seconds,
            periods: 0,
            score: summary.at_anchor,
        })
    }

    /// Takes off the full periods up to an instant in seconds, and says which levels were lost on the way. An instant that
    /// it has passed already changes nothing.
    pub fn advance(&mut self, to_seconds: i64) -> Vec<LevelFall> {
        let mut falls = Vec::new();
        for period in self.periods + 1..=full_periods(self.anchor_seconds, to_seconds) {
            let left = self.score.after(1);
            if left.level() < self.score.level() {
                falls.push(LevelFall {
                    fell_at_seconds: self.anchor_seconds + i64::from(period) * PERIOD_SECONDS,
                    before: self.score.level(),
                    after: left.level(),
                });
            }
            self.periods = period;
            self.score = left;
        }
        falls
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::ledger_fold::{Fact, LedgerEvent, fold};
    use mesh_types::{EventId, EvidenceId, EvidenceKind, KnownContribution, Method};
    use proptest::prelude::*;

    const DAY: i64 = 24 * 3600;
    const THREE_YEARS: i64 = 3 * 365;

    /// A run of the sweep: when it ran and for which instant, in seconds. A back-filled one is for an earlier instant.
    #[derive(Clone, Copy, Debug)]
    struct Run {
        ran_at: i64,
        as_of: i64,
    }

    /// Every day at 02:00.
    fn on_time(day: i64) -> Run {
        let at = day * DAY + 2 * 3600;
        Run { ran_at: at, as_of: at }
    }

    /// Days on which points were earned, and how many.
    fn earnings() -> impl Strategy<Value = Vec<(i64, i64)>> {
        proptest::collection::vec((0..THREE_YEARS, 1..60i64), 1..8).prop_map(|mut events| {
            events.sort_unstable();
            events
        })
    }

    /// For each day how its run goes: on time, late by some hours, twice, skipped, paused for a month and back-filled after.
    fn schedules() -> impl Strategy<Value = Vec<Run>> {
        let day = (0..10u8, 1..200i64);
        proptest::collection::vec(day, THREE_YEARS as usize).prop_map(|days| {
            let mut runs = Vec::new();
            for (day, (how, delay)) in days.into_iter().enumerate() {
                let planned = on_time(day as i64);
                let late = |hours: i64| planned.ran_at + hours * 3600;
                match how {
                    0..3 => {}
                    3 => runs.extend([planned, planned]),
                    4 => runs.push(Run {
                        ran_at: late(delay),
                        as_of: late(delay),
                    }),
                    5 => runs.push(Run {
                        ran_at: late(delay),
                        ..planned
                    }),
                    6 => runs.push(Run {
                        ran_at: late(24 * 30),
                        ..planned
                    }),
                    _ => runs.push(planned),
                }
            }
            runs.sort_by_key(|run| run.ran_at);
            runs
        })
    }

    /// The ledger of these earnings.
    fn ledger(earnings: &[(i64, i64)]) -> Vec<LedgerEvent> {
        let events = earnings.iter().zip(1u128..);
        let event = |((day, points), number): (&(i64, i64), u128)| LedgerEvent {
            event_id: EventId::from(uuid::Uuid::from_u128(number)),
            occurred_at_seconds: day * DAY,
            fact: Fact::Activity(KnownContribution {
                method: Method::Reputation,
                kind: EvidenceKind::VolunteerHours,
                evidence_id: EvidenceId::from(uuid::Uuid::from_u128(number)),
                points: *points as i32,
                rule_version: 2,
            }),
        };
        events.map(event).collect()
    }

    /// What is materialized on the last day, and every fall, when the sweep runs like this and the ledger is read as it grows.
    fn swept(ledger: &[LedgerEvent], runs: &[Run]) -> (Option<Materialized>, Vec<LevelFall>) {
        let mut materialized: Option<Materialized> = None;
        let mut falls = Vec::new();
        let mut runs = runs.iter().peekable();
        for event in ledger {
            let at = event.occurred_at_seconds;
            while let Some(run) = runs.next_if(|run| run.ran_at < at) {
                falls.extend(
                    materialized
                        .iter_mut()
                        .flat_map(|materialized| materialized.advance(run.as_of)),
                );
            }
            falls.extend(
                materialized
                    .iter_mut()
                    .flat_map(|materialized| materialized.advance(at)),
            );
            materialized = Materialized::at_anchor(&fold(ledger, at).summary);
        }
        let last = on_time(THREE_YEARS + 60);
        for run in runs.chain([&last]) {
            falls.extend(
                materialized
                    .iter_mut()
                    .flat_map(|materialized| materialized.advance(run.as_of)),
            );
        }
        (materialized, falls)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn however_the_sweep_runs_scores_and_falls_are_the_same(earnings in earnings(), runs in schedules()) {
            let daily: Vec<Run> = (0..THREE_YEARS).map(on_time).collect();
            let ledger = ledger(&earnings);
            let expected = swept(&ledger, &daily);
            prop_assert_eq!(&swept(&ledger, &runs), &expected);
            prop_assert_eq!(&swept(&ledger, &[]), &expected, "without any run before the last");
            let truth = fold(&ledger, on_time(THREE_YEARS + 60).as_of).now;
            prop_assert_eq!(expected.0.map(|materialized| materialized.score), Some(truth));
        }
    }

    #[test]
    fn a_fall_is_at_the_end_of_its_period_and_each_level_has_its_own() {
        let full = Nanopoints::MAX;
        let mut materialized = Materialized {
            anchor_seconds: 100,
            periods: 0,
            score: full,
        };
        assert_eq!(materialized.advance(100 + 5 * PERIOD_SECONDS), []);
        let falls = materialized.advance(100 + 28 * PERIOD_SECONDS);
        let fall = |period: i64, before, after| LevelFall {
            fell_at_seconds: 100 + period * PERIOD_SECONDS,
            before,
            after,
        };
        let expected = [
            fall(6, Level::Gold, Level::Silver),
            fall(14, Level::Silver, Level::Bronze),
            fall(28, Level::Bronze, Level::None),
        ];
        assert_eq!(falls, expected);
        assert_eq!(materialized.advance(0), [], "an instant that has passed");
        assert_eq!(materialized.score, full.after(28));
    }
}
