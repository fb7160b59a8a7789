//! Expiry, plausible dates and age.

use crate::{Holder, Profile};
use jiff::{Span, civil::Date};
use mesh_types::{Check, CheckName, CheckReason, DocumentKind, MINIMUM_AGE_YEARS};

/// The longest life that a birth date is believed to tell of, in years.
const LONGEST_LIFE_YEARS: i32 = 120;
/// The longest validity of a document that is usual, in years, with a year for those that add what was left. Some states
/// grant more, and for ever to old people, so what is valid for longer is for a person to judge.
const LONGEST_VALIDITY_YEARS: i32 = 11;
/// The same of a driver licence: 15 years in the European Union (Directive 2006/126/EC, article 7). Arizona's are valid
/// until the holder is 65.
const LONGEST_LICENCE_VALIDITY_YEARS: i32 = 16;

impl Holder<'_> {
    /// [`CheckName::NotExpired`]: a document is valid on its expiry date itself.
    pub fn not_expired(&self, as_of: Date) -> Check {
        let name = CheckName::NotExpired;
        match self.expiry_date {
            None => Check::failed(name, CheckReason::ExpiryDateUnreadable),
            Some(expiry) if expiry < as_of => Check::failed(name, CheckReason::Expired),
            Some(_) => Check::passed(name, CheckReason::NotExpired),
        }
    }

    /// [`CheckName::DatesPlausible`]: birth, issue and expiry are in this order, none of the first two after the day
    /// `as_of`, and not too far apart.
    pub fn dates_plausible(&self, as_of: Date) -> Check {
        let name = CheckName::DatesPlausible;
        let Some(birth) = self.birth_date else {
            return Check::not_applicable(name, CheckReason::BirthDateUnknown);
        };
        let Some(expiry) = self.expiry_date else {
            return Check::failed(name, CheckReason::ExpiryDateUnreadable);
        };
        let longest = match self.kind {
            DocumentKind::DriversLicense => LONGEST_LICENCE_VALIDITY_YEARS,
            DocumentKind::Passport | DocumentKind::NationalId => LONGEST_VALIDITY_YEARS,
        };
        let implausible = [
            (birth > as_of, CheckReason::BornInTheFuture),
            (
                years_after(birth, LONGEST_LIFE_YEARS) < as_of,
                CheckReason::BornTooLongAgo,
            ),
            (expiry <= birth, CheckReason::ExpiresBeforeBirth),
            (expiry > years_after(as_of, longest), CheckReason::ValidForTooLong),
        ];
        if let Some((_, reason)) = implausible.into_iter().find(|(is_so, _)| *is_so) {
            return doubted(name, reason);
        }
        let wrong = |issue: Date| implausible_issue(issue, birth, expiry, longest, as_of);
        let (barcode, print) = (self.barcode_issue_date, self.printed_issue_date);
        // Print alone is one look, so what it says of that is held against nobody.
        match (barcode.and_then(wrong), print.and_then(wrong)) {
            (Some(reason), _) => doubted(name, reason),
            (None, Some(_)) if barcode.is_none() => Check::not_applicable(name, CheckReason::PrintedIssueDateDoubtful),
            (None, _) => Check::passed(name, CheckReason::Plausible),
        }
    }

    /// [`CheckName::MinimumAge`] on the day `as_of`. A zone does not tell the century: who would be too young by the later
    /// one is refused only where print says the same date and the profile does not say the earlier one.
    pub fn minimum_age(&self, profile: &Profile, as_of: Date) -> Check {
        let name = CheckName::MinimumAge;
        match self.birth_date {
            None => Check::not_applicable(name, CheckReason::BirthDateUnknown),
            Some(birth) if years_after(birth, MINIMUM_AGE_YEARS) > as_of => match self.other_century(birth, as_of) {
                Some(earlier) if !self.birth_date_is_printed || earlier == profile.birth_date => {
                    Check::not_applicable(name, CheckReason::BirthCenturyUnclear)
                }
                _ => Check::failed(name, CheckReason::TooYoung),
            },
            Some(_) => Check::passed(name, CheckReason::OldEnough),
        }
    }

    /// The other birth date that the two digits of a zone's year may mean, of a holder who could be alive.
    pub(crate) fn other_century(&self, birth: Date, as_of: Date) -> Option<Date> {
        let earlier = years_after(birth, -100);
        let is_possible = years_after(earlier, LONGEST_LIFE_YEARS) >= as_of;
        (self.birth_century_is_concluded && is_possible).then_some(earlier)
    }
}

/// A contradiction fails; an unusual validity is left open.
fn doubted(name: CheckName, reason: CheckReason) -> Check {
    match reason {
        CheckReason::ValidForTooLong => Check::not_applicable(name, CheckReason::ValidForTooLong),
        reason => Check::failed(name, reason),
    }
}

/// What is wrong with a date of issue.
fn implausible_issue(issue: Date, birth: Date, expiry: Date, longest: i32, as_of: Date) -> Option<CheckReason> {
    let implausible = [
        (issue > as_of, CheckReason::IssuedInTheFuture),
        (issue < birth, CheckReason::IssuedBeforeBirth),
        (issue >= expiry, CheckReason::ExpiresBeforeIssue),
        (expiry > years_after(issue, longest), CheckReason::ValidForTooLong),
    ];
    implausible
        .into_iter()
        .find(|(is_so, _)| *is_so)
        .map(|(_, reason)| reason)
}

