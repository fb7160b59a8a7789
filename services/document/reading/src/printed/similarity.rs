//! How similar two readings of one field are.

/// How similar two readings are; a later one is nearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Similarity {
    /// Two different things.
    Other,
    /// The same thing, read differently.
    Near,
    /// The same, or the same but for one pair that looks alike and that a check digit tells apart.
    Same,
}

/// Pairs that look alike in print and whose values differ modulo 10, so that a check digit tells which one it is
/// (ICAO Doc 9303 part 3, 4.9). G and 6, S and 8 are no such pairs: their values are equal modulo 10.
const TOLD_APART: [(char, char); 9] = [
    ('0', 'O'),
    ('0', 'D'),
    ('0', 'Q'),
    ('1', 'I'),
    ('2', 'Z'),
    ('5', 'S'),
    ('8', 'B'),
    ('7', 'T'),
    ('4', 'A'),
];

/// Compares a zone's number with a printed one of the same length.
pub(super) fn compare_number(zone: &str, printed: &str) -> Similarity {
    if zone.is_empty() || zone.len() != printed.len() {
        return Similarity::Other;
    }
    let different: Vec<(char, char)> = zone.chars().zip(printed.chars()).filter(|(a, b)| a != b).collect();
    match different.as_slice() {
        [] => Similarity::Same,
        [pair] if looks_alike(*pair) => Similarity::Same,
        few if few.len() * 3 <= zone.len() => Similarity::Near,
        _ => Similarity::Other,
    }
}

fn looks_alike((a, b): (char, char)) -> bool {
    TOLD_APART.contains(&(a, b)) || TOLD_APART.contains(&(b, a))
}

/// Compares two names in a zone's letters, spaces taken out. No check digit covers a name, so nothing is overlooked.
pub(super) fn compare_letters(zone: &str, printed: &str) -> Similarity {
    if zone == printed {
        return Similarity::Same;
    }
    if zone.len() >= 4 && distance(zone.as_bytes(), printed.as_bytes()) * 4 <= zone.len() {
        Similarity::Near
    } else {
        Similarity::Other
    }
}

/// Whether a zone's name and a printed one are the same, but for the second letters that a zone writes for a mark and that
/// are missing where the engine lost the mark: AE, OE, UE and AA, NXX and UXX (ICAO Doc 9303 part 3, section 6).
pub(super) fn same_but_for_lost_marks(zone: &str, printed: &str, zone_may_be_cut: bool) -> bool {
    let mut rest = printed.bytes().peekable();
    let mut letters = zone.bytes().peekable();
    let mut before = b' ';
    while let Some(letter) = letters.next() {
        if rest.next_if_eq(&letter).is_none() {
            match (before, letter) {
                (b'A' | b'O' | b'U', b'E') | (b'A', b'A') => {}
                (b'N' | b'U', b'X') if letters.next_if_eq(&b'X').is_some() => {}
                _ => return false,
            }
        }
        before = letter;
    }
    zone_may_be_cut || rest.peek().is_none()
}

/// Whether two parts of names are surely two: more than half of the longer one's letters would have to change.
pub(super) fn are_unlike(a: &str, b: &str) -> bool {
    distance(a.as_bytes(), b.as_bytes()) * 2 > a.len().max(b.len())
}

/// The number of letters to change, add or remove (Levenshtein).
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pair_that_looks_alike_is_overlooked_in_a_number_and_no_more() {
        for (zone, printed, similarity) in [
            ("L898902C3", "L898902C3", Similarity::Same),
            ("L898902C3", "L8989O2C3", Similarity::Same),
            ("L898902C3", "LB989O2C3", Similarity::Near),
            ("L898902C3", "L898902G3", Similarity::Near),
            ("AG6", "AGG", Similarity::Near),
            ("L898902C3", "L898902C", Similarity::Other),
            ("L898902C3", "PASSPORT1", Similarity::Other),
            ("", "", Similarity::Other),
        ] {
            assert_eq!(compare_number(zone, printed), similarity, "{zone} {printed}");
        }
    }

    #[test]
    fn every_pair_that_is_overlooked_changes_the_check_digit() {
        for (a, b) in TOLD_APART {
            assert_ne!(
                mrz::check_digit(&a.to_string()).unwrap(),
                mrz::check_digit(&b.to_string()).unwrap(),
                "{a} {b}"
            );
        }
    }

    #[test]
    fn a_lost_mark_is_no_difference_and_any_other_letter_is() {
        for (zone, printed, cut, same) in [
            ("MUELLER", "MUELLER", false, true),
            ("MUELLER", "MULLER", false, true),
            ("MUXXLLER", "MULLER", false, true),
            ("NUNXXEZ", "NUNEZ", false, true),
            ("AAKESSON", "AKESSON", false, true),
            ("GOETTLUEBER", "GOTTLUEBER", false, true),
            ("DREOEREY", "DREOREYN", true, true),
            ("DREOEREY", "DREOREYN", false, false),
            ("MULLER", "MUELLER", false, false),
            ("MUELLER", "MELLER", false, false),
            ("MUXLLER", "MULLER", false, false),
            ("MUELLE", "MULLER", false, false),
            ("ERIKSSON", "RIKSSON", false, false),
        ] {
            assert_eq!(same_but_for_lost_marks(zone, printed, cut), same, "{zone} {printed}");
        }
    }

    #[test]
    fn a_name_is_the_same_only_letter_by_letter() {
        assert_eq!(compare_letters("ERIKSSON", "ERIKSSON"), Similarity::Same);
        assert_eq!(compare_letters("ERIKSSON", "ERIKSON"), Similarity::Near);
        assert_eq!(compare_letters("ERIKSSON", "SURNAME"), Similarity::Other);
    }
}
