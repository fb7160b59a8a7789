//! Wire names that workflows of several services have.

/// Query: how a workflow stands; each answers in its own way.
pub const PROGRESS: &str = "progress";
