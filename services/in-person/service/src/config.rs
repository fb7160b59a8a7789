//! What an operator can set.

use crate::appointment::Terms;
use jiff::SignedDuration;
use std::path::PathBuf;
use url::Url;

/// The in-person service's own configuration.
#[derive(clap::Args, Clone, Debug)]
pub struct Config {
    /// Where the community service listens.
    #[arg(long, default_value = "https://127.0.0.1:7403")]
    pub community_url: Url,
    /// The file of the keys that meeting points are encrypted and codes are made with (JSON), which no other user may read. The one of the
    /// default is made if it isn't there and nothing lies under its keys. Lose it, and nobody knows where to meet any more.
    #[arg(long, value_name = "FILE", help_heading = "Appointments")]
    pub keyring: Option<PathBuf>,
    /// How long an appointment is, in minutes.
    #[arg(long, value_name = "MINUTES", default_value_t = 30, help_heading = "Appointments",
          value_parser = clap::value_parser!(u16).range(5..=480))]
    pub appointment_minutes: u16,
    /// How long before its begin an appointment is booked at least, in minutes.
    #[arg(long, value_name = "MINUTES", default_value_t = 120, help_heading = "Appointments",
          value_parser = clap::value_parser!(u16).range(0..=2880))]
    pub notice_minutes: u16,
    /// How long before the begin the member can check in, in minutes.
    #[arg(long, value_name = "MINUTES", default_value_t = 15, help_heading = "Appointments",
          value_parser = clap::value_parser!(u16).range(0..=120))]
    pub check_in_minutes: u16,
    /// How long after the begin somebody who is not there has missed it, in minutes.
    #[arg(long, value_name = "MINUTES", default_value_t = 15, help_heading = "Appointments",
          value_parser = clap::value_parser!(u16).range(0..=120))]
    pub no_show_minutes: u16,
}

/// Where the keyring lies unless it is said.
pub(crate) const DEFAULT_KEYRING: &str = "/var/lib/voluntier/in-person.keyring.json";

impl Config {
    /// How long things last.
    pub fn terms(&self) -> Terms {
        let minutes = |minutes: u16| SignedDuration::from_mins(minutes.into());
        Terms {
            length: minutes(self.appointment_minutes),
            notice: minutes(self.notice_minutes),
            early: minutes(self.check_in_minutes),
            lateness: minutes(self.no_show_minutes),
        }
    }
}
