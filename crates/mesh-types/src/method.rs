//! How a member can be verified, and how a verification stands.

use serde::{Deserialize, Serialize};

/// A verification method; each one is a service of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// An identity document, read and checked.
    Document,
    /// What the member has earned on the platform.
    Reputation,
}

impl Method {
    /// The stable text in tables, search attributes and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Document => "document",
            Method::Reputation => "reputation",
        }
    }

    /// Every method.
    pub const ALL: [Method; 2] = [Method::Document, Method::Reputation];

    /// The method that a stable text names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }
}

/// How a verification stands (domain.md, "Members, verification, score").
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
}

impl VerificationStatus {
    /// Every status.
    pub const ALL: [VerificationStatus; 5] = [
        Self::InProgress,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Timeout,
    ];

    /// The stable text in tables and search attributes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Timeout => "timeout",
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
