//! The gRPC face: parse, call, render.

pub(crate) mod parse;
pub(crate) mod render;
mod reputation;
mod schedule;
#[cfg(test)]
mod tests;

pub use reputation::ReputationApi;
pub use schedule::ScheduleApi;
