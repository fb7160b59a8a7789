//! Times and hours of one local day, as a clock on the wall shows them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A time of a local day, to the minute. The end of the day is a time of it too, so that hours can last until then.
///
/// Text and JSON: `HH:MM`, from `00:00` to `24:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay {
    minutes: u16,
}

impl TimeOfDay {
    /// `00:00`.
    pub const START_OF_DAY: Self = Self { minutes: 0 };
    /// `24:00`, which is `00:00` of the next day.
    pub const END_OF_DAY: Self = Self { minutes: 24 * 60 };

    /// A time by the minutes that a clock which is never changed counts from midnight, 0 to 1440.
    ///
    /// # Errors
    /// [`TimeOfDayError::AfterEndOfDay`] above 1440.
    pub fn from_minutes(minutes: u16) -> Result<Self, TimeOfDayError> {
        if minutes > Self::END_OF_DAY.minutes {
            return Err(TimeOfDayError::AfterEndOfDay { minutes });
        }
        Ok(Self { minutes })
    }

    /// Minutes of the clock from midnight, 0 to 1440.
    pub fn minutes(self) -> u16 {
        self.minutes
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
}

impl FromStr for TimeOfDay {
    type Err = TimeOfDayError;

    /// Reads `HH:MM`, always two digits each.
    ///
    /// # Errors
    /// [`TimeOfDayError::Unreadable`] when it is written otherwise, [`TimeOfDayError::AfterEndOfDay`] after `24:00`.
    fn from_str(text: &str) -> Result<Self, TimeOfDayError> {
        let digit = |byte: u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
        let read = || match *text.as_bytes() {
            [h1, h2, b':', m1, m2] => Some((digit(h1)? * 10 + digit(h2)?, digit(m1)? * 10 + digit(m2)?)),
            _ => None,
        };
        match read() {
            Some((hour, minute)) if minute < 60 => Self::from_minutes(hour * 60 + minute),
            _ => Err(TimeOfDayError::Unreadable),
        }
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = TimeOfDayError;

    fn try_from(text: String) -> Result<Self, TimeOfDayError> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

/// Why something is no time of a day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeOfDayError {
    /// The text is not `HH:MM`.
    #[error("a time of day is written HH:MM, from 00:00 to 24:00")]
    Unreadable,
    /// The time is after `24:00`.
    #[error("a day has 1440 minutes, and this is minute {minutes}")]
    AfterEndOfDay {
        /// The minutes from midnight.
        minutes: u16,
    },
}

/// Hours of one local day, half open: they begin with `from` and end before `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "UncheckedHours")]
pub struct Hours {
    from: TimeOfDay,
    until: TimeOfDay,
}

impl Hours {
    /// Hours within a day. Hours over midnight are two: one until `24:00`, and one of the next day from `00:00`.
    ///
    /// # Errors
    /// When `from` is not before `until`.
    pub fn new(from: TimeOfDay, until: TimeOfDay) -> Result<Self, HoursError> {
        if from >= until {
            return Err(HoursError { from, until });
        }
        Ok(Self { from, until })
    }

    /// Their first minute.
    pub fn from(self) -> TimeOfDay {
        self.from
    }

    /// The minute after their last one.
    pub fn until(self) -> TimeOfDay {
        self.until
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}–{}", self.from, self.until)
    }
}

/// Hours that do not end after they begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("hours from {from} must end later that day, not at {until}")]
pub struct HoursError {
    /// When they begin.
    pub from: TimeOfDay,
    /// When they end.
    pub until: TimeOfDay,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedHours {
    from: TimeOfDay,
    until: TimeOfDay,
}

impl TryFrom<UncheckedHours> for Hours {
    type Error = HoursError;

    fn try_from(hours: UncheckedHours) -> Result<Self, HoursError> {
        Self::new(hours.from, hours.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_minute_of_a_day_and_its_end_are_read_as_they_are_printed() {
        for minutes in 0..=1440 {
            let time = TimeOfDay::from_minutes(minutes).expect("a minute of the day");
            assert_eq!(time.to_string().parse(), Ok(time));
        }
        assert_eq!(TimeOfDay::START_OF_DAY.to_string(), "00:00");
        assert_eq!(TimeOfDay::END_OF_DAY.to_string(), "24:00");
        assert_eq!("09:05".parse::<TimeOfDay>().map(TimeOfDay::minutes), Ok(545));
    }

    #[test]
    fn no_time_is_after_the_end_of_the_day() {
        let too_late = |minutes| Err(TimeOfDayError::AfterEndOfDay { minutes });
        assert_eq!(TimeOfDay::from_minutes(1441), too_late(1441));
        assert_eq!("24:01".parse::<TimeOfDay>(), too_late(1441));
        assert_eq!("99:59".parse::<TimeOfDay>(), too_late(5999));
    }

    #[test]
    fn a_time_is_written_in_one_way_only() {
        for text in [
            "", "9:00", "09:60", "09.00", "0900", "+9:00", " 09:00", "09:00:00", "0٩:00", "09:0a",
        ] {
            assert_eq!(text.parse::<TimeOfDay>(), Err(TimeOfDayError::Unreadable), "{text}");
        }
    }

    #[test]
    fn hours_end_after_they_begin() {
        let hours = |from: &str, until: &str| Hours::new(from.parse().expect("from"), until.parse().expect("until"));
        assert_eq!(hours("00:00", "24:00").expect("a day").to_string(), "00:00–24:00");
        assert!(hours("12:00", "12:00").is_err());
        let backwards = hours("22:00", "02:00").expect_err("over midnight");
        assert_eq!(
            backwards.to_string(),
            "hours from 22:00 must end later that day, not at 02:00"
        );
    }
}
