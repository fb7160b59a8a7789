//! What a machine-readable zone says: its lines, its fields, and how its check digits came out.
//!
//! Dates, names and states are taken apart by the crate `mrz`; where this goes further than the crate, a comment says why.

use crate::format::{MrzFormat, ZoneField};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A machine-readable zone as read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MrzReading {
    /// How the zone is laid out; readings stored before there was a choice are of passports.
    #[serde(default)]
    pub format: MrzFormat,
    /// The two or three lines of 30, 36 or 44 characters each.
    pub lines: Vec<String>,
    /// What they say.
    pub fields: MrzFields,
    /// How the check digits came out.
    pub check_digits: CheckDigits,
    /// Characters taken otherwise than the engine read them, because field types and check digits leave one way only.
    pub repaired: Vec<Repair>,
    /// Cells where the two eyes differ, neither a field type nor a check digit tells who is right.
    pub doubtful: Vec<Cell>,
}

/// The fields of a zone (ICAO Doc 9303 parts 4 to 7, 4.2.2). Fillers are gone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MrzFields {
    /// `P` for a passport, `A`, `C` or `I` for a card, `V` for a visa, or that and a letter of the issuer's choice.
    pub document_code: String,
    /// The issuing state's code, one to three letters.
    pub issuing_state: String,
    /// The whole document number: up to nine characters, or up to 22 where it goes on in the optional data of a card.
    pub document_number: String,
    /// The primary identifier, its parts separated by a space.
    pub surname: String,
    /// The secondary identifier, its parts separated by a space; empty if there is none.
    pub given_names: String,
    /// Whether the names fill their cells to the end, so that they may have been cut.
    pub names_may_be_cut: bool,
    /// The nationality's code, up to three letters.
    pub nationality: String,
    /// `None` if the zone leaves it unknown, wholly or in part, or it is no day of the calendar.
    pub birth_date: Option<Date>,
    /// What the zone tells of the birth date, also where it is no whole date. Readings stored before it was kept have
    /// nothing here.
    #[serde(default)]
    pub known_of_birth: PartialDate,
    /// The holder's sex as the zone says.
    pub sex: Sex,
    /// `None` if it is no day of the calendar.
    pub expiry_date: Option<Date>,
    /// The personal number or other data of the issuer's choice, without what belongs to the document number; empty if
    /// there is none.
    pub optional_data: String,
    /// The second such field, which cards of three lines (TD1) alone have; empty if there is none.
    #[serde(default)]
    pub second_optional_data: String,
}

/// A date of which the issuer may not know all: unknown parts are fillers in the zone (ICAO Doc 9303 part 3, 4.8).
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartialDate {
    /// The year, with its century: at most the present one.
    pub year: Option<i16>,
    /// The month, 1–12.
    pub month: Option<i8>,
    /// The day, 1–31.
    pub day: Option<i8>,
}

/// The sex in a zone (ICAO Doc 9303 part 4, 4.2.2, position 21, and its like in the other parts).
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
    /// The format has no such digit.
    NotThere,
}

/// How the check digits of a zone came out (ICAO Doc 9303 part 3, 4.9): passports have all five, cards all but that over
/// the optional data, visas those over number and dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CheckDigits {
    /// Over the whole document number.
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

    /// Whether every one passed that the format has.
    pub fn all_passed(&self) -> bool {
        self.failed() == 0
    }

    /// How many failed, 0–5.
    pub fn failed(&self) -> usize {
        self.all().iter().filter(|digit| **digit == CheckDigit::Failed).count()
    }

    /// How many passed, 0–5.
    pub fn passed(&self) -> usize {
        self.all().iter().filter(|digit| **digit == CheckDigit::Passed).count()
    }
}

/// A place in the zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// The line, 0–2.
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
    /// Whether the surname may have been cut: only where the names fill their cells, and only to leave room for eight
    /// letters of given names (part 4, 4.2.3; part 5, 6 and 7 likewise).
    pub fn surname_may_be_cut(&self) -> bool {
        self.names_may_be_cut && self.given_names.len() <= 8
    }
}

impl PartialDate {
    /// Whether year, month and day are known.
    pub const fn is_whole(&self) -> bool {
        self.year.is_some() && self.month.is_some() && self.day.is_some()
    }

