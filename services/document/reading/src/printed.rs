//! The printed words of a page, and whether they say the same as a zone or a barcode.

use crate::identity_fields::{DateOrder, IdentityFields, letters_and_digits};
use document_policy::names::{in_zone_letters, spellings};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::fmt;

mod agreement;
mod clearing;
mod dates;
mod labelled;
mod sex;
mod similarity;
#[cfg(test)]
mod tests;

pub(crate) use agreement::Captions;
pub use agreement::{Agreement, FieldAgreement};
pub(crate) use clearing::{Clearing, cleared};
pub use labelled::PrintedFields;

use dates::dates_in;
use sex::sex;
use similarity::{Similarity, compare_letters, compare_number, same_but_for_lost_marks};

/// A word with its place on the page.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// As the engine read it.
    pub text: String,
    /// How sure the engine is, 0–100.
    pub confidence: u8,
    /// Pixels from the left edge of the area that was read.
    pub left: u32,
    /// Pixels from its upper edge.
    pub top: u32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// The words printed outside the zone.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrintedText {
    /// The words, once for each look at the page; a later look was taken only for what the earlier ones left open.
    pub looks: Vec<Vec<Word>>,
}

/// Words of one line that stand close together, as a value does.
type Run<'a> = Vec<&'a Word>;

/// The most looks at one page: three at the print above a zone, each with a closer one for the sex.
const MOST_LOOKS: usize = 6;

/// The most words of one look, twice a page full of print. What comes after them is left out.
const MOST_WORDS: usize = 2000;

/// The most bytes of a word; what is longer is none.
const MOST_WORD_BYTES: usize = 100;

/// Further from the edge than any word's end, in pixels: pictures that are read have sides of 3200 at most.
const BEYOND: u32 = 1 << 13;

/// The most words of a run. A line of print has a third of them.
const MOST_RUN: usize = 64;

/// A gap wider than this share of the letters' height parts two runs.
const RUN_GAP: f32 = 1.6;

/// A word that is read this surely (0–100) is no pattern on the paper and not upside down.
const SURE_WORD: u8 = 80;

/// Of the words of a page that is read well so many are sure, in hundredths.
const SURE_SHARE: usize = 80;

/// The code of Germany is one letter, as patterns on the paper make now and then, but never this surely (0–100).
const SURE_LETTER: u8 = 70;

impl PrintedText {
    /// Takes the words of one look out of tesseract's table.
    pub(crate) fn from_table(table: &str) -> Self {
        let words = table.lines().skip(1).filter_map(word_of_row);
        let words: Vec<Word> = words.filter(Word::is_possible).take(MOST_WORDS).collect();
        let looks = if words.is_empty() { Vec::new() } else { vec![words] };
        Self { looks }
    }

    /// Whether this may have come out of [`PrintedText::from_table`]; whoever says so may be a program that a picture took over.
    pub(crate) fn is_possible(&self) -> bool {
        let is_look = |words: &Vec<Word>| words.len() <= MOST_WORDS && words.iter().all(Word::is_possible);
        self.looks.len() <= MOST_LOOKS && self.looks.iter().all(is_look)
    }

    /// Says, field by field, whether the print agrees with what a zone or a barcode claims: the best answer of all looks.
    pub fn agrees(&self, claimed: &IdentityFields) -> Agreement {
        let answers = self.looks.iter().map(|words| look_agrees(words, claimed));
        answers.fold(Agreement::NOTHING_FOUND, Agreement::or)
    }

    /// The captions of all looks.
    pub(crate) fn captions(&self) -> Captions {
        let looks = self.looks.iter().map(|words| {
            let runs = runs(words);
            Captions {
                surname: labelled::is_shown(&runs, &labelled::SURNAME),
                given_names: labelled::is_shown(&runs, &labelled::GIVEN_NAMES),
                birth_date: labelled::is_shown(&runs, &labelled::BIRTH_DATE),
            }
        });
        looks.fold(Captions::default(), Captions::or)
    }

    /// Where a closer look may find the letter of the sex, on the picture of the last look: left, top, width and height in
    /// pixels. Engines miss letters that stand alone.
    pub(crate) fn place_of_sex(&self) -> Option<(u32, u32, u32, u32)> {
        self.looks.last().and_then(|words| sex::place(&runs(words)))
    }

