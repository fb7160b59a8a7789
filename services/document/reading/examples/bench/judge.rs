//! What came of one document, against its truth.

use document_policy::Profile;
use document_reading::{BarcodeReading, DocumentReading, MrzReading, check};
use document_workflows::policy::decide;
use jiff::civil::{Date, date};
use mesh_types::{Check, CheckName, CheckReason, CheckResult, Decision, DocumentKind};
use specimen::{Document, DocumentTruth};

/// The day on which documents are judged.
pub(crate) const TODAY: Date = date(2026, 1, 1);

/// What came of one document.
pub(crate) struct Judged {
    pub(crate) decision: Decision,
    /// Whether every field of zone or barcode is the truth's.
    pub(crate) exact: bool,
    /// What the policy had to do, were everything read.
    pub(crate) right: Decision,
    /// The checks that did not pass and could have, as `name:REASON`, after the policy's own reason.
    pub(crate) open: Vec<String>,
    /// Truth and reading, where they differ.
    pub(crate) difference: Option<String>,
}

impl Judged {
    /// Whether no more can be asked for.
    pub(crate) fn is_settled(&self) -> bool {
        self.exact && self.decision == self.right
    }
}

/// Has the policy decide for a member who is the holder; tables of other members and of blocked documents are empty.
pub(crate) fn judge(document: &Document, seed: u64, reading: &DocumentReading, expired: bool) -> Judged {
    let truth = document.truth();
    let all = truth.given_names.as_str();
    // Many a member leaves out the middle names.
    let given_names = match seed % 3 {
        2 => all.split(' ').next().unwrap_or(all),
        _ => all,
    };
    let profile = Profile {
        given_names: given_names.to_owned(),
        family_name: truth.surname.clone(),
        birth_date: truth
            .birth_date
            .whole()
            .expect("the holder's birth date was not asked to be unknown"),
    };
    let kind = match document.kind() {
        specimen::DocumentKind::NationalIdTd1 | specimen::DocumentKind::NationalIdTd2 => DocumentKind::NationalId,
        specimen::DocumentKind::DrivingLicence => DocumentKind::DriversLicense,
        _ => DocumentKind::Passport,
    };
    let checks = check(reading, &profile, kind, TODAY);
    let free = [CheckName::NotInUseByAnother, CheckName::NotBlocklisted]
        .map(|name| Check::passed(name, CheckReason::NotBlocklisted));
    let checks = document_reading::with_answers(checks, free);
    let decided = decide(&checks);
    let difference = difference(reading, truth);
    let open = checks
        .iter()
        .filter(|check| check.result == CheckResult::Failed || check.reason == CheckReason::PrintNotFound);
    let open = open.map(|check| format!("{}:{}", check.name.as_str(), check.reason));
    Judged {
        decision: decided.decision,
        exact: difference.is_none(),
        right: if expired {
            Decision::Rejected
        } else {
            Decision::Accepted
        },
        open: std::iter::once(decided.internal_reason).chain(open).collect(),
        difference,
    }
}

fn difference(reading: &DocumentReading, truth: &DocumentTruth) -> Option<String> {
    if truth.mrz.is_empty() {
        let barcode = reading.pages.iter().find_map(|page| page.barcode.as_ref());
        return match barcode {
            None => Some("  no barcode was read".to_owned()),
            Some(barcode) => barcode_differs(barcode, truth),
        };
    }
    let lines = reading.mrz().map_or(&[][..], |zone: &MrzReading| &zone.lines);
    (lines != truth.mrz).then(|| format!("  truth {}\n  read  {}", truth.mrz.join(" "), lines.join(" ")))
}

fn barcode_differs(barcode: &BarcodeReading, truth: &DocumentTruth) -> Option<String> {
    let fields = &barcode.fields;
    let sex = match fields.sex {
        Some(document_reading::Sex::Female) => Some(specimen::Sex::Female),
        Some(document_reading::Sex::Male) => Some(specimen::Sex::Male),
        Some(document_reading::Sex::Unspecified) => Some(specimen::Sex::Unspecified),
        None => None,
    };
    let same = fields.number == truth.document_number
        && fields.surname == truth.zone_surname
        && fields.given_names == truth.zone_given_names
        && fields.birth_date == truth.birth_date.whole()
        && fields.issue_date == Some(truth.issue_date)
        && fields.expiry_date == Some(truth.expiry_date)
        && sex == Some(truth.sex);
    (!same).then(|| {
        let (family, given) = (&fields.surname, &fields.given_names);
        format!(
            "  truth {} {} {}\n  read  {} {family} {given}",
            truth.document_number, truth.zone_surname, truth.zone_given_names, fields.number
        )
    })
}
