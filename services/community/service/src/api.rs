//! The gRPC face: parse, call, render.

mod community;
pub(crate) mod parse;
pub(crate) mod render;
#[cfg(test)]
mod tests;

pub use community::CommunityApi;
