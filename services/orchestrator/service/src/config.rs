//! What an operator can set.

use mesh_runtime::ScheduleSettings;
use std::time::Duration;
use url::Url;

/// The orchestrator's own configuration.
#[derive(clap::Args)]
pub struct Config {
    /// Where the document service listens; its page progress is shown in answers about one verification.
    #[arg(long, default_value = "https://127.0.0.1:7402")]
    pub document_url: Url,
    /// Where the community service listens; how far it has asked is shown in answers about one verification.
    #[arg(long, default_value = "https://127.0.0.1:7403")]
    pub community_url: Url,
    /// Where the in-person service listens; the appointment is shown in answers about one verification.
    #[arg(long, default_value = "https://127.0.0.1:7404")]
    pub in_person_url: Url,
    /// Where the reputation service listens.
    #[arg(long, default_value = "https://127.0.0.1:7405")]
    pub reputation_url: Url,
    /// How often WatchVerification looks for a change, in milliseconds, 50 to 60000; while there is none its pauses grow to 2 s.
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u64).range(50..=60_000))]
    pub watch_interval_ms: u64,
    /// How often verifications in progress are looked after, in seconds, 1 to 3600: one whose start got lost is started, one
    /// whose workflow was closed from outside ends.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub look_after_interval_seconds: u64,
    /// How often the document and the reputation service are asked what they took away from verifications, in seconds, 1 to
    /// 3600.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub follow_interval_seconds: u64,
    /// Whether verifications show member, status, score and level as search attributes; with false Temporal needs to know
    /// none of them. A verification keeps what it began with.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub search_attributes: bool,
    /// The reminders and the report.
    #[command(flatten)]
    pub schedules: ScheduleSettings,
}

impl Config {
    /// How often WatchVerification looks for a change.
    pub fn watch_interval(&self) -> Duration {
        Duration::from_millis(self.watch_interval_ms)
    }

    /// How often verifications in progress are looked after.
    pub fn look_after_interval(&self) -> Duration {
        Duration::from_secs(self.look_after_interval_seconds)
    }

    /// How often revocations are followed.
    pub fn follow_interval(&self) -> Duration {
        Duration::from_secs(self.follow_interval_seconds)
    }
}
