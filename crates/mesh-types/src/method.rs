//! The catalogue of methods: how a member can be verified, what evidence each method finds, and what that is worth.
//!
//! A new method is a row in [`METHODS`] and a row in [`KINDS`] for each kind of evidence. Nothing else in this crate
//! changes.

use crate::scoring::{LEAST_ACTIVITY, LEAST_NETWORK_POINTS, MOST_NETWORK_POINTS, Points, Rounding, RuleVersion};
use serde::{Deserialize, Serialize};

/// A verification method; each one is a service of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// An identity document, read and checked.
    Document,
    /// Members of the community who vouch.
    Community,
    /// A verifier who meets the member.
    InPerson,
    /// What the member has earned on the platform, and how far others trust them.
    Reputation,
}

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
    /// A member of the community vouches; the higher the voucher's reputation, the more points.
    CommunityVouch,
    /// A verifier met the member, who is who the profile says.
    InPersonMet,
    /// The verifier saw an original document of the member as well.
    InPersonOriginalDocument,
    /// The member has been active on the platform; the more, the more points.
    ActivityHistory,
    /// Trusted members trust the member; as many points as they have by the trust network.
    TrustNetwork,
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
    /// It counts in its own verification and never in a reputation, because it was made of reputations: the member's own, or
    /// those of who trusts them.
    OwnVerificationOnly,
}

struct MethodRow {
    method: Method,
    name: &'static str,
    is_offered: bool,
    /// By the version of the rules.
    caps: [i32; RuleVersion::ALL.len()],
}

/// Every method, in the order of the enum: its name, whether a verification can ask for it, and the most that it can give to
/// one, by versions 1 and 2 of the rules.
const METHODS: [MethodRow; 4] = {
    const fn row(method: Method, name: &'static str, is_offered: bool, caps: [i32; 2]) -> MethodRow {
        MethodRow {
            method,
            name,
            is_offered,
            caps,
        }
    }
    [
        row(Method::Document, "document", true, [25, 30]),
        row(Method::Community, "community", true, [45, 50]),
        row(Method::InPerson, "in_person", true, [35, 40]),
        // 20 for activity and 15 for the trust network.
        row(Method::Reputation, "reputation", true, [0, 35]),
    ]
};

struct KindRow {
    kind: EvidenceKind,
    name: &'static str,
    method: Method,
    counting: Counting,
    /// By the version of the rules.
    points: [Points; RuleVersion::ALL.len()],
}

/// Every kind of evidence, in the order of the enum: its name, the method that finds it, how often it counts, and its
/// points by versions 1 and 2 of the rules. Hours and reviews are events of their own, whose points stand with them
/// (`policy/activity.rs`); a verification gives none for them.
const KINDS: [KindRow; 11] = {
    use Counting::*;
    use EvidenceKind::*;
    use Method::*;
    use Points::*;
    const fn row(
        kind: EvidenceKind,
        name: &'static str,
        method: Method,
        counting: Counting,
        points: [Points; 2],
    ) -> KindRow {
        KindRow {
            kind,
            name,
            method,
            counting,
            points,
        }
    }
    const NOTHING: Points = Flat(0);
    const VOUCH: Points = ByScore {
        from: 0,
        least: 15,
        most: 25,
        rounding: Rounding::Nearest,
    };
    const ACTIVITY: Points = ByScore {
        from: LEAST_ACTIVITY,
        least: 10,
        most: 20,
        rounding: Rounding::Down,
    };
    const NETWORK: Points = Basis {
        least: LEAST_NETWORK_POINTS as i32,
        most: MOST_NETWORK_POINTS as i32,
    };
    let newest = NewestVerification;
    [
        row(
            DocumentAccepted,
            "document_accepted",
            Document,
            newest,
            [Flat(25), Flat(20)],
        ),
        row(
            DocumentMachineReadable,
            "document_machine_readable",
            Document,
            newest,
            [NOTHING, Flat(5)],
        ),
        row(
            DocumentAgreesWithPrint,
            "document_agrees_with_print",
            Document,
            newest,
            [NOTHING, Flat(5)],
        ),
        row(
            DocumentVisaSupports,
            "document_visa_supports",
            Document,
            newest,
            [NOTHING, NOTHING],
        ),
        row(CommunityVouch, "community_vouch", Community, newest, [Flat(15), VOUCH]),
        row(InPersonMet, "in_person_met", InPerson, newest, [Flat(35), Flat(30)]),
        row(
            InPersonOriginalDocument,
            "in_person_original_document",
            InPerson,
            newest,
            [NOTHING, Flat(10)],
        ),
        row(
            ActivityHistory,
            "activity_history",
            Reputation,
            OwnVerificationOnly,
            [NOTHING, ACTIVITY],
        ),
        row(
            TrustNetwork,
            "trust_network",
            Reputation,
            OwnVerificationOnly,
            [NOTHING, NETWORK],
        ),
        row(VolunteerHours, "volunteer_hours", Reputation, Each, [NOTHING, NOTHING]),
        row(ReviewReceived, "review_received", Reputation, Each, [NOTHING, NOTHING]),
    ]
};

