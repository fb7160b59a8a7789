//! The text in the PDF417 barcode of licences and identity cards (AAMVA DL/ID Card Design Standard, annex D).
//!
//! Written from the standard's versions 01 (DL/ID-2000) to 10 (2020) alone, apart from any reader.

use jiff::civil::Date;

use crate::aamva_version::{AamvaVersion, Subfile};
use crate::document_truth::{DocumentTruth, LicenceTruth};
use crate::letters::in_ascii;
use crate::truth::Sex;

/// An issuer number that no jurisdiction has.
pub(crate) const ISSUER: &str = "636999";
/// Two letters that no jurisdiction has; a subfile of its own is named Z and the first of them.
pub(crate) const JURISDICTION: &str = "ZZ";
const LONGEST_NAME: usize = 40;

/// The whole text of a barcode, header and two subfiles, in ASCII: one byte is one character.
///
/// The holder's and the card's facts are those of `truth`; of a document that is no licence they are
/// made up from its number. A birth date with unknown parts is `unavl`, as annex D has it.
pub fn aamva_text(version: AamvaVersion, subfile: Subfile, truth: &DocumentTruth) -> String {
    let card = truth.licence.clone().unwrap_or_else(|| LicenceTruth::stand_in(truth));
    let mut fields = match version.number() {
        1 => fields_of_2000(truth, &card),
        2 | 3 => fields_with_given_names(truth, &card),
        _ => fields_with_first_name(version, truth, &card),
    };
    if subfile == Subfile::IdentityCard {
        fields.retain(|(element, _)| !["DAR", "DAS", "DAT", "DCA", "DCB", "DCD", "DCH"].contains(element));
    }
    let holder = subfile_text(subfile.designator(), &fields);
    let own = subfile_text(
        &format!("Z{}", &JURISDICTION[..1]),
        &[("ZZA", "SPECIMEN".to_owned()), ("ZZB", "NO REAL PERSON".to_owned())],
    );
    file(version, &card.issuer, &[holder, own])
}

/// Header, designators and subfiles. Offsets count from the first byte, lengths include the closing return.
fn file(version: AamvaVersion, issuer: &str, subfiles: &[String]) -> String {
    let mut header = format!("@\n\u{1e}\rANSI {issuer}{:02}", version.number());
    // The jurisdiction's own version came with version 02.
    if version.number() >= 2 {
        header.push_str("00");
    }
    header.push_str(&format!("{:02}", subfiles.len()));
    let mut offset = header.len() + 10 * subfiles.len();
    for subfile in subfiles {
        header.push_str(&format!("{}{offset:04}{:04}", &subfile[..2], subfile.len()));
        offset += subfile.len();
    }
    header + &subfiles.concat()
}

fn subfile_text(designator: &str, fields: &[(&str, String)]) -> String {
    let lines: Vec<String> = fields
        .iter()
        .map(|(element, value)| format!("{element}{value}"))
        .collect();
    format!("{designator}{}\r", lines.join("\n"))
}

/// DL/ID-2000: all names in one element, dates with the year first, F and M for the sex.
fn fields_of_2000(truth: &DocumentTruth, card: &LicenceTruth) -> Vec<(&'static str, String)> {
    let date = |date: Date| date.strftime("%Y%m%d").to_string();
    let sex = match truth.sex {
        Sex::Unspecified => 'U',
        known => known.in_print(),
    };
    let names = format!(
        "{},{}",
        in_ascii(&truth.surname),
        in_ascii(&truth.given_names).replace(' ', ",")
    );
    vec![
        ("DAA", shortened(&names)),
        ("DAG", card.street.clone()),
        ("DAI", card.city.clone()),
        ("DAJ", card.jurisdiction.clone()),
        ("DAK", format!("{:<11}", card.postal_code)),
        ("DAQ", truth.document_number.clone()),
        ("DAR", card.vehicle_class.clone()),
        ("DAS", code_or_empty(&card.restrictions)),
        ("DAT", code_or_empty(&card.endorsements)),
        ("DBA", date(truth.expiry_date)),
        ("DBB", truth.birth_date.whole().map_or("unavl".to_owned(), date)),
        ("DBC", sex.to_string()),
        ("DBD", date(truth.issue_date)),
        ("DAU", format!("{}{:02}", card.height / 12, card.height % 12)),
        ("DAY", card.eye_colour.clone()),
    ]
}

/// Versions 02 and 03: family name and all given names.
fn fields_with_given_names(truth: &DocumentTruth, card: &LicenceTruth) -> Vec<(&'static str, String)> {
    let mut fields = driving(card);
    fields.extend([
        ("DBA", month_first(truth.expiry_date)),
        ("DCS", cut(&in_ascii(&truth.surname)).0),
        ("DCT", shortened(&in_ascii(&truth.given_names).replace(' ', ","))),
    ]);
    fields.extend(common(truth, card));
    fields.push(("DCH", "NONE".to_owned()));
    fields
}

