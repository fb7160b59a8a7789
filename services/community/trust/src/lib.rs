//! The trust network in memory, and what is computed on it (domain.md, "Community").
//!
//! Members make directed connections of a strength from 0 to 1. Start with [`TrustNetwork`], which keeps them. [`Gate`]
//! owns a network and says who passes the gate against made-up accounts, a maximum flow from configured seeds.
//! [`network_points`] gives a member's points by the network, [`neighbourhood`] those who could be asked about them.
//! [`rings_around`] and [`find_burst`] find what a person should look at.
//!
//! Invariants:
//! - The same sequence of changes gives the same answers. Nothing depends on the order of a hash table.
//! - The number of made-up accounts that pass is at most the capacity of the connections into them from outside.
//! - An explanation has sizes only. The parts of network points are the one place that names members.
//! - Absent on purpose: IO, a clock (instants are arguments), async, chance, floating point numbers, recursion.

mod burst;
mod gate;
mod neighbourhood;
mod network;
mod points;
mod ring;
mod suspicion;

pub use burst::{Burst, BurstSettings, Vouch, find_burst};
pub use gate::{Explanation, Gate, GateSettings, LimitingCut};
pub use neighbourhood::{Neighbour, NeighbourhoodSettings, neighbourhood};
pub use network::{Connection, ConnectionError, Strength, StrengthError, TrustNetwork};
pub use points::{NetworkPoints, PointsPart, Withheld, network_points};
pub use ring::{Ring, RingSettings, rings_around};
pub use suspicion::SuspicionReason;