impl Method {
    /// Every method.
    pub const ALL: [Method; METHODS.len()] = {
        let mut all = [Method::Document; METHODS.len()];
        let mut at = 0;
        while at < METHODS.len() {
            all[at] = METHODS[at].method;
            at += 1;
        }
        all
    };

    /// The methods that a verification can ask for.
    pub fn offered() -> impl Iterator<Item = Method> {
        METHODS.iter().filter(|row| row.is_offered).map(|row| row.method)
    }

    /// The stable text in tables, search attributes and metrics.
    pub const fn as_str(self) -> &'static str {
        METHODS[self as usize].name
    }

    /// The method that a stable text names.
    pub fn parse(text: &str) -> Option<Self> {
        METHODS.iter().find(|row| row.name == text).map(|row| row.method)
    }
}

impl EvidenceKind {
    /// Every kind.
    pub const ALL: [EvidenceKind; KINDS.len()] = {
        let mut all = [EvidenceKind::DocumentAccepted; KINDS.len()];
        let mut at = 0;
        while at < KINDS.len() {
            all[at] = KINDS[at].kind;
            at += 1;
        }
        all
    };

    /// The kinds that a method finds.
    pub fn of_method(method: Method) -> impl Iterator<Item = EvidenceKind> {
        KINDS.iter().filter(move |row| row.method == method).map(|row| row.kind)
    }

    /// The stable text in tables and answers.
    pub const fn as_str(self) -> &'static str {
        KINDS[self as usize].name
    }

    /// The kind that a stable text names.
    pub fn parse(text: &str) -> Option<Self> {
        KINDS.iter().find(|row| row.name == text).map(|row| row.kind)
    }

    /// The method that finds it.
    pub const fn method(self) -> Method {
        KINDS[self as usize].method
    }

    /// How often it counts.
    pub const fn counting(self) -> Counting {
        KINDS[self as usize].counting
    }
}

crate::open::word!(Method, EvidenceKind);

impl RuleVersion {
    /// The points of a kind.
    pub const fn points(self, kind: EvidenceKind) -> Points {
        KINDS[kind as usize].points[self as usize]
    }

    /// The most that a method can give to a verification; what is above it is taken off as a line of its own.
    pub const fn method_cap(self, method: Method) -> i32 {
        METHODS[method as usize].caps[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Score;

    #[test]
    fn every_row_stands_at_the_place_of_its_method_or_kind_and_is_found_by_its_name() {
        for (at, row) in METHODS.iter().enumerate() {
            assert_eq!((row.method as usize, Method::ALL[at]), (at, row.method), "{}", row.name);
            assert_eq!(Method::parse(row.name), Some(row.method));
            assert_eq!(json(&row.method), format!("\"{}\"", row.name));
        }
        for (at, row) in KINDS.iter().enumerate() {
            assert_eq!(
                (row.kind as usize, EvidenceKind::ALL[at]),
                (at, row.kind),
                "{}",
                row.name
            );
            assert_eq!(EvidenceKind::parse(row.name), Some(row.kind));
            assert_eq!(json(&row.kind), format!("\"{}\"", row.name));
        }
        for (at, version) in RuleVersion::ALL.into_iter().enumerate() {
            assert_eq!(version as usize, at);
        }
    }

    fn json(value: &impl Serialize) -> String {
        serde_json::to_string(value).expect("a name")
    }

    #[test]
    fn a_vouch_gives_15_to_25_by_the_reputation_of_the_voucher() {
        let table = [(0, 15), (4, 15), (5, 16), (50, 20), (94, 24), (95, 25), (100, 25)];
        for (reputation, points) in table {
            let vouch = RuleVersion::V2.points(EvidenceKind::CommunityVouch);
            assert_eq!(vouch.of(Score::capped(reputation)), points, "{reputation}");
        }
    }

    #[test]
    fn activity_gives_nothing_or_10_to_20() {
        let table = [(0, 0), (9, 0), (10, 10), (54, 14), (55, 15), (99, 19), (100, 20)];
        for (activity, points) in table {
            let history = RuleVersion::V2.points(EvidenceKind::ActivityHistory);
            assert_eq!(history.of(Score::capped(activity)), points, "{activity}");
        }
    }

    #[test]
    fn the_trust_network_gives_nothing_or_the_5_to_15_points_that_it_comes_to() {
        let network = |version: RuleVersion| version.points(EvidenceKind::TrustNetwork);
        let table = [(0, 0), (4, 0), (5, 5), (6, 6), (14, 14), (15, 15), (16, 15), (100, 15)];
        for (basis, points) in table {
            let basis = Score::capped(basis);
            assert_eq!(network(RuleVersion::V2).of(basis), points, "{basis}");
            assert_eq!(network(RuleVersion::V1).of(basis), 0, "{basis}");
        }
        assert_eq!(network(RuleVersion::V2).most(), 15);
    }
}
