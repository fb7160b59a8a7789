//! What runs by the clock: one list for the services that own the workflows and the one that shows, pauses and
//! back-fills them.

/// A schedule of the platform. Its workflow belongs to one service; any service may look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Schedule {
    /// Scores that a decay period has passed for are brought up to date.
    DailyReputationUpdate,
    /// Verifications that stand still are reminded of.
    WeeklyVerificationReminders,
    /// The verifications of the month before are counted.
    MonthlyVerificationReport,
}

impl Schedule {
    /// Every schedule.
    pub const ALL: [Schedule; 3] = [
        Self::DailyReputationUpdate,
        Self::WeeklyVerificationReminders,
        Self::MonthlyVerificationReport,
    ];

    /// The schedule's id in Temporal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DailyReputationUpdate => "daily-reputation-update",
            Self::WeeklyVerificationReminders => "weekly-verification-reminders",
            Self::MonthlyVerificationReport => "monthly-verification-report",
        }
    }

    /// When it runs: minute, hour, day of the month, month, day of the week, in the configured time zone (UTC unless set).
    pub const fn cron(self) -> &'static str {
        match self {
            Self::DailyReputationUpdate => "0 2 * * *",
            Self::WeeklyVerificationReminders => "0 9 * * 1",
            Self::MonthlyVerificationReport => "0 3 1 * *",
        }
    }

    /// The schedule that an id names.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|schedule| schedule.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schedule_is_found_by_its_id() {
        for schedule in Schedule::ALL {
            assert_eq!(Schedule::parse(schedule.as_str()), Some(schedule));
        }
        assert_eq!(Schedule::parse("hourly"), None);
    }
}
