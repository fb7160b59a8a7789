//! Machine-readable zones of all five formats (ICAO Doc 9303 parts 3 to 7).
//!
//! Written from the standard alone and apart from any reader, so that a reader's mistake cannot hide
//! behind the same mistake here.

use jiff::civil::Date;

use crate::birth_date::BirthDate;
use crate::letters::transliterate;
use crate::truth::Sex;

/// The five shapes of a machine-readable zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ZoneFormat {
    /// Cards of the size of a bank card: 3 lines of 30 characters (part 5).
    Td1,
    /// Larger cards: 2 lines of 36 characters (part 6).
    Td2,
    /// Passports: 2 lines of 44 characters (part 4).
    Td3,
    /// Large visas: 2 lines of 44 characters (part 7).
    MrvA,
    /// Small visas: 2 lines of 36 characters (part 7).
    MrvB,
}

impl ZoneFormat {
    /// All five.
    pub const ALL: [Self; 5] = [Self::Td1, Self::Td2, Self::Td3, Self::MrvA, Self::MrvB];

    /// Characters in one line.
    pub fn line_length(self) -> usize {
        match self {
            Self::Td1 => 30,
            Self::Td2 | Self::MrvB => 36,
            Self::Td3 | Self::MrvA => 44,
        }
    }

    /// Characters for both names.
    pub fn name_length(self) -> usize {
        match self {
            Self::Td1 => 30,
            _ => self.line_length() - 5,
        }
    }

    /// Characters for optional data; of TD1 the first of its two fields, the second has 11.
    pub fn optional_length(self) -> usize {
        match self {
            Self::Td1 => 15,
            Self::Td2 => 7,
            Self::Td3 => 14,
            Self::MrvA => 16,
            Self::MrvB => 8,
        }
    }

    /// The longest document number. Beyond nine characters it goes on in the optional data, before a
    /// check digit and a filler (part 5, 4.2.4; part 6, 4.2.2.2); passports and visas cannot do that.
    pub fn longest_number(self) -> usize {
        match self {
            Self::Td1 | Self::Td2 => 9 + self.optional_length() - 2,
            Self::Td3 | Self::MrvA | Self::MrvB => 9,
        }
    }
}

/// What a zone says. Letters outside the zone's alphabet are transliterated, what is too long is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneFields {
    /// One or two letters; the first is `P` on passports, `V` on visas, `A`, `C` or `I` on cards.
    pub document_code: String,
    /// One to three letters.
    pub issuing_state: String,
    /// The primary identifier, as printed.
    pub surname: String,
    /// The secondary identifier, as printed; may be empty.
    pub given_names: String,
    /// Letters and digits, at most [`ZoneFormat::longest_number`] of them.
    pub document_number: String,
    /// One to three letters.
    pub nationality: String,
    /// Unknown parts become fillers.
    pub birth_date: BirthDate,
    /// As the zone writes it.
    pub sex: Sex,
    /// Last day of validity.
    pub expiry_date: Date,
    /// Letters, digits and fillers; of TD1 those of the first line. A long number leaves less room.
    pub optional_data: String,
    /// Letters, digits and fillers of TD1's second line; no other format has it.
    pub second_optional_data: String,
}

/// The lines of a zone: 3 of 30 characters for TD1, 2 of 36 for TD2 and MRV-B, 2 of 44 for TD3 and MRV-A.
pub fn zone_lines(format: ZoneFormat, fields: &ZoneFields) -> Vec<String> {
    let names = name_field(&fields.surname, &fields.given_names, format.name_length());
    let head = format!("{:<<2.2}{:<<3.3}", fields.document_code, fields.issuing_state);
    let nationality = format!("{:<<3.3}", fields.nationality);
    let (number, rest) = number_field(format, &fields.document_number);
    let birth = with_check_digit(fields.birth_date.in_zone());
    let expiry = with_check_digit(short_date(fields.expiry_date));
    let sex = fields.sex.in_zone();
    let optional = filled(&format!("{rest}{}", fields.optional_data), format.optional_length());
    match format {
        ZoneFormat::Td1 => {
            let second = filled(&fields.second_optional_data, 11);
            let composite = check_digit(&format!("{number}{optional}{birth}{expiry}{second}"));
            vec![
                format!("{head}{number}{optional}"),
                format!("{birth}{sex}{expiry}{nationality}{second}{composite}"),
                names,
            ]
        }
        ZoneFormat::Td2 => {
            let composite = check_digit(&format!("{number}{birth}{expiry}{optional}"));
            vec![
                format!("{head}{names}"),
                format!("{number}{nationality}{birth}{sex}{expiry}{optional}{composite}"),
            ]
        }
        ZoneFormat::Td3 => {
            // An empty optional field may carry a filler as its check digit (part 4, 4.2.2.2).
            let optional = match fields.optional_data.as_str() {
                "" => "<".repeat(15),
                _ => with_check_digit(optional),
            };
            let composite = check_digit(&format!("{number}{birth}{expiry}{optional}"));
            vec![
                format!("{head}{names}"),
                format!("{number}{nationality}{birth}{sex}{expiry}{optional}{composite}"),
            ]
        }
        // A visa has no check digit over all (part 7, 4.2.2).
        ZoneFormat::MrvA | ZoneFormat::MrvB => vec![
            format!("{head}{names}"),
            format!("{number}{nationality}{birth}{sex}{expiry}{optional}"),
        ],
    }
}

