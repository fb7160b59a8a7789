//! When a verifier is free by their own hours, before any appointment is subtracted (domain.md, "In person").
//!
//! A verifier states hours by weekday, and exceptions by date, in the local time of their zone. Start with
//! [`Availability`], which keeps them. [`Availability::spans`] says when they are free, [`Availability::slots`] which
//! appointments could begin, [`Availability::covers`] whether one appointment lies in their hours.
//!
//! # From local time to instants
//!
//! There is one rule: a local time becomes the first instant at which the zone's clock shows that time or later. It never
//! decreases, so hours that follow each other on the clock follow each other in time: no minute is lost, none is in two
//! hours.
//!
//! - Clock put forward: all skipped times become the instant of the change. Hours that lie in the gap are empty.
//! - Clock put back: a repeated time becomes its first instant. From the change until the clock has caught up, time counts
//!   as the last moment before the change. So the second pass belongs to the hours that contain that moment, and to no
//!   others. Where 02:00–03:00 is repeated, hours 02:00–02:30 are half an hour, the first, and hours 02:45–03:00 go on from
//!   the first 02:45 until the second 03:00.
//! - A day that the zone skips has no instant. Its hours and exceptions are never used.
//!
//! Invariants:
//! - All spans are half open, in order, and disjoint. The same question has the same answer whatever window it is part of.
//! - An answer is bounded: a window has at most [`LONGEST_WINDOW`], a slot at least [`SHORTEST_SLOT`].
//! - Absent on purpose: IO, a clock (instants are arguments), async, floating point numbers, appointments.

mod availability;
mod local_day;
mod queries;
mod span;
mod time_of_day;

pub use availability::{Availability, AvailabilityError, Day, MOST_EXCEPTIONS, MOST_HOURS_A_DAY, Weekly};
pub use queries::{LONGEST_SLOT, LONGEST_WINDOW, QueryError, SHORTEST_SLOT};
pub use span::{EmptySpan, Span};
pub use time_of_day::{Hours, HoursError, TimeOfDay, TimeOfDayError};
