//! Whether the document is the member's.

use crate::Holder;
use crate::names::{can_be_written, names_agree};
use jiff::civil::Date;
use mesh_types::{Check, CheckName, CheckReason};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the member says of themselves.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Given names.
    pub given_names: String,
    /// Family name.
    pub family_name: String,
    /// Birth date.
    pub birth_date: Date,
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile").finish_non_exhaustive()
    }
}

impl Holder<'_> {
    /// [`CheckName::NameMatchesProfile`]: see [`names_agree`].
    pub fn name_matches_profile(&self, profile: &Profile) -> Check {
        let name = CheckName::NameMatchesProfile;
        // What no table can write is no proof that the member is another person, and the rest of it none that they are not.
        if !can_be_written(&profile.given_names) || !can_be_written(&profile.family_name) {
            return Check::not_applicable(name, CheckReason::ProfileNotComparable);
        }
        match names_agree(&self.names, &profile.given_names, &profile.family_name) {
            true => Check::passed(name, CheckReason::NamesAgree),
            false => Check::failed(name, CheckReason::NamesDiffer),
        }
    }

    /// [`CheckName::BirthDateMatchesProfile`] on the day `as_of`: a date that differs by the century alone, which a zone
    /// does not tell, is left open.
    pub fn birth_date_matches_profile(&self, profile: &Profile, as_of: Date) -> Check {
        let name = CheckName::BirthDateMatchesProfile;
        match self.birth_date {
            None => Check::not_applicable(name, CheckReason::BirthDateUnknown),
            Some(birth) if birth == profile.birth_date => Check::passed(name, CheckReason::BirthDatesAgree),
            Some(birth) if self.other_century(birth, as_of) == Some(profile.birth_date) => {
                Check::not_applicable(name, CheckReason::BirthCenturyUnclear)
            }
            Some(_) => Check::failed(name, CheckReason::BirthDatesDiffer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TODAY, holder, profile};
    use jiff::civil::date;
    use mesh_types::CheckResult::{self, Failed, NotApplicable, Passed};

    #[test]
    fn a_name_that_cannot_be_written_is_left_open() {
        for (given_names, expected) in [("Anna", Passed), ("Eva", Failed), ("李", NotApplicable)] {
            let profile = Profile {
                given_names: given_names.to_owned(),
                ..profile()
            };
            assert_eq!(
                holder().name_matches_profile(&profile).result,
                expected,
                "{given_names}"
            );
        }
    }

    #[test]
    fn a_birth_date_agrees_to_the_day_and_a_zone_leaves_its_century_open() {
        let result = |holder: &Holder<'_>, birth_date: Date| -> CheckResult {
            let profile = Profile {
                birth_date,
                ..profile()
            };
            holder.birth_date_matches_profile(&profile, TODAY).result
        };
        let (born, century_before) = (date(1974, 8, 12), date(1874, 8, 12));
        let unknown = Holder {
            birth_date: None,
            ..holder()
        };
        assert_eq!(result(&holder(), born), Passed);
        assert_eq!(result(&holder(), date(1974, 8, 13)), Failed);
        assert_eq!(result(&unknown, born), NotApplicable);
        // Born in 1874 they would be over 120 years old.
        assert_eq!(result(&holder(), century_before), Failed);
        for (is_concluded, expected) in [(true, NotApplicable), (false, Failed)] {
            let young = Holder {
                birth_date: Some(date(2012, 3, 1)),
                birth_century_is_concluded: is_concluded,
                ..holder()
            };
            assert_eq!(result(&young, date(1912, 3, 1)), expected);
        }
    }
}
