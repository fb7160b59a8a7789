//! What a machine-readable zone says: its two lines, its fields, and how its check digits came out.

use crate::names::CUT_SURNAME;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Cells in a line of a TD3 zone (ICAO Doc 9303 part 4, 4.2.2).
pub const CELLS: usize = 44;

/// A machine-readable zone as read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MrzReading {
    /// The two lines of 44 characters each.
    pub lines: [String; 2],
    /// What they say.
    pub fields: MrzFields,
    /// How the five check digits came out.
    pub check_digits: CheckDigits,
    /// Characters taken otherwise than the engine read them, because field types and check digits leave one way only.
    pub repaired: Vec<Repair>,
    /// Cells where the two eyes differ, neither a field type nor a check digit tells who is right.
    pub doubtful: Vec<Cell>,
}

/// The fields of a TD3 zone (ICAO Doc 9303 part 4, 4.2.2). Fillers are gone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MrzFields {
    /// `P`, or `P` and a letter of the issuer's choice.
    pub document_code: String,
    /// The issuing state's code, up to three letters.
    pub issuing_state: String,
    /// The document number, up to nine characters.
    pub document_number: String,
    /// The primary identifier, its parts separated by a space.
    pub surname: String,
    /// The secondary identifier, its parts separated by a space; empty if there is none.
    pub given_names: String,
    /// Whether the names fill their 39 cells to the end, so that they may have been cut.
    pub names_may_be_cut: bool,
    /// The nationality's code, up to three letters.
    pub nationality: String,
    /// `None` if the zone leaves it unknown, wholly or in part, or it is no day of the calendar.
    pub birth_date: Option<Date>,
    /// The holder's sex as the zone says.
    pub sex: Sex,
    /// `None` if it is no day of the calendar.
    pub expiry_date: Option<Date>,
    /// The personal number or other data of the issuer's choice; empty if there is none.
    pub optional_data: String,
}

/// The sex in a zone (ICAO Doc 9303 part 4, 4.2.2, position 21).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sex {
    /// `F`.
    Female,
    /// `M`.
    Male,
    /// The filler `<`, printed as `X`.
    Unspecified,
}

/// How one check digit came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckDigit {
    /// It is the digit that its field asks for.
    Passed,
    /// It is another one.
    Failed,
}

/// How the five check digits of a TD3 zone came out (ICAO Doc 9303 part 3, 4.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CheckDigits {
    /// Over the document number.
    pub document_number: CheckDigit,
    /// Over the birth date.
    pub birth_date: CheckDigit,
    /// Over the expiry date.
    pub expiry_date: CheckDigit,
    /// Over the optional data; passes too when data and digit are both fillers.
    pub optional_data: CheckDigit,
    /// Over number, dates and optional data with their digits.
    pub composite: CheckDigit,
}

impl CheckDigits {
    /// The five, in the order of the zone.
    pub const fn all(&self) -> [CheckDigit; 5] {
        [
            self.document_number,
            self.birth_date,
            self.expiry_date,
            self.optional_data,
            self.composite,
        ]
    }

    /// Whether every one passed.
    pub fn all_passed(&self) -> bool {
        self.all().iter().all(|digit| *digit == CheckDigit::Passed)
    }

    /// How many passed, 0–5.
    pub fn passed(&self) -> usize {
        self.all().iter().filter(|digit| **digit == CheckDigit::Passed).count()
    }
}

/// A place in the zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// The line, 0 or 1.
    pub line: u8,
    /// The position in the line, 0–43.
    pub position: u8,
}

/// A character taken otherwise than the engine read it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// Where.
    pub cell: Cell,
    /// What the engine read; `None` where it saw nothing.
    pub read: Option<char>,
    /// What is taken.
    pub taken: char,
}

impl MrzFields {
    /// Whether the surname may have been cut: only where the names fill their cells (part 4, 4.2.3).
    pub fn surname_may_be_cut(&self) -> bool {
        self.names_may_be_cut && (self.given_names.is_empty() || self.surname.len() >= CUT_SURNAME)
    }
}

impl MrzReading {
    /// Parses two lines of 44 characters out of `A–Z 0–9 <`; `None` if they are no TD3 zone at all.
    pub(crate) fn parse(lines: [String; 2], repaired: Vec<Repair>, doubtful: Vec<Cell>) -> Option<Self> {
        let data = mrz::parse_td3(&lines[0], &lines[1]).ok()?;
        let sex = match data.sex {
            mrz::Sex::Female => Sex::Female,
            mrz::Sex::Male => Sex::Male,
            mrz::Sex::Unspecified => Sex::Unspecified,
            _ => return None,
        };
        let fields = MrzFields {
            document_code: data.document_type.clone(),
            issuing_state: data.issuing_country.trim_end_matches('<').to_owned(),
            document_number: data.document_number.trim_end_matches('<').to_owned(),
            surname: data.surname.clone(),
            given_names: data.given_names.clone(),
            names_may_be_cut: !lines[0].ends_with('<'),
            nationality: data.nationality.trim_end_matches('<').to_owned(),
            birth_date: day(data.date_of_birth),
            sex,
            expiry_date: day(data.date_of_expiry),
            optional_data: lines[1][28..42].trim_end_matches('<').to_owned(),
        };
        let check_digits = check_digits(&lines[1]);
        Some(Self {
            lines,
            fields,
            check_digits,
            repaired,
            doubtful,
        })
    }
}

