//! Ways through the residual graph, breadth first.

use super::residual::{Arc, Flow, Link, Node, SOURCE, Seen, Side, Way};
use crate::network::MemberIndex;

/// A unit's steps, in no particular order.
pub(super) type Path = Vec<(Arc, Way)>;

struct Visit {
    node: Node,
    /// The place in the queue from where the search came, and the step between the two in the direction of the unit. None at
    /// the start.
    before: Option<(u32, Arc, Way)>,
}

/// One end of a search: the queue, and how far it was worked through, arc by arc.
struct Frontier {
    search: u32,
    direction: Direction,
    queue: Vec<Visit>,
    node: usize,
    arc: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// Where a unit can go to.
    Onward,
    /// Where a unit can come from.
    Back,
}

enum Step {
    Nothing,
    Reached(Node),
    Exhausted,
}

impl Flow {
    /// A way for one unit from a node to another that stays on one side of the cut. Both ends are searched in turns, arc by arc,
    /// so it takes at most twice the time of the end with less around it. If there is none: all nodes on the source side
    /// from where the goal could be reached; on the sink side nothing.
    pub(super) fn find_path(&mut self, from: Node, to: Node, side: Side) -> Result<Path, Vec<Node>> {
        if from == to {
            return Ok(Path::new());
        }
        let (mut near, mut far) = (
            self.frontier(to, Direction::Back),
            self.frontier(from, Direction::Onward),
        );
        loop {
            match self.step(&mut near, side) {
                Step::Reached(node) => {
                    let seen = self.nodes[node as usize].seen;
                    if seen.search == far.search {
                        let mut path = near.path();
                        path.extend(far.path_to(seen.place));
                        return Ok(path);
                    }
                    self.mark(&near, node);
                }
                // On the source side the answer is all that leads to the goal, so that end goes on alone.
                Step::Exhausted if side == Side::Sink => return Err(Vec::new()),
                Step::Exhausted if near.direction == Direction::Back => return Err(near.nodes()),
                Step::Exhausted | Step::Nothing => {}
            }
            std::mem::swap(&mut near, &mut far);
        }
    }

    /// A way for one unit from a node on the sink side to a member who lacks one. If there is none: all nodes that were reached.
    pub(super) fn find_path_to_sink(&mut self, from: Node) -> Result<(Path, MemberIndex), Vec<Node>> {
        let mut onward = self.frontier(from, Direction::Onward);
        let mut reached = from;
        loop {
            if let Some(member) = self.lacks_unit(reached) {
                return Ok((onward.path(), member));
            }
            reached = loop {
                match self.step(&mut onward, Side::Sink) {
                    Step::Reached(node) => break node,
                    Step::Exhausted => return Err(onward.nodes()),
                    Step::Nothing => {}
                }
            };
            self.mark(&onward, reached);
        }
    }

    /// One pass over all that the source can reach, which gives units along the ways that it finds. If it gave none: all nodes
    /// that were reached.
    pub(super) fn give_units_from_source(&mut self) -> Result<(), Vec<Node>> {
        let mut onward = self.frontier(SOURCE, Direction::Onward);
        let before = self.passing;
        loop {
            match self.step(&mut onward, Side::Sink) {
                Step::Nothing => {}
                Step::Exhausted if self.passing == before => return Err(onward.nodes()),
                Step::Exhausted => return Ok(()),
                Step::Reached(node) => {
                    self.mark(&onward, node);
                    let Some(member) = self.lacks_unit(node) else {
                        continue;
                    };
                    let path = onward.path();
                    // Earlier units of this pass may have filled it.
                    if path.iter().all(|(arc, way)| self.has_room(*arc, *way)) {
                        self.apply(&path);
                        self.set_passes(member, true);
                    }
                }
            }
        }
    }

    pub(super) fn apply(&mut self, path: &[(Arc, Way)]) {
        for (arc, way) in path {
            self.push(*arc, *way);
        }
    }

    /// The number of a new search.
    pub(super) fn next_search(&mut self) -> u32 {
        self.last_search += 1;
        self.last_search
    }

    /// Starts to count searches anew before their numbers run out. Not while one is under way.
    pub(super) fn renew_searches(&mut self) {
        if self.last_search > u32::MAX / 2 {
            self.nodes.iter_mut().for_each(|node| node.seen = Seen::default());
            self.last_search = 0;
        }
    }

    fn frontier(&mut self, start: Node, direction: Direction) -> Frontier {
        let search = self.next_search();
        self.nodes[start as usize].seen = Seen { search, place: 0 };
        let visit = Visit {
            node: start,
            before: None,
        };
        Frontier {
            search,
            direction,
            queue: vec![visit],
            node: 0,
            arc: 0,
        }
    }

    /// Looks at one arc.
    fn step(&self, frontier: &mut Frontier, side: Side) -> Step {
        let Some(visit) = frontier.queue.get(frontier.node) else {
            return Step::Exhausted;
        };
        let Some(Link { to, arc, way }) = self.link(visit.node, frontier.arc) else {
            frontier.node += 1;
            frontier.arc = 0;
            return Step::Nothing;
        };
        frontier.arc += 1;
        let way = match frontier.direction {
            Direction::Onward => way,
            Direction::Back => way.opposite(),
        };
        if self.nodes[to as usize].seen.search == frontier.search || self.side(to) != side || !self.has_room(arc, way) {
            return Step::Nothing;
        }
        frontier.queue.push(Visit {
            node: to,
            before: Some((frontier.node as u32, arc, way)),
        });
        Step::Reached(to)
    }

    fn mark(&mut self, frontier: &Frontier, node: Node) {
        self.nodes[node as usize].seen = Seen {
            search: frontier.search,
            place: frontier.queue.len() as u32 - 1,
        };
    }
}

impl Frontier {
    /// The way to the last visit.
    fn path(&self) -> Path {
        self.path_to(self.queue.len() as u32 - 1)
    }

    fn path_to(&self, place: u32) -> Path {
        let mut path = Path::new();
        let mut visit = &self.queue[place as usize];
        while let Some((before, arc, way)) = visit.before {
            path.push((arc, way));
            visit = &self.queue[before as usize];
        }
        path
    }

    fn nodes(&self) -> Vec<Node> {
        self.queue.iter().map(|visit| visit.node).collect()
    }
}
