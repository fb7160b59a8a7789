//! Dates as passports print them.

use crate::identity_fields::DateOrder;
use jiff::civil::Date;

/// Months by how they begin in the languages of the Latin script that passports print beside English.
const MONTHS: [&[&str]; 12] = [
    &["JAN", "ENE", "GEN", "STY"],
    &["FEB", "FEV", "FÉV"],
    &["MAR", "MRZ", "MÄR", "MAA"],
    &["APR", "AVR", "ABR"],
    &["MAY", "MAI", "MAG", "MEI"],
    &["JUN", "JUIN", "GIU"],
    &["JUL", "JUIL", "LUG"],
    &["AUG", "AOU", "AOÛ", "AGO"],
    &["SEP", "SET"],
    &["OCT", "OKT", "OTT", "OUT"],
    &["NOV"],
    &["DEC", "DEZ", "DIC", "DÉC"],
];

/// A year of two digits above this one is of the last century; expiry dates in print have four digits or this century.
const CENTURY_PIVOT: i16 = 50;

/// Every date in a text: `12.08.1974`, `12/08/1974`, `12 08 1974`, `1974-08-12`, `12 AUG 1974`, `12 AUG/AOÛT 74`; with the
/// month first `08/12/1974`, `AUG 12, 1974`.
pub(super) fn dates_in(text: &str, order: DateOrder) -> Vec<Date> {
    let parts: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|part| !part.is_empty())
        .flat_map(unglued)
        .collect();
    let mut dates = Vec::new();
    for start in 0..parts.len() {
        dates.extend(date_at(&parts[start..], order));
    }
    dates
}

/// A day and a month's name between which the engine lost the space, as it does where the name begins round: `01OCT`.
fn unglued(part: &str) -> impl Iterator<Item = &str> {
    let glued = part
        .split_at_checked(2)
        .filter(|(day, name)| small(day).is_some() && month(name).is_some());
    let (first, second) = glued.map_or((part, None), |(day, name)| (day, Some(name)));
    std::iter::once(first).chain(second)
}

fn date_at(parts: &[&str], order: DateOrder) -> Option<Date> {
    let [first, second, ..] = parts else { return None };
    if let (Some(month), Some(day), DateOrder::MonthFirst) = (month(first), small(second), order) {
        return Date::new(year(parts.get(2)?)?, month, day).ok();
    }
    if let Some(month) = month(second) {
        let day = small(first)?;
        // A month may stand in two languages, as in `12 AUG/AOÛT 1974`.
        let year = parts[2..].iter().take(2).find_map(|part| year(part))?;
        return Date::new(year, month, day).ok();
    }
    let third = parts.get(2)?;
    let month = small(second)?;
    if first.len() == 4 {
        return Date::new(year(first)?, month, small(third)?).ok();
    }
    let (month, day) = match order {
        DateOrder::DayFirst => (month, small(first)?),
        DateOrder::MonthFirst => (small(first)?, month),
    };
    Date::new(full_year(third)?, month, day).ok()
}

fn month(text: &str) -> Option<i8> {
    let text = text.to_uppercase().replace('0', "O").replace('5', "S");
    let at = MONTHS
        .iter()
        .position(|names| names.iter().any(|name| text.starts_with(name)))?;
    i8::try_from(at + 1).ok()
}

/// A day or month of one or two digits.
fn small(text: &str) -> Option<i8> {
    let digits = digits(text)?;
    (digits.len() <= 2).then(|| digits.parse().ok())?
}

fn full_year(text: &str) -> Option<i16> {
    let digits = digits(text)?;
    (digits.len() == 4).then(|| digits.parse().ok())?
}

fn year(text: &str) -> Option<i16> {
    let digits = digits(text)?;
    let year: i16 = digits.parse().ok()?;
    match digits.len() {
        4 => Some(year),
        2 if year > CENTURY_PIVOT => Some(1900 + year),
        2 => Some(2000 + year),
        _ => None,
    }
}

/// The digits of a text in which letters that look like digits are digits; `None` if other letters are among them.
fn digits(text: &str) -> Option<String> {
    let mut any = false;
    let digits: Option<String> = text
        .chars()
        .map(|c| match c {
            '0'..='9' => {
                any = true;
                Some(c)
            }
            'O' | 'o' | 'Q' | 'D' => Some('0'),
            'I' | 'l' | 'i' => Some('1'),
            'Z' | 'z' => Some('2'),
            'S' | 's' => Some('5'),
            'B' => Some('8'),
            _ => None,
        })
        .collect();
    digits.filter(|_| any)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn dates_are_found_in_every_way_that_passports_print_them() {
        for text in [
            "12.08.1974",
            "12/08/1974",
            "12 08 1974",
            "1974-08-12",
            "12 AUG 1974",
            "12 AUG/AOUT 1974",
            "12 AUG / AOÛT 74",
            "Date of birth 12 Aug 1974",
            "l2.O8.1974",
            "12 AUG 74",
            "12AUG 1974",
            "12 August 1974",
        ] {
            assert_eq!(dates_in(text, DateOrder::DayFirst), [date(1974, 8, 12)], "{text}");
        }
    }

    #[test]
    fn what_is_no_day_of_the_calendar_is_no_date() {
        for text in [
            "31.02.1974",
            "12 AUG",
            "L898902C3",
            "12.13.1974",
            "SOS 1974",
            "12.08.74",
            "",
        ] {
            assert!(dates_in(text, DateOrder::DayFirst).is_empty(), "{text}");
        }
    }

    #[test]
    fn with_the_month_first_the_small_numbers_change_places() {
        for text in ["08/12/1974", "8-12-1974", "AUG 12, 1974", "12 AUG 1974", "1974-08-12"] {
            assert_eq!(dates_in(text, DateOrder::MonthFirst), [date(1974, 8, 12)], "{text}");
        }
        assert!(dates_in("13/12/1974", DateOrder::MonthFirst).is_empty());
    }
}