/// Surname and given names as a zone carries them, parts divided by spaces.
pub(crate) fn names_in_zone(format: ZoneFormat, lines: &[String]) -> (String, String) {
    let field = match format {
        ZoneFormat::Td1 => &lines[2],
        _ => &lines[0][5..],
    };
    let field = field.trim_end_matches('<');
    let (surname, given_names) = field.split_once("<<").unwrap_or((field, ""));
    (surname.replace('<', " "), given_names.replace('<', " "))
}

/// Weights 7, 3, 1; A is 10, Z is 35, a filler is 0 (part 3, 4.9).
pub(crate) fn check_digit(field: &str) -> u32 {
    field
        .chars()
        .zip([7, 3, 1].into_iter().cycle())
        .map(|(character, weight)| character.to_digit(36).unwrap_or(0) * weight)
        .sum::<u32>()
        % 10
}

/// Nine characters with the check digit, and what of the number the optional data must carry.
///
/// The check digit of a longer number is over the whole of it and stands behind its end; a filler
/// in the place of the check digit says so.
fn number_field(format: ZoneFormat, number: &str) -> (String, String) {
    let number: String = number.chars().take(format.longest_number()).collect();
    if number.len() <= 9 {
        return (with_check_digit(format!("{number:<<9}")), String::new());
    }
    let (first, rest) = number.split_at(9);
    (format!("{first}<"), format!("{rest}{}<", check_digit(&number)))
}

fn with_check_digit(field: String) -> String {
    let digit = check_digit(&field);
    format!("{field}{digit}")
}

fn filled(data: &str, length: usize) -> String {
    format!("{data:<<length$.length$}")
}

fn short_date(date: Date) -> String {
    BirthDate::from(date).in_zone()
}

/// Both names in `length` characters. Names too long lose characters at the end, the given names
/// first, of which one name or eight characters stay (part 4, 4.2.3; parts 5 to 7 alike).
fn name_field(surname: &str, given_names: &str, length: usize) -> String {
    let (surname, given_names) = (transliterate(surname), transliterate(given_names));
    let first_given = given_names.split('<').next().unwrap_or_default().len().min(8);
    let surname_room = match given_names.is_empty() {
        true => length,
        false => length - 2 - first_given,
    };
    let mut field = surname;
    field.truncate(surname_room);
    if !given_names.is_empty() {
        field = format!("{}<<{given_names}", field.trim_end_matches('<'));
    }
    filled(&field, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_but_keep_a_given_name() {
        let field = name_field("Bennelong Wooloomooloo Warrandyte Warnambool", "Dingo Potoroo", 39);
        assert_eq!(field, "BENNELONG<WOOLOOMOOLOO<WARRANDYT<<DINGO");
        let field = name_field("Nilavadhanananda", "Chayapa Dejthamrong Krasuang", 39);
        assert_eq!(field, "NILAVADHANANANDA<<CHAYAPA<DEJTHAMRONG<K");
        let field = name_field("Nilavadhanananda", "Arnpol Petch Charonguang", 31);
        assert_eq!(field, "NILAVADHANANANDA<<ARNPOL<PETCH<");
    }

    #[test]
    fn a_number_that_the_optional_data_carries_on_is_checked_whole() {
        let (field, rest) = number_field(ZoneFormat::Td1, "D23145890734");
        assert_eq!((field.as_str(), rest.as_str()), ("D23145890<", "7349<"));
    }
}