    /// Reads six cells, `YYMMDD`. The crate keeps a date with fillers as it stands; we say which parts of it are known.
    fn of_birth(cells: &str) -> Self {
        let pair = |at: usize| cells[at..at + 2].parse::<i8>().ok();
        // A year of birth is never after the present one, which the crate knows as well as any of our clocks need to.
        let century = |year: i8| {
            if u32::from(year.unsigned_abs()) > mrz::CURRENT_YY {
                1900
            } else {
                2000
            }
        };
        Self {
            year: pair(0).map(|year| century(year) + i16::from(year)),
            month: pair(2).filter(|month| (1..=12).contains(month)),
            day: pair(4).filter(|day| (1..=31).contains(day)),
        }
    }
}

impl MrzReading {
    /// Parses the lines of a zone of any format out of `A–Z 0–9 <`; `None` if they are no zone at all. Check digits may
    /// fail: that is an answer and no error.
    pub fn parse_lines(lines: &[String]) -> Option<Self> {
        Self::parse(lines.to_vec(), vec![], vec![])
    }

    pub(crate) fn parse(lines: impl Into<Vec<String>>, repaired: Vec<Repair>, doubtful: Vec<Cell>) -> Option<Self> {
        let lines = lines.into();
        let format = MrzFormat::of(&lines)?;
        let data = match (format, lines.as_slice()) {
            (MrzFormat::Td1, [first, second, third]) => mrz::parse_td1(first, second, third),
            (MrzFormat::Td2, [upper, lower]) => mrz::parse_td2(upper, lower),
            (MrzFormat::Td3, [upper, lower]) => mrz::parse_td3(upper, lower),
            (MrzFormat::MrvA, [upper, lower]) => mrz::parse_mrv_a(upper, lower),
            (MrzFormat::MrvB, [upper, lower]) => mrz::parse_mrv_b(upper, lower),
            _ => return None,
        };
        let data = data.ok()?;
        let sex = match data.sex {
            mrz::Sex::Female => Sex::Female,
            mrz::Sex::Male => Sex::Male,
            mrz::Sex::Unspecified => Sex::Unspecified,
            _ => return None,
        };
        let zone = lines.concat();
        let cells = |field| &zone[format.span(field)];
        let (surname, given_names) = names(cells(ZoneField::Names));
        let long = LongNumber::of(format, &zone);
        let optional_data = cells(ZoneField::OptionalData);
        let own_data = long.as_ref().map_or(optional_data, |long| &optional_data[long.cells..]);
        let fields = MrzFields {
            document_code: data.document_type.clone(),
            issuing_state: data.issuing_country.clone(),
            document_number: match &long {
                Some(long) => long.number.clone(),
                None => data.document_number.clone(),
            },
            surname,
            given_names,
            names_may_be_cut: !cells(ZoneField::Names).ends_with('<'),
            nationality: data.nationality.clone(),
            birth_date: day(data.date_of_birth),
            known_of_birth: PartialDate::of_birth(cells(ZoneField::BirthDate)),
            sex,
            expiry_date: day(data.date_of_expiry),
            optional_data: own_data.trim_end_matches('<').to_owned(),
            second_optional_data: cells(ZoneField::SecondOptionalData).trim_end_matches('<').to_owned(),
        };
        Some(Self {
            format,
            check_digits: check_digits(format, &zone),
            lines,
            fields,
            repaired,
            doubtful,
        })
    }

    /// Whether this may have come out of [`MrzReading::parse`].
    pub(crate) fn is_possible(&self) -> bool {
        let cells = self.lines.len() * self.format.cells();
        let parse = || Self::parse(self.lines.clone(), self.repaired.clone(), self.doubtful.clone());
        self.lines.iter().all(|line| line.is_ascii())
            && self.repaired.len().max(self.doubtful.len()) <= cells
            && parse().as_ref() == Some(self)
    }

