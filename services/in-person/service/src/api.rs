//! The gRPC face: parse, call, render.

mod in_person;
pub(crate) mod parse;
pub(crate) mod render;
#[cfg(test)]
mod tests;

pub use in_person::InPersonApi;
