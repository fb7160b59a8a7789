//! What the checks of a document amount to: total functions on plain data. docs/documents.md has the overview.
//!
//! The order of the rules is the rule: first what makes the reading itself doubtful, because then nothing else that was
//! read may be held against the member; only then what is final. A check that a list does not hold had nothing to look at.

mod hints;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use hints::hints;

use crate::contract::{DocumentDecision, Refusal, ReviewDecision, SubmissionLimits};
use CheckName::*;
use mesh_types::{Check, CheckName, CheckReason, CheckResult, Decision, EvidenceKind, Method, Open, Reason};

/// What this version does not understand goes to a person, whatever else is found.
const UNKNOWN: Rule = Rule::review(|seen| seen.failed_for_something_new(), "CHECK_REASON_UNKNOWN");

/// What makes the reading doubtful.
const READING: &[Rule] = &[
    Rule::resubmit(
        |seen| seen.failed(MrzFound),
        "MRZ_NOT_FOUND",
        "We could not find the lines of letters, digits and < signs: they are at the bottom of a passport's photo page, and \
         on the back of most cards. Please photograph every side, whole, flat, sharp and in good light.",
    ),
    Rule::resubmit(
        |seen| seen.failed(BarcodeFound),
        "BARCODE_NOT_READABLE",
        "We could not read the barcode on the back of the document. Please photograph it flat, sharp and without glare.",
    ),
    Rule::resubmit(
        |seen| seen.failed(TypeSupported),
        "DOCUMENT_TYPE_MISMATCH",
        "The picture does not show the kind of document that you chose. Please choose again, or take another document.",
    ),
    Rule::resubmit(
        |seen| seen.nothing_was_read(),
        "NOTHING_READ",
        "We could not read anything on the picture. Please photograph the whole document, flat, sharp and in good light.",
    ),
    Rule::review(
        |seen| seen.failed_for(MrzCheckDigits, &CheckReason::ZonesOfDifferentDocuments),
        "ZONES_OF_DIFFERENT_DOCUMENTS",
    ),
    Rule::resubmit(
        |seen| seen.failed(MrzCheckDigits) || seen.passed(MrzFound) && seen.missing(MrzCheckDigits),
        "MRZ_NOT_READABLE",
        "We could not read the lines of letters, digits and < signs without doubt. \
         Please take a sharper picture without glare or shadow on them.",
    ),
    // A person, not a final no: a digit that passes is no proof, and an honest member may have added another document.
    Rule::review(
        |seen| [BarcodeDocumentNumber, BarcodeBirthDate, BarcodeExpiryDate].map(|name| seen.failed(name)) != [false; 3],
        "SOURCES_CONTRADICT",
    ),
    Rule::review(|seen| seen.failed(BarcodeNames), "BARCODE_NAMES_DIFFER"),
    Rule::review(|seen| seen.failed(BarcodeSex), "BARCODE_SEX_DIFFERS"),
    Rule::review(
        |seen| seen.failed_for(PrintedNationality, &CheckReason::StateUnknown),
        "STATE_UNKNOWN",
    ),
    Rule::review(
        |seen| seen.failed(PrintedDocumentNumber),
        "PRINTED_DOCUMENT_NUMBER_DIFFERS",
    ),
    Rule::review(|seen| seen.failed(PrintedNames), "PRINTED_NAMES_DIFFER"),
    Rule::review(|seen| seen.failed(PrintedBirthDate), "PRINTED_BIRTH_DATE_DIFFERS"),
    Rule::review(|seen| seen.failed(PrintedExpiryDate), "PRINTED_EXPIRY_DATE_DIFFERS"),
    Rule::review(|seen| seen.failed(PrintedNationality), "PRINTED_NATIONALITY_DIFFERS"),
    Rule::review(|seen| seen.failed(PrintedSex), "PRINTED_SEX_DIFFERS"),
    Rule::review(
        |seen| seen.print_is_missing(PrintedDocumentNumber),
        "PRINTED_DOCUMENT_NUMBER_UNCLEAR",
    ),
    // The profile is a second source of names and birth date.
    Rule::review(
        |seen| seen.print_is_missing(PrintedNames) && !seen.passed(NameMatchesProfile),
        "PRINTED_NAMES_UNCLEAR",
    ),
    Rule::review(
        |seen| seen.print_is_missing(PrintedBirthDate) && !seen.passed(BirthDateMatchesProfile),
        "PRINTED_BIRTH_DATE_UNCLEAR",
    ),
    Rule::review(
        |seen| seen.print_is_missing(PrintedExpiryDate),
        "PRINTED_EXPIRY_DATE_UNCLEAR",
    ),
    Rule::review(
        |seen| {
            seen.print_is_missing(PrintedNationality)
                && !seen.missing_for(PrintedNationality, &CheckReason::NotOnThisKind)
        },
        "PRINTED_NATIONALITY_UNCLEAR",
    ),
    Rule::review(
        |seen| {
            let none_to_find = [CheckReason::Unspecified, CheckReason::NotOnThisKind];
            let none_to_find = none_to_find.map(|reason| seen.missing_for(PrintedSex, &reason));
            seen.print_is_missing(PrintedSex) && none_to_find == [false; 2]
        },
        "PRINTED_SEX_UNCLEAR",
    ),
    Rule {
        internal_reason: Internal::OfCheck(TwoSources),
        ..Rule::review(|seen| seen.failed(TwoSources), "SINGLE_SOURCE")
    },
    Rule::review(
        |seen| !seen.is_machine_read() && !seen.passed(TwoSources),
        "SINGLE_SOURCE",
    ),
    Rule::review(|seen| !seen.passed(TypeSupported), "DOCUMENT_TYPE_UNCLEAR"),
];

