use super::*;
use mesh_types::{MINIMUM_AGE_YEARS, ReviewId};
use std::collections::BTreeSet;

type Changes<'a> = &'a [(CheckName, CheckResult, &'a str)];

const F: CheckResult = CheckResult::Failed;
const NA: CheckResult = CheckResult::NotApplicable;
const P: CheckResult = CheckResult::Passed;

/// The checks of the first release; histories that began under it hold no others.
const FIRST_CHECKS: [CheckName; 14] = [
    TypeSupported,
    MrzFound,
    MrzCheckDigits,
    PrintedDocumentNumber,
    PrintedNames,
    PrintedBirthDate,
    PrintedExpiryDate,
    PrintedNationality,
    PrintedSex,
    NotExpired,
    DatesPlausible,
    MinimumAge,
    NameMatchesProfile,
    BirthDateMatchesProfile,
];

/// A passport as it should be, but for the changes: no barcode, no visa.
pub(super) fn passport_but(changes: Changes) -> Vec<Check> {
    let of_others = [
        BarcodeFound,
        BarcodeDocumentNumber,
        BarcodeNames,
        BarcodeBirthDate,
        BarcodeExpiryDate,
        BarcodeSex,
        VisaAgrees,
    ];
    let usual = |name| if of_others.contains(&name) { NA } else { P };
    CheckName::ALL
        .map(|name| check_but(name, usual(name), changes))
        .to_vec()
}

/// A driver licence as it should be, but for the changes: a barcode, no zone.
fn licence_but(changes: Changes) -> Vec<Check> {
    let of_others = [
        MrzFound,
        MrzCheckDigits,
        BarcodeDocumentNumber,
        BarcodeNames,
        BarcodeBirthDate,
        BarcodeExpiryDate,
        BarcodeSex,
        VisaAgrees,
    ];
    let usual = |name| if of_others.contains(&name) { NA } else { P };
    CheckName::ALL
        .map(|name| check_but(name, usual(name), changes))
        .to_vec()
}

fn first_release_but(changes: Changes) -> Vec<Check> {
    FIRST_CHECKS.map(|name| check_but(name, P, changes)).to_vec()
}

fn check_but(name: CheckName, usual: CheckResult, changes: Changes) -> Check {
    let changed = changes.iter().find(|(changed, ..)| *changed == name);
    let (result, reason) = changed.map_or((usual, ""), |(_, result, reason)| (*result, *reason));
    Check {
        name: name.into(),
        result,
        // Where a table leaves the reason out, none is looked at.
        reason: match reason {
            "" => CheckReason::NotChecked,
            text => CheckReason::of_text(text),
        },
    }
}

fn assert_table(table: &[(Changes, Decision, &str)], checks: impl Fn(Changes) -> Vec<Check>) {
    for (changes, decision, reason) in table {
        let decided = decide(&checks(changes));
        let decided = (decided.decision, decided.internal_reason.as_str());
        assert_eq!(decided, (*decision, *reason), "{changes:?}");
    }
}

#[test]
fn the_reading_is_doubted_before_anything_is_held_against_the_member() {
    use Decision::*;
    let table: &[(Changes, Decision, &str)] = &[
        (&[], Accepted, "ALL_CHECKS_PASSED"),
        (
            &[(MrzFound, F, "ZONE_NOT_FOUND"), (NotExpired, NA, "")],
            Resubmit,
            "MRZ_NOT_FOUND",
        ),
        (
            &[(TypeSupported, F, "NOT_A_PASSPORT")],
            Resubmit,
            "DOCUMENT_TYPE_MISMATCH",
        ),
        (&[(TypeSupported, NA, "")], NeedsReview, "DOCUMENT_TYPE_UNCLEAR"),
        (
            &[(MrzCheckDigits, F, "CHECK_DIGIT_MISMATCH"), (NotExpired, F, "")],
            Resubmit,
            "MRZ_NOT_READABLE",
        ),
        (&[(MrzCheckDigits, F, "ZONE_DOUBTFUL")], Resubmit, "MRZ_NOT_READABLE"),
        (&[(MrzCheckDigits, NA, "")], Resubmit, "MRZ_NOT_READABLE"),
        (
            &[(MrzCheckDigits, F, "ZONES_OF_DIFFERENT_DOCUMENTS"), (NotExpired, F, "")],
            NeedsReview,
            "ZONES_OF_DIFFERENT_DOCUMENTS",
        ),
        (
            &[(PrintedDocumentNumber, F, "PRINT_DIFFERS")],
            NeedsReview,
            "PRINTED_DOCUMENT_NUMBER_DIFFERS",
        ),
        (
            &[(PrintedDocumentNumber, NA, "PRINT_NOT_FOUND")],
            NeedsReview,
            "PRINTED_DOCUMENT_NUMBER_UNCLEAR",
        ),
        (
            &[(PrintedNames, F, "PRINT_DIFFERS"), (NameMatchesProfile, F, "")],
            NeedsReview,
            "PRINTED_NAMES_DIFFER",
        ),
        (
            &[(PrintedNames, NA, "PRINT_NOT_FOUND"), (NameMatchesProfile, F, "")],
            NeedsReview,
            "PRINTED_NAMES_UNCLEAR",
        ),
        (&[(PrintedNames, NA, "PRINT_NOT_FOUND")], Accepted, "ALL_CHECKS_PASSED"),
        (
            &[(PrintedBirthDate, NA, "PRINT_NOT_FOUND")],
            Accepted,
            "ALL_CHECKS_PASSED",
        ),
        (
            &[
                (PrintedBirthDate, NA, "PRINT_NOT_FOUND"),
                (BirthDateMatchesProfile, F, ""),
            ],
            NeedsReview,
            "PRINTED_BIRTH_DATE_UNCLEAR",
        ),
        (
            &[(PrintedExpiryDate, NA, ""), (NotExpired, F, "")],
            NeedsReview,
            "PRINTED_EXPIRY_DATE_UNCLEAR",
        ),
        (
            &[(PrintedNationality, F, "STATE_UNKNOWN")],
            NeedsReview,
            "STATE_UNKNOWN",
        ),
        (
            &[(PrintedNationality, NA, "PRINT_NOT_FOUND")],
            NeedsReview,
            "PRINTED_NATIONALITY_UNCLEAR",
        ),
        (
            &[(PrintedSex, NA, "PRINT_NOT_FOUND")],
            NeedsReview,
            "PRINTED_SEX_UNCLEAR",
        ),
        (&[(PrintedSex, NA, "UNSPECIFIED")], Accepted, "ALL_CHECKS_PASSED"),
        (
            &[(TwoSources, F, "SINGLE_SOURCE_NUMBER"), (MinimumAge, F, "")],
            NeedsReview,
            "SINGLE_SOURCE_NUMBER",
        ),
        (&[(TwoSources, F, "SINGLE_SOURCE")], NeedsReview, "SINGLE_SOURCE"),
        (&[(VisaAgrees, F, "")], NeedsReview, "VISA_DIFFERS"),
        (&[(VisaAgrees, P, "")], Accepted, "ALL_CHECKS_PASSED"),
        (&[(BarcodeFound, F, "")], Resubmit, "BARCODE_NOT_READABLE"),
        (
            &[(BarcodeDocumentNumber, F, ""), (PrintedNames, F, "")],
            NeedsReview,
            "SOURCES_CONTRADICT",
        ),
        (&[(BarcodeBirthDate, F, "")], NeedsReview, "SOURCES_CONTRADICT"),
        (&[(BarcodeExpiryDate, F, "")], NeedsReview, "SOURCES_CONTRADICT"),
        (&[(BarcodeNames, F, "")], NeedsReview, "BARCODE_NAMES_DIFFER"),
        (&[(BarcodeSex, F, "")], NeedsReview, "BARCODE_SEX_DIFFERS"),
    ];
    assert_table(table, passport_but);
}

#[test]
fn a_reason_of_a_newer_version_goes_to_a_person_whatever_else_is_found() {
    let new = "HOLOGRAM_MISSING";
    let expired = (NotExpired, F, "EXPIRED");
    let blurred = (ImageQuality, F, "PICTURE_BLURRED");
    let table: &[(Changes, Decision, &str)] = &[
        (&[(TwoSources, F, new)], Decision::NeedsReview, "CHECK_REASON_UNKNOWN"),
        (&[(ImageQuality, F, new)], Decision::NeedsReview, "CHECK_REASON_UNKNOWN"),
        (
            &[blurred, expired, (TwoSources, F, new)],
            Decision::NeedsReview,
            "CHECK_REASON_UNKNOWN",
        ),
        (&[(TwoSources, P, new)], Decision::Accepted, "ALL_CHECKS_PASSED"),
    ];
    assert_table(table, passport_but);
}

#[test]
fn a_poor_picture_is_asked_for_again_only_where_it_made_the_reading_doubtful() {
    use Decision::*;
    let blurred = (ImageQuality, F, "PICTURE_BLURRED");
    let table: &[(Changes, Decision, &str)] = &[
        (&[blurred], Accepted, "ALL_CHECKS_PASSED"),
        (
            &[blurred, (PrintedNames, NA, "PRINT_NOT_FOUND")],
            Accepted,
            "ALL_CHECKS_PASSED",
        ),
        (
            &[blurred, (PrintedSex, NA, "UNSPECIFIED")],
            Accepted,
            "ALL_CHECKS_PASSED",
        ),
        (&[blurred, (MrzFound, F, "")], Resubmit, "PICTURE_BLURRED"),
        (&[blurred, (PrintedNames, F, "")], Resubmit, "PICTURE_BLURRED"),
        (&[blurred, (BarcodeExpiryDate, F, "")], Resubmit, "PICTURE_BLURRED"),
        (
            &[blurred, (TwoSources, F, "SINGLE_SOURCE")],
            Resubmit,
            "PICTURE_BLURRED",
        ),
        (&[blurred, (NotExpired, F, "EXPIRED")], Rejected, "DOCUMENT_EXPIRED"),
        (&[blurred, (VisaAgrees, F, "")], NeedsReview, "VISA_DIFFERS"),
    ];
    assert_table(table, passport_but);
}

#[test]
fn what_is_read_without_doubt_can_be_final() {
    use Decision::*;
    let table: &[(Changes, Decision, &str)] = &[
        (&[(NotExpired, F, "EXPIRED")], Rejected, "DOCUMENT_EXPIRED"),
        (
            &[(NotExpired, F, "EXPIRY_DATE_UNREADABLE")],
            NeedsReview,
            "EXPIRY_DATE_UNKNOWN",
        ),
        (
            &[(DatesPlausible, F, "EXPIRES_BEFORE_BIRTH")],
            Rejected,
            "DATES_NOT_PLAUSIBLE",
        ),
        (&[(MinimumAge, F, "TOO_YOUNG")], Rejected, "MEMBER_TOO_YOUNG"),
        (&[(NameMatchesProfile, F, "NAMES_DIFFER")], Rejected, "NAME_MISMATCH"),
        (
            &[(BirthDateMatchesProfile, F, "BIRTH_DATES_DIFFER")],
            Rejected,
            "BIRTH_DATE_MISMATCH",
        ),
        (&[(NotInUseByAnother, F, "")], Rejected, "DOCUMENT_IN_USE"),
        (&[(NotBlocklisted, F, "")], Rejected, "DOCUMENT_BLOCKLISTED"),
        (
            &[(MinimumAge, NA, "BIRTH_DATE_UNKNOWN")],
            NeedsReview,
            "BIRTH_DATE_UNKNOWN",
        ),
        (
            &[(MinimumAge, NA, "BIRTH_DATE_UNKNOWN"), (NotBlocklisted, F, "")],
            Rejected,
            "DOCUMENT_BLOCKLISTED",
        ),
        (
            &[(DatesPlausible, NA, "PRINTED_ISSUE_DATE_DOUBTFUL")],
            NeedsReview,
            "DATES_UNCLEAR",
        ),
        (&[(NameMatchesProfile, NA, "")], NeedsReview, "NAMES_UNKNOWN"),
    ];
    assert_table(table, passport_but);
}

#[test]
fn a_card_rests_on_its_barcode_and_its_print() {
    use Decision::*;
    let no_barcode = (BarcodeFound, NA, "BARCODE_NOT_FOUND");
    let no_print: Vec<_> = CheckName::ALL
        .into_iter()
        .filter(|name| !matches!(name, TypeSupported | ImageQuality | NotInUseByAnother | NotBlocklisted))
        .map(|name| (name, NA, ""))
        .collect();
    let table: &[(Changes, Decision, &str)] = &[
        (&[], Accepted, "ALL_CHECKS_PASSED"),
        (
            &[(PrintedNationality, NA, "NOT_ON_THIS_KIND")],
            Accepted,
            "ALL_CHECKS_PASSED",
        ),
        (
            &[(PrintedDocumentNumber, NA, "NOT_ON_THIS_KIND")],
            NeedsReview,
            "PRINTED_DOCUMENT_NUMBER_UNCLEAR",
        ),
        (
            &[no_barcode, (TwoSources, F, "SINGLE_SOURCE")],
            NeedsReview,
            "SINGLE_SOURCE",
        ),
        (&[no_barcode, (TwoSources, NA, "")], NeedsReview, "SINGLE_SOURCE"),
        (&no_print, Resubmit, "NOTHING_READ"),
    ];
    assert_table(table, licence_but);
    let with_expired = [no_print.as_slice(), &[(NotBlocklisted, P, "")]].concat();
    assert_eq!(decide(&licence_but(&with_expired)).internal_reason, "NOTHING_READ");
}

#[test]
fn the_checks_of_the_first_release_are_ruled_on_as_before_but_for_print_that_a_person_now_looks_at() {
    use Decision::*;
    let table: &[(Changes, Decision, &str)] = &[
        (&[], Accepted, "ALL_CHECKS_PASSED"),
        (&[(MrzFound, F, ""), (NotExpired, NA, "")], Resubmit, "MRZ_NOT_FOUND"),
        (
            &[(MrzCheckDigits, F, ""), (NotExpired, F, "")],
            Resubmit,
            "MRZ_NOT_READABLE",
        ),
        (&[(PrintedNames, NA, "")], Accepted, "ALL_CHECKS_PASSED"),
        (&[(PrintedNames, F, "")], NeedsReview, "PRINTED_NAMES_DIFFER"),
        (&[(NameMatchesProfile, F, "")], Rejected, "NAME_MISMATCH"),
        (&[(BirthDateMatchesProfile, F, "")], Rejected, "BIRTH_DATE_MISMATCH"),
        (&[(NotExpired, F, "")], Rejected, "DOCUMENT_EXPIRED"),
        (&[(MinimumAge, F, "")], Rejected, "MEMBER_TOO_YOUNG"),
        (&[(TypeSupported, F, "")], Resubmit, "DOCUMENT_TYPE_MISMATCH"),
    ];
    assert_table(table, first_release_but);
    let proves = decide(&first_release_but(&[])).proves;
    let three = [
        EvidenceKind::DocumentAccepted,
        EvidenceKind::DocumentMachineReadable,
        EvidenceKind::DocumentAgreesWithPrint,
    ];
    assert_eq!(proves, three);
}

#[test]
fn nothing_checked_is_never_accepted() {
    assert_eq!(decide(&[]).decision, Decision::Resubmit);
}

#[test]
fn evidence_follows_the_checks_also_after_a_review() {
    use EvidenceKind::*;
    let table: &[(Changes, &[EvidenceKind])] = &[
        (
            &[],
            &[DocumentAccepted, DocumentMachineReadable, DocumentAgreesWithPrint],
        ),
        (
            &[(VisaAgrees, P, "")],
            &[
                DocumentAccepted,
                DocumentMachineReadable,
                DocumentAgreesWithPrint,
                DocumentVisaSupports,
            ],
        ),
        (&[(PrintedNames, F, "")], &[DocumentAccepted, DocumentMachineReadable]),
        (
            &[(PrintedExpiryDate, NA, "")],
            &[DocumentAccepted, DocumentMachineReadable],
        ),
        (
            &[
                (MrzCheckDigits, F, "ZONES_OF_DIFFERENT_DOCUMENTS"),
                (PrintedExpiryDate, NA, ""),
            ],
            &[DocumentAccepted],
        ),
    ];
    for (changes, proves) in table {
        let decided = after_review(&review(Decision::Accepted, "LOOKS_RIGHT"), &passport_but(changes));
        assert_eq!(decided.proves, *proves, "{changes:?}");
    }
}

#[test]
fn a_person_has_the_last_word_and_its_code_is_kept() {
    let checks = passport_but(&[(PrintedNames, F, "")]);
    let table = [
        (Decision::Accepted, "LOOKS_RIGHT", Decision::Accepted, "LOOKS_RIGHT"),
        (Decision::Accepted, "", Decision::Accepted, "REVIEW_ACCEPTED"),
        (
            Decision::Rejected,
            "PHOTO_REPLACED",
            Decision::Rejected,
            "PHOTO_REPLACED",
        ),
        (Decision::Resubmit, "", Decision::Resubmit, "REVIEW_RESUBMIT"),
        (Decision::NeedsReview, "", Decision::Resubmit, "REVIEW_RESUBMIT"),
    ];
    for (decided, code, decision, reason) in table {
        let decided = after_review(&review(decided, code), &checks);
        assert_eq!((decided.decision, decided.internal_reason.as_str()), (decision, reason));
        assert_eq!(decided.proves.is_empty(), decision != Decision::Accepted);
    }
    assert_eq!(review_expired().decision, Decision::Resubmit);
}

#[test]
fn the_member_is_told_the_least_age() {
    let too_young = decide(&passport_but(&[(MinimumAge, F, "TOO_YOUNG")]));
    let words = too_young.member_reason;
    assert!(words.contains(&MINIMUM_AGE_YEARS.to_string()), "{words}");
}

#[test]
fn a_refused_acceptance_is_never_an_acceptance() {
    let table = [
        (Refusal::InUseByAnother, Decision::Rejected, "DOCUMENT_IN_USE"),
        (Refusal::Blocklisted, Decision::Rejected, "DOCUMENT_BLOCKLISTED"),
        (Refusal::NumberKnown, Decision::Resubmit, "DOCUMENT_NUMBER_KNOWN"),
        (Refusal::Erased, Decision::Resubmit, "DOCUMENT_ERASED"),
        (Refusal::ProfileChanged, Decision::Resubmit, "PROFILE_CHANGED"),
    ];
    for (refusal, decision, reason) in table {
        let decided = refused(refusal);
        assert_eq!((decided.decision, decided.internal_reason.as_str()), (decision, reason));
    }
}

#[test]
fn a_document_that_was_erased_or_lost_is_asked_for_again_and_our_own_failures_are_not_the_members() {
    for reason in ["DOCUMENT_ERASED", "DOCUMENT_UNREADABLE"] {
        let decided = unread(reason).expect("another document helps");
        assert_eq!(
            (decided.decision, decided.internal_reason.as_str()),
            (Decision::Resubmit, reason)
        );
    }
    for reason in [
        "DOCUMENT_NOT_FOUND",
        "DOCUMENT_OF_ANOTHER_MEMBER",
        "OCR_FAILED",
        "INTERNAL",
        "NEW_IN_V9",
    ] {
        assert_eq!(unread(reason), None, "{reason}");
    }
}

#[test]
fn three_submissions_leave_two_then_one_then_none() {
    let limits = SubmissionLimits::default();
    assert_eq!(
        [1, 2, 3, 4].map(|number| submissions_left(&limits, number)),
        [2, 1, 0, 0]
    );
    let none = SubmissionLimits {
        submissions: 0,
        ..limits
    };
    assert_eq!(submissions_left(&none, 1), 0);
}

#[test]
fn hints_say_each_thing_once_and_nothing_about_a_good_picture() {
    assert_eq!(hints(&passport_but(&[])), Vec::<&str>::new());
    assert_eq!(hints(&licence_but(&[(PrintedSex, NA, "")])), Vec::<&str>::new());
    let poor = passport_but(&[
        (ImageQuality, F, "PICTURE_GLARE"),
        (MrzCheckDigits, F, "ZONE_DOUBTFUL"),
        (PrintedNames, NA, "PRINT_NOT_FOUND"),
        (PrintedExpiryDate, F, "PRINT_DIFFERS"),
    ]);
    let hints = hints(&poor);
    assert_eq!(hints.len(), 3);
    assert!(hints[0].contains("mirrored"));
    assert_eq!(hints.iter().collect::<BTreeSet<_>>().len(), 3);
}

fn review(decision: Decision, reason_code: &str) -> ReviewDecision {
    ReviewDecision {
        review_id: ReviewId::from(uuid::Uuid::from_u128(1)),
        decision,
        reason_code: reason_code.to_owned(),
    }
}