/// Versions 04 and later: first and middle names apart, each with a mark whether it was cut.
fn fields_with_first_name(
    version: AamvaVersion,
    truth: &DocumentTruth,
    card: &LicenceTruth,
) -> Vec<(&'static str, String)> {
    let given_names = in_ascii(&truth.given_names);
    let (first, middle) = given_names.split_once(' ').unwrap_or((&given_names, ""));
    let or_none = |name: &str| {
        if name.is_empty() {
            "NONE".to_owned()
        } else {
            name.to_owned()
        }
    };
    let (family, family_mark) = cut(&or_none(&in_ascii(&truth.surname)));
    let (first, first_mark) = cut(&or_none(first));
    let (middle, middle_mark) = cut(&or_none(&middle.replace(' ', ",")));
    let mut fields = vec![
        ("DAQ", truth.document_number.clone()),
        ("DCS", family),
        ("DDE", family_mark),
    ];
    fields.extend([
        ("DAC", first),
        ("DDF", first_mark),
        ("DAD", middle),
        ("DDG", middle_mark),
    ]);
    fields.extend(driving(card));
    fields.push(("DBA", month_first(truth.expiry_date)));
    fields.extend(common(truth, card).into_iter().filter(|(element, _)| *element != "DAQ"));
    fields.push(("DCK", format!("{}0001", card.discriminator)));
    if version.number() >= 6 {
        fields.push(("DDB", month_first(truth.issue_date)));
        fields.push(("DDA", "N".to_owned()));
    }
    if version.number() >= 7 {
        fields.push(("DDK", "1".to_owned()));
    }
    fields
}

fn driving(card: &LicenceTruth) -> Vec<(&'static str, String)> {
    vec![
        ("DCA", card.vehicle_class.clone()),
        ("DCB", card.restrictions.clone()),
        ("DCD", card.endorsements.clone()),
    ]
}

/// What versions 02 to 10 write alike.
fn common(truth: &DocumentTruth, card: &LicenceTruth) -> Vec<(&'static str, String)> {
    let sex = match truth.sex {
        Sex::Male => "1",
        Sex::Female => "2",
        Sex::Unspecified => "9",
    };
    vec![
        ("DBD", month_first(truth.issue_date)),
        ("DBB", truth.birth_date.whole().map_or("unavl".to_owned(), month_first)),
        ("DBC", sex.to_owned()),
        ("DAY", card.eye_colour.clone()),
        ("DAU", format!("{:03} IN", card.height)),
        ("DAG", card.street.clone()),
        ("DAI", card.city.clone()),
        ("DAJ", card.jurisdiction.clone()),
        ("DAK", format!("{:<11}", card.postal_code)),
        ("DAQ", truth.document_number.clone()),
        ("DCF", card.discriminator.clone()),
        ("DCG", "USA".to_owned()),
    ]
}

/// MMDDCCYY, as documents of the United States have it since version 02.
fn month_first(date: Date) -> String {
    date.strftime("%m%d%Y").to_string()
}

/// At most 40 characters, with `T` when something was lost and `N` when not.
fn cut(name: &str) -> (String, String) {
    let kept: String = name.chars().take(LONGEST_NAME).collect();
    let mark = if kept.len() < name.len() { "T" } else { "N" };
    (kept, mark.to_owned())
}

/// All given names together, at most 80 characters; the standard of 2000 names no length, and gets the same.
fn shortened(names: &str) -> String {
    names.chars().take(2 * LONGEST_NAME).collect()
}

fn code_or_empty(codes: &str) -> String {
    if codes == "NONE" {
        String::new()
    } else {
        codes.to_owned()
    }
}

impl LicenceTruth {
    /// The card's facts for a document that is no licence.
    fn stand_in(truth: &DocumentTruth) -> Self {
        Self {
            version: AamvaVersion::LATEST,
            subfile: Subfile::IdentityCard,
            issuer: ISSUER.to_owned(),
            street: "1 SPECIMEN STREET".to_owned(),
            city: in_ascii(&truth.place_of_birth),
            jurisdiction: JURISDICTION.to_owned(),
            postal_code: "000000000".to_owned(),
            vehicle_class: "C".to_owned(),
            restrictions: "NONE".to_owned(),
            endorsements: "NONE".to_owned(),
            height: 68,
            eye_colour: "BRO".to_owned(),
            discriminator: format!("{}X", truth.document_number),
        }
    }
}
