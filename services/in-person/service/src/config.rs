//! What an operator can set: nothing but what every service has.

/// The in-person service's own configuration.
#[derive(Debug, clap::Args)]
pub struct Config {}
