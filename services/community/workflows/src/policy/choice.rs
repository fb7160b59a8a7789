//! Who is invited to vouch, and why everybody else is not.

use super::{LEAST_VALIDATOR_SCORE, MOST_OPEN_REQUESTS};
use mesh_types::{MemberId, Reason, Score};

/// Points of reputation that each connection to somebody who is chosen already takes from a candidate's rank. Two who know each
/// other are half as good as two who do not, when they have the same reputation of about 50.
const CONNECTION_COST: i64 = 25;

/// Somebody of the member's trust network or its neighbourhood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub member_id: MemberId,
    /// Connections between them and the member, whichever way these lead; from 1.
    pub distance: u8,
    /// Whether trust from the seeds reaches them.
    pub passes_gate: bool,
    /// Their score; of no meaning for who does not pass.
    pub score: Score,
    /// Whether the member vouched for them within the last 90 days.
    pub was_vouched_for: bool,
    /// Requests that wait for their answer.
    pub open_requests: u32,
}

/// What became of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They are invited.
    Chosen {
        /// Connections to those who were chosen before them.
        connections_to_chosen: u32,
    },
    /// They may not vouch, for a reason.
    LeftOut(Reason),
    /// They might, but others are better placed.
    InReserve,
}

/// Chooses up to `count` validators: the highest in rank first, which is the reputation less what connections to those chosen
/// before cost. Of equals the nearer one comes first, then the one with the lower id. The answer has every candidate, in the order
/// in which they were given.
///
/// `are_connected` says whether two candidates are connected, whichever way.
pub fn choose(
    candidates: &[Candidate],
    are_connected: impl Fn(MemberId, MemberId) -> bool,
    count: u32,
) -> Vec<Standing> {
    let mut standings: Vec<Standing> = candidates.iter().map(eligibility).collect();
    let mut chosen: Vec<MemberId> = Vec::new();
    let mut connections: Vec<u32> = vec![0; candidates.len()];
    while chosen.len() < count as usize {
        let eligible = (0..candidates.len()).filter(|at| standings[*at] == Standing::InReserve);
        let best = eligible.max_by_key(|at| {
            let candidate = &candidates[*at];
            let rank = i64::from(candidate.score.get()) - CONNECTION_COST * i64::from(connections[*at]);
            (
                rank,
                std::cmp::Reverse(candidate.distance),
                std::cmp::Reverse(candidate.member_id),
            )
        });
        let Some(best) = best else { break };
        let member_id = candidates[best].member_id;
        standings[best] = Standing::Chosen {
            connections_to_chosen: connections[best],
        };
        chosen.push(member_id);
        for (at, candidate) in candidates.iter().enumerate() {
            connections[at] += u32::from(are_connected(candidate.member_id, member_id));
        }
    }
    standings
}

fn eligibility(candidate: &Candidate) -> Standing {
    let reason = match candidate {
        _ if !candidate.passes_gate => Reason::ValidatorNotTrusted,
        _ if candidate.score.get() < LEAST_VALIDATOR_SCORE => Reason::ValidatorScoreTooLow,
        _ if candidate.was_vouched_for => Reason::VouchIsReciprocal,
        _ if candidate.open_requests >= MOST_OPEN_REQUESTS => Reason::TooManyOpenRequests,
        _ => return Standing::InReserve,
    };
    Standing::LeftOut(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(id: i64, score: i64) -> Candidate {
        Candidate {
            member_id: MemberId::try_from(id).expect("from 1"),
            distance: 1,
            passes_gate: true,
            score: Score::capped(score),
            was_vouched_for: false,
            open_requests: 0,
        }
    }

    fn chosen(candidates: &[Candidate], connected: &[(i64, i64)], count: u32) -> Vec<i64> {
        let are_connected = |a: MemberId, b: MemberId| {
            connected.contains(&(a.get(), b.get())) || connected.contains(&(b.get(), a.get()))
        };
        let standings = choose(candidates, are_connected, count);
        assert_eq!(standings.len(), candidates.len());
        let is_chosen = |standing: &Standing| matches!(standing, Standing::Chosen { .. });
        let both = candidates.iter().zip(&standings);
        both.filter(|(_, standing)| is_chosen(standing))
            .map(|(candidate, _)| candidate.member_id.get())
            .collect()
    }

    #[test]
    fn whoever_may_not_vouch_is_left_out_for_a_reason() {
        let base = candidate(1, 50);
        let table = [
            (base, None),
            (
                Candidate {
                    passes_gate: false,
                    score: Score::ZERO,
                    ..base
                },
                Some(Reason::ValidatorNotTrusted),
            ),
            (
                Candidate {
                    score: Score::capped(49),
                    ..base
                },
                Some(Reason::ValidatorScoreTooLow),
            ),
            (
                Candidate {
                    was_vouched_for: true,
                    ..base
                },
                Some(Reason::VouchIsReciprocal),
            ),
            (
                Candidate {
                    open_requests: 4,
                    ..base
                },
                None,
            ),
            (
                Candidate {
                    open_requests: 5,
                    ..base
                },
                Some(Reason::TooManyOpenRequests),
            ),
        ];
        for (candidate, reason) in table {
            let expected = match reason {
                None => Standing::Chosen {
                    connections_to_chosen: 0,
                },
                Some(reason) => Standing::LeftOut(reason),
            };
            assert_eq!(choose(&[candidate], |_, _| false, 10), [expected], "{candidate:?}");
        }
    }

    #[test]
    fn the_highest_reputation_is_first_then_the_nearest_then_the_lowest_id() {
        let far = Candidate {
            distance: 2,
            ..candidate(3, 80)
        };
        let all = [
            candidate(5, 80),
            far,
            candidate(4, 80),
            candidate(9, 90),
            candidate(8, 60),
        ];
        assert_eq!(chosen(&all, &[], 1), [9]);
        assert_eq!(chosen(&all, &[], 2), [4, 9]);
        assert_eq!(chosen(&all, &[], 3), [5, 4, 9]);
        assert_eq!(chosen(&all, &[], 4), [5, 3, 4, 9]);
        assert_eq!(chosen(&all, &[], 10).len(), 5);
        assert_eq!(choose(&all, |_, _| false, 4)[4], Standing::InReserve);
    }

    #[test]
    fn those_who_know_each_other_come_after_those_who_do_not() {
        let all = [candidate(1, 90), candidate(2, 88), candidate(3, 70)];
        assert_eq!(chosen(&all, &[(1, 2)], 2), [1, 3]);
        assert_eq!(chosen(&all, &[(2, 1)], 2), [1, 3], "whichever way");
        assert_eq!(
            chosen(&[candidate(1, 90), candidate(2, 88), candidate(3, 62)], &[(1, 2)], 2),
            [1, 2]
        );
        let standings = choose(&all, |a, b| a != b, 3);
        assert_eq!(
            standings[2],
            Standing::Chosen {
                connections_to_chosen: 2
            }
        );
    }
}
