//! Who is connected with whom, and how strongly.

use mesh_types::MemberId;
use std::collections::HashMap;

/// How strong a connection is, from 0 to 1, in hundredths. 0 is no connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Strength(u8);

impl Strength {
    /// No connection.
    pub const NONE: Self = Self(0);
    /// The strongest, 1.
    pub const FULL: Self = Self(100);

    /// Hundredths, from 0 to 100.
    pub const fn hundredths(self) -> u8 {
        self.0
    }
}

/// A strength is more than 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a strength is from 0 to 100 hundredths, not {0}")]
pub struct StrengthError(pub u8);

impl TryFrom<u8> for Strength {
    type Error = StrengthError;

    fn try_from(hundredths: u8) -> Result<Self, StrengthError> {
        if hundredths <= Self::FULL.0 {
            Ok(Self(hundredths))
        } else {
            Err(StrengthError(hundredths))
        }
    }
}

/// Why a connection can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    /// Nobody vouches for themselves.
    #[error("a member has no connection to themselves")]
    ToSelf,
}

/// One connection as seen from one of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The member at the other end.
    pub other: MemberId,
    /// Never [`Strength::NONE`].
    pub strength: Strength,
}

/// The place of a member in the network's tables, from 0. It never changes.
pub(crate) type MemberIndex = u32;
/// The place of a connection in the network's tables. A later connection has the place of a removed one.
pub(crate) type Slot = u32;

/// One end of a connection, kept with the member at the opposite end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) member: MemberIndex,
    pub(crate) slot: Slot,
}

/// Members and their directed connections.
///
/// A member appears with the first connection, or with [`TrustNetwork::add_member`], and stays until the network is made
/// anew. Lists are in the order in which members first appeared. There is room for 2³¹ − 2 members and 2³² − 1 connections.
#[derive(Clone, Debug, Default)]
pub struct TrustNetwork {
    /// Only looked up, never iterated.
    index_of: HashMap<MemberId, MemberIndex>,
    ids: Vec<MemberId>,
    /// By member, the connections that they made, ordered by the other member's index.
    made: Vec<Vec<End>>,
    /// By member, the connections that others made to them, ordered by the other member's index.
    received: Vec<Vec<End>>,
    strengths: Vec<Strength>,
    free_slots: Vec<Slot>,
}

impl TrustNetwork {
    /// Nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the strength of the connection that `from` makes to `to`, and gives the one before. [`Strength::NONE`] removes
    /// it. Takes time in proportion to the number of connections of the two members, at most.
    pub fn set_connection(
        &mut self,
        from: MemberId,
        to: MemberId,
        strength: Strength,
    ) -> Result<Strength, ConnectionError> {
        if from == to {
            return Err(ConnectionError::ToSelf);
        }
        if strength == Strength::NONE && self.strength(from, to) == Strength::NONE {
            return Ok(Strength::NONE);
        }
        let (from, to) = (self.index_or_add(from), self.index_or_add(to));
        let slot = self.slot_of(from, to);
        let before = std::mem::replace(&mut self.strengths[slot as usize], strength);
        if strength == Strength::NONE {
            self.release(from, to);
        }
        Ok(before)
    }

    /// The strength of the connection that `from` made to `to`; [`Strength::NONE`] if there is none.
    pub fn strength(&self, from: MemberId, to: MemberId) -> Strength {
        let slot = self.find_index(from).zip(self.find_index(to));
        let slot = slot.and_then(|(from, to)| self.find_slot(from, to));
        slot.map_or(Strength::NONE, |slot| self.strength_at(slot))
    }

    /// The connections that a member made.
    pub fn connections_from(&self, member: MemberId) -> impl Iterator<Item = Connection> {
        let ends = self.find_index(member).map_or(&[][..], |index| self.made_by(index));
        ends.iter().map(|end| self.connection(*end))
    }

    /// The connections that others made to a member.
    pub fn connections_to(&self, member: MemberId) -> impl Iterator<Item = Connection> {
        let ends = self.find_index(member).map_or(&[][..], |index| self.received_by(index));
        ends.iter().map(|end| self.connection(*end))
    }

    /// How many members have appeared.
    pub fn member_count(&self) -> usize {
        self.ids.len()
    }

    /// How many connections there are.
    pub fn connection_count(&self) -> usize {
        self.strengths.len() - self.free_slots.len()
    }

    /// All members, in the order in which they appeared.
    pub fn members(&self) -> impl Iterator<Item = MemberId> {
        self.ids.iter().copied()
    }

    /// Bytes of memory that the network has reserved, without what the allocator adds.
    pub fn reserved_bytes(&self) -> usize {
        let ends: usize = self.made.iter().chain(&self.received).map(Vec::capacity).sum();
        // A hash table has a control byte for each place, and is at most 7/8 full.
        let entry = size_of::<(MemberId, MemberIndex)>() + 1;
        ends * size_of::<End>()
            + (self.made.capacity() + self.received.capacity()) * size_of::<Vec<End>>()
            + self.ids.capacity() * size_of::<MemberId>()
            + self.index_of.capacity() * 8 / 7 * entry
            + self.strengths.capacity()
            + self.free_slots.capacity() * size_of::<Slot>()
    }

    /// Makes a member known, who may have no connections yet.
    pub fn add_member(&mut self, id: MemberId) {
        self.index_or_add(id);
    }

