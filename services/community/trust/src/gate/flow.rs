//! Keeps the flow a maximum while the network changes.
//!
//! Each change moves single units and leaves a cut without room, which proves that no more can flow (see [`Side`]). The cut
//! also keeps searches small: what the seeds can't reach is not searched again with each change, and a side that a search
//! has proved wrong is corrected by what it looked at. A change takes time in proportion to the units that it moves and to
//! the part of the network that is searched, which is all of it at worst.

use super::GateSettings;
use super::residual::{Arc, Flow, Node, SOURCE, Seen, Side, Way, entry, exit, member_entered};
use crate::network::{MemberIndex, Strength, TrustNetwork};
use mesh_types::MemberId;

impl Flow {
    /// A maximum flow from scratch.
    pub(super) fn compute(
        mut network: TrustNetwork,
        settings: GateSettings,
        seeds: impl IntoIterator<Item = MemberId>,
    ) -> Self {
        let seeds: Vec<MemberIndex> = seeds.into_iter().map(|seed| network.index_or_add(seed)).collect();
        let mut flow = Self::without_units(network, settings);
        for seed in seeds {
            flow.set_seed(seed, true);
        }
        loop {
            if let Err(reached) = flow.give_units_from_source() {
                flow.move_to(Side::Source, &reached);
                return flow;
            }
        }
    }

    /// The index of a member, who becomes known.
    pub(super) fn member(&mut self, id: MemberId) -> MemberIndex {
        let member = self.network.index_or_add(id);
        self.fit();
        member
    }

    /// Sets the strength of a connection.
    pub(super) fn set_connection(&mut self, from: MemberIndex, to: MemberIndex, strength: Strength) {
        let slot = self.network.slot_of(from, to);
        self.fit();
        self.network.set_strength(slot, strength);
        self.set_capacity(slot);
        self.settle(exit(from), Arc::Connection(slot), entry(to));
        if strength == Strength::NONE {
            self.network.release(from, to);
        }
    }

    pub(super) fn add_seed(&mut self, member: MemberIndex) {
        self.set_seed(member, true);
        self.settle_seed(member);
    }

    pub(super) fn remove_seed(&mut self, member: MemberIndex) {
        self.set_seed(member, false);
        self.settle_seed(member);
    }

    fn settle_seed(&mut self, member: MemberIndex) {
        self.settle(SOURCE, Arc::Supply(member), entry(member));
        self.settle(entry(member), Arc::Through(member), exit(member));
    }

    /// Makes the flow a maximum again after the capacity of an arc has changed.
    fn settle(&mut self, from: Node, arc: Arc, to: Node) {
        self.renew_searches();
        while self.carried(arc) > self.capacity(arc) {
            self.push(arc, Way::Up);
            self.replace_unit(from, to);
        }
        while self.has_room(arc, Way::Down) && self.side(from) == Side::Source && self.side(to) == Side::Sink {
            self.use_room(from, arc, to);
        }
    }

    /// Sends a unit over an arc from the source side to the sink side that has room, or moves the cut so
    /// that the arc does not cross it any more.
    fn use_room(&mut self, from: Node, arc: Arc, to: Node) {
        let feed = match self.find_path(SOURCE, from, Side::Source) {
            Ok(path) => path,
            Err(cut_off) => return self.move_to(Side::Sink, &cut_off),
        };
        match self.find_path_to_sink(to) {
            Ok((path, member)) => {
                self.apply(&feed);
                self.push(arc, Way::Down);
                self.apply(&path);
                self.set_passes(member, true);
            }
            Err(reached) => self.move_to(Side::Source, &reached),
        }
    }

    /// Makes up for one unit that an arc does not carry any more: it is one too many where the arc begins, and one is missing
    /// where it ends.
    fn replace_unit(&mut self, excess: Node, missing: Node) {
        let mut is_missing = true;
        if self.side(missing) == Side::Source {
            match self.find_path(SOURCE, missing, Side::Source) {
                Ok(path) => {
                    self.apply(&path);
                    is_missing = false;
                }
                Err(cut_off) => self.move_to(Side::Sink, &cut_off),
            }
        }
        // What is missing now is so on the sink side, which nothing from the source side can reach.
        if is_missing
            && self.side(excess) == Side::Sink
            && let Ok(path) = self.find_path(excess, missing, Side::Sink)
        {
            return self.apply(&path);
        }
        if is_missing {
            self.take_back(missing, Way::Down);
        }
        if self.side(excess) == Side::Sink {
            match self.find_path_to_sink(excess) {
                Ok((path, member)) => {
                    self.apply(&path);
                    return self.set_passes(member, true);
                }
                // The unit goes back to the source, which can reach from now on what the unit could.
                Err(reached) => self.move_to(Side::Source, &reached),
            }
        }
        self.take_back(excess, Way::Up);
    }

    /// Follows one unit down to a member who passes on nothing, and takes it from them, or up to the source, and gives it back.
    /// Where units go in a circle, they are taken out on the way.
    fn take_back(&mut self, start: Node, way: Way) {
        let search = self.next_search();
        let mut walked: Vec<(Node, Arc)> = Vec::new();
        let mut node = start;
        loop {
            let seen = self.nodes[node as usize].seen;
            if seen.search == search {
                for (passed, arc) in walked.drain(seen.place as usize..) {
                    self.push(arc, Way::Up);
                    self.nodes[passed as usize].seen.search = 0;
                }
            }
            self.nodes[node as usize].seen = Seen {
                search,
                place: walked.len() as u32,
            };
            let links = (0..).map_while(|place| self.link(node, place));
            let carrying = links
                .filter(|link| link.way == way)
                .find(|link| self.carried(link.arc) > 0);
            let Some(link) = carrying else {
                break;
            };
            walked.push((node, link.arc));
            node = link.to;
        }
        for (_, arc) in walked {
            self.push(arc, Way::Up);
        }
        if way == Way::Down
            && let Some(member) = member_entered(node)
        {
            self.set_passes(member, false);
        }
    }
}
