//! What the checks of a document amount to (domain.md, "Document"): total functions on plain data.

use crate::contract::Ruling;
use mesh_types::{Check, CheckName, CheckResult, Decision, EvidenceKind};

/// Why a document is not accepted, in the order in which the reasons are looked for.
///
/// First what makes the reading itself doubtful: then nothing else that was read may be held against the member, and
/// another picture is asked for. Only then what is final.
const REASONS: &[NotAccepted] = &[
    NotAccepted::resubmit(
        CheckName::MrzFound,
        "MRZ_NOT_FOUND",
        "We could not find the two lines of letters, digits and < signs at the bottom of the passport's photo page. \
         Please photograph the whole page, flat, sharp and in good light.",
    ),
    NotAccepted::resubmit(
        CheckName::TypeSupported,
        "DOCUMENT_TYPE_MISMATCH",
        "The picture does not show a passport's photo page. Please choose the document that you announced.",
    ),
    NotAccepted::resubmit(
        CheckName::MrzCheckDigits,
        "MRZ_NOT_READABLE",
        "We could not read the two lines at the bottom of the page without doubt. \
         Please take a sharper picture without glare or shadow on them.",
    ),
    NotAccepted::resubmit(
        CheckName::PrintedDocumentNumber,
        "PRINTED_DOCUMENT_NUMBER_UNCLEAR",
        PRINT_UNCLEAR,
    ),
    NotAccepted::resubmit(
        CheckName::PrintedNationality,
        "PRINTED_NATIONALITY_UNCLEAR",
        PRINT_UNCLEAR,
    ),
    NotAccepted::resubmit(CheckName::PrintedSex, "PRINTED_SEX_UNCLEAR", PRINT_UNCLEAR),
    NotAccepted::resubmit(
        CheckName::PrintedExpiryDate,
        "PRINTED_EXPIRY_DATE_UNCLEAR",
        PRINT_UNCLEAR,
    ),
    NotAccepted::unless(
        CheckName::NameMatchesProfile,
        CheckName::PrintedNames,
        "PRINTED_NAMES_UNCLEAR",
        PRINT_UNCLEAR,
    ),
    NotAccepted::unless(
        CheckName::BirthDateMatchesProfile,
        CheckName::PrintedBirthDate,
        "PRINTED_BIRTH_DATE_UNCLEAR",
        PRINT_UNCLEAR,
    ),
    NotAccepted::reject(
        CheckName::NotExpired,
        "DOCUMENT_EXPIRED",
        "The passport has expired. Please use one that is valid.",
    ),
    NotAccepted::reject(
        CheckName::DatesPlausible,
        "DATES_NOT_PLAUSIBLE",
        "The dates in the passport contradict each other, so we can't accept it.",
    ),
    NotAccepted::reject(
        CheckName::MinimumAge,
        "MEMBER_TOO_YOUNG",
        "Members must be at least 16 years old.",
    ),
    NotAccepted::reject(
        CheckName::NameMatchesProfile,
        "NAME_MISMATCH",
        "The name in the passport is not the name in your profile. Correct your profile if it is wrong there.",
    ),
    NotAccepted::reject(
        CheckName::BirthDateMatchesProfile,
        "BIRTH_DATE_MISMATCH",
        "The birth date in the passport is not the one in your profile. Correct your profile if it is wrong there.",
    ),
];

const PRINT_UNCLEAR: &str = "We could not read the printed part of the page clearly enough to compare it with the two lines at its bottom. \
     Please take a sharper picture of the whole page, without glare.";

/// One reason: the check that has to pass, and what follows when it does not.
struct NotAccepted {
    check: CheckName,
    /// A check that makes up for one that had nothing to look at; never for one that failed.
    or_passed: Option<CheckName>,
    decision: Decision,
    internal_reason: &'static str,
    member_reason: &'static str,
}

impl NotAccepted {
    const fn resubmit(check: CheckName, internal_reason: &'static str, member_reason: &'static str) -> Self {
        Self {
            check,
            or_passed: None,
            decision: Decision::Resubmit,
            internal_reason,
            member_reason,
        }
    }

    const fn unless(
        other: CheckName,
        check: CheckName,
        internal_reason: &'static str,
        member_reason: &'static str,
    ) -> Self {
        Self {
            check,
            or_passed: Some(other),
            decision: Decision::Resubmit,
            internal_reason,
            member_reason,
        }
    }

    const fn reject(check: CheckName, internal_reason: &'static str, member_reason: &'static str) -> Self {
        Self {
            check,
            or_passed: None,
            decision: Decision::Rejected,
            internal_reason,
            member_reason,
        }
    }