    /// Words of three letters or more that the engine is sure of, in the look with the most of them.
    pub(crate) fn sure_words(&self) -> usize {
        let is_sure = |word: &&Word| word.confidence >= SURE_WORD && bare(word).len() >= 3;
        let counts = self.looks.iter().map(|words| words.iter().filter(is_sure).count());
        counts.max().unwrap_or(0)
    }

    /// Whether nearly every such word of a look was read surely, so that another look would add nothing.
    pub(crate) fn is_sure(&self) -> bool {
        let long = |words: &Vec<Word>| words.iter().filter(|word| bare(word).len() >= 3).count();
        let words = self.looks.iter().map(long).max().unwrap_or(0);
        self.sure_words() * 100 >= words * SURE_SHARE
    }

    /// What the captions of the print say which value is; for documents that have nothing but print.
    pub fn by_captions(&self) -> PrintedFields {
        let looks = self.looks.iter().map(|words| PrintedFields::of_look(&runs(words)));
        looks.fold(PrintedFields::default(), PrintedFields::or)
    }
}

fn look_agrees(words: &[Word], claimed: &IdentityFields) -> Agreement {
    let runs = runs(words);
    let or_agrees = |claim: &str, answer: &dyn Fn(&str) -> FieldAgreement| match claim {
        "" => FieldAgreement::Agrees,
        claim => answer(claim),
    };
    let names = [claimed.surname.as_str(), claimed.given_names.as_str()];
    let another_name = |caption| labelled::names_another(&runs, caption, &names);
    let (birth, expiry, order) = (claimed.birth_date, claimed.expiry_date, claimed.date_order);
    let another_date = |caption| labelled::dates_another(&runs, caption, order, &[birth, expiry]);
    Agreement {
        document_number: number(&runs, &claimed.document_number),
        surname: name(&runs, &claimed.surname, claimed.surname_may_be_cut).unless(|| another_name(&labelled::SURNAME)),
        given_names: or_agrees(&claimed.given_names, &|names| {
            name(&runs, names, claimed.given_names_may_be_cut).unless(|| another_name(&labelled::GIVEN_NAMES))
        }),
        birth_date: date(&runs, birth, order).unless(|| birth.is_some() && another_date(&labelled::BIRTH_DATE)),
        expiry_date: date(&runs, expiry, order).unless(|| expiry.is_some() && another_date(&labelled::EXPIRY_DATE)),
        nationality: claimed
            .nationality
            .as_deref()
            .map_or(FieldAgreement::Agrees, |code| state(&runs, code)),
        issuing_state: claimed
            .issuing_state
            .as_deref()
            .map_or(FieldAgreement::Agrees, |code| state(&runs, code)),
        sex: claimed.sex.map_or(FieldAgreement::Agrees, |claim| sex(&runs, claim)),
        optional_data: or_agrees(&claimed.optional_data, &|data| number(&runs, data)),
        second_optional_data: or_agrees(&claimed.second_optional_data, &|data| number(&runs, data)),
    }
}

impl Word {
    fn is_possible(&self) -> bool {
        let places = [self.left, self.top, self.width, self.height];
        self.text.len() <= MOST_WORD_BYTES && places.iter().all(|place| *place < BEYOND)
    }
}

/// The words by line and then by nearness, from the top left to the bottom right.
fn runs(words: &[Word]) -> Vec<Run<'_>> {
    // A word with a filler is of a zone, and so no second source.
    let mut words: Vec<&Word> = words.iter().filter(|word| !word.text.contains('<')).collect();
    words.sort_by_key(|word| (word.left, word.top));
    let mut runs: Vec<Run<'_>> = Vec::new();
    for word in words {
        let home = runs
            .iter_mut()
            .find(|run| run.len() < MOST_RUN && run.last().is_some_and(|last| follows(last, word)));
        match home {
            Some(run) => run.push(word),
            None => runs.push(vec![word]),
        }
    }
    runs.sort_by_key(|run| (run[0].top, run[0].left));
    runs
}

