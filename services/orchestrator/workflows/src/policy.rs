//! What ends a verification, and how (domain.md, "Members, verification, score"): total functions on plain data.

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
}
