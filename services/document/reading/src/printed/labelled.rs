//! Values by their captions: what a licence without a barcode says of itself.
//!
//! Captions are those of the AAMVA DL/ID Card Design Standard (annex A) and of Directive 2006/126/EC (annex I): the same
//! numbers, but for the licence number, which is 4d there and 5 here.

use super::{Run, SURE_WORD, Word, bare, dates_in, is_by, similarity::are_unlike, spellings};
use crate::{identity_fields::DateOrder, mrz_reading::Sex};
use jiff::civil::Date;
use std::fmt;

/// What print says by its captions; `None` where no caption was found, or nothing by it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PrintedFields {
    /// The document number (4d, or 5 of a licence of the European Union).
    pub number: Option<String>,
    /// The surname (1).
    pub surname: Option<String>,
    /// The given names (2).
    pub given_names: Option<String>,
    /// The birth date (3).
    pub birth_date: Option<Date>,
    /// The date of issue (4a).
    pub issue_date: Option<Date>,
    /// The date of expiry (4b).
    pub expiry_date: Option<Date>,
    /// The sex (15).
    pub sex: Option<Sex>,
}

/// The words that a caption may begin with, small letters, without full stops and colons.
pub(super) struct Caption(&'static [&'static [&'static str]]);

const NUMBER: Caption = Caption(&[
    &["4d", "dl"],
    &["4d", "lic"],
    &["4d", "no"],
    &["4d", "id"],
    &["dl", "no"],
    &["dl", "number"],
    &["dln"],
    &["lic", "no"],
    &["license", "no"],
    &["licence", "no"],
    &["4d"],
    &["5"],
    &["document", "no"],
]);
pub(super) const SURNAME: Caption = Caption(&[
    &["1", "family", "name"],
    &["1", "surname"],
    &["1", "last", "name"],
    &["family", "name"],
    &["last", "name"],
    &["surname"],
    &["ln"],
    &["1"],
]);
pub(super) const GIVEN_NAMES: Caption = Caption(&[
    &["2", "given", "names"],
    &["2", "given", "name"],
    &["2", "first", "name"],
    &["given", "names"],
    &["first", "name"],
    &["fn"],
    &["2"],
]);
pub(super) const BIRTH_DATE: Caption = Caption(&[
    &["3", "dob"],
    &["3", "date", "of", "birth"],
    &["date", "of", "birth"],
    &["dob"],
    &["3"],
]);
const ISSUE_DATE: Caption = Caption(&[
    &["4a", "iss"],
    &["4a", "issued"],
    &["date", "of", "issue"],
    &["iss"],
    &["issued"],
    &["4a"],
]);
pub(super) const EXPIRY_DATE: Caption = Caption(&[
    &["4b", "exp"],
    &["4b", "expires"],
    &["date", "of", "expiry"],
    &["exp"],
    &["expires"],
    &["4b"],
]);
const SEX: Caption = Caption(&[&["15", "sex"], &["sex"], &["15"]]);

impl PrintedFields {
    /// Whether enough was read to say whose document it is.
    pub fn names_a_document(&self) -> bool {
        self.number.is_some() && self.surname.is_some() && self.birth_date.is_some()
    }

    pub(super) fn of_look(runs: &[Run<'_>]) -> Self {
        let order = date_order(runs);
        let date = |caption: &Caption| {
            values(runs, caption)
                .iter()
                .find_map(|text| dates_in(text, order).first().copied())
        };
        let names = |caption: &Caption| {
            let is_name = |text: &String| text.chars().filter(|c| c.is_alphabetic()).count() >= 2;
            values(runs, caption).into_iter().find(is_name)
        };
        Self {
            number: values(runs, &NUMBER).into_iter().find(|text| is_number(text)),
            surname: names(&SURNAME),
            given_names: names(&GIVEN_NAMES),
            birth_date: date(&BIRTH_DATE),
            issue_date: date(&ISSUE_DATE),
            expiry_date: date(&EXPIRY_DATE),
            sex: values(runs, &SEX)
                .iter()
                .find_map(|text| match text.to_uppercase().as_str() {
                    "F" => Some(Sex::Female),
                    "M" => Some(Sex::Male),
                    "X" => Some(Sex::Unspecified),
                    _ => None,
                }),
        }
    }

    /// What an earlier look found, and what only a later one did.
    pub(crate) fn or(self, later: Self) -> Self {
        Self {
            number: self.number.or(later.number),
            surname: self.surname.or(later.surname),
            given_names: self.given_names.or(later.given_names),
            birth_date: self.birth_date.or(later.birth_date),
            issue_date: self.issue_date.or(later.issue_date),
            expiry_date: self.expiry_date.or(later.expiry_date),
            sex: self.sex.or(later.sex),
        }
    }
}

/// Whether a caption stands on the page that can be taken for nothing else.
pub(super) fn is_shown(runs: &[Run<'_>], caption: &Caption) -> bool {
    caption
        .unmistakable()
        .any(|words| runs.iter().any(|run| begins_with(run, words).is_some()))
}

/// Whether a caption surely names another holder: a name of which no part is like any part of those that are `known` to
/// stand on the page.
pub(super) fn names_another(runs: &[Run<'_>], caption: &Caption, known: &[&str]) -> bool {
    let is_other = |value: &&[&Word]| {
        let text = joined(value);
        let letters = text.chars().filter(|c| c.is_uppercase()).count();
        let is_name = letters >= 3
            && text
                .chars()
                .all(|c| c.is_uppercase() || matches!(c, ' ' | '-' | '\'' | '’'));
        let known = || {
            known
                .iter()
                .flat_map(|name| name.split(' '))
                .filter(|part| !part.is_empty())
        };
        let ways = spellings(&text);
        let mut parts = ways.iter().flatten();
        is_name && parts.all(|part| known().all(|other| are_unlike(part, other)))
    };
    sure_values(runs, caption)
        .iter()
        .any(|value| is_other(&value.as_slice()))
}

/// Whether a caption surely has a date by it that is none of those `known` to stand on the page.
pub(super) fn dates_another(runs: &[Run<'_>], caption: &Caption, order: DateOrder, known: &[Option<Date>]) -> bool {
    sure_values(runs, caption)
        .iter()
        .any(|value| matches!(dates_in(&joined(value), order).as_slice(), [date] if !known.contains(&Some(*date))))
}

/// The values next to a caption that can be taken for nothing else, every word of which was read surely; never what stands
/// in the row after the next, because that is another field's.
fn sure_values<'a>(runs: &[Run<'a>], caption: &Caption) -> Vec<Run<'a>> {
    let mut found = Vec::new();
    for words in caption.unmistakable() {
        for run in runs {
            let Some(length) = begins_with(run, words) else {
                continue;
            };
            found.push(run[length..].to_vec());
            let under = || {
                runs.iter()
                    .filter(|other| other[0].top > run[0].top && is_by(run[0], other[0]))
            };
            let next = under().map(|other| other[0].top).min();
            let in_next_row = under().filter(|other| next.is_some_and(|top| other[0].top < top + other[0].height));
            found.extend(in_next_row.cloned());
        }
    }
    let is_sure = |run: &Run<'_>| !run.is_empty() && run.iter().all(|word| word.confidence >= SURE_WORD);
    found.retain(|run| is_sure(run) && !is_caption(run));
    found
}

fn is_caption(run: &[&Word]) -> bool {
    let captions = [NUMBER, SURNAME, GIVEN_NAMES, BIRTH_DATE, ISSUE_DATE, EXPIRY_DATE, SEX];
    captions
        .iter()
        .any(|caption| caption.unmistakable().any(|words| begins_with(run, words).is_some()))
}

impl Caption {
    /// Its ways of being written that hold a word, and no number or abbreviation alone.
    fn unmistakable(&self) -> impl Iterator<Item = &'static [&'static str]> {
        let words = self.0.iter().copied();
        words.filter(|words| words.iter().any(|word| word.len() >= 3))
    }
}

/// A number has digits, and no sign of a date.
fn is_number(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    digits >= 3
        && !text.contains('/')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '.'))
}

