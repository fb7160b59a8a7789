//! The gate against made-up accounts: who is reached by a maximum flow from the seeds.
//!
//! The rule is that of the Advogato trust metric (R. Levien, "Attack-resistant trust metrics", 2004), with capacities on
//! connections too. Trust flows in whole units from the seeds along connections. Each member keeps one unit and passes on
//! the others; who gets a unit passes the gate. A group without seeds gets no more units than the connections into it
//! carry, so it does not help to make up more accounts.
//!
//! Arcs and their capacities:
//! - source → seed: [`GateSettings::seed_capacity`]
//! - within a member, from what arrives to what is passed on: [`GateSettings::member_capacity`] − 1
//! - connection: ⌊strength × [`GateSettings::connection_capacity`]⌋
//! - member → sink: 1
//!
//! How many pass is the value of the maximum flow, so it does not depend on the order of changes. Who passes does, where
//! there is not enough for all: who passes stays until a unit through them is lost and no other way is left for it. A member
//! who passes on units always passes themselves.

mod flow;
mod residual;
mod search;
#[cfg(test)]
mod tests;

use crate::network::{ConnectionError, MemberIndex, Strength, TrustNetwork};
use mesh_types::MemberId;
use residual::{Arc, Flow, Node, Side, Way, entry};
use std::collections::HashSet;

/// How many arcs [`Gate::explain`] looks at for the cut near a member. More would make the answer slower in a larger network.
const NEAR_CUT_ARCS: usize = 256;

/// How much trust flows. All are whole units; one unit lets one member pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateSettings {
    /// How many members a seed can let pass in all, itself and those reached through others included. So at most the number of
    /// seeds times this pass. 0 makes seeds useless. Default: 200.
    pub seed_capacity: u32,
    /// How many units a member who is no seed can take: one is their own, the others they pass on. So a deceived member lets
    /// at most one less than this pass. From 1, where nobody passes on anything; 0 is taken as 1. Default: 20.
    pub member_capacity: u32,
    /// How many units a connection of strength 1 carries; one of strength `s` carries `s` times as many, rounded down. So
    /// a connection weaker than 1 / this carries none. 0 lets seeds alone pass. Default: 10.
    pub connection_capacity: u16,
}

impl Default for GateSettings {
    fn default() -> Self {
        Self {
            seed_capacity: 200,
            member_capacity: 20,
            connection_capacity: 10,
        }
    }
}

impl GateSettings {
    /// The units that a connection carries at most.
    pub const fn capacity_of(&self, strength: Strength) -> u16 {
        (strength.hundredths() as u32 * self.connection_capacity as u32 / 100) as u16
    }
}

/// Why a member passes or not, in sizes alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Whether the member passes the gate.
    pub passes: bool,
    /// What limits trust on its way from the seeds to the member. Always there for who does not pass. `None` for who passes
    /// in a part of the network where no limit is known to be reached.
    pub limiting_cut: Option<LimitingCut>,
}

/// A minimum cut between the seeds and a part of the network: all that it can carry is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitingCut {
    /// The capacity of the cut in units, all of it in use. Exactly so many of the members behind it pass.
    pub capacity: usize,
    /// How many members are behind the cut, whether they pass or not.
    pub members_behind: usize,
}

/// A trust network and who of it passes.
#[derive(Clone, Debug)]
pub struct Gate {
    flow: Flow,
}

impl Gate {
    /// A gate with nobody in it.
    pub fn new(settings: GateSettings) -> Self {
        Self::compute(TrustNetwork::new(), settings, [])
    }

    /// Computes from scratch who of a network passes. Seeds that the network does not know become members of it.
    pub fn compute(network: TrustNetwork, settings: GateSettings, seeds: impl IntoIterator<Item = MemberId>) -> Self {
        Self {
            flow: Flow::compute(network, settings, seeds),
        }
    }

    /// Sets the strength of the connection that `from` makes to `to`, and gives the one before. [`Strength::NONE`] removes it.
    /// When this returns, the gate knows it.
    pub fn set_connection(
        &mut self,
        from: MemberId,
        to: MemberId,
        strength: Strength,
    ) -> Result<Strength, ConnectionError> {
        if from == to {
            return Err(ConnectionError::ToSelf);
        }
        let before = self.network().strength(from, to);
        if before != strength {
            let (from, to) = (self.flow.member(from), self.flow.member(to));
            self.flow.set_connection(from, to, strength);
        }
        Ok(before)
    }

    /// Makes a member a seed. Nothing changes if they are one.
    pub fn add_seed(&mut self, id: MemberId) {
        let member = self.flow.member(id);
        self.flow.add_seed(member);
    }

