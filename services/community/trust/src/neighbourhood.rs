//! Who could be asked about a member: their trust network, and the networks of those in it.

use crate::gate::Gate;
use mesh_types::MemberId;
use std::cmp::Reverse;
use std::collections::HashMap;

/// How far is looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeighbourhoodSettings {
    /// Members who pass the gate, at most. Default: 100.
    pub most_passing: usize,
    /// Members who do not, at most. They count apart, so that made-up accounts crowd out nobody. Default: 50.
    pub most_others: usize,
    /// Connections of a member's neighbour that are looked at in each direction, the first of them in the network's order, in
    /// which newcomers are last. Default: 2,000.
    pub most_connections: usize,
}

impl Default for NeighbourhoodSettings {
    fn default() -> Self {
        Self {
            most_passing: 100,
            most_others: 50,
            most_connections: 2_000,
        }
    }
}

/// Somebody near a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Who.
    pub member: MemberId,
    /// 1 for who is connected with the member, whoever made the connection; 2 for who is connected with one of those.
    pub distance: u8,
    /// Whether they pass the gate.
    pub passes: bool,
}

/// The members around one, the nearest first, of those the ones with the strongest connection, of equals the lower id. Who does not
/// pass the gate is told of only where they are connected with the member, and after those who pass.
pub fn neighbourhood(gate: &Gate, member: MemberId, settings: NeighbourhoodSettings) -> Vec<Neighbour> {
    let (near, others): (Vec<MemberId>, Vec<MemberId>) = connected_with(gate, &[member], usize::MAX)
        .into_iter()
        .partition(|near| gate.passes(*near));
    let near: Vec<MemberId> = near.into_iter().take(settings.most_passing).collect();
    let further = connected_with(gate, &near, settings.most_connections);
    let further = further
        .into_iter()
        .filter(|further| *further != member && gate.passes(*further) && !near.contains(further));
    let at = |distance, passes| {
        move |member| Neighbour {
            member,
            distance,
            passes,
        }
    };
    let passing = near.iter().copied().map(at(1, true)).chain(further.map(at(2, true)));
    let others = others.into_iter().take(settings.most_others).map(at(1, false));
    passing.take(settings.most_passing).chain(others).collect()
}

/// Everybody whom a connection, whichever way, leads to from one of these, the strongest first.
fn connected_with(gate: &Gate, members: &[MemberId], most: usize) -> Vec<MemberId> {
    let network = gate.network();
    let mut strongest = HashMap::new();
    for member in members {
        let made = network.connections_from(*member).take(most);
        for connection in made.chain(network.connections_to(*member).take(most)) {
            let strength = strongest.entry(connection.other).or_insert(connection.strength);
            *strength = connection.strength.max(*strength);
        }
    }
    let mut all: Vec<_> = strongest.into_iter().collect();
    all.sort_unstable_by_key(|(member, strength)| (Reverse(*strength), *member));
    all.into_iter().map(|(member, _)| member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GateSettings, Strength};

    fn member(id: i64) -> MemberId {
        MemberId::try_from(id).expect("from 1")
    }

    fn gate(connections: &[(i64, i64, u8)], seeds: &[i64]) -> Gate {
        let mut gate = Gate::new(GateSettings::default());
        for (from, to, hundredths) in connections {
            let strength = Strength::try_from(*hundredths).expect("at most 100");
            gate.set_connection(member(*from), member(*to), strength)
                .expect("two members");
        }
        for seed in seeds {
            gate.add_seed(member(*seed));
        }
        gate
    }

    fn around(gate: &Gate, settings: NeighbourhoodSettings) -> Vec<(i64, u8, bool)> {
        let around = neighbourhood(gate, member(1), settings);
        around
            .iter()
            .map(|one| (one.member.get(), one.distance, one.passes))
            .collect()
    }

    #[test]
    fn the_nearest_are_first_whichever_way_a_connection_leads_and_the_strongest_of_them() {
        let seeds = [1, 2, 3, 4, 5, 6];
        let connections = [(1, 2, 50), (3, 1, 80), (1, 3, 20), (2, 4, 30), (5, 3, 60), (5, 6, 90)];
        let expected = [(3, 1, true), (2, 1, true), (5, 2, true), (4, 2, true)];
        assert_eq!(
            around(&gate(&connections, &seeds), NeighbourhoodSettings::default()),
            expected
        );
        assert_eq!(around(&gate(&[], &seeds), NeighbourhoodSettings::default()), []);
    }

    #[test]
    fn who_does_not_pass_is_told_of_only_beside_the_member_and_crowds_out_nobody() {
        let mut connections = vec![(1, 2, 10), (2, 3, 10)];
        // Made-up accounts that say they trust the member, and their friends.
        connections.extend((100..400).map(|made_up| (made_up, 1, 100)));
        connections.extend((100..400).map(|made_up| (made_up + 1000, made_up, 100)));
        let around = around(&gate(&connections, &[2, 3]), NeighbourhoodSettings::default());
        assert_eq!(around[..2], [(2, 1, true), (3, 2, true)]);
        assert_eq!(around.len(), 52);
        assert!(
            around[2..]
                .iter()
                .all(|(id, distance, passes)| *id < 1000 && *distance == 1 && !passes)
        );
    }

    #[test]
    fn of_many_there_are_as_many_as_asked_for() {
        let connections: Vec<_> = (2..300).map(|other| (1, other, (other % 100 + 1) as u8)).collect();
        let seeds: Vec<i64> = (2..300).collect();
        let around = around(&gate(&connections, &seeds), NeighbourhoodSettings::default());
        assert_eq!(around.len(), 100);
        assert_eq!(around[0].0, 99, "of full strength, with the lowest id");
    }
}