/// The captions of North America tell that the month stands first; dates with full stops are of elsewhere.
fn date_order(runs: &[Run<'_>]) -> DateOrder {
    let american = ["dob", "dl", "exp", "dln"];
    let has = |run: &Run<'_>| run.iter().any(|word| american.contains(&plain(word).as_str()));
    if runs.iter().any(has) {
        DateOrder::MonthFirst
    } else {
        DateOrder::DayFirst
    }
}

/// The texts by a caption: what follows it on its line, then what stands under it.
fn values(runs: &[Run<'_>], caption: &Caption) -> Vec<String> {
    let mut found = Vec::new();
    for words in caption.0 {
        for run in runs {
            let Some(length) = begins_with(run, words) else {
                continue;
            };
            let rest = &run[length..];
            if !rest.is_empty() {
                found.push(joined(rest));
            }
            let under = runs
                .iter()
                .filter(|other| other[0].top > run[0].top && is_by(run[0], other[0]));
            found.extend(under.map(|other| joined(other)));
            // Values of one line that stand close, or are taken for larger than they are, make one run.
            let within = runs.iter().filter_map(|other| {
                let at = other.iter().position(|word| is_by(run[0], word))?;
                (at > 0 && other[at].top > run[0].top).then(|| joined(&other[at..]))
            });
            found.extend(within);
        }
    }
    found
}

/// Where a caption ends with which a run begins. One word before it is borne where its own first word cannot be taken for
/// anything else: engines misread the small numbers of captions.
fn begins_with(run: &[&Word], caption: &[&str]) -> Option<usize> {
    let starts = if caption[0].len() > 2 { 0..2 } else { 0..1 };
    let says_so = |start: &usize| {
        let words = run.get(*start..*start + caption.len());
        words.is_some_and(|words| words.iter().zip(caption).all(|(word, wanted)| plain(word) == *wanted))
    };
    let end = starts.into_iter().find(says_so)? + caption.len();
    // In North America 5 is the document's discriminator and not its number.
    let discriminator = caption == ["5"] && run.get(1).is_some_and(|word| plain(word) == "dd");
    (!discriminator).then_some(end)
}

fn plain(word: &Word) -> String {
    bare(word).to_lowercase()
}

fn joined(run: &[&Word]) -> String {
    run.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

// What is printed is personal data.
impl fmt::Debug for PrintedFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrintedFields").finish_non_exhaustive()
    }
}
