//! Evidence: what a method found, what it proves, and how it counts. What it is worth is in [`crate::scoring`].

use crate::{EvidenceId, Method, Score};
use serde::{Deserialize, Serialize};

/// What a piece of evidence proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// A document was accepted.
    DocumentAccepted,
    /// Its machine-readable zone passes every check digit, or its barcode was read.
    DocumentMachineReadable,
    /// Its machine-readable zone or barcode agrees with the printed fields.
    DocumentAgreesWithPrint,
    /// A visa beside it is of the same holder; supports, and gives no points.
    DocumentVisaSupports,
    /// A member of the community vouches; the higher the voucher's reputation, the more points. No service finds it yet.
    CommunityVouch,
    /// The member has been active on the platform; the more, the more points.
    ActivityHistory,
    /// Hours given to an opportunity, which somebody recorded.
    VolunteerHours,
    /// A review that the member received.
    ReviewReceived,
}

/// How often evidence counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// Each piece counts.
    Each,
    /// Each piece of the newest verification that found the kind counts. A later verification renews points and never adds
    /// them twice.
    NewestVerification,
    /// It counts in its own verification and never in a reputation, because it was made of what the ledger holds already.
    OwnVerificationOnly,
}

struct Row {
    kind: EvidenceKind,
    name: &'static str,
    method: Method,
    counting: Counting,
}

const fn row(kind: EvidenceKind, name: &'static str, method: Method, counting: Counting) -> Row {
    Row {
        kind,
        name,
        method,
        counting,
    }
}

/// Everything that is known of a kind, in the order of the enum.
const TABLE: [Row; 8] = {
    use Counting::*;
    use EvidenceKind::*;
    use Method::*;
    [
        row(DocumentAccepted, "document_accepted", Document, NewestVerification),
        row(
            DocumentMachineReadable,
            "document_machine_readable",
            Document,
            NewestVerification,
        ),
        row(
            DocumentAgreesWithPrint,
            "document_agrees_with_print",
            Document,
            NewestVerification,
        ),
        row(
            DocumentVisaSupports,
            "document_visa_supports",
            Document,
            NewestVerification,
        ),
        row(CommunityVouch, "community_vouch", Community, NewestVerification),
        row(ActivityHistory, "activity_history", Reputation, OwnVerificationOnly),
        row(VolunteerHours, "volunteer_hours", Reputation, Each),
        row(ReviewReceived, "review_received", Reputation, Each),
    ]
};

impl EvidenceKind {
    /// Every kind.
    pub const ALL: [EvidenceKind; TABLE.len()] = {
        let mut all = [EvidenceKind::DocumentAccepted; TABLE.len()];
        let mut at = 0;
        while at < TABLE.len() {
            all[at] = TABLE[at].kind;
            at += 1;
        }
        all
    };

    /// The kinds that a method finds.
    pub fn of_method(method: Method) -> impl Iterator<Item = EvidenceKind> {
        TABLE.iter().filter(move |row| row.method == method).map(|row| row.kind)
    }

    /// The stable text in tables and answers.
    pub const fn as_str(self) -> &'static str {
        TABLE[self as usize].name
    }

    /// The kind that a stable text names.
    pub fn parse(text: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.name == text).map(|row| row.kind)
    }

    /// The method that finds it.
    pub const fn method(self) -> Method {
        TABLE[self as usize].method
    }

    /// How often it counts.
    pub const fn counting(self) -> Counting {
        TABLE[self as usize].counting
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_stands_at_the_place_of_its_kind_and_is_found_by_its_name() {
        for (at, row) in TABLE.iter().enumerate() {
            assert_eq!(row.kind as usize, at, "{}", row.name);
            assert_eq!(EvidenceKind::parse(row.name), Some(row.kind));
            let json = serde_json::to_string(&row.kind).expect("a name");
            assert_eq!(json, format!("\"{}\"", row.name));
        }
    }
}
