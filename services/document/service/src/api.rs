//! The gRPC face: parse, call, render.

mod document;
pub(crate) mod ownership;
pub(crate) mod parse;
pub(crate) mod render;
#[cfg(test)]
mod tests;

pub use document::DocumentApi;
