//! Names: from national letters to those of a zone (ICAO Doc 9303 part 3, section 6), and whether two names are one.

use mrz::{CyrillicLanguage, TransliterationStyle, transliterate, transliterate_cyrillic};
use std::collections::BTreeSet;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// A holder's names as a zone or a barcode has them, in a zone's letters, parts separated by a space.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HolderNames<'a> {
    /// The primary identifier; all there is of a holder with one name.
    pub surname: &'a str,
    /// The secondary identifier; may be empty.
    pub given_names: &'a str,
    /// Whether the surname may lack its end.
    pub surname_may_be_cut: bool,
    /// Whether the given names may lack their end, or some of them.
    pub given_names_may_be_cut: bool,
}

/// Whether a document's names are those of a member's profile.
///
/// The profile's are as the member wrote them, in Latin or Cyrillic letters. Every transliteration that Doc 9303 allows
/// counts; hyphens separate, apostrophes and full stops vanish (part 3, 4.6); the profile may leave out given names or
/// have more of them, in the same order; family name and given names may stand in each other's place.
pub fn names_agree(names: &HolderNames<'_>, profile_given: &str, profile_family: &str) -> bool {
    let (surname_cut, cut) = (names.surname_may_be_cut, names.given_names_may_be_cut);
    let (surname, given) = names.parts();
    in_either_order(profile_given, profile_family, |called, family| {
        family_agrees(&surname, family, surname_cut) && given_agree(&given, called, cut)
    })
}

/// Whether a document's names are those of a member's profile as a whole: none is cut, and neither side has a part that
/// the other one lacks. Only then is the profile a second source of every letter.
pub fn names_are_same(names: &HolderNames<'_>, profile_given: &str, profile_family: &str) -> bool {
    let (surname, given) = names.parts();
    let is_cut = names.surname_may_be_cut || names.given_names_may_be_cut;
    !is_cut
        && in_either_order(profile_given, profile_family, |called, family| {
            family_agrees(&surname, family, false) && given.concat() == called.concat()
        })
}

/// Whether `agree` holds for a spelling of given names and family name, as the profile has them or in each other's place.
fn in_either_order(given: &str, family: &str, agree: impl Fn(&[String], &[String]) -> bool) -> bool {
    let (given, family) = (spellings(given), spellings(family));
    family.iter().any(|family| {
        let mut given = given.iter();
        given.any(|given| agree(given, family) || agree(family, given))
    })
}

impl<'a> HolderNames<'a> {
    fn parts(&self) -> (Vec<&'a str>, Vec<&'a str>) {
        let parts = |names: &'a str| names.split_whitespace().collect();
        (parts(self.surname), parts(self.given_names))
    }
}

/// A name as a zone would write it without its marks: `O'Neil-Smith` becomes `ONEIL SMITH`.
pub fn in_zone_letters(name: &str) -> String {
    let upper: String = name.nfc().filter(|c| !vanishes(*c)).collect::<String>().to_uppercase();
    parts(&transliterate(&upper, TransliterationStyle::Simple)).join(" ")
}

/// The ways to write a name in a zone's letters, each as its parts. None at all if nothing of it can be written; of a name
/// that is left blank, the one way without parts.
pub fn spellings(name: &str) -> BTreeSet<Vec<String>> {
    if name.trim().is_empty() {
        return BTreeSet::from([Vec::new()]);
    }
    // Composed letters, because the tables know no others; `to_uppercase` makes SS of ß, as Doc 9303 does.
    let upper: String = name.nfc().filter(|c| !vanishes(*c)).collect::<String>().to_uppercase();
    let mut ways = BTreeSet::new();
    for style in [
        TransliterationStyle::Expanded,
        TransliterationStyle::Simple,
        TransliterationStyle::XxSuffix,
    ] {
        let latin = transliterate(&upper, style);
        if latin.chars().any(is_cyrillic) {
            for language in CYRILLIC_LANGUAGES {
                ways.insert(parts(&transliterate_cyrillic(&latin, language)));
            }
        } else {
            ways.insert(parts(&latin));
        }
    }
    ways.remove(&Vec::new());
    ways
}

/// Whether every letter of a name can be written in a zone's letters: a table has it, or it is a Latin one under marks.
pub(crate) fn can_be_written(name: &str) -> bool {
    let upper: String = name.nfc().filter(|c| !vanishes(*c)).collect::<String>().to_uppercase();
    let latin = transliterate(&upper, TransliterationStyle::Simple);
    let is_written = |text: &str| text.nfd().all(|c| c.is_ascii_uppercase() || !is_letter(c));
    let mut languages = CYRILLIC_LANGUAGES.into_iter();
    is_written(&latin) || languages.any(|language| is_written(&transliterate_cyrillic(&latin, language)))
}

/// Signs that modify a letter (the ʻokina) are none.
fn is_letter(c: char) -> bool {
    c.is_alphabetic() && !is_combining_mark(c) && !('\u{02b0}'..='\u{02ff}').contains(&c)
}

