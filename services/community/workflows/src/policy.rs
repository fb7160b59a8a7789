//! The rules of a validation by the community (domain.md, "Community").
//!
//! | rule | file |
//! |---|---|
//! | whose answer is taken, and when it is over | `ballot.rs` |
//! | who is invited | `choice.rs` |
//! | what the votes amount to | `aggregate.rs` |
//! | when silent validators are reminded | here |

mod aggregate;
mod ballot;
mod choice;

pub use aggregate::{Tally, aggregate, confidence, weight};
pub use ballot::{Admission, Ballot};
pub use choice::{Candidate, Standing, choose};

use crate::contract::{Phase, ValidationRules};
use std::time::Duration;

/// The version of the rules that [`aggregate`] goes by.
pub const RULE_VERSION: u16 = 1;
/// The score that a validator has at least, when they are invited and when they vote.
pub const LEAST_VALIDATOR_SCORE: u8 = 50;
/// Open requests that a validator may have.
pub const MOST_OPEN_REQUESTS: u32 = 5;
/// For how long nobody vouches for whoever vouched for them, in seconds: 90 days.
pub const RECIPROCAL_SECONDS: i64 = 90 * 24 * 3600;

/// What a validation waits for when nobody answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// The silent are reminded; the number of the reminder, from 1.
    Reminder(u32),
    /// The time is over.
    Deadline,
}

/// What comes next, and in how long. `elapsed` counts from the start; `reminders` were sent.
pub fn next_alarm(rules: &ValidationRules, elapsed: Duration, reminders: u32) -> (Alarm, Duration) {
    let next = rules.reminder_seconds.get(reminders as usize).copied();
    let (alarm, at) = match next.filter(|at| *at < rules.answer_seconds) {
        Some(at) => (Alarm::Reminder(reminders.saturating_add(1)), at),
        None => (Alarm::Deadline, rules.answer_seconds),
    };
    // A timer waits for some time, however little is left.
    let wait = Duration::from_secs(at)
        .saturating_sub(elapsed)
        .max(Duration::from_millis(1));
    (alarm, wait)
}

/// Whether a person may decide on a validation now.
pub fn may_be_decided(phase: Phase) -> bool {
    phase == Phase::InReview
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reminders_come_before_the_deadline_and_late_ones_at_once() {
        const HOUR: u64 = 3600;
        let rules = ValidationRules::default();
        let hours = |number: u64| Duration::from_secs(number * HOUR);
        let table = [
            (hours(0), 0, Alarm::Reminder(1), hours(24)),
            (hours(1), 0, Alarm::Reminder(1), hours(23)),
            (hours(24), 1, Alarm::Reminder(2), hours(24)),
            (hours(48), 2, Alarm::Deadline, hours(24)),
            (hours(60), 0, Alarm::Reminder(1), Duration::from_millis(1)),
            (hours(100), 2, Alarm::Deadline, Duration::from_millis(1)),
        ];
        for (elapsed, reminders, alarm, wait) in table {
            assert_eq!(next_alarm(&rules, elapsed, reminders), (alarm, wait), "{elapsed:?}");
        }
        let short = ValidationRules {
            answer_seconds: 10 * HOUR,
            ..ValidationRules::default()
        };
        assert_eq!(next_alarm(&short, hours(0), 0), (Alarm::Deadline, hours(10)));
    }
}