/// What follows from a reading without doubt.
const CONTENT: &[Rule] = &[
    Rule::review(|seen| seen.failed(VisaAgrees), "VISA_DIFFERS"),
    Rule::review(
        |seen| seen.failed_for(NotExpired, &CheckReason::ExpiryDateUnreadable) || seen.missing(NotExpired),
        "EXPIRY_DATE_UNKNOWN",
    ),
    Rule::reject(
        |seen| seen.failed(NotExpired),
        "DOCUMENT_EXPIRED",
        "The document has expired. Please use one that is valid.",
    ),
    Rule::reject(
        |seen| seen.failed(DatesPlausible),
        "DATES_NOT_PLAUSIBLE",
        "The dates in the document contradict each other, so we can't accept it.",
    ),
    Rule::reject(
        |seen| seen.failed(MinimumAge),
        "MEMBER_TOO_YOUNG",
        "Members must be at least 16 years old.",
    ),
    Rule::reject(
        |seen| seen.failed(NameMatchesProfile),
        "NAME_MISMATCH",
        "The name in the document is not the name in your profile. Correct your profile if it is wrong there.",
    ),
    Rule::reject(
        |seen| seen.failed(BirthDateMatchesProfile),
        "BIRTH_DATE_MISMATCH",
        "The birth date in the document is not the one in your profile. Correct your profile if it is wrong there.",
    ),
    Rule::reject(
        |seen| seen.failed(NotInUseByAnother) && !seen.failed_for(NotInUseByAnother, &CheckReason::MayBeInUse),
        "DOCUMENT_IN_USE",
        IN_USE,
    ),
    Rule::reject(
        |seen| seen.failed(NotBlocklisted) && !seen.failed_for(NotBlocklisted, &CheckReason::MayBeBlocklisted),
        "DOCUMENT_BLOCKLISTED",
        BLOCKLISTED,
    ),
    // A number alone is no proof: two issuers may give the same.
    Rule::review(|seen| seen.failed(NotInUseByAnother), "DOCUMENT_MAY_BE_IN_USE"),
    Rule::review(|seen| seen.failed(NotBlocklisted), "DOCUMENT_MAY_BE_BLOCKLISTED"),
    Rule::review(
        |seen| seen.missing(MinimumAge) || seen.missing(BirthDateMatchesProfile),
        "BIRTH_DATE_UNKNOWN",
    ),
    Rule::review(|seen| seen.missing(DatesPlausible), "DATES_UNCLEAR"),
    Rule::review(|seen| seen.missing(NameMatchesProfile), "NAMES_UNKNOWN"),
];

