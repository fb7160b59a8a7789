//! The text of a barcode, taken apart (AAMVA DL/ID Card Design Standard, annex D).

use super::{BarcodeFields, BarcodeReading, Subfile, Truncation};
use crate::mrz_reading::Sex;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// The latest version whose elements are known here.
const LATEST: u8 = 10;
/// Characters within which the header's file type is looked for.
const HEADER_REACH: usize = 24;
/// A subfile's designator: two letters, four digits for its offset and four for its length.
const DESIGNATOR: usize = 10;

type Elements = BTreeMap<String, String>;

pub(super) fn parse(text: &str) -> Option<BarcodeReading> {
    let text: Vec<char> = text.chars().collect();
    let header = Header::parse(&text)?;
    let elements = elements(&text, &header)?;
    let (surname, given_names) = names(&elements, header.version);
    let number = value(&elements, "DAQ")?;
    if surname.is_empty() && given_names.is_empty() {
        return None;
    }
    let cut = |element| match value(&elements, element).as_deref() {
        Some("T") => Truncation::Truncated,
        Some("N") => Truncation::Whole,
        _ => Truncation::Unknown,
    };
    let fields = BarcodeFields {
        number,
        surname,
        given_names,
        surname_cut: cut("DDE"),
        first_name_cut: cut("DDF"),
        middle_names_cut: cut("DDG"),
        birth_date: date(&elements, "DBB"),
        issue_date: date(&elements, "DBD"),
        expiry_date: date(&elements, "DBA"),
        sex: sex(&elements),
        country: value(&elements, "DCG"),
        jurisdiction: value(&elements, "DAJ"),
        document_discriminator: value(&elements, "DCF"),
    };
    Some(BarcodeReading {
        version: header.version,
        subfile: header.subfile,
        issuer: header.issuer,
        fields,
    })
}

struct Header {
    issuer: String,
    version: u8,
    subfile: Subfile,
    /// Where the designator says that the subfile begins.
    offset: usize,
    /// Where the designators end.
    end: usize,
}

impl Header {
    /// `@`, three control characters, `ANSI ` (in some of version 01 `AAMVA`), issuer, version, from version 02 on the
    /// jurisdiction's own version, the number of subfiles, and their designators.
    fn parse(text: &[char]) -> Option<Self> {
        let reach = text.len().min(HEADER_REACH);
        let tag = |tag: &str| find(&text[..reach], tag).map(|at| at + tag.len());
        let start = tag("ANSI ").or_else(|| tag("AAMVA"))?;
        let issuer = digits(text, start, 6)?;
        let version: u8 = digits(text, start + 6, 2)?.parse().ok()?;
        // Version 01 has no version of the jurisdiction, yet some issuers wrote one: letters tell where designators begin.
        let counts = if version == 1 { [8, 10] } else { [10, 8] };
        let is_designator = |at: usize| {
            text.get(at..at + 2)
                .is_some_and(|two| two.iter().all(char::is_ascii_uppercase))
        };
        let count_at = counts
            .into_iter()
            .map(|at| start + at)
            .find(|at| is_designator(at + 2))?;
        let count: usize = digits(text, count_at, 2)?.parse().ok()?;
        let first = count_at + 2;
        let places = (0..count.max(1)).map(|index| first + index * DESIGNATOR);
        let (at, subfile) = places
            .take_while(|at| is_designator(*at))
            .find_map(|at| Some((at, subfile(text.get(at..at + 2)?)?)))?;
        Some(Self {
            issuer,
            version: version.clamp(1, LATEST),
            subfile,
            offset: digits(text, at + 2, 4)
                .and_then(|offset| offset.parse().ok())
                .unwrap_or(0),
            end: first + count.max(1) * DESIGNATOR,
        })
    }
}

fn subfile(letters: &[char]) -> Option<Subfile> {
    match letters {
        ['D', 'L'] => Some(Subfile::DriversLicense),
        ['I', 'D'] => Some(Subfile::IdentityCard),
        _ => None,
    }
}