    /// The field that a cell belongs to; cells of the optional data in which the document number goes on belong to the
    /// number. `None` beyond the zone's end.
    pub fn field_of(&self, cell: Cell) -> Option<ZoneField> {
        let at = usize::from(cell.line) * self.format.cells() + usize::from(cell.position);
        if usize::from(cell.position) >= self.format.cells() {
            return None;
        }
        let field = self.format.field_at(at)?;
        let long = || LongNumber::of(self.format, &self.lines.concat());
        if field == ZoneField::OptionalData
            && long().is_some_and(|long| at < self.format.span(field).start + long.cells)
        {
            return Some(ZoneField::DocumentNumber);
        }
        Some(field)
    }

    /// Whether a cell of the field is doubtful.
    pub fn is_doubtful(&self, field: ZoneField) -> bool {
        self.doubtful.iter().any(|cell| self.field_of(*cell) == Some(field))
    }
}

/// A document number of more than nine characters (part 5, 4.2.2.2 and 4.2.4, note j; part 6 likewise): a filler stands in
/// place of its check digit, and the optional data begin with its rest, the check digit over the whole, and a filler.
///
/// The crate reads such numbers in passports as well, where part 4 knows none, and takes numbers of eight characters and a
/// filler that its own older releases wrote; both would let a misread digit pass as another kind of number, so not here.
struct LongNumber {
    number: String,
    digit: char,
    /// Cells of the optional data that belong to the number: its rest, the digit, the filler.
    cells: usize,
}

impl LongNumber {
    fn of(format: MrzFormat, zone: &str) -> Option<Self> {
        if !format.has_long_numbers() || &zone[format.span(ZoneField::DocumentNumberDigit)] != "<" {
            return None;
        }
        let first = &zone[format.span(ZoneField::DocumentNumber)];
        let optional_data = &zone[format.span(ZoneField::OptionalData)];
        let filler = optional_data.find('<')?;
        let (rest, digit) = optional_data[..filler].split_at_checked(filler.checked_sub(1)?)?;
        let digit = digit.chars().next().filter(char::is_ascii_digit)?;
        let whole = !rest.is_empty() && !first.ends_with('<');
        whole.then(|| Self {
            number: format!("{first}{rest}"),
            digit,
            cells: filler + 1,
        })
    }
}

/// The primary and the secondary identifier, parts separated by a space (part 3, 4.6).
///
/// The crate parts a field without `<<` at its first filler, which helps with fillers that an engine lost; our reading
/// loses none, and `VAN<DER<BERG` is the name of a holder who has no other (part 3, 4.6.1).
fn names(field: &str) -> (String, String) {
    let (surname, given_names) = field.split_once("<<").unwrap_or((field, ""));
    let spaced = |name: &str| name.trim_matches('<').replace('<', " ");
    (spaced(surname), spaced(given_names))
}

/// The check digits of a zone, given as its lines one after the other.
pub(crate) fn check_digits(format: MrzFormat, zone: &str) -> CheckDigits {
    let cells = |field| &zone[format.span(field)];
    // A filler counts as 0 but is no digit: it is allowed for empty optional data alone (part 4, 4.2.2.2).
    let strictly = |covered: &str, digit: &str| match digit.chars().next() {
        None => CheckDigit::NotThere,
        Some(digit) if digit.is_ascii_digit() && mrz::verify(covered, digit) => CheckDigit::Passed,
        Some(_) => CheckDigit::Failed,
    };
    let own = |field: ZoneField| {
        let digit = field.digit().map_or("", cells);
        strictly(cells(field), digit)
    };
    let optional_data = match cells(ZoneField::OptionalDataDigit) {
        "<" if cells(ZoneField::OptionalData).bytes().all(|byte| byte == b'<') => CheckDigit::Passed,
        _ => own(ZoneField::OptionalData),
    };
    let composite: String = format
        .fields()
        .iter()
        .filter(|(field, _)| field.is_in_composite())
        .map(|(field, _)| cells(*field))
        .collect();
    CheckDigits {
        document_number: match LongNumber::of(format, zone) {
            Some(long) => strictly(&long.number, long.digit.encode_utf8(&mut [0; 4])),
            None => own(ZoneField::DocumentNumber),
        },
        birth_date: own(ZoneField::BirthDate),
        expiry_date: own(ZoneField::ExpiryDate),
        optional_data,
        composite: strictly(&composite, cells(ZoneField::CompositeDigit)),
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
            .field("format", &self.format)
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

impl fmt::Debug for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartialDate").finish_non_exhaustive()
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
mod tests;
