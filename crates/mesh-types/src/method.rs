//! How a member can be verified, and how a verification stands.

use serde::{Deserialize, Serialize};

/// A verification method; each one is a service of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// An identity document, read and checked.
    Document,
    /// Members of the community who vouch. Its rules are here; no verification can ask for it yet.
    Community,
    /// What the member has earned on the platform.
    Reputation,
}

struct Row {
    method: Method,
    name: &'static str,
    is_offered: bool,
}

/// Everything that is known of a method by its name alone, in the order of the enum.
const TABLE: [Row; 3] = {
    const fn row(method: Method, name: &'static str, is_offered: bool) -> Row {
        Row {
            method,
            name,
            is_offered,
        }
    }
    [
        row(Method::Document, "document", true),
        row(Method::Community, "community", false),
        row(Method::Reputation, "reputation", true),
    ]
};

impl Method {
    /// Every method.
    pub const ALL: [Method; TABLE.len()] = [Method::Document, Method::Community, Method::Reputation];

    /// The methods that a verification can ask for.
    pub fn offered() -> impl Iterator<Item = Method> {
        TABLE.iter().filter(|row| row.is_offered).map(|row| row.method)
    }

    /// The stable text in tables, search attributes and metrics.
    pub const fn as_str(self) -> &'static str {
        TABLE[self as usize].name
    }

    /// The method that a stable text names.
    pub fn parse(text: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.name == text).map(|row| row.method)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_stands_at_the_place_of_its_method() {
        for (at, row) in TABLE.iter().enumerate() {
            assert_eq!((row.method as usize, Method::ALL[at]), (at, row.method), "{}", row.name);
        }
    }
}