const ACCEPTED: &str = "Your document was accepted.";
const IN_REVIEW: &str =
    "A person looks at your document, because a machine could not decide. This takes at most 7 days.";
const IN_USE: &str = "The document is in use by another member. If it is yours, please write to us.";
const BLOCKLISTED: &str = "We can't accept this document. Please use another one.";

/// One reason why a document is not accepted.
struct Rule {
    applies: fn(&Seen) -> bool,
    decision: Decision,
    internal_reason: Internal,
    member_reason: &'static str,
}

/// Where the internal reason of a rule comes from.
enum Internal {
    /// The rule itself.
    Always(&'static str),
    /// The check.
    OfCheck(CheckName),
}

impl Rule {
    const fn resubmit(applies: fn(&Seen) -> bool, internal_reason: &'static str, member_reason: &'static str) -> Self {
        Self {
            applies,
            decision: Decision::Resubmit,
            internal_reason: Internal::Always(internal_reason),
            member_reason,
        }
    }

    const fn reject(applies: fn(&Seen) -> bool, internal_reason: &'static str, member_reason: &'static str) -> Self {
        Self {
            decision: Decision::Rejected,
            ..Self::resubmit(applies, internal_reason, member_reason)
        }
    }

    const fn review(applies: fn(&Seen) -> bool, internal_reason: &'static str) -> Self {
        Self {
            decision: Decision::NeedsReview,
            ..Self::resubmit(applies, internal_reason, IN_REVIEW)
        }
    }

    fn decision_on(&self, seen: &Seen) -> DocumentDecision {
        let internal_reason = match self.internal_reason {
            Internal::Always(reason) => reason,
            Internal::OfCheck(name) => seen.reason(name).map_or("", CheckReason::as_str),
        };
        not_accepted(self.decision, internal_reason, self.member_reason)
    }
}

/// The checks of a document, by their names.
struct Seen<'a>(&'a [Check]);

impl Seen<'_> {
    fn find(&self, name: CheckName) -> Option<&Check> {
        self.0.iter().find(|check| check.name == name)
    }

    fn result(&self, name: CheckName) -> CheckResult {
        self.find(name).map_or(CheckResult::NotApplicable, |check| check.result)
    }

    fn reason(&self, name: CheckName) -> Option<&CheckReason> {
        self.find(name).map(|check| &check.reason)
    }

    /// Whether a check failed for a reason that only a newer version knows.
    fn failed_for_something_new(&self) -> bool {
        let is_new = |check: &Check| check.name.known().is_none() || check.reason.is_unknown();
        self.0
            .iter()
            .any(|check| check.result == CheckResult::Failed && is_new(check))
    }

    fn passed(&self, name: CheckName) -> bool {
        self.result(name) == CheckResult::Passed
    }

    fn failed(&self, name: CheckName) -> bool {
        self.result(name) == CheckResult::Failed
    }

    fn failure(&self, name: CheckName) -> Option<&Check> {
        self.find(name).filter(|check| check.result == CheckResult::Failed)
    }

    fn missing(&self, name: CheckName) -> bool {
        self.result(name) == CheckResult::NotApplicable
    }

    fn failed_for(&self, name: CheckName, reason: &CheckReason) -> bool {
        self.failed(name) && self.reason(name) == Some(reason)
    }

    fn missing_for(&self, name: CheckName, reason: &CheckReason) -> bool {
        self.missing(name) && self.reason(name) == Some(reason)
    }

    fn is_machine_read(&self) -> bool {
        self.passed(MrzFound) || self.passed(BarcodeFound)
    }

    /// Whether zone or barcode have nothing beside them that says the same.
    fn print_is_missing(&self, name: CheckName) -> bool {
        self.is_machine_read() && self.missing(name) && !self.missing_for(name, &CheckReason::NoBlindSpot)
    }

    /// Whether no zone, no barcode and no print gave any field.
    fn nothing_was_read(&self) -> bool {
        let about_the_document = [TypeSupported, ImageQuality, MrzFound, BarcodeFound, TwoSources];
        let of_elsewhere = [NotInUseByAnother, NotBlocklisted];
        let needs_no_field = |name| about_the_document.contains(&name) || of_elsewhere.contains(&name);
        !self.is_machine_read()
            && (self.0.iter()).all(|check| {
                check.name.known().is_some_and(needs_no_field) || check.result == CheckResult::NotApplicable
            })
    }
}

