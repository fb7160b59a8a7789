//! Dates, age, and whether the document is the member's.

use super::Case;
use crate::{
    fields::Source,
    names::{can_be_written, names_agree},
    printed::FieldAgreement,
};
use jiff::{Span, civil::Date};
use mesh_types::{Check, CheckName, CheckReason, DocumentKind};

/// The least age of a member in years (domain.md, "Document").
pub const MINIMUM_AGE_YEARS: i32 = 16;
/// The longest life that a birth date is believed to tell of, in years.
const LONGEST_LIFE_YEARS: i32 = 120;
/// The longest validity of a document that is usual, in years, with a year for those that add what was left. Some states
/// grant more, and for ever to old people, so what is valid for longer is for a person to judge.
const LONGEST_VALIDITY_YEARS: i32 = 11;
/// The same of a driver licence: 15 years in the European Union (Directive 2006/126/EC, article 7). Arizona's are valid
/// until the holder is 65.
const LONGEST_LICENCE_VALIDITY_YEARS: i32 = 16;
impl Case<'_> {
    pub(super) fn not_expired(&self) -> Check {
        let name = CheckName::NotExpired;
        let Some(claimed) = self.fields.claims() else {
            return Check::not_applicable(name, self.nothing_read());
        };
        match claimed.expiry_date {
            None => Check::failed(name, CheckReason::ExpiryDateUnreadable),
            Some(expiry) if expiry < self.as_of => Check::failed(name, CheckReason::Expired),
            Some(_) => Check::passed(name, CheckReason::NotExpired),
        }
    }

    /// Birth, issue and expiry are in this order, none of the first two after the day, and not too far apart.
    pub(super) fn dates_plausible(&self) -> Check {
        let name = CheckName::DatesPlausible;
        let Some(claimed) = self.fields.claims() else {
            return Check::not_applicable(name, self.nothing_read());
        };
        let Some(birth) = claimed.birth_date else {
            return Check::not_applicable(name, CheckReason::BirthDateUnknown);
        };
        let Some(expiry) = claimed.expiry_date else {
            return Check::failed(name, CheckReason::ExpiryDateUnreadable);
        };
        let longest = match self.fields.kind {
            DocumentKind::DriversLicense => LONGEST_LICENCE_VALIDITY_YEARS,
            DocumentKind::Passport | DocumentKind::NationalId => LONGEST_VALIDITY_YEARS,
        };
        let implausible = [
            (birth > self.as_of, CheckReason::BornInTheFuture),
            (
                years_after(birth, LONGEST_LIFE_YEARS) < self.as_of,
                CheckReason::BornTooLongAgo,
            ),
            (expiry <= birth, CheckReason::ExpiresBeforeBirth),
            (expiry > years_after(self.as_of, longest), CheckReason::ValidForTooLong),
        ];
        if let Some((_, reason)) = implausible.into_iter().find(|(is_so, _)| *is_so) {
            return doubted(name, reason);
        }
        let barcode = self.fields.barcode.and_then(|barcode| barcode.fields.issue_date);
        let wrong = |issue: Date| implausible_issue(issue, birth, expiry, longest, self.as_of);
        // Zones have no date of issue. Print alone is one look, so what it says of that is held against nobody.
        match (barcode.and_then(wrong), self.printed_issue_date().and_then(wrong)) {
            (Some(reason), _) => doubted(name, reason),
            (None, Some(_)) if barcode.is_none() => Check::not_applicable(name, CheckReason::PrintedIssueDateDoubtful),
            (None, _) => Check::passed(name, CheckReason::Plausible),
        }
    }

    /// The date of issue by its caption, on any page that shows one.
    fn printed_issue_date(&self) -> Option<Date> {
        let pages = self.reading.pages.iter().filter_map(|page| page.printed.as_ref());
        pages.filter_map(|printed| printed.by_captions().issue_date).next()
    }

    pub(super) fn minimum_age(&self) -> Check {
        let name = CheckName::MinimumAge;
        match self.fields.claims().map(|claimed| claimed.birth_date) {
            None => Check::not_applicable(name, self.nothing_read()),
            Some(None) => Check::not_applicable(name, CheckReason::BirthDateUnknown),
            Some(Some(birth)) if years_after(birth, MINIMUM_AGE_YEARS) > self.as_of => {
                let print_is_clear = self.fields.printed.birth_date == FieldAgreement::Agrees;
                match self.other_century(birth) {
                    Some(earlier) if !print_is_clear || earlier == self.profile.birth_date => {
                        Check::not_applicable(name, CheckReason::BirthCenturyUnclear)
                    }
                    _ => Check::failed(name, CheckReason::TooYoung),
                }
            }
            Some(Some(_)) => Check::passed(name, CheckReason::OldEnough),
        }
    }

    pub(super) fn name_matches_profile(&self) -> Check {
        let name = CheckName::NameMatchesProfile;
        let Some(claimed) = self.fields.claims() else {
            return Check::not_applicable(name, self.nothing_read());
        };
        // What no table can write is no proof that the member is another person, and the rest of it none that they are not.
        if !can_be_written(&self.profile.given_names) || !can_be_written(&self.profile.family_name) {
            return Check::not_applicable(name, CheckReason::ProfileNotComparable);
        }
        match names_agree(&claimed.names(), &self.profile.given_names, &self.profile.family_name) {
            true => Check::passed(name, CheckReason::NamesAgree),
            false => Check::failed(name, CheckReason::NamesDiffer),
        }
    }

    pub(super) fn birth_date_matches_profile(&self) -> Check {
        let name = CheckName::BirthDateMatchesProfile;
        match self.fields.claims().map(|claimed| claimed.birth_date) {
            None => Check::not_applicable(name, self.nothing_read()),
            Some(None) => Check::not_applicable(name, CheckReason::BirthDateUnknown),
            Some(Some(birth)) if birth == self.profile.birth_date => Check::passed(name, CheckReason::BirthDatesAgree),
            Some(Some(birth)) if self.other_century(birth) == Some(self.profile.birth_date) => {
                Check::not_applicable(name, CheckReason::BirthCenturyUnclear)
            }
            Some(Some(_)) => Check::failed(name, CheckReason::BirthDatesDiffer),
        }
    }

    /// The other birth date that the two digits of a zone's year may mean, of a holder who could be alive.
    fn other_century(&self, birth: Date) -> Option<Date> {
        let earlier = years_after(birth, -100);
        let is_possible = years_after(earlier, LONGEST_LIFE_YEARS) >= self.as_of;
        (self.fields.source() == Some(Source::Zone) && is_possible).then_some(earlier)
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
pub(super) fn years_after(day: Date, years: i32) -> Date {
    day.saturating_add(Span::new().years(years))
}
