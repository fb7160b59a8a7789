//! Why a verification does not count any more.

/// Why a verification does not count any more: what it rested on was taken away after the fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RevocationReason {
    /// A document that it rests on was put on the blocklist.
    DocumentBlocked,
    /// A document that it rests on was erased.
    DocumentErased,
    /// A document that it rests on was taken from the member, because it is another person's.
    DocumentReleased,
    /// Evidence that it rests on was countered in the ledger.
    EvidenceCountered,
    /// The name or birth date of the profile, with which a document that it rests on was compared, was changed.
    ProfileChanged,
    /// A reason that a newer version knows.
    Other,
}

impl RevocationReason {
    /// Every reason.
    pub const ALL: [RevocationReason; 6] = [
        Self::DocumentBlocked,
        Self::DocumentErased,
        Self::DocumentReleased,
        Self::EvidenceCountered,
        Self::ProfileChanged,
        Self::Other,
    ];

    /// The stable text in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DocumentBlocked => "document_blocked",
            Self::DocumentErased => "document_erased",
            Self::DocumentReleased => "document_released",
            Self::EvidenceCountered => "evidence_countered",
            Self::ProfileChanged => "profile_changed",
            Self::Other => "other",
        }
    }

    /// The reason that a stable text names; [`Self::Other`] where only a newer version knows the text.
    pub fn parse(text: &str) -> Self {
        let known = Self::ALL.into_iter().find(|reason| reason.as_str() == text);
        known.unwrap_or(Self::Other)
    }
}
