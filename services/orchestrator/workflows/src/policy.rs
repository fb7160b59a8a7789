//! What ends a verification, and how; when a method is tried again. Total functions on plain data.

#[cfg(test)]
mod tests;

use mesh_types::{Score, VerificationStatus};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// All that decides whether a verification ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// A caller cancelled it.
    pub is_cancelled: bool,
    /// Its deadline passed.
    pub is_overdue: bool,
    /// The member is not registered any more.
    pub member_is_gone: bool,
    /// The evidence can't be scored, and no retry mends that.
    pub scoring_is_broken: bool,
    /// A method found evidence that is not scored yet.
    pub evidence_is_unscored: bool,
    /// A method runs, or is about to.
    pub methods_are_open: bool,
    /// The score of the evidence so far; none until some was scored.
    pub score: Option<Score>,
    /// The score that completes it.
    pub target_score: Score,
}

/// Why a verification ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The target score is reached.
    TargetReached,
    /// Every method has ended, and the target is not reached.
    NothingMoreToCome,
    /// A caller cancelled it.
    Cancelled,
    /// Its deadline passed.
    TimedOut,
    /// The member is gone, or a fault of ours that no retry mends.
    Broken,
}

impl Ending {
    /// The status that the ending gives.
    pub const fn status(self) -> VerificationStatus {
        match self {
            Self::TargetReached => VerificationStatus::Completed,
            Self::NothingMoreToCome | Self::Broken => VerificationStatus::Failed,
            Self::Cancelled => VerificationStatus::Cancelled,
            Self::TimedOut => VerificationStatus::Timeout,
        }
    }
}

/// Why the verification ends now; none while it goes on. Nothing else decides that.
///
/// Evidence that came is scored before the verification ends, unless the ending must not wait: a method that ended in the
/// same moment as the target was reached counts as well.
pub fn ending(facts: &Facts) -> Option<Ending> {
    let is_reached = facts.score.is_some_and(|score| score >= facts.target_score);
    match facts {
        Facts { is_cancelled: true, .. } => Some(Ending::Cancelled),
        _ if is_reached && !facts.evidence_is_unscored => Some(Ending::TargetReached),
        Facts { is_overdue: true, .. } => Some(Ending::TimedOut),
        Facts {
            member_is_gone: true, ..
        }
        | Facts {
            scoring_is_broken: true,
            ..
        } => Some(Ending::Broken),
        _ if facts.evidence_is_unscored || facts.methods_are_open => None,
        // Nothing was found, which is enough for a target of 0.
        _ if facts.target_score == Score::ZERO => Some(Ending::TargetReached),
        _ => Some(Ending::NothingMoreToCome),
    }
}

/// Whether a method whose child failed is given another child, after so many of so many.
pub fn is_tried_again(is_retryable: bool, children: u32, at_most: u32) -> bool {
    is_retryable && children < at_most
}

/// How long until the deadline; nothing when it has passed.
pub fn time_left(deadline_at_seconds: i64, now: Option<SystemTime>) -> Duration {
    let deadline = UNIX_EPOCH + Duration::from_secs(deadline_at_seconds.max(0).unsigned_abs());
    let now = now.unwrap_or(UNIX_EPOCH);
    deadline.duration_since(now).unwrap_or_default()
}