/// Apostrophes and full stops are left out of a zone (ICAO Doc 9303 part 3, 4.6), and so is the soft sign (section 6 B).
fn vanishes(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘' | 'ʼ' | '`' | '´' | '.' | ',' | 'Ь' | 'ь')
}

const CYRILLIC_LANGUAGES: [CyrillicLanguage; 6] = [
    CyrillicLanguage::Russian,
    CyrillicLanguage::Belarusian,
    CyrillicLanguage::Bulgarian,
    CyrillicLanguage::Serbian,
    CyrillicLanguage::Ukrainian,
    CyrillicLanguage::Macedonian,
];

fn is_cyrillic(c: char) -> bool {
    ('\u{0400}'..='\u{04ff}').contains(&c)
}

/// Splits at everything that is no letter of a zone. Letters that no table has (Vietnamese) lose their marks.
fn parts(name: &str) -> Vec<String> {
    let bare: String = name.nfd().filter(|c| !is_combining_mark(*c)).collect();
    bare.split(|c: char| !c.is_ascii_uppercase())
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A family name agrees as a whole; how it is parted does not matter (`DELACRUZ`, `DE LA CRUZ`).
fn family_agrees(zone: &[&str], profile: &[String], cut: bool) -> bool {
    let zone = zone.concat();
    let profile = profile.concat();
    !zone.is_empty() && (zone == profile || (cut && profile.starts_with(&zone)))
}

/// Given names agree when one side's are the other's with some left out, in the same order.
fn given_agree(zone: &[&str], profile: &[String], cut: bool) -> bool {
    if zone.is_empty() {
        // A zone without given names is of a holder with one name, or it had no room for them.
        return profile.is_empty() || cut;
    }
    let profile: Vec<&str> = profile.iter().map(String::as_str).collect();
    if profile.is_empty() {
        return false;
    }
    let whole = zone.concat() == profile.concat();
    whole || is_within(&profile, zone, cut) || is_within(zone, &profile, cut)
}

/// Whether the parts of `few` stand in `many` in their order; with `cut` the zone's last part may be a beginning only.
fn is_within(few: &[&str], many: &[&str], cut: bool) -> bool {
    let mut rest = many.iter();
    few.iter()
        .all(|part| rest.any(|other| part == other || (cut && (part.starts_with(other) || other.starts_with(part)))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Compares the names of a TD3 zone, which may be cut where they fill its 39 cells.
    fn names_agree(surname: &str, given_names: &str, profile_given: &str, profile_family: &str) -> bool {
        let full = surname.len() + given_names.len() + 2 >= 39;
        let names = HolderNames {
            surname,
            given_names,
            surname_may_be_cut: full && given_names.len() <= 8,
            given_names_may_be_cut: full,
        };
        super::names_agree(&names, profile_given, profile_family)
    }

    #[test]
    fn a_name_is_written_in_the_letters_of_a_zone() {
        for (name, expected) in [
            ("O'Neil-Smith", "ONEIL SMITH"),
            ("VAN DER BERG", "VAN DER BERG"),
            ("Müller", "MULLER"),
            ("J. R.", "J R"),
            ("", ""),
        ] {
            assert_eq!(in_zone_letters(name), expected, "{name}");
        }
    }

    #[test]
    fn names_that_are_one() {
        for (surname, given, profile_given, profile_family, why) in [
            ("ERIKSSON", "ANNA MARIA", "Anna Maria", "Eriksson", "plain"),
            ("ERIKSSON", "ANNA MARIA", "Anna", "Eriksson", "a middle name left out"),
            (
                "ERIKSSON",
                "ANNA",
                "Anna Maria",
                "Eriksson",
                "a middle name only in the profile",
            ),
            ("ERIKSSON", "ANNA MARIA", "Eriksson", "Anna Maria", "family name first"),
            ("MUELLER", "JUERGEN", "Jürgen", "Müller", "Ü as UE"),
            ("MULLER", "JURGEN", "Jürgen", "Müller", "Ü as U"),
            ("MUXXLLER", "JUXXRGEN", "Jürgen", "Müller", "Ü as UXX"),
            ("SOERENSEN", "JOERGEN", "Jørgen", "Sørensen", "Ø as OE"),
            ("GROSS", "ASA", "Åsa", "Groß", "ß as SS, Å as A"),
            ("AAKESSON", "BJOERN", "Björn", "Åkesson", "Å as AA"),
            ("NUNEZ", "INIGO", "Iñigo", "Núñez", "Ñ as N"),
            ("NUNXXEZ", "INXXIGO", "Iñigo", "Núñez", "Ñ as NXX"),
            ("THORSDOTTIR", "AESA", "Æsa", "Þórsdóttir", "thorn and ligature"),
            (
                "OCONNOR",
                "ENYA SIOBHAN",
                "Enya Siobhán",
                "O'Connor",
                "an apostrophe vanishes",
            ),
            (
                "PAPANDROPOULOUS",
                "JONATHON ALEC",
                "Jonathon-Alec",
                "Papandropoulous",
                "a hyphen separates",
            ),
            (
                "SMITH JONES",
                "SUSIE MARGARET",
                "Susie Margaret",
                "Smith-Jones",
                "a double name",
            ),
            ("VAN DER BERG", "JAN", "Jan", "van der Berg", "particles"),
            (
                "DE LA CRUZ",
                "MARIA",
                "María",
                "Delacruz",
                "a family name parted otherwise",
            ),
            ("IVANOV", "SERGEI", "Сергей", "Иванов", "Cyrillic"),
            ("NGUYEN", "THI HANH", "Thị Hạnh", "Nguyễn", "marks that no table has"),
            (
                "JUAREZ",
                "JOSE",
                "Jose\u{301}",
                "Jua\u{301}rez",
                "marks apart from their letters",
            ),
            ("SHEVCHENKO", "OLHA", "Ольга", "Шевченко", "Ukrainian"),
            ("ARKFREITH", "", "", "Arkfreith", "one name only"),
            (
                "DE LA FUENTE Y GOMEZ",
                "MARIA DEL CARMEN J",
                "María del Carmen Josefina",
                "de la Fuente y Gómez",
                "cut",
            ),
        ] {
            assert!(names_agree(surname, given, profile_given, profile_family), "{why}");
        }
    }

    #[test]
    fn names_that_are_two() {
        for (surname, given, profile_given, profile_family, why) in [
            ("ERIKSSON", "ANNA MARIA", "Anna Maria", "Erikson", "a letter less"),
            (
                "ERIKSSON",
                "ANNA MARIA",
                "Maria Anna",
                "Eriksson",
                "given names in another order",
            ),
            ("ERIKSSON", "ANNA", "Eva", "Eriksson", "another given name"),
            ("ERIKSS0N", "ANNA", "Anna", "Eriksson", "a digit for a letter"),
            (
                "ERIKSSON",
                "ANN",
                "Anna",
                "Eriksson",
                "a beginning, though nothing was cut",
            ),
            (
                "ERIKSSON",
                "",
                "Anna",
                "Eriksson",
                "no given name, though there was room",
            ),
            ("", "ANNA", "Anna", "", "nothing to compare"),
            (
                "MUELLER",
                "JURGEN",
                "",
                "Müller",
                "the profile names less than a person",
            ),
        ] {
            assert!(!names_agree(surname, given, profile_given, profile_family), "{why}");
        }
    }

    #[test]
    fn a_name_can_be_written_if_each_of_its_letters_can() {
        for (name, expected) in [
            ("Jürgen Müller-Lüdenscheidt", true),
            ("O’Neil", true),
            ("Þórsdóttir", true),
            ("Nguyễn Thị Hạnh", true),
            ("Сергей", true),
            ("Ольга Шевченко", true),
            ("Kaʻanāpali", true),
            ("J. R. 2", true),
            ("", true),
            ("李 伟", false),
            ("李 Wei", false),
            ("Ελένη", false),
            ("محمد", false),
        ] {
            assert_eq!(can_be_written(name), expected, "{name}");
        }
    }

    #[test]
    fn names_are_the_same_only_as_a_whole() {
        for (surname, given, cut, profile_given, profile_family, expected) in [
            ("ERIKSSON", "ANNA MARIA", false, "Anna Maria", "Eriksson", true),
            ("ERIKSSON", "ANNA MARIA", false, "Eriksson", "Anna Maria", true),
            ("MUELLER", "JUERGEN", false, "Jürgen", "Müller", true),
            ("ERIKSSON", "", false, "", "Eriksson", true),
            ("ERIKSSON", "ANNA MARIA", false, "Anna", "Eriksson", false),
            ("ERIKSSON", "ANNA", false, "Anna Maria", "Eriksson", false),
            ("ERIKSSON", "ANNA MARIA", true, "Anna Maria", "Eriksson", false),
            ("ERIKSSON", "ANNA MARTA", false, "Anna Maria", "Eriksson", false),
        ] {
            let names = HolderNames {
                surname,
                given_names: given,
                surname_may_be_cut: false,
                given_names_may_be_cut: cut,
            };
            let same = names_are_same(&names, profile_given, profile_family);
            assert_eq!(same, expected, "{given} {profile_given} {profile_family}");
        }
    }

    #[test]
    fn a_name_in_letters_without_a_table_has_no_spelling() {
        assert!(spellings("李").is_empty());
        assert!(!names_agree("LI", "WEI", "伟", "李"));
    }

    proptest! {
        #[test]
        fn a_name_agrees_with_itself(family in "[A-Z]{1,12}( [A-Z]{1,8})?", given in "[A-Z]{1,10}( [A-Z]{1,8}){0,2}") {
            prop_assert!(names_agree(&family, &given, &given, &family));
        }

        #[test]
        fn one_letter_changed_in_an_uncut_family_name_never_agrees(
            family in "[A-Z]{3,12}", given in "[A-Z]{13,20}", at in 0usize..12, letter in b'A'..=b'Z',
        ) {
            let mut other = family.clone().into_bytes();
            let at = at % other.len();
            prop_assume!(other[at] != letter);
            other[at] = letter;
            let other = String::from_utf8(other).expect("ASCII");
            prop_assert!(!names_agree(&family, &given, &given, &other));
        }
    }
}
