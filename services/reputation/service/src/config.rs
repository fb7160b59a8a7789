//! What an operator can set.

use std::time::Duration;
use url::Url;

/// The reputation service's own configuration.
#[derive(clap::Args)]
pub struct Config {
    /// Where the community service listens.
    #[arg(long, default_value = "https://127.0.0.1:7403")]
    pub community_url: Url,
    /// Schedules of this service.
    #[command(flatten)]
    pub schedules: mesh_runtime::ScheduleSettings,
    /// Members whose scores one statement of the sweep brings up to date.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub sweep_shard_members: u32,
    /// The least time from the beginning of one statement of the sweep to that of the next, in milliseconds, 1 to 60000: what
    /// is left of it belongs to other work of the database.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pub sweep_pace_ms: u64,
}

/// How the sweep goes.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Members of a shard.
    pub shard_members: u32,
    /// From the beginning of one shard to that of the next, at least.
    pub between_shards: Duration,
}

impl Config {
    /// How the sweep goes.
    pub fn pace(&self) -> Pace {
        Pace {
            shard_members: self.sweep_shard_members,
            between_shards: Duration::from_millis(self.sweep_pace_ms),
        }
    }
}