/// The elements of the holder's subfile, the first of each name; not those of the jurisdiction's own subfile.
fn elements(text: &[char], header: &Header) -> Option<Elements> {
    let letters = match header.subfile {
        Subfile::DriversLicense => "DL",
        Subfile::IdentityCard => "ID",
    };
    let begins_at = |at: usize| {
        text.get(at..at + 2)
            .is_some_and(|two| two.iter().copied().eq(letters.chars()))
    };
    let start = if header.offset >= header.end && begins_at(header.offset) {
        header.offset
    } else {
        // An offset that misses: the first place behind the header where the letters stand before an element.
        (header.end.min(text.len())..text.len()).find(|at| begins_at(*at) && text.get(at + 2) == Some(&'D'))?
    };
    let body: String = text[start + 2..].iter().take_while(|c| **c != '\r').collect();
    let mut elements = Elements::new();
    for line in body.split('\n') {
        let Some((name, value)) = line.split_at_checked(3) else {
            continue;
        };
        if name.bytes().all(|byte| byte.is_ascii_uppercase()) {
            elements
                .entry(name.to_owned())
                .or_insert_with(|| value.trim().to_owned());
        }
    }
    Some(elements)
}

/// An element's value; `None` for what stands for none (annex D: `NONE`, `unavl`).
fn value(elements: &Elements, name: &str) -> Option<String> {
    let value = elements.get(name)?;
    let missing = value.is_empty() || value == "NONE" || value.eq_ignore_ascii_case("unavl");
    (!missing).then(|| value.clone())
}

/// Family name and given names. A holder with one name has it as the family name here, as in a zone.
fn names(elements: &Elements, version: u8) -> (String, String) {
    let parts = |name: &str| {
        let value = value(elements, name).unwrap_or_default();
        value
            .split([',', '@', '$', ' '])
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let joined = |names: &[&str]| {
        let all: Vec<String> = names
            .iter()
            .map(|name| parts(name))
            .filter(|name| !name.is_empty())
            .collect();
        all.join(" ")
    };
    let (family, given) = match (value(elements, "DAA"), version) {
        (Some(all), 1) => match all.split_once([',', '@', '$']) {
            Some((family, _)) => (
                family.trim().to_owned(),
                parts("DAA")[family.trim().len()..].trim().to_owned(),
            ),
            None => all.split_once(' ').map_or_else(
                || (all.clone(), String::new()),
                |(family, given)| (family.to_owned(), given.to_owned()),
            ),
        },
        (None, 1) => (joined(&["DAB"]), joined(&["DAC", "DAD"])),
        _ => match joined(&["DCT"]) {
            given if !given.is_empty() => (joined(&["DCS"]), given),
            _ => (joined(&["DCS"]), joined(&["DAC", "DAD"])),
        },
    };
    if family.is_empty() {
        (given, family)
    } else {
        (family, given)
    }
}

/// `MMDDCCYY`, or `CCYYMMDD` in version 01 and in Canada. No month is 13 or later and no century earlier, so the digits
/// themselves tell which one it is, also where an issuer took the other.
fn date(elements: &Elements, name: &str) -> Option<Date> {
    let text = value(elements, name)?;
    let text: String = text.chars().filter(|c| !matches!(c, '-' | '/')).collect();
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<i16>().ok();
    let (year, month, day) = if number(0, 2)? <= 12 {
        (number(4, 8)?, number(0, 2)?, number(2, 4)?)
    } else {
        (number(0, 4)?, number(4, 6)?, number(6, 8)?)
    };
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn sex(elements: &Elements) -> Option<Sex> {
    match value(elements, "DBC")?.as_str() {
        "1" | "M" => Some(Sex::Male),
        "2" | "F" => Some(Sex::Female),
        "9" | "0" | "U" | "X" => Some(Sex::Unspecified),
        _ => None,
    }
}

fn digits(text: &[char], at: usize, count: usize) -> Option<String> {
    let digits: String = text.get(at..at + count)?.iter().collect();
    digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits)
}

fn find(text: &[char], wanted: &str) -> Option<usize> {
    let wanted: Vec<char> = wanted.chars().collect();
    text.windows(wanted.len()).position(|window| window == wanted)
}
