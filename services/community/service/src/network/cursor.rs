//! How far the history was followed, so that no change is left out.
//!
//! Numbers are given out in order, but become visible when their transactions are committed, in any order, and never where one
//! is rolled back. So whoever only asked for what comes after the highest number would leave out what is committed late. The
//! cursor keeps each number below the highest that was not there, and asks for these too. It gives one up when it can't come any
//! more: when a look saw the number left out, a new transaction id was taken, the mark. Whoever had taken the number has a
//! lower id, because a change has one before it takes its number. A later look whose oldest running transaction is above the mark
//! is of a time when all of these had ended; what it does not show was rolled back.
//!
//! A change that comes late is taken over late, and that is right: two changes of one connection are never under way at once, so
//! the one that is visible first was made first.

use crate::store::Look;
use std::collections::BTreeMap;

/// More numbers than this are not left out by transactions that are under way or were rolled back.
const MOST_MISSING: i64 = 10_000;

/// Up to where the history was followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The highest number that was seen.
    last: i64,
    /// The numbers below it that were not, each with its mark.
    missing: BTreeMap<i64, Option<i64>>,
}

impl Cursor {
    /// After a number up to which nothing can be missing.
    pub(super) fn at(last: i64) -> Self {
        Self {
            last,
            missing: BTreeMap::new(),
        }
    }

    /// The highest number that was seen.
    pub(super) fn last(&self) -> i64 {
        self.last
    }

    /// The numbers below it that may still come.
    pub(super) fn missing(&self) -> Vec<i64> {
        self.missing.keys().copied().collect()
    }

    /// Whether a look leaves out so much that something else must have happened, such as numbers set by hand.
    pub(super) fn is_torn_by(&self, look: &Look) -> bool {
        let last = look.changes.last().map_or(self.last, |change| change.sequence);
        let seen = look.changes.len() as i64;
        last.saturating_sub(self.last).saturating_sub(seen) + self.missing.len() as i64 > MOST_MISSING
    }

    /// Goes on to what a look shows that asked for what comes after [`Self::last`], and for all of [`Self::missing`].
    pub(super) fn take(&mut self, look: &Look) {
        for change in &look.changes {
            self.missing.remove(&change.sequence);
        }
        let oldest_running = look.oldest_running;
        self.missing
            .retain(|_, mark| mark.is_none_or(|mark| mark >= oldest_running));
        for change in &look.changes {
            let left_out = self.last + 1..change.sequence;
            self.missing.extend(left_out.map(|sequence| (sequence, None)));
            self.last = self.last.max(change.sequence);
        }
    }

    /// Whether numbers are missing that have no mark yet.
    pub(super) fn has_unmarked(&self) -> bool {
        self.missing.values().any(Option::is_none)
    }

    /// Marks these by a transaction id that was new after they were left out.
    pub(super) fn mark(&mut self, transaction_id: i64) {
        for mark in self.missing.values_mut() {
            mark.get_or_insert(transaction_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Change, Edge};
    use community_trust::Strength;
    use mesh_testkit::fixtures::member;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn change(sequence: i64) -> Change {
        let edge = Edge {
            from: member(1),
            to: member(2),
            strength: Strength::FULL,
        };
        Change { sequence, edge }
    }

    fn look(sequences: &[i64], oldest_running: i64) -> Look {
        Look {
            changes: sequences.iter().copied().map(change).collect(),
            oldest_running,
            goes_on: true,
        }
    }

    #[test]
    fn a_number_that_comes_late_is_asked_for_until_nobody_can_bring_it() {
        let mut cursor = Cursor::at(10);
        cursor.take(&look(&[11, 14], 100));
        assert_eq!((cursor.last(), cursor.missing()), (14, vec![12, 13]));
        assert!(cursor.has_unmarked());
        cursor.mark(105);
        cursor.take(&look(&[12], 104));
        assert_eq!(cursor.missing(), [13]);
        // The mark itself has not ended yet.
        cursor.take(&look(&[], 105));
        assert_eq!(cursor.missing(), [13]);
        cursor.take(&look(&[], 106));
        assert_eq!((cursor.last(), cursor.missing()), (14, vec![]));
    }

    #[test]
    fn numbers_that_jump_far_are_no_transactions_under_way() {
        let cursor = Cursor::at(10);
        assert!(!cursor.is_torn_by(&look(&[11 + MOST_MISSING], 1)));
        assert!(cursor.is_torn_by(&look(&[12 + MOST_MISSING], 1)));
    }

    /// A transaction of the model: it takes its id, then its number, then ends.
    #[derive(Clone, Debug)]
    struct Transaction {
        id: i64,
        sequence: i64,
        is_committed: bool,
    }

    proptest! {
        #[test]
        fn every_committed_change_is_taken_once_in_whatever_order_they_end(
            steps in proptest::collection::vec((0..4_u8, any::<prop::sample::Index>(), any::<bool>(), 1..4_usize), 1..300),
        ) {
            let (mut next_id, mut next_sequence) = (1, 1);
            let mut running: Vec<Transaction> = Vec::new();
            let mut visible: BTreeSet<i64> = BTreeSet::new();
            let (mut committed, mut taken) = (BTreeSet::new(), BTreeSet::new());
            let mut cursor = Cursor::at(0);
            let mut follow = |running: &[Transaction], visible: &BTreeSet<i64>, next_id: &mut i64, limit: usize| {
                let missing: BTreeSet<i64> = cursor.missing().into_iter().collect();
                let after = visible.range(cursor.last() + 1..).copied().take(limit);
                let shown: BTreeSet<i64> = after.chain(visible.intersection(&missing).copied()).collect();
                let oldest_running = running.iter().map(|one| one.id).min().unwrap_or(*next_id);
                let shown: Vec<i64> = shown.into_iter().collect();
                let look = look(&shown, oldest_running);
                assert!(!cursor.is_torn_by(&look));
                cursor.take(&look);
                if cursor.has_unmarked() {
                    cursor.mark(*next_id);
                    *next_id += 1;
                }
                shown
            };
            for (step, which, commits, limit) in steps {
                match step {
                    0 => {
                        running.push(Transaction { id: next_id, sequence: 0, is_committed: commits });
                        next_id += 1;
                    }
                    1 if !running.is_empty() => {
                        let at = which.index(running.len());
                        let transaction = &mut running[at];
                        if transaction.sequence == 0 {
                            transaction.sequence = next_sequence;
                            next_sequence += 1;
                        }
                    }
                    2 if !running.is_empty() => {
                        let ended = running.swap_remove(which.index(running.len()));
                        if ended.is_committed && ended.sequence > 0 {
                            visible.insert(ended.sequence);
                            committed.insert(ended.sequence);
                        }
                    }
                    _ => {
                        for sequence in follow(&running, &visible, &mut next_id, limit) {
                            prop_assert!(taken.insert(sequence), "{} came twice", sequence);
                        }
                    }
                }
            }
            for ended in running.drain(..).filter(|one| one.is_committed && one.sequence > 0) {
                visible.insert(ended.sequence);
                committed.insert(ended.sequence);
            }
            for _ in 0..committed.len() + 2 {
                taken.extend(follow(&running, &visible, &mut next_id, 3));
            }
            prop_assert_eq!(taken, committed);
            prop_assert_eq!(cursor.missing(), Vec::<i64>::new());
        }
    }
}