/// The five check digits of the second line of a TD3 zone; the line has 44 ASCII characters.
pub(crate) fn check_digits(line: &str) -> CheckDigits {
    let holds = |field: &str, digit: usize| {
        let digit = char::from(line.as_bytes()[digit]);
        if mrz::verify(field, digit) {
            CheckDigit::Passed
        } else {
            CheckDigit::Failed
        }
    };
    // A filler in place of a digit is allowed for empty optional data alone (part 4, 4.2.2.2).
    let strictly = |field: &str, digit: usize| match line.as_bytes()[digit] {
        b'<' => CheckDigit::Failed,
        _ => holds(field, digit),
    };
    let optional = &line[28..42];
    let optional_data = match line.as_bytes()[42] {
        b'<' if optional.bytes().any(|byte| byte != b'<') => CheckDigit::Failed,
        _ => holds(optional, 42),
    };
    CheckDigits {
        document_number: strictly(&line[0..9], 9),
        birth_date: strictly(&line[13..19], 19),
        expiry_date: strictly(&line[21..27], 27),
        optional_data,
        composite: strictly(&format!("{}{}{}", &line[0..10], &line[13..20], &line[21..43]), 43),
    }
}

fn day(date: mrz::MrzDate) -> Option<Date> {
    let date = date.calendar()?;
    let year = i16::try_from(date.year).ok()?;
    Date::new(year, i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?).ok()
}

// A zone is personal data through and through: `Debug` says only how well it was read.
impl fmt::Debug for MrzReading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MrzReading")
            .field("check_digits", &self.check_digits)
            .field("repaired", &self.repaired.len())
            .field("doubtful", &self.doubtful)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for MrzFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MrzFields").finish_non_exhaustive()
    }
}

impl fmt::Debug for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repair")
            .field("cell", &self.cell)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LINE_1: &str = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<";
    const LINE_2: &str = "L898902C36UTO7408122F1204159ZE184226B<<<<<10";

    fn parse(line_1: &str, line_2: &str) -> Option<MrzReading> {
        MrzReading::parse([line_1.to_owned(), line_2.to_owned()], vec![], vec![])
    }

    #[test]
    fn the_specimen_of_doc_9303_is_read_field_by_field() {
        let reading = parse(LINE_1, LINE_2).expect("a TD3 zone");
        let fields = &reading.fields;
        assert!(reading.check_digits.all_passed());
        assert_eq!(fields.document_code, "P");
        assert_eq!(fields.issuing_state, "UTO");
        assert_eq!(fields.document_number, "L898902C3");
        assert_eq!(
            (fields.surname.as_str(), fields.given_names.as_str()),
            ("ERIKSSON", "ANNA MARIA")
        );
        assert_eq!(fields.nationality, "UTO");
        assert_eq!(fields.birth_date, Some(jiff::civil::date(1974, 8, 12)));
        assert_eq!(fields.sex, Sex::Female);
        assert_eq!(fields.expiry_date, Some(jiff::civil::date(2012, 4, 15)));
        assert_eq!(fields.optional_data, "ZE184226B");
        assert!(!fields.names_may_be_cut);
    }

    #[test]
    fn a_filler_stands_for_a_digit_only_over_empty_optional_data() {
        let empty = "L898902C36UTO7408122F1204159<<<<<<<<<<<<<<<4";
        assert_eq!(check_digits(empty).optional_data, CheckDigit::Passed);
        let digit_gone = "L898902C36UTO740812<F1204159ZE184226B<<<<<10";
        assert_eq!(check_digits(digit_gone).birth_date, CheckDigit::Failed);
        let optional_digit_gone = "L898902C36UTO7408122F1204159ZE184226B<<<<<<0";
        assert_eq!(check_digits(optional_digit_gone).optional_data, CheckDigit::Failed);
    }

    #[test]
    fn an_unknown_birth_date_is_none() {
        let reading = parse(LINE_1, "L898902C36UTO<<<<<<0F1204159ZE184226B<<<<<10").expect("a TD3 zone");
        assert_eq!(reading.fields.birth_date, None);
    }

    #[test]
    fn debug_output_holds_no_personal_data() {
        let shown = format!("{:?}", parse(LINE_1, LINE_2));
        assert!(!shown.contains("ERIKSSON") && !shown.contains("L898902C3") && !shown.contains("740812"));
    }

    proptest! {
        #[test]
        fn one_wrong_digit_in_a_date_never_passes(position in 13usize..19, digit in 0u8..10) {
            let mut line = LINE_2.as_bytes().to_vec();
            prop_assume!(line[position] != b'0' + digit);
            line[position] = b'0' + digit;
            let line = String::from_utf8(line).expect("ASCII");
            prop_assert!(!check_digits(&line).all_passed());
        }
    }
}
