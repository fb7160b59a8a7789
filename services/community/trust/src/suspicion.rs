//! What sends a case to a person, who decides. No sign of collusion is a verdict.

use std::fmt;

/// Why a person should look at how a member came by their vouches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SuspicionReason {
    /// A group whose members vouch for each other, and whom nobody else vouches for but through one account.
    Ring,
    /// Many vouches by few within a short time.
    Burst,
}

impl SuspicionReason {
    /// The stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ring => "RING",
            Self::Burst => "BURST",
        }
    }
}

impl fmt::Display for SuspicionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
