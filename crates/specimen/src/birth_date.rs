//! A day of birth of which parts may be unknown.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A day of birth as documents state it; a part that nobody knows is `None` (ICAO Doc 9303 part 3, 4.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BirthDate {
    /// The year, with its century.
    pub year: Option<i16>,
    /// 1 to 12.
    pub month: Option<i8>,
    /// 1 to 31.
    pub day: Option<i8>,
}

impl BirthDate {
    /// A day of birth of which nothing is known.
    pub const UNKNOWN: Self = Self {
        year: None,
        month: None,
        day: None,
    };

    /// The day, when all of it is known.
    pub fn whole(self) -> Option<Date> {
        Date::new(self.year?, self.month?, self.day?).ok()
    }

    /// Six characters, YYMMDD; an unknown part is two fillers.
    pub fn in_zone(self) -> String {
        let year = self.year.map(|year| year.rem_euclid(100));
        let parts = [year, self.month.map(i16::from), self.day.map(i16::from)];
        let part = |part: Option<i16>| part.map_or("<<".to_owned(), |number| format!("{number:02}"));
        parts.map(part).concat()
    }

    /// As printed, `12 AUG 1974`; an unknown part is `XX`, an unknown year `XXXX`.
    pub fn in_print(self) -> String {
        const MONTHS: [&str; 12] = [
            "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
        ];
        let day = self.day.map_or("XX".to_owned(), |day| format!("{day:02}"));
        let month = self
            .month
            .and_then(|month| MONTHS.get(usize::try_from(month - 1).ok()?))
            .unwrap_or(&"XX");
        let year = self.year.map_or("XXXX".to_owned(), |year| format!("{year:04}"));
        format!("{day} {month} {year}")
    }
}

impl From<Date> for BirthDate {
    fn from(date: Date) -> Self {
        Self {
            year: Some(date.year()),
            month: Some(date.month()),
            day: Some(date.day()),
        }
    }
}
