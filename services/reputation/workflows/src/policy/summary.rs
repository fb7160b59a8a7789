//! What a ledger comes to at its last event: enough to tell the score and its parts at any later instant, and to add one more
//! activity, without a look at the events. [`super::ledger_fold`] makes it, event by event.

use super::decay::{Nanopoints, full_periods};
use mesh_types::score_breakdown::push_cap;
use mesh_types::{Cap, Contribution, ScoreBreakdown};

/// A ledger summed up at its last event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The last event that counted, in seconds since 1970-01-01 UTC; `None` when none did.
    pub anchor_seconds: Option<i64>,
    /// The score at the anchor, from which it decays.
    pub at_anchor: Nanopoints,
    /// What the score at the anchor would be if no document had given points: what a new document would add to.
    pub without_document: Nanopoints,
    /// The points of all lines that count, before any cap.
    pub points: i64,
    /// What the caps of methods took away.
    pub method_caps: Vec<Cap>,
    /// What the cap at 100 took away in all, in billionths of a point.
    pub capped_away: i64,
}

/// What an event adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gain {
    /// The points of its lines, before the caps of methods.
    pub(super) lines: i64,
    /// What the caps of methods leave.
    pub(super) points: i64,
    /// The part of `points` that documents gave.
    pub(super) by_documents: i64,
}

impl Summary {
    /// Adds the next event, which is not older than the anchor: the score decays up to it, and the anchor moves to it.
    pub(super) fn add(&mut self, occurred_at_seconds: i64, gain: Gain) {
        let decayed = self.at_anchor.after(self.periods_until(occurred_at_seconds)).get();
        let sum = decayed + gain.points * Nanopoints::ONE_POINT;
        self.without_document = plus(
            self.without_document_at(occurred_at_seconds),
            gain.points - gain.by_documents,
        );
        self.at_anchor = Nanopoints::capped(sum);
        self.capped_away += sum - self.at_anchor.get();
        self.points += gain.lines;
        self.anchor_seconds = Some(occurred_at_seconds);
    }

    /// The same ledger with one more activity; `None` where the ledger has to be folded, because the activity happened before
    /// the anchor.
    pub fn with_activity(mut self, occurred_at_seconds: i64, points: i64) -> Option<Self> {
        if points == 0 {
            return Some(self);
        }
        if self.anchor_seconds.is_some_and(|anchor| occurred_at_seconds < anchor) {
            return None;
        }
        let gain = Gain {
            lines: points,
            points,
            by_documents: 0,
        };
        self.add(occurred_at_seconds, gain);
        Some(self)
    }

    /// The score at an instant in seconds, not before the anchor.
    pub fn score_at(&self, at_seconds: i64) -> Nanopoints {
        self.at_anchor.after(self.periods_until(at_seconds))
    }

    /// The score at an instant with a document verified then that gives so many points; what documents gave before counts no
    /// more, as a later verification renews it.
    pub fn score_with_document_at(&self, at_seconds: i64, points: i64) -> Nanopoints {
        plus(self.without_document_at(at_seconds), points)
    }

    /// The score at an instant and its parts, which sum exactly to it when `contributions` are all lines that count: what the
    /// cap at 100 and decay took is rounded.
    pub fn breakdown_at(&self, at_seconds: i64, contributions: Vec<Contribution>) -> ScoreBreakdown {
        let score = self.score_at(at_seconds).score();
        let capped: i64 = self.method_caps.iter().map(|cap| i64::from(cap.points)).sum();
        let lost = self.points + capped - i64::from(score.get());
        let to_the_cap = (self.capped_away / Nanopoints::ONE_POINT).min(lost);
        let adjustment = |points: i64| i32::try_from(-points).unwrap_or(i32::MIN);
        let mut caps = self.method_caps.clone();
        push_cap(&mut caps, None, adjustment(to_the_cap));
        ScoreBreakdown {
            score,
            contributions,
            caps,
            decay_adjustment: adjustment(lost - to_the_cap),
        }
    }

    fn without_document_at(&self, at_seconds: i64) -> Nanopoints {
        self.without_document.after(self.periods_until(at_seconds))
    }

    fn periods_until(&self, at_seconds: i64) -> u32 {
        self.anchor_seconds.map_or(0, |anchor| full_periods(anchor, at_seconds))
    }
}

fn plus(score: Nanopoints, points: i64) -> Nanopoints {
    Nanopoints::capped(score.get() + points * Nanopoints::ONE_POINT)
}

#[cfg(test)]
mod tests {
    use crate::policy::ledger_fold::fold;
    use crate::policy::ledger_fold::tests::{DAY, hours, ledgers};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn appending_an_activity_is_folding_the_ledger(events in ledgers(), day in 0..1200i64, size in 0..9u32) {
            let newest = 1200 * DAY;
            let before = fold(&events, newest).summary;
            let activity = hours(1_000, day, size);
            let after = fold(&[events.as_slice(), &[activity]].concat(), newest).summary;
            match before.clone().with_activity(day * DAY, size.into()) {
                Some(appended) => prop_assert_eq!(appended, after),
                None => prop_assert!(before.anchor_seconds.is_some_and(|anchor| anchor > day * DAY)),
            }
        }

        #[test]
        fn a_summary_tells_every_later_instant(events in ledgers(), day in 1100..1500i64, days in 0..400i64) {
            let (summary, later) = (fold(&events, day * DAY).summary, (day + days) * DAY);
            let folded = fold(&events, later);
            prop_assert_eq!(summary.score_at(later), folded.now);
            let lines = folded.breakdown.contributions.clone();
            prop_assert_eq!(summary.breakdown_at(later, lines), folded.breakdown);
        }
    }
}
