//! What the votes amount to.

use crate::contract::{Answer, ValidationEnd};
use mesh_types::{Decision, Evidence, EvidenceId, EvidenceKind, MethodOutcome, Score};

/// A recorded vote, as far as it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// What the validator said.
    pub answer: Answer,
    /// Their reputation when they said it.
    pub reputation: Score,
    /// What the vote is as evidence.
    pub evidence_id: EvidenceId,
}

/// How much a vote weighs, in two-hundredths: 0.5 + reputation / 200, so 100 to 200.
pub const fn weight(reputation: Score) -> u64 {
    100 + reputation.get() as u64
}

/// How sure the votes make it that the member is who they say, in ten-thousandths: the weight of the approvals in that of all
/// approvals and rejections, × 0.70 below 3 of them, × 0.85 below 5. 0 without any. An abstention says nothing, so it does not
/// count.
pub fn confidence(votes: &[Tally]) -> u32 {
    let (approving, rejecting) = weights(votes);
    let answers = votes.iter().filter(|vote| vote.answer != Answer::Abstain).count();
    let hundredths = match answers {
        0 => return 0,
        1..3 => 70,
        3..5 => 85,
        _ => 100,
    };
    let share = approving * 100 * hundredths / (approving + rejecting);
    u32::try_from(share).unwrap_or(u32::MAX)
}

fn weights(votes: &[Tally]) -> (u64, u64) {
    let of = |answer| {
        let those = votes.iter().filter(move |vote| vote.answer == answer);
        those.map(|vote| weight(vote.reputation)).sum::<u64>()
    };
    (of(Answer::Approve), of(Answer::Reject))
}

