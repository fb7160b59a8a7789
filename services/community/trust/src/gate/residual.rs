//! The residual graph: what each arc carries, what it could carry more, and what could be taken back.

use super::GateSettings;
use crate::network::{MemberIndex, Slot, TrustNetwork};

/// A node of the flow network: the source, or the entry or the exit of a member. The sink is left out: its one arc from each
/// member's entry is [`Flow::passes`].
pub(super) type Node = u32;

/// Where all units come from.
pub(super) const SOURCE: Node = 0;

/// Where units arrive at a member.
pub(super) const fn entry(member: MemberIndex) -> Node {
    2 * member + 2
}

/// Where a member passes units on.
pub(super) const fn exit(member: MemberIndex) -> Node {
    2 * member + 3
}

/// The member of an entry.
pub(super) fn member_entered(node: Node) -> Option<MemberIndex> {
    (node != SOURCE && node.is_multiple_of(2)).then(|| node / 2 - 1)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arc {
    /// From the source to a seed's entry.
    Supply(MemberIndex),
    /// From a member's entry to their exit.
    Through(MemberIndex),
    /// From the exit of who made a connection to the entry of who received it.
    Connection(Slot),
}

/// Along an arc or against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Away from the source: to carry one unit more.
    Down,
    /// Towards the source: to take one unit back.
    Up,
}

impl Way {
    pub(super) const fn opposite(self) -> Self {
        match self {
            Self::Down => Self::Up,
            Self::Up => Self::Down,
        }
    }
}

/// An arc as seen from one of its ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) to: Node,
    pub(super) arc: Arc,
    pub(super) way: Way,
}

/// The two sides of a minimum cut. No arc from the source side to the sink side has room, and all members on the source
/// side pass. That such a cut exists proves that the flow is a maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Source,
    Sink,
}

#[derive(Clone, Copy, Debug, Default)]
struct MemberFlow {
    /// Units from the source.
    supply: u32,
    /// Units that are passed on.
    through: u32,
    is_seed: bool,
    passes: bool,
}

/// The last search that came to a node, and the place of the visit in its queue.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) search: u32,
    pub(super) place: u32,
}

/// What a search needs to know of a node, in one place of the memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeState {
    side: Side,
    pub(super) seen: Seen,
}

const NEW_NODE: NodeState = NodeState {
    side: Side::Sink,
    seen: Seen { search: 0, place: 0 },
};

/// What a connection carries, and could carry, in units.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    carried: u16,
    capacity: u16,
}

/// A maximum flow, but while a change is under way.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub(super) network: TrustNetwork,
    pub(super) settings: GateSettings,
    /// In the order of their indices.
    pub(super) seeds: Vec<MemberIndex>,
    /// How many members pass.
    pub(super) passing: usize,
    /// How many members have their entry on the source side.
    pub(super) source_side_members: usize,
    members: Vec<MemberFlow>,
    /// By connection.
    loads: Vec<Load>,
    pub(super) nodes: Vec<NodeState>,
    pub(super) last_search: u32,
}

impl Flow {
    /// A network in which nothing flows yet. It is no maximum.
    pub(super) fn without_units(network: TrustNetwork, settings: GateSettings) -> Self {
        let mut flow = Self {
            network,
            settings,
            seeds: Vec::new(),
            passing: 0,
            source_side_members: 0,
            members: Vec::new(),
            loads: Vec::new(),
            nodes: Vec::new(),
            last_search: 0,
        };
        flow.fit();
        flow.nodes[SOURCE as usize].side = Side::Source;
        for slot in 0..flow.network.slot_count() {
            flow.set_capacity(slot as Slot);
        }
        flow
    }

    /// Makes room for the members and connections that the network has by now.
    pub(super) fn fit(&mut self) {
        let members = self.network.member_count();
        self.members.resize(members, MemberFlow::default());
        self.nodes.resize(2 * members + 2, NEW_NODE);
        self.loads.resize(self.network.slot_count(), Load::default());
    }

    /// Takes over the strength that the network has for a connection by now.
    pub(super) fn set_capacity(&mut self, slot: Slot) {
        self.loads[slot as usize].capacity = self.settings.capacity_of(self.network.strength_at(slot));
    }

