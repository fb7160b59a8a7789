//! A piece of evidence: what a method found. What there is of it and what it is worth is in [`crate::Method`]'s file.

use crate::{EvidenceId, Score, method::EvidenceKind};
use serde::{Deserialize, Serialize};

/// A pointer to evidence that a service keeps: never the thing itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Evidence {
    /// Where the service that holds it finds it. Each piece has an id of its own, and counts by it.
    pub evidence_id: EvidenceId,
    /// What it proves.
    pub kind: EvidenceKind,
    /// The score that its points depend on, fixed when it was found: the reputation of a voucher, the activity of a member.
    /// Absent where the points depend on the kind alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Score>,
}

impl Evidence {
    /// Evidence whose points depend on its kind alone.
    pub fn new(evidence_id: EvidenceId, kind: EvidenceKind) -> Self {
        Self {
            evidence_id,
            kind,
            basis: None,
        }
    }
}
