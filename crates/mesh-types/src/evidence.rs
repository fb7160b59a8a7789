//! A piece of evidence: what a method found. What there is of it and what it is worth is in [`crate::Method`]'s file.

use crate::{EvidenceId, EvidenceKind, Open, Score};
use serde::{Deserialize, Serialize};

/// A pointer to evidence that a service keeps: never the thing itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Evidence<K = Open<EvidenceKind>> {
    /// Where the service that holds it finds it. Each piece has an id of its own, and counts by it.
    pub evidence_id: EvidenceId,
    /// What it proves.
    pub kind: K,
    /// The score that its points depend on, fixed when it was found: the reputation of a voucher, the activity of a member,
    /// their network points. Absent where the points depend on the kind alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Score>,
}

/// Evidence of a kind that this version knows, as scoring needs it.
pub type KnownEvidence = Evidence<EvidenceKind>;

impl<K: From<EvidenceKind>> Evidence<K> {
    /// Evidence whose points depend on its kind alone.
    pub fn new(evidence_id: EvidenceId, kind: EvidenceKind) -> Self {
        Self {
            evidence_id,
            kind: kind.into(),
            basis: None,
        }
    }
}

impl Evidence {
    /// The same, if this version knows its kind.
    pub fn known(&self) -> Option<KnownEvidence> {
        Some(Evidence {
            evidence_id: self.evidence_id,
            kind: self.kind.known()?,
            basis: self.basis,
        })
    }
}

impl From<KnownEvidence> for Evidence {
    fn from(evidence: KnownEvidence) -> Self {
        Self {
            evidence_id: evidence.evidence_id,
            kind: evidence.kind.into(),
            basis: evidence.basis,
        }
    }
}
