use super::*;
use CheckResult::{Failed, NotApplicable, Passed};
use proptest::prelude::*;
use tests::passport_but;

/// Some of the checks, in order, each with any result and a reason that a rule may know.
fn any_checks() -> impl Strategy<Value = Vec<Check>> {
    let reasons = [
        "",
        "UNSPECIFIED",
        "NOT_ON_THIS_KIND",
        "ZONES_OF_DIFFERENT_DOCUMENTS",
        "STATE_UNKNOWN",
        "PICTURE_BLURRED",
        "OF_A_NEWER_VERSION",
    ];
    // Mostly passed: by chance alone nothing would ever be accepted.
    let result =
        prop_oneof![12 => Just(Some(Passed)), 1 => Just(Some(Failed)), 2 => Just(Some(NotApplicable)), 1 => Just(None)];
    let each = proptest::collection::vec((result, 0..reasons.len()), CheckName::ALL.len());
    each.prop_map(move |drawn| {
        let named = CheckName::ALL.into_iter().zip(drawn);
        let check = |(name, (result, reason)): (CheckName, (Option<CheckResult>, usize))| {
            result.map(|result| Check {
                name: name.into(),
                result,
                reason: CheckReason::of_text(reasons[reason]),
            })
        };
        named.filter_map(check).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_failed_check_but_for_the_picture_is_never_accepted_and_only_acceptance_proves(checks in any_checks()) {
        let decided = decide(&checks);
        if checks.iter().any(|check| check.name != ImageQuality && check.result == Failed) {
            prop_assert_ne!(decided.decision, Decision::Accepted);
        }
        prop_assert_eq!(decided.proves.is_empty(), decided.decision != Decision::Accepted);
    }

    #[test]
    fn acceptance_rests_on_a_zone_or_barcode_beside_its_print_or_on_two_sources(checks in any_checks()) {
        let seen = Seen(&checks);
        if decide(&checks).decision == Decision::Accepted {
            prop_assert!(seen.is_machine_read() || seen.passed(TwoSources));
            prop_assert!(seen.passed(TypeSupported) && seen.passed(NotExpired) && seen.passed(MinimumAge));
            let number_is_backed = !seen.is_machine_read() || seen.passed(PrintedDocumentNumber);
            prop_assert!(number_is_backed);
            prop_assert!(seen.passed(NameMatchesProfile) && seen.passed(BirthDateMatchesProfile));
        }
    }

    #[test]
    fn a_final_no_needs_a_reading_without_doubt(checks in any_checks()) {
        let decided = decide(&checks);
        let final_reasons = ["DOCUMENT_EXPIRED", "MEMBER_TOO_YOUNG", "NAME_MISMATCH", "BIRTH_DATE_MISMATCH"];
        if final_reasons.contains(&decided.internal_reason.as_str()) {
            let seen = Seen(&checks);
            prop_assert_eq!(decided.decision, Decision::Rejected);
            prop_assert!(!seen.failed(MrzCheckDigits) && !seen.failed(TwoSources) && !seen.failed(PrintedNames));
        }
    }
}

#[test]
fn a_failed_check_that_only_a_newer_version_knows_goes_to_a_person() {
    let mut checks = passport_but(&[]);
    let mut newer = checks[0].clone();
    newer.name = Open::of_text("hologram_moves");
    checks.push(newer.clone());
    assert_eq!(
        decide(&checks).decision,
        Decision::Accepted,
        "one that passed changes nothing"
    );
    newer.result = CheckResult::Failed;
    checks.push(newer);
    let decided = decide(&checks);
    assert_eq!(
        (decided.decision, decided.internal_reason.as_str()),
        (Decision::NeedsReview, "CHECK_REASON_UNKNOWN")
    );
}

#[test]
fn a_number_that_is_known_is_no_final_no_but_a_persons_to_judge() {
    for (name, may_be, reason, is, rejected) in [
        (
            NotInUseByAnother,
            CheckReason::MayBeInUse,
            "DOCUMENT_MAY_BE_IN_USE",
            CheckReason::InUseByAnother,
            "DOCUMENT_IN_USE",
        ),
        (
            NotBlocklisted,
            CheckReason::MayBeBlocklisted,
            "DOCUMENT_MAY_BE_BLOCKLISTED",
            CheckReason::Blocklisted,
            "DOCUMENT_BLOCKLISTED",
        ),
    ] {
        for (why, decision, reason) in [
            (may_be, Decision::NeedsReview, reason),
            (is, Decision::Rejected, rejected),
        ] {
            let decided = decide(&passport_but(&[(name, Failed, why.as_str())]));
            assert_eq!((decided.decision, decided.internal_reason.as_str()), (decision, reason));
        }
    }
}
