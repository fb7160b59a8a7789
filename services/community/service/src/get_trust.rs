//! `GetTrust`: whether a member passes the gate, and their network points.

use crate::{Network, Scores};
use community_trust::{Connection, Explanation, Gate, NetworkPoints, network_points};
use mesh_runtime::Problem;
use mesh_types::{MemberId, Score};
use std::cmp::Reverse;
use std::collections::HashMap;

/// Connections whose makers' scores are asked for. Each is a call of a peer, and whoever is connected with many must not cost
/// more than that.
const MOST_SCORES: usize = 100;

/// How far a member is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Whether they pass, and what limits them.
    pub explanation: Explanation,
    /// Their points.
    pub points: NetworkPoints,
    /// Connections by members who pass that were not looked at.
    pub left_out: usize,
}

/// Works it out by the network and the scores of now. The network is looked at twice, because it must not wait while scores are
/// asked for: a connection that was removed in between does not count, one that was made in between counts the next time.
///
/// # Errors
/// Those of [`Network::read`] and [`Scores::of`].
pub async fn get_trust((network, scores): (&Network, &Scores), member: MemberId) -> Result<Trust, Problem> {
    let (makers, left_out) = network.read(move |gate| makers_that_count(gate, member)).await?;
    let scores = scores.of(makers).await?;
    network.read(move |gate| trust(gate, member, &scores, left_out)).await
}

/// Whose scores the points depend on, the strongest connections first, and how many more there are. Where there are more than
/// [`MOST_SCORES`], the points may be lower than by all of them, never higher.
fn makers_that_count(gate: &Gate, member: MemberId) -> (Vec<MemberId>, usize) {
    let made = gate.network().connections_to(member);
    let mut passing: Vec<Connection> = made.filter(|made| gate.passes(made.other)).collect();
    passing.sort_unstable_by_key(|made| (Reverse(made.strength), made.other));
    let left_out = passing.len().saturating_sub(MOST_SCORES);
    passing.truncate(MOST_SCORES);
    (passing.into_iter().map(|made| made.other).collect(), left_out)
}

fn trust(gate: &Gate, member: MemberId, scores: &HashMap<MemberId, Score>, left_out: usize) -> Trust {
    let score_of = |other: MemberId| scores.get(&other).copied().unwrap_or(Score::ZERO);
    Trust {
        explanation: gate.explain(member),
        points: network_points(gate, member, score_of),
        left_out,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use community_trust::{GateSettings, Strength};
    use mesh_testkit::fixtures::member;

    const SEED: i64 = 1;
    const MEMBER: i64 = 2;

    /// A member whom so many passing members are connected to, the later the stronger, and one who does not pass.
    fn gate(makers: i64) -> Gate {
        let mut gate = Gate::new(GateSettings::default());
        let mut connect = |from: i64, to: i64, hundredths: i64| {
            let strength = Strength::try_from(hundredths as u8).expect("at most 100");
            gate.set_connection(member(from), member(to), strength)
                .expect("two members");
        };
        for maker in 0..makers {
            connect(SEED, 10 + maker, 100);
            connect(10 + maker, MEMBER, 1 + maker * 99 / makers);
        }
        connect(9, MEMBER, 100);
        gate.add_seed(member(SEED));
        gate
    }

    #[test]
    fn only_who_passes_is_asked_for_and_of_many_the_hundred_strongest() {
        let (makers, left_out) = makers_that_count(&gate(3), member(MEMBER));
        assert_eq!((makers, left_out), ([12, 11, 10].map(member).to_vec(), 0));
        let (makers, left_out) = makers_that_count(&gate(120), member(MEMBER));
        assert_eq!((makers.len(), left_out), (100, 20));
        assert!(makers.iter().all(|maker| maker.get() >= 30), "{makers:?}");
        assert_eq!(makers_that_count(&gate(3), member(99)), (vec![], 0));
    }

    #[test]
    fn a_maker_whose_score_was_not_asked_for_gives_nothing() {
        let scores = HashMap::from([(member(12), Score::MAX)]);
        let trust = trust(&gate(3), member(MEMBER), &scores, 0);
        assert!(trust.explanation.passes);
        // 1 + 2 × 99 / 3 hundredths, of 15 points.
        assert_eq!(
            (trust.points.points, trust.points.sum_ten_thousandths),
            (10, 67 * 1_500)
        );
    }
}