/// The version of [`decide`]'s rules. It goes up with each change of what a document amounts to, and is kept with the checks.
pub const RULE_VERSION: u16 = 2;

/// Decides on a document by its checks.
///
/// Accepted only when two sources agree on every field, or one that leaves no blind spot. Poor pictures are asked for again
/// only where they made the reading doubtful; what is doubtful on a good picture goes to a person.
pub fn decide(checks: &[Check]) -> DocumentDecision {
    let seen = Seen(checks);
    let first = |rules: &'static [Rule]| rules.iter().find(|rule| (rule.applies)(&seen));
    if (UNKNOWN.applies)(&seen) {
        return UNKNOWN.decision_on(&seen);
    }
    match (first(READING), seen.failure(ImageQuality)) {
        (Some(_), Some(poor)) => poor_picture(&poor.reason),
        (Some(rule), None) => rule.decision_on(&seen),
        (None, _) => first(CONTENT).map_or_else(
            || accepted("ALL_CHECKS_PASSED", ACCEPTED, &seen),
            |rule| rule.decision_on(&seen),
        ),
    }
}

/// Decides on a document that a person looked at. The person has the last word on what was read, but see [`refused`].
pub fn after_review(review: &ReviewDecision, checks: &[Check]) -> DocumentDecision {
    let code = review.reason_code.as_str();
    let or = |otherwise| if code.is_empty() { otherwise } else { code };
    match review.decision {
        Decision::Accepted => accepted(
            or("REVIEW_ACCEPTED"),
            "A person looked at your document and accepted it.",
            &Seen(checks),
        ),
        Decision::Rejected => not_accepted(
            Decision::Rejected,
            or("REVIEW_REJECTED"),
            "A person looked at your document and could not accept it.",
        ),
        // A reviewer can't pass a review on: it would come to a person again and again.
        Decision::Resubmit | Decision::NeedsReview => not_accepted(
            Decision::Resubmit,
            or("REVIEW_RESUBMIT"),
            "A person looked at your document and could not read it well enough. \
             Please photograph the whole document again, flat, sharp and in good light.",
        ),
    }
}

/// Decides on a document that nobody looked at in time.
pub fn review_expired() -> DocumentDecision {
    not_accepted(
        Decision::Resubmit,
        "REVIEW_EXPIRED",
        "We are sorry: nobody looked at your document in time. Please send it again; a sharp picture of the whole \
         document, without glare, may not need a person at all.",
    )
}

