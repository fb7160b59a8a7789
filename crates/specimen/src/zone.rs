//! The machine-readable zone of a passport, TD3: two lines of 44 characters (ICAO Doc 9303 parts 3 and 4).
//!
//! Written from the standard alone and apart from any reader, so that a reader's mistake cannot hide
//! behind the same mistake here.

use jiff::civil::Date;

use crate::truth::Sex;

const NAME_LENGTH: usize = 39;

/// What the two lines say.
pub(crate) struct Td3<'a> {
    pub(crate) issuing_state: &'a str,
    pub(crate) surname: &'a str,
    pub(crate) given_names: &'a str,
    pub(crate) document_number: &'a str,
    pub(crate) nationality: &'a str,
    pub(crate) birth_date: Date,
    pub(crate) sex: Sex,
    pub(crate) expiry_date: Date,
    pub(crate) optional_data: &'a str,
}

impl Td3<'_> {
    /// The two lines, each of 44 characters.
    pub(crate) fn lines(&self) -> [String; 2] {
        let names = name_field(self.surname, self.given_names);
        let first = format!("P<{:<<3}{names}", self.issuing_state);

        let number = with_check_digit(format!("{:<<9}", self.document_number));
        let birth = with_check_digit(short_date(self.birth_date));
        let expiry = with_check_digit(short_date(self.expiry_date));
        // An empty optional field may carry a filler as its check digit (part 4, 4.2.2.2).
        let optional = match self.optional_data {
            "" => "<".repeat(15),
            data => with_check_digit(format!("{data:<<14}")),
        };
        let composite = check_digit(&format!("{number}{birth}{expiry}{optional}"));
        let second = format!(
            "{number}{:<<3}{birth}{}{expiry}{optional}{composite}",
            self.nationality,
            self.sex.in_zone(),
        );
        [first, second]
    }
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

fn with_check_digit(field: String) -> String {
    let digit = check_digit(&field);
    format!("{field}{digit}")
}

fn short_date(date: Date) -> String {
    format!("{:02}{:02}{:02}", date.year() % 100, date.month(), date.day())
}

/// Both names in 39 characters. Names too long lose characters at the end, the given names first,
/// of which one name or eight characters stay (part 4, 4.2.3).
fn name_field(surname: &str, given_names: &str) -> String {
    let (surname, given_names) = (transliterate(surname), transliterate(given_names));
    let first_given = given_names.split('<').next().unwrap_or_default().len().min(8);
    let surname_room = NAME_LENGTH - 2 - first_given;
    let mut field = surname;
    field.truncate(surname_room);
    if !given_names.is_empty() {
        field = format!("{}<<{given_names}", field.trim_end_matches('<'));
    }
    field.truncate(NAME_LENGTH);
    format!("{field:<<NAME_LENGTH$}")
}

/// A printed name in the zone's alphabet: spaces and hyphens become one filler, apostrophes and
/// points vanish (part 3, 4.6), letters with diacritics follow the table of part 3, section 6.
pub(crate) fn transliterate(name: &str) -> String {
    let mut zone = String::new();
    for character in name.chars().flat_map(char::to_uppercase) {
        match character {
            'A'..='Z' => zone.push(character),
            ' ' | '-' => zone.push('<'),
            _ => zone.push_str(transliterate_letter(character)),
        }
    }
    zone
}

fn transliterate_letter(letter: char) -> &'static str {
    match letter {
        'Á' | 'À' | 'Â' | 'Ã' | 'Ă' | 'Ą' => "A",
        'Å' => "AA",
        'Ä' | 'Æ' => "AE",
        'Ç' | 'Ć' | 'Č' => "C",
        'Ď' | 'Đ' => "D",
        'É' | 'È' | 'Ê' | 'Ë' | 'Ě' | 'Ę' => "E",
        'Ğ' => "G",
        'Í' | 'Î' | 'Ï' | 'İ' => "I",
        'Ł' => "L",
        'Ñ' | 'Ń' | 'Ň' => "N",
        'Ó' | 'Ò' | 'Ô' | 'Õ' | 'Ő' => "O",
        'Ö' | 'Ø' => "OE",
        'Ř' => "R",
        'Ś' | 'Š' | 'Ş' => "S",
        'Ť' => "T",
        'Ú' | 'Ù' | 'Û' | 'Ů' | 'Ű' => "U",
        'Ü' => "UE",
        'Ý' => "Y",
        'Ź' | 'Ż' | 'Ž' => "Z",
        _ => "",
    }
}

/// Surname and given names as the first line carries them, parts divided by spaces.
pub(crate) fn names_in_zone(first_line: &str) -> (String, String) {
    let field = first_line[5..].trim_end_matches('<');
    let (surname, given_names) = field.split_once("<<").unwrap_or((field, ""));
    (surname.replace('<', " "), given_names.replace('<', " "))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_specimen_of_doc_9303_comes_out_letter_by_letter() {
        let lines = Td3 {
            issuing_state: "UTO",
            surname: "Eriksson",
            given_names: "Anna Maria",
            document_number: "L898902C3",
            nationality: "UTO",
            birth_date: date(1974, 8, 12),
            sex: Sex::Female,
            expiry_date: date(2012, 4, 15),
            optional_data: "ZE184226B",
        }
        .lines();
        assert_eq!(
            lines,
            [
                "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
                "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
            ]
        );
    }

    #[test]
    fn printed_names_become_zone_names_as_part_3_says() {
        for (printed, zone) in [
            ("O'Marel", "OMAREL"),
            ("d’Oriva", "DORIVA"),
            ("Løvik-Ström", "LOEVIK<STROEM"),
            ("van der Åsa", "VAN<DER<AASA"),
            ("Nuñel", "NUNEL"),
            ("Müral", "MUERAL"),
            ("Łozek", "LOZEK"),
        ] {
            assert_eq!(transliterate(printed), zone);
        }
    }

    #[test]
    fn long_names_are_cut_but_keep_a_given_name() {
        let field = name_field("Bennelong Wooloomooloo Warrandyte Warnambool", "Dingo Potoroo");
        assert_eq!(field, "BENNELONG<WOOLOOMOOLOO<WARRANDYT<<DINGO");
        let field = name_field("Nilavadhanananda", "Chayapa Dejthamrong Krasuang");
        assert_eq!(field, "NILAVADHANANANDA<<CHAYAPA<DEJTHAMRONG<K");
    }

    #[test]
    fn every_transliteration_is_one_that_doc_9303_lists() {
        for letter in ('\u{c0}'..'\u{180}').flat_map(char::to_uppercase) {
            let zone = transliterate_letter(letter);
            if !zone.is_empty() {
                assert!(mrz::transliterations(letter).contains(&zone), "{letter}: {zone}");
            }
        }
    }
}