    /// The `place`th arc of a node; none if it has no more.
    pub(super) fn link(&self, node: Node, place: usize) -> Option<Link> {
        let link = |to, arc, way| Link { to, arc, way };
        if node == SOURCE {
            let seed = *self.seeds.get(place)?;
            return Some(link(entry(seed), Arc::Supply(seed), Way::Down));
        }
        let member = node / 2 - 1;
        match (node == entry(member), place) {
            (true, 0) => Some(link(exit(member), Arc::Through(member), Way::Down)),
            (true, 1) => Some(link(SOURCE, Arc::Supply(member), Way::Up)),
            (true, _) => {
                let end = self.network.received_by(member).get(place - 2)?;
                Some(link(exit(end.member), Arc::Connection(end.slot), Way::Up))
            }
            (false, 0) => Some(link(entry(member), Arc::Through(member), Way::Up)),
            (false, _) => {
                let end = self.network.made_by(member).get(place - 1)?;
                Some(link(entry(end.member), Arc::Connection(end.slot), Way::Down))
            }
        }
    }

    /// Whether one unit more can go along an arc, or one can be taken back.
    pub(super) fn has_room(&self, arc: Arc, way: Way) -> bool {
        match way {
            Way::Down => self.carried(arc) < self.capacity(arc),
            Way::Up => self.carried(arc) > 0,
        }
    }

    pub(super) fn carried(&self, arc: Arc) -> u32 {
        match arc {
            Arc::Supply(member) => self.members[member as usize].supply,
            Arc::Through(member) => self.members[member as usize].through,
            Arc::Connection(slot) => self.loads[slot as usize].carried.into(),
        }
    }

    pub(super) fn capacity(&self, arc: Arc) -> u32 {
        match arc {
            Arc::Supply(member) if self.is_seed(member) => self.settings.seed_capacity,
            Arc::Supply(_) => 0,
            // Who does not pass passes on nothing. That costs no unit: one that comes so far is their own.
            Arc::Through(member) if !self.passes(member) => 0,
            Arc::Through(member) => self.through_capacity(member),
            Arc::Connection(slot) => self.loads[slot as usize].capacity.into(),
        }
    }

    /// What a member who passes can pass on.
    pub(super) fn through_capacity(&self, member: MemberIndex) -> u32 {
        let GateSettings {
            seed_capacity,
            member_capacity,
            ..
        } = self.settings;
        let capacity = match self.is_seed(member) {
            true => seed_capacity.max(member_capacity),
            false => member_capacity,
        };
        capacity.saturating_sub(1)
    }

    /// Carries one unit more along an arc, or takes one back.
    pub(super) fn push(&mut self, arc: Arc, way: Way) {
        let change = match way {
            Way::Down => 1,
            Way::Up => -1,
        };
        match arc {
            Arc::Supply(member) => step(&mut self.members[member as usize].supply, change),
            Arc::Through(member) => step(&mut self.members[member as usize].through, change),
            Arc::Connection(slot) => {
                let carried = &mut self.loads[slot as usize].carried;
                *carried = carried.wrapping_add_signed(change as i16);
            }
        }
    }

    pub(super) fn passes(&self, member: MemberIndex) -> bool {
        self.members[member as usize].passes
    }

    /// Whether a node is the entry of a member who has no unit yet.
    pub(super) fn lacks_unit(&self, node: Node) -> Option<MemberIndex> {
        member_entered(node).filter(|member| !self.passes(*member))
    }

    /// Gives a member on the sink side their unit, or takes it.
    pub(super) fn set_passes(&mut self, member: MemberIndex, passes: bool) {
        self.members[member as usize].passes = passes;
        match passes {
            true => self.passing += 1,
            false => self.passing -= 1,
        }
    }

    pub(super) fn is_seed(&self, member: MemberIndex) -> bool {
        self.members[member as usize].is_seed
    }

    pub(super) fn set_seed(&mut self, member: MemberIndex, is_seed: bool) {
        self.members[member as usize].is_seed = is_seed;
        match self.seeds.binary_search(&member) {
            Err(place) if is_seed => self.seeds.insert(place, member),
            Ok(place) if !is_seed => drop(self.seeds.remove(place)),
            _ => {}
        }
    }

    pub(super) fn side(&self, node: Node) -> Side {
        self.nodes[node as usize].side
    }

    pub(super) fn move_to(&mut self, side: Side, nodes: &[Node]) {
        for &node in nodes.iter().filter(|node| **node != SOURCE) {
            let before = std::mem::replace(&mut self.nodes[node as usize].side, side);
            if before == side || member_entered(node).is_none() {
                continue;
            }
            match side {
                Side::Source => self.source_side_members += 1,
                Side::Sink => self.source_side_members -= 1,
            }
        }
    }

    pub(super) fn reserved_bytes(&self) -> usize {
        self.members.capacity() * size_of::<MemberFlow>()
            + self.loads.capacity() * size_of::<Load>()
            + self.nodes.capacity() * size_of::<NodeState>()
            + self.seeds.capacity() * size_of::<MemberIndex>()
    }
}

fn step(carried: &mut u32, change: i32) {
    *carried = carried.wrapping_add_signed(change);
}