    pub(crate) fn index_or_add(&mut self, id: MemberId) -> MemberIndex {
        let next = self.ids.len() as MemberIndex;
        let index = *self.index_of.entry(id).or_insert(next);
        if index == next {
            self.ids.push(id);
            self.made.push(Vec::new());
            self.received.push(Vec::new());
        }
        index
    }

    pub(crate) fn find_index(&self, id: MemberId) -> Option<MemberIndex> {
        self.index_of.get(&id).copied()
    }

    pub(crate) fn id_of(&self, member: MemberIndex) -> MemberId {
        self.ids[member as usize]
    }

    pub(crate) fn made_by(&self, member: MemberIndex) -> &[End] {
        &self.made[member as usize]
    }

    pub(crate) fn received_by(&self, member: MemberIndex) -> &[End] {
        &self.received[member as usize]
    }

    pub(crate) fn strength_at(&self, slot: Slot) -> Strength {
        self.strengths[slot as usize]
    }

    /// How many slots there are, free ones included.
    pub(crate) fn slot_count(&self) -> usize {
        self.strengths.len()
    }

    pub(crate) fn find_slot(&self, from: MemberIndex, to: MemberIndex) -> Option<Slot> {
        let made = self.made_by(from);
        made.binary_search_by_key(&to, |end| end.member)
            .ok()
            .map(|place| made[place].slot)
    }

    /// Changes a strength in place. Without strength, a connection keeps its slot until [`TrustNetwork::release`].
    pub(crate) fn set_strength(&mut self, slot: Slot, strength: Strength) {
        self.strengths[slot as usize] = strength;
    }

    /// The slot of a connection, which is made without strength if there is none.
    pub(crate) fn slot_of(&mut self, from: MemberIndex, to: MemberIndex) -> Slot {
        if let Some(slot) = self.find_slot(from, to) {
            return slot;
        }
        let slot = self.free_slots.pop().unwrap_or_else(|| {
            self.strengths.push(Strength::NONE);
            (self.strengths.len() - 1) as Slot
        });
        insert(&mut self.made[from as usize], End { member: to, slot });
        insert(&mut self.received[to as usize], End { member: from, slot });
        slot
    }

    /// Takes a connection out of the lists of both ends.
    pub(crate) fn release(&mut self, from: MemberIndex, to: MemberIndex) {
        let Some(slot) = remove(&mut self.made[from as usize], to) else {
            return;
        };
        remove(&mut self.received[to as usize], from);
        self.strengths[slot as usize] = Strength::NONE;
        self.free_slots.push(slot);
    }

    fn connection(&self, end: End) -> Connection {
        Connection {
            other: self.id_of(end.member),
            strength: self.strength_at(end.slot),
        }
    }
}

fn insert(ends: &mut Vec<End>, end: End) {
    if ends.len() == ends.capacity() {
        // A list that doubles would be half empty on average where it has grown last; most members have few connections.
        ends.reserve_exact(2.max(ends.len() / 4));
    }
    let place = ends.partition_point(|other| other.member < end.member);
    ends.insert(place, end);
}

fn remove(ends: &mut Vec<End>, member: MemberIndex) -> Option<Slot> {
    let place = ends.binary_search_by_key(&member, |end| end.member).ok()?;
    Some(ends.remove(place).slot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn id(number: i64) -> MemberId {
        MemberId::try_from(number).expect("from 1")
    }

    fn strength(hundredths: u8) -> Strength {
        Strength::try_from(hundredths).expect("at most 100")
    }

    #[test]
    fn a_strength_is_at_most_one() {
        assert_eq!(Strength::try_from(100), Ok(Strength::FULL));
        assert_eq!(Strength::try_from(101), Err(StrengthError(101)));
    }

    #[test]
    fn nobody_is_connected_to_themselves() {
        let mut network = TrustNetwork::new();
        let result = network.set_connection(id(1), id(1), Strength::FULL);
        assert_eq!(result, Err(ConnectionError::ToSelf));
        assert_eq!(network.member_count(), 0);
    }

    #[test]
    fn to_remove_what_is_not_there_makes_nobody_known() {
        let mut network = TrustNetwork::new();
        assert_eq!(network.set_connection(id(1), id(2), Strength::NONE), Ok(Strength::NONE));
        assert_eq!(network.member_count(), 0);
    }

    proptest! {
        #[test]
        fn it_holds_what_a_map_of_pairs_holds(
            changes in proptest::collection::vec((1..12i64, 1..12i64, prop_oneof![Just(0), 0..=100u8]), 0..300),
        ) {
            let mut network = TrustNetwork::new();
            let mut model = BTreeMap::new();
            for number in 1..12 {
                network.add_member(id(number));
            }
            for (from, to, hundredths) in changes.into_iter().filter(|(from, to, _)| from != to) {
                let before = network.set_connection(id(from), id(to), strength(hundredths)).expect("not to self");
                let expected = model.insert((from, to), hundredths).unwrap_or(0);
                prop_assert_eq!(before.hundredths(), expected);
            }
            model.retain(|_, hundredths| *hundredths > 0);
            prop_assert_eq!(network.connection_count(), model.len());
            let made: Vec<_> = (1..12)
                .flat_map(|from| network.connections_from(id(from)).map(move |to| ((from, to.other.get()), to.strength.hundredths())))
                .collect();
            let received: BTreeMap<_, _> = (1..12)
                .flat_map(|to| network.connections_to(id(to)).map(move |from| ((from.other.get(), to), from.strength.hundredths())))
                .collect();
            prop_assert_eq!(made, model.clone().into_iter().collect::<Vec<_>>());
            prop_assert_eq!(received, model);
        }
    }
}
