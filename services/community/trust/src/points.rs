//! Network points: what verified members say of a member (domain.md, "Community").

use crate::gate::Gate;
use crate::network::Strength;
use mesh_types::scoring::{LEAST_NETWORK_POINTS, MOST_NETWORK_POINTS};
use mesh_types::{MemberId, Score};

/// A connection counts if its maker's score is more than this.
const SCORE_THAT_DOES_NOT_COUNT: u8 = 50;
/// What a connection of strength 1 by a member with a score of 100 gives, in points.
const FULL_CONNECTION_POINTS: u64 = 15;
/// Strengths and scores are in hundredths, so a product of the two is in ten-thousandths.
const TEN_THOUSANDTHS: u64 = 10_000;

/// A member's points by the trust network, with all that they are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkPoints {
    /// 0, or from 5 to 15.
    pub points: u8,
    /// The sum over all parts before rounding and cap, in ten-thousandths of a point.
    pub sum_ten_thousandths: u64,
    /// Why there are no points although the sum may be more than 0.
    pub withheld: Option<Withheld>,
    /// One for each connection that others made to the member, in the network's order.
    pub parts: Vec<PointsPart>,
}

/// What one connection gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PointsPart {
    /// Who made the connection. This is personal: the member may not know of it.
    pub from: MemberId,
    /// How strong it is.
    pub strength: Strength,
    /// The score of who made it.
    pub score: Score,
    /// Whether who made it passes the gate.
    pub passes: bool,
    /// What it gives, in ten-thousandths of a point; 0 if who made it does not pass, or has a score of 50 or less.
    pub ten_thousandths: u64,
}

/// Why a member has no network points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Withheld {
    /// The member does not pass the gate.
    DoesNotPass,
    /// The sum is less than 5 points.
    BelowMinimum,
}

impl Withheld {
    /// The stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DoesNotPass => "DOES_NOT_PASS_THE_GATE",
            Self::BelowMinimum => "BELOW_MINIMUM",
        }
    }
}

/// The points of a member: strength × (score / 100) × 15, summed over the connections that others made *to* the member.
///
/// The connections that the member made themselves say nothing of the member and anybody can make as many as they like, so
/// they don't count. Nor do connections of who does not pass the gate, or has a score of 50 or less. The member must pass
/// too: otherwise the few accounts of a group that get through could give points to all the rest of it. The sum is exact, and
/// rounded once, down to whole points: at most 15, and less than 5 is 0.
///
/// `score_of` gives the verification score of a member, and 0 for who has none. It is asked once for each connection to the
/// member.
pub fn network_points(gate: &Gate, member: MemberId, score_of: impl Fn(MemberId) -> Score) -> NetworkPoints {
    let network = gate.network();
    let received = network
        .find_index(member)
        .map_or(&[][..], |index| network.received_by(index));
    let parts = received.iter().map(|end| {
        let (from, strength) = (network.id_of(end.member), network.strength_at(end.slot));
        part(from, strength, score_of(from), gate.passes_at(end.member))
    });
    let parts: Vec<PointsPart> = parts.collect();
    let sum_ten_thousandths: u64 = parts.iter().map(|part| part.ten_thousandths).sum();
    let withheld = if !gate.passes(member) {
        Some(Withheld::DoesNotPass)
    } else if sum_ten_thousandths < u64::from(LEAST_NETWORK_POINTS) * TEN_THOUSANDTHS {
        Some(Withheld::BelowMinimum)
    } else {
        None
    };
    let points = match withheld {
        Some(_) => 0,
        None => (sum_ten_thousandths / TEN_THOUSANDTHS).min(MOST_NETWORK_POINTS.into()),
    };
    NetworkPoints {
        points: points as u8,
        sum_ten_thousandths,
        withheld,
        parts,
    }
}

