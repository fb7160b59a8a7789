//! Printed names in other alphabets: that of the machine-readable zone, and plain ASCII.

/// A printed name in the zone's alphabet: spaces and hyphens become one filler, apostrophes and
/// points vanish (part 3, 4.6), letters with diacritics and Cyrillic letters follow the tables of
/// part 3, section 6.
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

/// A printed name in capital ASCII letters, with its spaces, hyphens and apostrophes.
pub(crate) fn in_ascii(name: &str) -> String {
    let mut plain = String::new();
    for character in name.chars().flat_map(char::to_uppercase) {
        match character {
            ' '..='~' => plain.push(character),
            '’' => plain.push('\''),
            _ => plain.push_str(transliterate_letter(character)),
        }
    }
    plain
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
        'Œ' => "OE",
        'Ř' => "R",
        'Ś' | 'Š' | 'Ş' => "S",
        'Ť' => "T",
        'Þ' => "TH",
        'Ú' | 'Ù' | 'Û' | 'Ů' | 'Ű' => "U",
        'Ü' => "UE",
        'Ý' => "Y",
        'Ź' | 'Ż' | 'Ž' => "Z",
        _ => transliterate_cyrillic(letter),
    }
}

/// The letters of Russian and Ukrainian; the soft sign has no counterpart.
fn transliterate_cyrillic(letter: char) -> &'static str {
    match letter {
        'А' => "A",
        'Б' => "B",
        'В' => "V",
        'Г' | 'Ґ' => "G",
        'Д' => "D",
        'Е' | 'Ё' | 'Э' => "E",
        'Ж' => "ZH",
        'З' => "Z",
        'И' | 'Й' | 'І' | 'Ї' => "I",
        'К' => "K",
        'Л' => "L",
        'М' => "M",
        'Н' => "N",
        'О' => "O",
        'П' => "P",
        'Р' => "R",
        'С' => "S",
        'Т' => "T",
        'У' => "U",
        'Ф' => "F",
        'Х' => "KH",
        'Ц' => "TS",
        'Ч' => "CH",
        'Ш' => "SH",
        'Щ' => "SHCH",
        'Ъ' | 'Є' => "IE",
        'Ы' => "Y",
        'Ю' => "IU",
        'Я' => "IA",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("Щедрин", "SHCHEDRIN"),
            ("Юлия", "IULIIA"),
        ] {
            assert_eq!(transliterate(printed), zone);
        }
    }

    #[test]
    fn ascii_names_keep_what_is_printed_between_letters() {
        assert_eq!(in_ascii("O’Løvik-Ström Å"), "O'LOEVIK-STROEM AA");
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

    #[test]
    fn every_cyrillic_transliteration_is_the_russian_one_of_doc_9303() {
        for letter in ('\u{400}'..'\u{4a0}').flat_map(char::to_uppercase) {
            let zone = transliterate_letter(letter);
            if !zone.is_empty() {
                let listed = mrz::transliterate_cyrillic_char(letter, mrz::CyrillicLanguage::Russian, false);
                assert_eq!(listed, Some(zone), "{letter}");
            }
        }
    }
}
