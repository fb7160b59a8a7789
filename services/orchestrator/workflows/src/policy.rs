//! What ends a verification, and how (domain.md, "Members, verification, score"), and which instant a run by the clock
//! stands for: total functions on plain data.

use crate::contract::MethodStatus;
use mesh_types::{Decision, Score, VerificationStatus};

/// Why nothing more is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every method has ended and everything is scored, or the target is reached.
    Scored,
    /// A caller cancelled it.
    Cancelled,
    /// The time limit passed.
    TimedOut,
    /// The member is gone, or a fault of ours that no retry mends.
    Broken,
}

/// The status that an ending gives.
pub fn final_status(ending: Ending, score: Score, target: Score) -> VerificationStatus {
    match ending {
        Ending::Cancelled => VerificationStatus::Cancelled,
        Ending::TimedOut => VerificationStatus::Timeout,
        Ending::Scored if score >= target => VerificationStatus::Completed,
        Ending::Scored | Ending::Broken => VerificationStatus::Failed,
    }
}

/// The status of a method by the decision of its service.
pub fn method_status(decision: Decision) -> MethodStatus {
    match decision {
        Decision::Accepted => MethodStatus::Accepted,
        Decision::Rejected => MethodStatus::Rejected,
        Decision::Resubmit | Decision::NeedsReview => MethodStatus::Resubmit,
    }
}

/// The instant that a run by the clock stands for, in seconds since 1970-01-01 UTC: what a person asked for, though never
/// the future; otherwise when it was due, however late or repeated it is; otherwise its start.
pub fn as_of_seconds(asked: Option<i64>, due: Option<i64>, started: i64) -> i64 {
    match asked {
        Some(asked) => asked.min(started),
        None => due.unwrap_or(started),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_decides_the_status_and_the_target_only_where_all_was_scored() {
        use VerificationStatus::*;
        let table = [
            (Ending::Scored, 50, 50, Completed),
            (Ending::Scored, 49, 50, Failed),
            (Ending::Scored, 0, 0, Completed),
            (Ending::Broken, 100, 50, Failed),
            (Ending::Cancelled, 100, 50, Cancelled),
            (Ending::TimedOut, 100, 50, Timeout),
        ];
        for (ending, score, target, status) in table {
            assert_eq!(
                final_status(ending, Score::capped(score), Score::capped(target)),
                status,
                "{ending:?}"
            );
        }
    }

    #[test]
    fn a_run_stands_for_what_was_asked_then_for_when_it_was_due_then_for_its_start() {
        let table = [
            (None, None, 1000, 1000),
            (None, Some(400), 1000, 400),
            // Two machines' clocks: it may start a moment before it is due.
            (None, Some(1001), 1000, 1001),
            (Some(300), Some(400), 1000, 300),
            (Some(300), None, 1000, 300),
            (Some(2000), None, 1000, 1000),
        ];
        for (asked, due, started, expected) in table {
            assert_eq!(as_of_seconds(asked, due, started), expected, "{asked:?}, {due:?}");
        }
    }
}