    /// Makes a seed a member like others. Nothing changes if they are no seed.
    pub fn remove_seed(&mut self, id: MemberId) {
        if let Some(member) = self.network().find_index(id) {
            self.flow.remove_seed(member);
        }
    }

    /// Whether a member passes. Nobody does whom the network does not know.
    pub fn passes(&self, id: MemberId) -> bool {
        self.network()
            .find_index(id)
            .is_some_and(|member| self.passes_at(member))
    }

    /// Whether a member is a seed.
    pub fn is_seed(&self, id: MemberId) -> bool {
        self.network()
            .find_index(id)
            .is_some_and(|member| self.flow.is_seed(member))
    }

    /// How many pass: the value of the maximum flow.
    pub fn passing_count(&self) -> usize {
        self.flow.passing
    }

    /// How many units the connection from one member to another carries; 0 if there is no connection.
    pub fn carried(&self, from: MemberId, to: MemberId) -> u32 {
        let ends = self.network().find_index(from).zip(self.network().find_index(to));
        let slot = ends.and_then(|(from, to)| self.network().find_slot(from, to));
        slot.map_or(0, |slot| self.flow.carried(Arc::Connection(slot)))
    }

    /// Whether a member passes, and by how much they are limited. The cut is one near the member if it is found within a
    /// bounded time, otherwise the one that limits the network as a whole.
    pub fn explain(&self, id: MemberId) -> Explanation {
        let Some(member) = self.network().find_index(id) else {
            let nobody = LimitingCut {
                capacity: 0,
                members_behind: 1,
            };
            return Explanation {
                passes: false,
                limiting_cut: Some(nobody),
            };
        };
        let is_limited = self.flow.side(entry(member)) == Side::Sink;
        let limiting_cut = is_limited.then(|| self.near_cut(member).unwrap_or_else(|| self.source_cut()));
        Explanation {
            passes: self.passes_at(member),
            limiting_cut,
        }
    }

    /// The network that the gate is computed on.
    pub fn network(&self) -> &TrustNetwork {
        &self.flow.network
    }

    /// What the gate is computed with.
    pub fn settings(&self) -> GateSettings {
        self.flow.settings
    }

    /// Bytes of memory that network and gate have reserved, without what the allocator adds.
    pub fn reserved_bytes(&self) -> usize {
        self.network().reserved_bytes() + self.flow.reserved_bytes()
    }

    pub(crate) fn is_seed_at(&self, member: MemberIndex) -> bool {
        self.flow.is_seed(member)
    }

    pub(crate) fn passes_at(&self, member: MemberIndex) -> bool {
        self.flow.passes(member)
    }

    /// The cut between the part of the network that the seeds could give more to, and the rest.
    fn source_cut(&self) -> LimitingCut {
        // All members on the source side pass, and what is carried over the cut stays behind it.
        LimitingCut {
            capacity: self.flow.passing - self.flow.source_side_members,
            members_behind: self.network().member_count() - self.flow.source_side_members,
        }
    }

    /// The cut around all that could still send a unit to a member on the sink side. No unit can enter that part any more and
    /// none leaves it, so its capacity is the number of those who pass in it.
    fn near_cut(&self, member: MemberIndex) -> Option<LimitingCut> {
        let mut behind = HashSet::from([entry(member)]);
        let mut queue = vec![entry(member)];
        let (mut next, mut arcs) = (0, 0);
        while let Some(&node) = queue.get(next) {
            next += 1;
            for link in (0..).map_while(|place| self.flow.link(node, place)) {
                arcs += 1;
                if arcs > NEAR_CUT_ARCS {
                    return None;
                }
                if self.can_send(link.arc, link.way.opposite()) && behind.insert(link.to) {
                    queue.push(link.to);
                }
            }
        }
        Some(self.cut_around(&queue))
    }

    fn cut_around(&self, behind: &[Node]) -> LimitingCut {
        let members = behind.iter().filter_map(|node| residual::member_entered(*node));
        let (mut capacity, mut members_behind) = (0, 0);
        for member in members {
            members_behind += 1;
            capacity += usize::from(self.passes_at(member));
        }
        LimitingCut {
            capacity,
            members_behind,
        }
    }

    /// Whether an arc has room, where members who do not pass count with what they could pass on if they did.
    fn can_send(&self, arc: Arc, way: Way) -> bool {
        match (arc, way) {
            (Arc::Through(member), Way::Down) => self.flow.through_capacity(member) > self.flow.carried(arc),
            _ => self.flow.has_room(arc, way),
        }
    }
}
