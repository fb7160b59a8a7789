//! Rings: groups whose members vouch for each other and whom nobody else vouches for but through one account.

use crate::gate::Gate;
use crate::network::MemberIndex;
use crate::suspicion::SuspicionReason;
use mesh_types::MemberId;

/// When a group is a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingSettings {
    /// From how many members on that all vouch for each other, directly or in a circle, a group is a ring. Default: 3.
    pub least_members: usize,
    /// How large a group is looked for, without the one account. A larger one is left to the gate. The time grows with the
    /// cube of this at most. Default: 50.
    pub most_members: usize,
    /// How many of the member's vouchers are looked at, the first of them in the network's order. Default: 32.
    pub most_vouchers: usize,
}

impl Default for RingSettings {
    fn default() -> Self {
        Self {
            least_members: 3,
            most_members: 50,
            most_vouchers: 32,
        }
    }
}

/// A ring, in sizes alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring {
    /// How many members the group has, the one account through which it hangs on to the rest included.
    pub members: usize,
    /// How many of them vouch for each other, directly or in a circle.
    pub mutual_members: usize,
    /// How many connections are within the group.
    pub connections_inside: usize,
    /// How many connections others made to the group. All of them are to the one account.
    pub connections_from_outside: usize,
    /// How many connections the group made to others. Anybody can make these, so they clear nobody.
    pub connections_to_outside: usize,
}

impl Ring {
    /// The code of the reason.
    pub const REASON: SuspicionReason = SuspicionReason::Ring;
}

/// The largest ring that a member, or one of those who vouch for them, is in; none if there is no such ring.
///
/// A group hangs on to the rest by one account if everybody who vouches for one of the group, but for that account, is of the
/// group. A seed is never in such a group, nor its one account. The size of the network does not matter, only the settings do.
pub fn rings_around(gate: &Gate, member: MemberId, settings: RingSettings) -> Option<Ring> {
    let network = gate.network();
    let member = network.find_index(member)?;
    let vouchers = network.received_by(member).iter().map(|end| end.member);
    let starts = std::iter::once(member).chain(vouchers.take(settings.most_vouchers));
    let mut largest: Option<Ring> = None;
    for start in starts {
        let ring = ring_of(gate, start, settings);
        largest = ring
            .into_iter()
            .chain(largest)
            .max_by_key(|ring| (ring.mutual_members, ring.members));
    }
    largest
}

/// The ring that a member is in, or that vouches for them.
fn ring_of(gate: &Gate, start: MemberIndex, settings: RingSettings) -> Option<Ring> {
    let (nearest, is_all) = vouching_for(gate, start, None, settings.most_members + 1);
    if is_all {
        return ring_in(gate, nearest, None, settings);
    }
    // Only by way of the one account does the search leave the group. So it finds the account after at most all of the group.
    let accounts = nearest.into_iter().skip(1).filter(|account| !gate.is_seed_at(*account));
    let groups = accounts.filter_map(|account| {
        let (group, is_all) = vouching_for(gate, start, Some(account), settings.most_members);
        is_all.then(|| ring_in(gate, group, Some(account), settings)).flatten()
    });
    groups.max_by_key(|ring| (ring.mutual_members, ring.members))
}

/// Those who vouch for a member, directly or through others, but not by way of `account`; and whether these are all and no
/// seed is among them. If they are not, the nearest of them.
fn vouching_for(
    gate: &Gate,
    start: MemberIndex,
    account: Option<MemberIndex>,
    most: usize,
) -> (Vec<MemberIndex>, bool) {
    let mut group = vec![start];
    let mut next = 0;
    while let Some(&of) = group.get(next) {
        next += 1;
        if gate.is_seed_at(of) {
            return (group, false);
        }
        for voucher in gate.network().received_by(of) {
            if Some(voucher.member) == account || group.contains(&voucher.member) {
                continue;
            }
            if group.len() >= most {
                return (group, false);
            }
            group.push(voucher.member);
        }
    }
    (group, true)
}

/// The ring that a closed group is, together with its one account.
fn ring_in(
    gate: &Gate,
    mut group: Vec<MemberIndex>,
    account: Option<MemberIndex>,
    settings: RingSettings,
) -> Option<Ring> {
    group.extend(account);
    group.sort_unstable();
    let place_of = |member: MemberIndex| group.binary_search(&member).ok();
    let network = gate.network();
    let inside: Vec<Vec<usize>> = group
        .iter()
        .map(|member| {
            let made = network.made_by(*member).iter();
            made.filter_map(|end| place_of(end.member)).collect()
        })
        .collect();
    let mutual_members = largest_mutual(&inside);
    if mutual_members < settings.least_members {
        return None;
    }
    let connections_inside = inside.iter().map(Vec::len).sum();
    let made: usize = group.iter().map(|member| network.made_by(*member).len()).sum();
    let received: usize = group.iter().map(|member| network.received_by(*member).len()).sum();
    Some(Ring {
        members: group.len(),
        mutual_members,
        connections_inside,
        connections_from_outside: received - connections_inside,
        connections_to_outside: made - connections_inside,
    })
}