/// The same day some years later; 29 February falls on the 28th where the year has no such day.
fn years_after(day: Date, years: i32) -> Date {
    day.saturating_add(Span::new().years(years))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TODAY, holder, profile};
    use jiff::civil::date;

    /// The reason of a check, with `!` before one that failed and `?` before one that is open.
    fn said(check: &Check) -> String {
        let mark = match check.result {
            mesh_types::CheckResult::Passed => "",
            mesh_types::CheckResult::Failed => "!",
            mesh_types::CheckResult::NotApplicable => "?",
        };
        format!("{mark}{}", check.reason.as_str())
    }

    #[test]
    fn a_document_is_valid_on_its_last_day() {
        for (expiry_date, expected) in [
            (Some(TODAY), "NOT_EXPIRED"),
            (TODAY.yesterday().ok(), "!EXPIRED"),
            (None, "!EXPIRY_DATE_UNREADABLE"),
        ] {
            let holder = Holder {
                expiry_date,
                ..holder()
            };
            assert_eq!(said(&holder.not_expired(TODAY)), expected);
        }
    }

    #[test]
    fn dates_are_in_order_and_not_too_far_apart() {
        let (passport, licence) = (DocumentKind::Passport, DocumentKind::DriversLicense);
        let (birth, expiry) = (date(1974, 8, 12), date(2030, 4, 15));
        for (kind, birth, barcode, print, expiry, expected) in [
            (passport, birth, None, None, expiry, "PLAUSIBLE"),
            (passport, date(2026, 3, 2), None, None, expiry, "!BORN_IN_THE_FUTURE"),
            (passport, date(1906, 2, 28), None, None, expiry, "!BORN_TOO_LONG_AGO"),
            (passport, birth, None, None, birth, "!EXPIRES_BEFORE_BIRTH"),
            (passport, birth, None, None, date(2037, 3, 1), "PLAUSIBLE"),
            (passport, birth, None, None, date(2037, 3, 2), "?VALID_FOR_TOO_LONG"),
            (licence, birth, None, None, date(2042, 3, 1), "PLAUSIBLE"),
            (licence, birth, None, None, date(2042, 3, 2), "?VALID_FOR_TOO_LONG"),
            (
                licence,
                birth,
                Some(date(2026, 3, 2)),
                None,
                expiry,
                "!ISSUED_IN_THE_FUTURE",
            ),
            (
                licence,
                birth,
                Some(date(1974, 8, 11)),
                None,
                expiry,
                "!ISSUED_BEFORE_BIRTH",
            ),
            (
                licence,
                birth,
                Some(date(2014, 4, 14)),
                None,
                expiry,
                "?VALID_FOR_TOO_LONG",
            ),
            (
                licence,
                birth,
                None,
                Some(date(2026, 3, 2)),
                expiry,
                "?PRINTED_ISSUE_DATE_DOUBTFUL",
            ),
            (
                licence,
                birth,
                Some(date(2020, 1, 1)),
                Some(date(2026, 3, 2)),
                expiry,
                "PLAUSIBLE",
            ),
            (
                passport,
                birth,
                Some(expiry),
                None,
                date(2026, 2, 1),
                "!ISSUED_IN_THE_FUTURE",
            ),
            (
                passport,
                birth,
                Some(date(2026, 2, 1)),
                None,
                date(2026, 2, 1),
                "!EXPIRES_BEFORE_ISSUE",
            ),
        ] {
            let holder = Holder {
                kind,
                birth_date: Some(birth),
                expiry_date: Some(expiry),
                barcode_issue_date: barcode,
                printed_issue_date: print,
                ..holder()
            };
            let dates = (birth, barcode, print, expiry);
            assert_eq!(said(&holder.dates_plausible(TODAY)), expected, "{kind:?} {dates:?}");
        }
    }

    #[test]
    fn age_is_complete_on_the_birthday() {
        let (of_age, too_young) = (date(2010, 3, 1), date(2010, 3, 2));
        for (birth, concluded, printed, profile_birth, expected) in [
            (of_age, true, true, of_age, "OLD_ENOUGH"),
            (too_young, true, true, too_young, "!TOO_YOUNG"),
            (too_young, false, false, too_young, "!TOO_YOUNG"),
            // A zone's 10 may be 1910.
            (too_young, true, false, too_young, "?BIRTH_CENTURY_UNCLEAR"),
            (too_young, true, true, date(1910, 3, 2), "?BIRTH_CENTURY_UNCLEAR"),
        ] {
            let holder = Holder {
                birth_date: Some(birth),
                birth_century_is_concluded: concluded,
                birth_date_is_printed: printed,
                ..holder()
            };
            let profile = Profile {
                birth_date: profile_birth,
                ..profile()
            };
            let case = (birth, concluded, printed, profile_birth);
            assert_eq!(said(&holder.minimum_age(&profile, TODAY)), expected, "{case:?}");
        }
    }

    #[test]
    fn a_leap_day_falls_on_the_day_before_where_there_is_none() {
        assert_eq!(years_after(date(2008, 2, 29), 16), date(2024, 2, 29));
        assert_eq!(years_after(date(2008, 2, 29), 17), date(2025, 2, 28));
    }
}