    fn applies(&self, checks: &[Check]) -> bool {
        match (result_of(checks, self.check), self.or_passed) {
            (CheckResult::Passed, _) => false,
            (CheckResult::NotApplicable, Some(other)) => result_of(checks, other) != CheckResult::Passed,
            _ => true,
        }
    }
}

fn result_of(checks: &[Check], name: CheckName) -> CheckResult {
    checks
        .iter()
        .find(|check| check.name == name)
        .map_or(CheckResult::NotApplicable, |check| check.result)
}

/// Rules on a document. Accepted only when two sources agree on every field: the zone and the print, or, for names and
/// birth date, the zone and the profile.
pub fn decide(checks: &[Check]) -> Ruling {
    match REASONS.iter().find(|reason| reason.applies(checks)) {
        Some(reason) => Ruling {
            decision: reason.decision,
            internal_reason: reason.internal_reason.to_owned(),
            member_reason: reason.member_reason.to_owned(),
            proves: Vec::new(),
        },
        None => Ruling {
            decision: Decision::Accepted,
            internal_reason: "ALL_CHECKS_PASSED".to_owned(),
            member_reason: "Your passport was accepted.".to_owned(),
            proves: EvidenceKind::ALL.to_vec(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all_passed_but(changes: &[(CheckName, CheckResult)]) -> Vec<Check> {
        let result = |name| {
            changes
                .iter()
                .find(|(changed, _)| *changed == name)
                .map_or(CheckResult::Passed, |c| c.1)
        };
        CheckName::ALL
            .map(|name| Check {
                name,
                result: result(name),
                reason: String::new(),
            })
            .to_vec()
    }

    #[test]
    fn the_table_of_rulings() {
        use CheckName::*;
        use CheckResult::{Failed, NotApplicable};
        type Changes = &'static [(CheckName, CheckResult)];
        let table: [(Changes, Decision, &str); 12] = [
            (&[], Decision::Accepted, "ALL_CHECKS_PASSED"),
            (
                &[(MrzFound, Failed), (NotExpired, NotApplicable)],
                Decision::Resubmit,
                "MRZ_NOT_FOUND",
            ),
            (
                &[(MrzCheckDigits, Failed), (NotExpired, Failed)],
                Decision::Resubmit,
                "MRZ_NOT_READABLE",
            ),
            (
                &[(PrintedDocumentNumber, NotApplicable)],
                Decision::Resubmit,
                "PRINTED_DOCUMENT_NUMBER_UNCLEAR",
            ),
            (
                &[(PrintedNames, NotApplicable)],
                Decision::Accepted,
                "ALL_CHECKS_PASSED",
            ),
            (&[(PrintedNames, Failed)], Decision::Resubmit, "PRINTED_NAMES_UNCLEAR"),
            (
                &[(PrintedNames, NotApplicable), (NameMatchesProfile, Failed)],
                Decision::Resubmit,
                "PRINTED_NAMES_UNCLEAR",
            ),
            (&[(NameMatchesProfile, Failed)], Decision::Rejected, "NAME_MISMATCH"),
            (
                &[(BirthDateMatchesProfile, Failed)],
                Decision::Rejected,
                "BIRTH_DATE_MISMATCH",
            ),
            (&[(NotExpired, Failed)], Decision::Rejected, "DOCUMENT_EXPIRED"),
            (&[(MinimumAge, Failed)], Decision::Rejected, "MEMBER_TOO_YOUNG"),
            (&[(TypeSupported, Failed)], Decision::Resubmit, "DOCUMENT_TYPE_MISMATCH"),
        ];
        for (changes, decision, reason) in table {
            let ruling = decide(&all_passed_but(changes));
            assert_eq!(
                (ruling.decision, ruling.internal_reason.as_str()),
                (decision, reason),
                "{changes:?}"
            );
        }
    }

    #[test]
    fn nothing_checked_is_never_accepted() {
        assert_eq!(decide(&[]).decision, Decision::Resubmit);
    }

    proptest! {
        #[test]
        fn a_failed_check_is_never_accepted_and_only_acceptance_proves(results in proptest::collection::vec(0..3u8, 14)) {
            let result = |n: u8| [CheckResult::Passed, CheckResult::Failed, CheckResult::NotApplicable][usize::from(n)];
            let checks: Vec<Check> = CheckName::ALL.iter().zip(&results)
                .map(|(name, n)| Check { name: *name, result: result(*n), reason: String::new() }).collect();
            let ruling = decide(&checks);
            if checks.iter().any(|check| check.result == CheckResult::Failed) {
                prop_assert_ne!(ruling.decision, Decision::Accepted);
            }
            prop_assert_eq!(ruling.proves.is_empty(), ruling.decision != Decision::Accepted);
        }
    }
}
