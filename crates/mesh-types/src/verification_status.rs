//! How a verification stands.

use serde::{Deserialize, Serialize};

crate::open::word!(VerificationStatus);

/// How a verification stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerificationStatus {
    /// At least one method can still contribute.
    InProgress,
    /// The target score is reached.
    Completed,
    /// Everything ended below the target.
    Failed,
    /// A caller cancelled it.
    Cancelled,
    /// The time limit (30 days by default) passed.
    Timeout,
    /// It was completed, and what it rested on was taken away afterwards.
    Revoked,
}

impl VerificationStatus {
    /// Every status.
    pub const ALL: [VerificationStatus; 6] = [
        Self::InProgress,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Timeout,
        Self::Revoked,
    ];

    /// The stable text in tables and search attributes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Timeout => "timeout",
            Self::Revoked => "revoked",
        }
    }

    /// The status that a stable text names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether nothing more will happen.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::InProgress)
    }
}