/// The outcome of a validation. When the time is over without a quorum, the vouches that there are count, unless the rejections
/// weigh as much. `suspicion` is the reason that the vouches look made up for, if they do: then a person has to decide first.
pub fn aggregate(end: &ValidationEnd, votes: &[Tally], suspicion: Option<&str>) -> MethodOutcome {
    let vouches = votes.iter().filter(|vote| vote.answer == Answer::Approve);
    let evidence: Vec<Evidence> = vouches
        .map(|vote| Evidence {
            basis: Some(vote.reputation),
            ..Evidence::new(vote.evidence_id, EvidenceKind::CommunityVouch)
        })
        .collect();
    let (approving, rejecting) = weights(votes);
    let vouches_count = || match suspicion {
        None => (
            Decision::Accepted,
            "QUORUM_REACHED",
            "Members of the community vouch for you.",
        ),
        Some(reason) => (
            Decision::NeedsReview,
            reason,
            "Somebody from our team looks at the answers of the community. This takes up to 7 days.",
        ),
    };
    let (decision, internal_reason, member_reason) = match end {
        ValidationEnd::Quorum => vouches_count(),
        ValidationEnd::TimedOut if approving > rejecting => match vouches_count() {
            (Decision::Accepted, _, sentence) => (Decision::Accepted, "TIMED_OUT_WITH_VOUCHES", sentence),
            review => review,
        },
        ValidationEnd::TimedOut if evidence.is_empty() => (
            Decision::Rejected,
            "TIMED_OUT_WITHOUT_VOUCHES",
            "Nobody in the community vouched for you in time. You can ask again, or choose another method.",
        ),
        ValidationEnd::TimedOut => (
            Decision::Rejected,
            "TIMED_OUT_WITH_REJECTIONS",
            "Not enough members of the community vouched for you in time. You can choose another method.",
        ),
        ValidationEnd::OutOfReach if votes.is_empty() => (
            Decision::Rejected,
            "NOT_ENOUGH_VALIDATORS",
            "There are not enough members in your network who could vouch for you. Connect with more people whom you know, \
             or choose another method.",
        ),
        ValidationEnd::OutOfReach => (
            Decision::Rejected,
            "QUORUM_OUT_OF_REACH",
            "Not enough members of the community vouch for you. You can choose another method.",
        ),
        ValidationEnd::Withdrawn => (
            Decision::Rejected,
            "VALIDATION_WITHDRAWN",
            "The community is not asked any more.",
        ),
        ValidationEnd::Reviewed(decision) if decision.is_accepted => (
            Decision::Accepted,
            "REVIEW_ACCEPTED",
            "Members of the community vouch for you.",
        ),
        ValidationEnd::Reviewed(_) => (
            Decision::Rejected,
            "REVIEW_REJECTED",
            "The answers of the community could not be used. You can choose another method.",
        ),
        ValidationEnd::ReviewExpired => (
            Decision::Rejected,
            "REVIEW_EXPIRED",
            "We could not look at the answers of the community in time, and are sorry. Please try again.",
        ),
    };
    MethodOutcome {
        decision,
        member_reason: member_reason.to_owned(),
        internal_reason: internal_reason.to_owned(),
        evidence: match decision {
            Decision::Accepted => evidence,
            Decision::Rejected | Decision::Resubmit | Decision::NeedsReview => Vec::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::ReviewDecision;

    fn vote(answer: Answer, reputation: i64, id: u128) -> Tally {
        Tally {
            answer,
            reputation: Score::capped(reputation),
            evidence_id: EvidenceId::from(uuid::Uuid::from_u128(id)),
        }
    }

    fn votes(answers: &[(Answer, i64)]) -> Vec<Tally> {
        let numbered = answers.iter().zip(1..);
        numbered
            .map(|((answer, reputation), id)| vote(*answer, *reputation, id))
            .collect()
    }

    use Answer::{Abstain, Approve, Reject};

    #[test]
    fn a_vote_weighs_half_to_one_by_reputation() {
        for (reputation, two_hundredths) in [(0, 100), (50, 150), (100, 200)] {
            assert_eq!(weight(Score::capped(reputation)), two_hundredths);
        }
    }

    #[test]
    fn few_answers_are_less_sure() {
        let table: [(&[(Answer, i64)], u32); 8] = [
            (&[], 0),
            (&[(Abstain, 100)], 0),
            (&[(Approve, 60)], 7_000),
            (&[(Approve, 60), (Approve, 90), (Abstain, 50)], 7_000),
            (&[(Approve, 60), (Approve, 90), (Approve, 50)], 8_500),
            (&[(Approve, 100), (Reject, 0), (Reject, 0)], 4_250),
            (&[(Approve, 50); 5], 10_000),
            (&[(Reject, 50); 5], 0),
        ];
        for (answers, expected) in table {
            assert_eq!(confidence(&votes(answers)), expected, "{answers:?}");
        }
    }

    #[test]
    fn each_end_has_its_outcome_and_vouches_are_evidence_only_where_they_count() {
        let reviewed = |is_accepted| {
            ValidationEnd::Reviewed(ReviewDecision {
                is_accepted,
                decided_by: "person:1".to_owned(),
            })
        };
        use ValidationEnd::{OutOfReach, Quorum, ReviewExpired, TimedOut, Withdrawn};
        let three: &[(Answer, i64)] = &[(Approve, 60), (Approve, 70), (Abstain, 50), (Approve, 80)];
        type Row<'a> = (
            ValidationEnd,
            &'a [(Answer, i64)],
            Option<&'a str>,
            Decision,
            &'a str,
            usize,
        );
        let table: [Row<'_>; 13] = [
            (Quorum, three, None, Decision::Accepted, "QUORUM_REACHED", 3),
            (Quorum, three, Some("RING"), Decision::NeedsReview, "RING", 0),
            (TimedOut, &[], None, Decision::Rejected, "TIMED_OUT_WITHOUT_VOUCHES", 0),
            (
                TimedOut,
                &[(Abstain, 50)],
                None,
                Decision::Rejected,
                "TIMED_OUT_WITHOUT_VOUCHES",
                0,
            ),
            (
                TimedOut,
                &[(Approve, 50)],
                None,
                Decision::Accepted,
                "TIMED_OUT_WITH_VOUCHES",
                1,
            ),
            (
                TimedOut,
                &[(Approve, 50)],
                Some("BURST"),
                Decision::NeedsReview,
                "BURST",
                0,
            ),
            (
                TimedOut,
                &[(Approve, 50), (Reject, 50)],
                None,
                Decision::Rejected,
                "TIMED_OUT_WITH_REJECTIONS",
                0,
            ),
            (
                TimedOut,
                &[(Approve, 50), (Approve, 50), (Reject, 100)],
                None,
                Decision::Accepted,
                "TIMED_OUT_WITH_VOUCHES",
                2,
            ),
            (OutOfReach, &[], None, Decision::Rejected, "NOT_ENOUGH_VALIDATORS", 0),
            (
                OutOfReach,
                &[(Approve, 90), (Reject, 50)],
                None,
                Decision::Rejected,
                "QUORUM_OUT_OF_REACH",
                0,
            ),
            (
                reviewed(true),
                three,
                Some("RING"),
                Decision::Accepted,
                "REVIEW_ACCEPTED",
                3,
            ),
            (
                reviewed(false),
                three,
                Some("RING"),
                Decision::Rejected,
                "REVIEW_REJECTED",
                0,
            ),
            (
                ReviewExpired,
                three,
                Some("RING"),
                Decision::Rejected,
                "REVIEW_EXPIRED",
                0,
            ),
        ];
        for (end, answers, suspicion, decision, reason, pieces) in table {
            let outcome = aggregate(&end, &votes(answers), suspicion);
            assert_eq!(
                (
                    outcome.decision,
                    outcome.internal_reason.as_str(),
                    outcome.evidence.len()
                ),
                (decision, reason, pieces),
                "{end:?} {answers:?}"
            );
            assert!(outcome.member_reason.ends_with('.'));
            assert!(outcome.evidence.iter().all(|piece| piece.basis.is_some()));
        }
        assert_eq!(aggregate(&Withdrawn, &votes(three), None).decision, Decision::Rejected);
    }
}
