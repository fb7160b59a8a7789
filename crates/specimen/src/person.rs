//! People who do not exist, put together from syllables.

use rand::Rng;
use rand::seq::IndexedRandom;

const STARTS: &[&str] = &[
    "BAL", "BRI", "CAR", "DOR", "DRE", "EL", "FEN", "FOR", "GAR", "GRI", "HAL", "IL", "JOR", "KAL", "KES", "LOR",
    "MAR", "MIR", "NAL", "OR", "PEL", "QUI", "ROS", "SEL", "TAL", "UL", "VAR", "WEN", "XAN", "YOR", "ZEL",
];
const MIDDLES: &[&str] = &[
    "A", "E", "I", "O", "U", "AVI", "ERO", "IMA", "OKE", "UDI", "ANDE", "ILO",
];
/// In one of seven words in place of a plain middle.
const MARKED_MIDDLES: &[&str] = &["É", "Ø", "ÜLI", "ÑO", "ÁVA", "ÖRE", "EÇO", "OŠI", "ALÅ", "EŁO"];
const ENDS: &[&str] = &[
    "N", "S", "R", "L", "MAR", "VEK", "SEN", "TOS", "RIN", "DAL", "WICK", "ZIG", "NOVA", "QUIL", "BERG", "FJA", "XIM",
    "POL", "SKA", "TON", "GUL",
];
const GIVEN_ENDS: &[&str] = &["A", "IA", "O", "IS", "EL", "AN", "ETH", "YN", "OR", "INE"];
const PARTICLES: &[&str] = &["VAN", "DE", "DEL", "VON", "VAN DER", "DE LA"];
const TOWN_PARTS: &[&str] = &["PORT", "NEW", "UPPER", "LAKE", "SAINT", "OLD"];

/// One to three parts; now and then with a particle, a hyphen, an apostrophe, or much too long.
pub(crate) fn invent_surname(chance: &mut impl Rng) -> String {
    match chance.random_range(0..20) {
        0 | 1 => format!("{}-{}", surname_word(chance), surname_word(chance)),
        2 => format!("O'{}", surname_word(chance)),
        3 => format!("D'{}", surname_word(chance)),
        4 | 5 => format!("{} {}", choose(PARTICLES, chance), surname_word(chance)),
        6 => format!("{} {}", surname_word(chance), surname_word(chance)),
        7 => format!(
            "{}{} {}-{}",
            surname_word(chance),
            choose(ENDS, chance),
            surname_word(chance),
            surname_word(chance)
        ),
        _ => surname_word(chance),
    }
}

/// One to three names, sometimes hyphenated.
pub(crate) fn invent_given_names(chance: &mut impl Rng) -> String {
    match chance.random_range(0..20) {
        0..=8 => given_word(chance),
        9..=15 => format!("{} {}", given_word(chance), given_word(chance)),
        16 | 17 => format!("{}-{}", given_word(chance), given_word(chance)),
        _ => format!("{} {} {}", given_word(chance), given_word(chance), given_word(chance)),
    }
}

/// A town of the fictional state.
pub(crate) fn invent_town(chance: &mut impl Rng) -> String {
    let name = plain(&surname_word(chance));
    if chance.random_bool(0.4) {
        return format!("{} {name}", choose(TOWN_PARTS, chance));
    }
    name
}

/// A word without meaning, for letters and forms.
pub(crate) fn invent_word(chance: &mut impl Rng) -> String {
    plain(&surname_word(chance)).to_lowercase()
}

fn surname_word(chance: &mut impl Rng) -> String {
    word(ENDS, chance)
}

fn given_word(chance: &mut impl Rng) -> String {
    word(GIVEN_ENDS, chance)
}

fn word(ends: &[&'static str], chance: &mut impl Rng) -> String {
    let middles = if chance.random_ratio(1, 7) {
        MARKED_MIDDLES
    } else {
        MIDDLES
    };
    [STARTS, middles, ends].map(|table| choose(table, chance)).concat()
}

fn plain(word: &str) -> String {
    crate::letters::transliterate(word)
}

fn choose(table: &[&'static str], chance: &mut impl Rng) -> &'static str {
    table.choose(chance).expect("a table of syllables is not empty")
}