/// Whether `next` goes on where `last` ends: on the same line, with no more than a space between.
fn follows(last: &Word, next: &Word) -> bool {
    let height = last.height.max(next.height) as f32;
    let gap = next.left as f32 - last.left.saturating_add(last.width) as f32;
    let middle = |word: &Word| word.top as f32 + word.height as f32 / 2.0;
    (-0.5 * height..RUN_GAP * height).contains(&gap) && (middle(last) - middle(next)).abs() < 0.5 * height
}

fn word_of_row(row: &str) -> Option<Word> {
    let cells: Vec<&str> = row.split('\t').collect();
    let [level, .., left, top, width, height, confidence, text] = cells.as_slice() else {
        return None;
    };
    let text = text.trim();
    if *level != "5" || text.is_empty() {
        return None;
    }
    Some(Word {
        text: text.to_owned(),
        confidence: confidence.parse::<f32>().ok()?.clamp(0.0, 100.0) as u8,
        left: left.parse().ok()?,
        top: top.parse().ok()?,
        width: width.parse().ok()?,
        height: height.parse().ok()?,
    })
}

/// Looks for a number; its print may have spaces or dashes within.
fn number(runs: &[Run<'_>], wanted: &str) -> FieldAgreement {
    let mut found = FieldAgreement::NotFound;
    for run in runs {
        for start in 0..run.len() {
            let mut printed = String::new();
            for word in &run[start..] {
                printed.extend(word.text.chars().filter_map(number_character));
                match compare_number(wanted, &printed) {
                    Similarity::Same => return FieldAgreement::Agrees,
                    Similarity::Near => found = FieldAgreement::Disagrees,
                    Similarity::Other => {}
                }
            }
        }
    }
    found
}

/// A character of a number; spaces and dashes between are none. The engine takes many an S for a sign of money.
fn number_character(c: char) -> Option<char> {
    match c {
        '$' | '§' => Some('S'),
        '|' | '!' => Some('1'),
        c if c.is_ascii_alphanumeric() => Some(c.to_ascii_uppercase()),
        _ => None,
    }
}

/// Looks for a name that makes up a run to its end: a part of a printed name is no agreement.
fn name(runs: &[Run<'_>], wanted: &str, may_be_cut: bool) -> FieldAgreement {
    let wanted = wanted.replace(' ', "");
    if wanted.is_empty() {
        return FieldAgreement::NotFound;
    }
    let mut found = FieldAgreement::NotFound;
    for run in runs {
        for start in 0..run.len() {
            if start > 0 && !is_label(&run[start - 1].text) {
                continue;
            }
            let printed: String = run[start..]
                .iter()
                .map(|word| word.text.as_str())
                .collect::<Vec<_>>()
                .join(" ");
            match compare_name(&wanted, &printed, may_be_cut) {
                Similarity::Same => return FieldAgreement::Agrees,
                Similarity::Near => found = FieldAgreement::Disagrees,
                Similarity::Other => {}
            }
        }
    }
    found
}

fn compare_name(wanted: &str, printed: &str, may_be_cut: bool) -> Similarity {
    // In print all in capitals a small l is a misread I.
    let capitals = printed.chars().filter(|c| c.is_uppercase()).count() * 2 > printed.chars().count();
    let printed: String = printed
        .chars()
        .map(|c| if (capitals && c == 'l') || c == '|' { 'I' } else { c })
        .map(letter_for_digit)
        .collect();
    let mut best = Similarity::Other;
    for spelling in spellings(&printed) {
        let whole = spelling.concat();
        if same_but_for_lost_marks(wanted, &whole, may_be_cut) {
            return Similarity::Same;
        }
        let compared = if may_be_cut {
            &whole[..whole.len().min(wanted.len())]
        } else {
            &whole
        };
        best = best.max(compare_letters(wanted, compared));
    }
    best
}

fn letter_for_digit(c: char) -> char {
    match c {
        '0' => 'O',
        '1' => 'I',
        '2' => 'Z',
        '5' => 'S',
        '8' => 'B',
        // What the engine's English model makes of letters that it does not know.
        '@' => 'Ø',
        '$' | '§' => 'S',
        other => other,
    }
}

/// Whether a word is a caption before a value and no part of the value.
fn is_label(text: &str) -> bool {
    text.ends_with(':') || text.chars().any(char::is_lowercase) || text.contains('/')
}

fn date(runs: &[Run<'_>], wanted: Option<Date>, order: DateOrder) -> FieldAgreement {
    let Some(wanted) = wanted else {
        return FieldAgreement::NotFound;
    };
    let mut found = FieldAgreement::NotFound;
    for run in runs {
        let text: String = run.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        for printed in dates_in(&text, order) {
            if printed == wanted {
                return FieldAgreement::Agrees;
            }
            let parts = [
                printed.year() == wanted.year(),
                printed.month() == wanted.month(),
                printed.day() == wanted.day(),
            ];
            if parts.iter().filter(|same| **same).count() == 2 {
                found = FieldAgreement::Disagrees;
            }
        }
    }
    found
}

/// Looks for a state's code as a word of its own, or for its name. Neither is taken out of a longer word or name: Niger is
/// no part of Nigeria.
fn state(runs: &[Run<'_>], code: &str) -> FieldAgreement {
    if code.is_empty() {
        return FieldAgreement::NotFound;
    }
    let mut names: Vec<String> = state_names(code).iter().flat_map(|name| written(name)).collect();
    // Many a nationality is the state's name and one letter: Utopian, Austrian, Nigerian.
    let peoples: Vec<String> = names
        .iter()
        .filter(|name| name.ends_with('A'))
        .map(|name| format!("{name}N"))
        .collect();
    names.extend(peoples);
    let says_so = |run: &Run<'_>| {
        let by_code = run
            .iter()
            .filter(|word| code.len() > 1 || word.confidence >= SURE_LETTER)
            .any(|word| {
                let mut parts = word.text.split(|c: char| !c.is_ascii_alphanumeric());
                parts.any(|part| part == code)
            });
        let text: String = run.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        by_code || written(&text).iter().any(|printed| names.contains(printed))
    };
    match runs.iter().any(says_so) {
        true => FieldAgreement::Agrees,
        false => FieldAgreement::NotFound,
    }
}

/// What a state is called: its whole name, and the part before a bracket where that is no other state's (Korea is two).
fn state_names(code: &str) -> Vec<&'static str> {
    let Some(whole) = mrz::country_name(code) else {
        return Vec::new();
    };
    let short = whole.split('(').next().unwrap_or(whole).trim();
    let unique = mrz::codes().iter().filter(|(_, name)| name.starts_with(short)).count() == 1;
    if unique { vec![whole, short] } else { vec![whole] }
}

fn written(name: &str) -> Vec<String> {
    spellings(name).into_iter().map(|parts| parts.concat()).collect()
}

/// Whether a value stands under its caption or to the right of it.
fn is_by(caption: &Word, value: &Word) -> bool {
    let height = caption.height.max(value.height) as f32;
    let right = value.left as f32 - caption.left as f32;
    let below = value.top as f32 - caption.top as f32;
    let under =
        (0.3 * height..4.0 * height).contains(&below) && (-height..caption.width as f32 + height).contains(&right);
    let beside = below.abs() < 0.6 * height && (0.0..caption.width as f32 + 4.0 * height).contains(&right);
    under || beside
}

/// A word without what surrounds it: brackets, full stops, colons.
fn bare(word: &Word) -> String {
    word.text.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned()
}

// Printed words are personal data: `Debug` says only how often was looked.
impl fmt::Debug for PrintedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrintedText")
            .field("looks", &self.looks.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Word")
            .field("confidence", &self.confidence)
            .finish_non_exhaustive()
    }
}

impl From<&PrintedFields> for IdentityFields {
    fn from(fields: &PrintedFields) -> Self {
        let name = |name: &Option<String>| in_zone_letters(name.as_deref().unwrap_or_default());
        Self {
            document_number: letters_and_digits(fields.number.as_deref().unwrap_or_default()),
            surname: name(&fields.surname),
            given_names: name(&fields.given_names),
            surname_may_be_cut: false,
            given_names_may_be_cut: false,
            nationality: None,
            issuing_state: None,
            birth_date: fields.birth_date,
            issue_date: fields.issue_date,
            expiry_date: fields.expiry_date,
            sex: fields.sex,
            optional_data: String::new(),
            second_optional_data: String::new(),
            date_order: DateOrder::DayFirst,
        }
    }
}
