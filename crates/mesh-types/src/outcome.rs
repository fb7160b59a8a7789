//! What every method returns to the verification that asked for it.

use crate::{Decision, Evidence};
use serde::{Deserialize, Serialize};

/// What came of a method: the result of every child workflow of a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodOutcome {
    /// What the method's service decided.
    pub decision: Decision,
    /// A sentence for the member.
    pub member_reason: String,
    /// The stable internal reason, e.g. `DOCUMENT_EXPIRED`.
    pub internal_reason: String,
    /// Evidence for the scoring rules; empty unless accepted.
    pub evidence: Vec<Evidence>,
}