/// The size of the largest strongly connected part of a small graph.
fn largest_mutual(inside: &[Vec<usize>]) -> usize {
    let reached: Vec<Vec<bool>> = (0..inside.len()).map(|from| reached_from(inside, from)).collect();
    let mutual = |one: usize| {
        (0..inside.len())
            .filter(|other| reached[one][*other] && reached[*other][one])
            .count()
    };
    (0..inside.len()).map(mutual).max().unwrap_or(0)
}

fn reached_from(inside: &[Vec<usize>], from: usize) -> Vec<bool> {
    let mut reached = vec![false; inside.len()];
    reached[from] = true;
    let mut open = vec![from];
    while let Some(one) = open.pop() {
        for &other in &inside[one] {
            if !std::mem::replace(&mut reached[other], true) {
                open.push(other);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::GateSettings;
    use crate::network::{Strength, TrustNetwork};

    const SEED: i64 = 1;

    fn id(number: i64) -> MemberId {
        MemberId::try_from(number).expect("from 1")
    }

    fn ring(connections: &[(i64, i64)], member: i64) -> Option<(usize, usize)> {
        let mut network = TrustNetwork::new();
        for (from, to) in connections {
            network
                .set_connection(id(*from), id(*to), Strength::FULL)
                .expect("two members");
        }
        let gate = Gate::compute(network, GateSettings::default(), [id(SEED)]);
        rings_around(&gate, id(member), RingSettings::default()).map(|ring| (ring.members, ring.mutual_members))
    }

    fn clique(members: std::ops::Range<i64>) -> Vec<(i64, i64)> {
        let pairs = members
            .clone()
            .flat_map(|from| members.clone().map(move |to| (from, to)));
        pairs.filter(|(from, to)| from != to).collect()
    }

    /// 100 members, each of whom is vouched for by the three before them in a circle, and the seed vouches for some.
    fn neighbours() -> Vec<(i64, i64)> {
        let circle = (0..100).flat_map(|n| [1, 2, 3].map(|step| (100 + n, 100 + (n + step) % 100)));
        circle.chain([(SEED, 100), (SEED, 130), (SEED, 160)]).collect()
    }

    #[test]
    fn honest_neighbours_are_no_ring() {
        for member in 100..200 {
            assert_eq!(ring(&neighbours(), member), None);
        }
    }

    #[test]
    fn a_clique_that_nobody_vouches_for_is_a_ring_and_so_is_a_circle() {
        assert_eq!(ring(&clique(10..15), 12), Some((5, 5)));
        assert_eq!(ring(&[(10, 11), (11, 12), (12, 10)], 10), Some((3, 3)));
        assert_eq!(ring(&clique(10..12), 10), None, "two who vouch for each other are none");
        assert_eq!(ring(&[(10, 12), (11, 12)], 12), None, "they don't vouch for each other");
    }

    #[test]
    fn a_clique_is_a_ring_also_with_one_account_whom_others_vouch_for() {
        let one = [neighbours(), clique(10..15), vec![(100, 10), (150, 10)]].concat();
        for member in 10..15 {
            assert_eq!(ring(&one, member), Some((5, 5)), "{member}");
        }
        let from_one = [neighbours(), clique(10..15), vec![(100, 10), (100, 11)]].concat();
        assert_eq!(ring(&from_one, 12), Some((6, 5)), "all by one from outside");
        let two = [neighbours(), clique(10..15), vec![(100, 10), (150, 11)]].concat();
        assert_eq!(ring(&two, 12), None);
    }

    #[test]
    fn what_a_ring_says_of_others_clears_nobody() {
        let out = [neighbours(), clique(10..15), vec![(10, 100), (11, 101), (12, 150)]].concat();
        assert_eq!(ring(&out, 12), Some((5, 5)));
    }

    #[test]
    fn a_member_whom_a_ring_vouches_for_has_it_named() {
        let vouched = [neighbours(), clique(10..15), vec![(11, 50), (100, 50), (150, 50)]].concat();
        assert_eq!(ring(&vouched, 50), Some((5, 5)));
    }

    #[test]
    fn those_whom_a_seed_vouches_for_are_no_ring() {
        let seeded = [neighbours(), clique(10..15), vec![(SEED, 10)]].concat();
        assert_eq!(
            ring(&seeded, 12),
            Some((5, 5)),
            "by one account, whom a seed vouches for"
        );
        let seeded = [neighbours(), clique(10..15), vec![(SEED, 10), (SEED, 11)]].concat();
        assert_eq!(ring(&seeded, 12), None, "the seed is the one account");
    }
}