fn part(from: MemberId, strength: Strength, score: Score, passes: bool) -> PointsPart {
    let counts = passes && score.get() > SCORE_THAT_DOES_NOT_COUNT;
    let product = u64::from(strength.hundredths()) * u64::from(score.get()) * FULL_CONNECTION_POINTS;
    PointsPart {
        from,
        strength,
        score,
        passes,
        ten_thousandths: if counts { product } else { 0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::GateSettings;

    const SEED: i64 = 1;
    const MEMBER: i64 = 2;

    fn id(number: i64) -> MemberId {
        MemberId::try_from(number).expect("from 1")
    }

    fn strength(hundredths: u8) -> Strength {
        Strength::try_from(hundredths).expect("at most 100")
    }

    /// The points of a member whom others, whom a seed trusts, are connected to with these strengths and scores.
    fn points_of(connections: &[(u8, u8)]) -> NetworkPoints {
        let mut gate = Gate::new(GateSettings::default());
        gate.add_seed(id(SEED));
        for (other, (hundredths, _)) in (10..).zip(connections) {
            gate.set_connection(id(SEED), id(other), Strength::FULL)
                .expect("two members");
            gate.set_connection(id(other), id(MEMBER), strength(*hundredths))
                .expect("two members");
        }
        network_points(&gate, id(MEMBER), |other| {
            let place = usize::try_from(other.get() - 10).expect("a voucher");
            Score::capped(connections[place].1.into())
        })
    }

    #[test]
    fn points_are_strength_times_score_times_15_capped_at_15_and_nothing_below_5() {
        type Connections = &'static [(u8, u8)];
        let table: [(Connections, u8, u64); 9] = [
            (&[(100, 100)], 15, 150_000),
            (&[(100, 100), (100, 100)], 15, 300_000),
            (&[(100, 51)], 7, 76_500),
            (&[(100, 50)], 0, 0),
            (&[(50, 80)], 6, 60_000),
            (&[(50, 66)], 0, 49_500),
            (&[(50, 67)], 5, 50_250),
            (&[(50, 66), (10, 60)], 5, 58_500),
            (&[(33, 99), (34, 98), (35, 97)], 14, 149_910),
        ];
        for (connections, points, sum) in table {
            let given = points_of(connections);
            assert_eq!(
                (given.points, given.sum_ten_thousandths),
                (points, sum),
                "{connections:?}"
            );
            let parts: u64 = given.parts.iter().map(|part| part.ten_thousandths).sum();
            assert_eq!((parts, given.parts.len()), (sum, connections.len()));
            assert_eq!(given.withheld.is_some(), points == 0);
        }
    }

    #[test]
    fn neither_own_connections_nor_those_of_who_does_not_pass_count() {
        let mut gate = Gate::new(GateSettings::default());
        gate.add_seed(id(SEED));
        for (from, to) in [(SEED, MEMBER), (MEMBER, 3), (9, MEMBER)] {
            gate.set_connection(id(from), id(to), Strength::FULL)
                .expect("two members");
        }
        let points = network_points(&gate, id(MEMBER), |other| match other.get() {
            SEED => Score::ZERO,
            _ => Score::MAX,
        });
        let parts: Vec<_> = points.parts.iter().map(|part| (part.from.get(), part.passes)).collect();
        assert_eq!(parts, [(SEED, true), (9, false)]);
        assert_eq!((points.points, points.withheld), (0, Some(Withheld::BelowMinimum)));
    }

    #[test]
    fn a_group_can_share_out_among_itself_no_more_than_its_members_who_pass() {
        let settings = GateSettings {
            connection_capacity: 2,
            ..GateSettings::default()
        };
        let mut gate = Gate::new(settings);
        gate.add_seed(id(SEED));
        gate.set_connection(id(SEED), id(10), Strength::FULL)
            .expect("two members");
        for other in 11..100 {
            gate.set_connection(id(10), id(other), Strength::FULL)
                .expect("two members");
        }
        let given: Vec<_> = (10..100)
            .map(|member| network_points(&gate, id(member), |_| Score::MAX))
            .collect();
        assert_eq!(given.iter().filter(|given| given.points > 0).count(), 2);
        assert_eq!(
            given
                .iter()
                .filter(|given| given.withheld == Some(Withheld::DoesNotPass))
                .count(),
            88
        );
    }
}