/// Decides on a document whose acceptance could not be recorded.
pub fn refused(refusal: Refusal) -> DocumentDecision {
    match refusal {
        Refusal::InUseByAnother => not_accepted(Decision::Rejected, "DOCUMENT_IN_USE", IN_USE),
        Refusal::Blocklisted => not_accepted(Decision::Rejected, "DOCUMENT_BLOCKLISTED", BLOCKLISTED),
        // Its next look finds the number known before anything is decided, and goes to a person.
        Refusal::NumberKnown => not_accepted(
            Decision::Resubmit,
            "DOCUMENT_NUMBER_KNOWN",
            "A person has to look at your document before it can be accepted. Please send it once more.",
        ),
        Refusal::Erased => not_accepted(
            Decision::Resubmit,
            "DOCUMENT_ERASED",
            "The document was erased before it was decided. Please send one again if you want to be verified by it.",
        ),
        Refusal::ProfileChanged => not_accepted(
            Decision::Resubmit,
            "PROFILE_CHANGED",
            "Your name or birth date was changed while your document was looked at. Please send a document again, so that it is \
             compared with what stands there now.",
        ),
    }
}

/// Decides on a document that could not be read to its end, by the type of the failure; none where another document would not
/// help, because the failure is not the document's.
pub fn unread(failure_type: &str) -> Option<DocumentDecision> {
    match failure_type {
        erased if erased == Reason::DocumentErased.as_str() => Some(refused(Refusal::Erased)),
        lost if lost == Reason::DocumentUnreadable.as_str() => Some(not_accepted(
            Decision::Resubmit,
            lost,
            "What you sent can't be opened any more. We are sorry: please send it again.",
        )),
        _ => None,
    }
}

/// A decision that was recorded before, in words of ours.
pub fn standing(decision: Decision, internal_reason: String, proves: Vec<Open<EvidenceKind>>) -> DocumentDecision {
    let member_reason = match decision {
        Decision::Accepted => ACCEPTED,
        Decision::Rejected => "Your document was not accepted before, and that stands.",
        Decision::Resubmit | Decision::NeedsReview => "Please send another picture of your document.",
    };
    DocumentDecision {
        decision,
        internal_reason,
        member_reason: member_reason.to_owned(),
        proves,
    }
}

/// How many submissions there may be after number `submission`, which counts from 1; the first is always allowed.
pub fn submissions_left(limits: &SubmissionLimits, submission: u32) -> u32 {
    limits.submissions.saturating_sub(submission)
}

fn poor_picture(reason: &CheckReason) -> DocumentDecision {
    not_accepted(Decision::Resubmit, reason.as_str(), hints::of_picture(reason))
}

fn accepted(internal_reason: &str, member_reason: &str, seen: &Seen) -> DocumentDecision {
    DocumentDecision {
        decision: Decision::Accepted,
        internal_reason: internal_reason.to_owned(),
        member_reason: member_reason.to_owned(),
        proves: EvidenceKind::of_method(Method::Document)
            .filter(|kind| proves(*kind, seen))
            .map(Open::from)
            .collect(),
    }
}

fn not_accepted(decision: Decision, internal_reason: &str, member_reason: &str) -> DocumentDecision {
    DocumentDecision {
        decision,
        internal_reason: internal_reason.to_owned(),
        member_reason: member_reason.to_owned(),
        proves: Vec::new(),
    }
}

/// Whether an accepted document proves this.
fn proves(kind: EvidenceKind, seen: &Seen) -> bool {
    const PRINTED: [CheckName; 6] = [
        PrintedDocumentNumber,
        PrintedNames,
        PrintedBirthDate,
        PrintedExpiryDate,
        PrintedNationality,
        PrintedSex,
    ];
    match kind {
        EvidenceKind::DocumentAccepted => true,
        EvidenceKind::DocumentMachineReadable => seen.passed(MrzCheckDigits) || seen.passed(BarcodeFound),
        EvidenceKind::DocumentAgreesWithPrint => {
            let told = [PrintedDocumentNumber, PrintedNames, PrintedBirthDate, PrintedExpiryDate];
            told.iter().all(|name| seen.passed(*name)) && !PRINTED.iter().any(|name| seen.failed(*name))
        }
        EvidenceKind::DocumentVisaSupports => seen.passed(VisaAgrees),
        // Kinds of other methods.
        _ => false,
    }
}
