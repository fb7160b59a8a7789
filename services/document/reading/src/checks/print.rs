//! Whether print says the same as the zone, or as the barcode where there is no zone.

use super::Case;
use crate::{
    barcode::BarcodeReading, fields::Source, identity_fields::IdentityFields, mrz_reading::Sex, printed::FieldAgreement,
};
use mesh_types::{Check, CheckName, CheckReason};

impl Case<'_> {
    pub(super) fn print_agrees(&self, name: CheckName) -> Check {
        let Some((source, claimed)) = &self.fields.claimed else {
            return Check::not_applicable(name, self.nothing_read());
        };
        if *source == Source::Print {
            return Check::not_applicable(name, CheckReason::NothingBesidePrint);
        }
        let printed = &self.fields.printed;
        match name {
            CheckName::PrintedDocumentNumber => says(name, &[printed.document_number]),
            CheckName::PrintedNames if claimed.given_names.is_empty() => says(name, &[printed.surname]),
            CheckName::PrintedNames => says(name, &[printed.surname, printed.given_names]),
            // An issuer who doesn't know a date leaves it open in the zone, and words it in print as no calendar does.
            CheckName::PrintedBirthDate if claimed.birth_date.is_none() => {
                Check::not_applicable(name, CheckReason::BirthDateUnknown)
            }
            CheckName::PrintedBirthDate => self.says_or_covered(name, printed.birth_date),
            CheckName::PrintedExpiryDate => self.says_or_covered(name, printed.expiry_date),
            CheckName::PrintedSex => match (claimed.sex, printed.sex) {
                (None, _) => Check::not_applicable(name, CheckReason::NotOnThisKind),
                // A print without a letter is how some issuers leave the sex unspecified.
                (Some(Sex::Unspecified), FieldAgreement::NotFound) => {
                    Check::not_applicable(name, CheckReason::Unspecified)
                }
                (Some(_), printed) => self.says_or_covered(name, printed),
            },
            _ => match (source, self.fields.barcode) {
                (Source::Barcode, Some(barcode)) => issuer_is_known(name, barcode),
                _ => self.states_agree(name, claimed),
            },
        }
    }

    /// What print does not show needs no second source where the first leaves no blind spot.
    fn says_or_covered(&self, name: CheckName, answer: FieldAgreement) -> Check {
        if answer == FieldAgreement::NotFound && self.leaves_no_blind_spot(name) {
            return Check::not_applicable(name, CheckReason::NoBlindSpot);
        }
        says(name, &[answer])
    }

    /// Both codes are known (ICAO Doc 9303 part 3, section 5), and the print has them.
    fn states_agree(&self, name: CheckName, claimed: &IdentityFields) -> Check {
        let printed = &self.fields.printed;
        let code = |code: &Option<String>| code.clone().unwrap_or_default();
        let (issuing_state, nationality) = (code(&claimed.issuing_state), code(&claimed.nationality));
        if mrz::country_name(&issuing_state).is_none() || mrz::country_name(&nationality).is_none() {
            return Check::failed(name, CheckReason::StateUnknown);
        }
        // Two readings of one code in two places of the zone are two sources as well.
        let same = issuing_state == nationality;
        match (printed.nationality, printed.issuing_state) {
            (FieldAgreement::Agrees, FieldAgreement::Agrees) => Check::passed(name, CheckReason::PrintAgrees),
            (FieldAgreement::Agrees, _) | (_, FieldAgreement::Agrees) if same => {
                Check::passed(name, CheckReason::PrintAgrees)
            }
            (FieldAgreement::Disagrees, _) | (_, FieldAgreement::Disagrees) => {
                Check::failed(name, CheckReason::PrintDiffers)
            }
            _ => Check::not_applicable(name, CheckReason::PrintNotFound),
        }
    }
}

fn says(name: CheckName, answers: &[FieldAgreement]) -> Check {
    if answers.contains(&FieldAgreement::Disagrees) {
        Check::failed(name, CheckReason::PrintDiffers)
    } else if answers.contains(&FieldAgreement::NotFound) {
        Check::not_applicable(name, CheckReason::PrintNotFound)
    } else {
        Check::passed(name, CheckReason::PrintAgrees)
    }
}

/// The issuer's number is on AAMVA's list, and its country is the one that the barcode names.
fn issuer_is_known(name: CheckName, barcode: &BarcodeReading) -> Check {
    let country = match barcode.issuing_jurisdiction().map(|jurisdiction| &jurisdiction[..2]) {
        None => return Check::failed(name, CheckReason::StateUnknown),
        Some("US") => "USA",
        Some("CA") => "CAN",
        Some(_) => return Check::passed(name, CheckReason::IssuerKnown),
    };
    match barcode.fields.country.as_deref() {
        Some(named) if named != country => Check::failed(name, CheckReason::IssuerOfAnotherCountry),
        _ => Check::passed(name, CheckReason::IssuerKnown),
    }
}
