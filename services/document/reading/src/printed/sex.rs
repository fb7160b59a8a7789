//! The letter of the sex, which is easily found where there is none.

use super::{FieldAgreement, Run, Word, bare, is_by};
use crate::mrz_reading::Sex;

/// Looks for the letter of the sex, by its caption if that was read: single letters come out of patterns as well.
pub(super) fn sex(runs: &[Run<'_>], wanted: Sex) -> FieldAgreement {
    let wanted = match wanted {
        Sex::Female => "F",
        Sex::Male => "M",
        Sex::Unspecified => "X",
    };
    let words = || runs.iter().flatten();
    let captions = captions(runs);
    let is_sex = |text: &str| ["F", "M", "X"].contains(&text);
    if captions.is_empty() {
        let letters: Vec<String> = words().map(|word| bare(word)).filter(|text| is_sex(text)).collect();
        let says_so = !letters.is_empty() && letters.iter().all(|letter| letter == wanted);
        return if says_so {
            FieldAgreement::Agrees
        } else {
            FieldAgreement::NotFound
        };
    }
    // By its caption a letter is known for what it is, small or large.
    let by_caption = words().filter(|word| captions.iter().any(|caption| is_by(caption, word)));
    let letters: Vec<String> = by_caption
        .map(|word| bare(word).to_uppercase())
        .filter(|text| is_sex(text))
        .collect();
    if letters.is_empty() {
        FieldAgreement::NotFound
    } else if letters.iter().all(|letter| letter == wanted) {
        FieldAgreement::Agrees
    } else {
        FieldAgreement::Disagrees
    }
}

/// Where the letter of the sex is to be looked for: the only caption of it with the space below, as left, top, width and
/// height. `None` where no caption or more than one was read.
pub(super) fn place(runs: &[Run<'_>]) -> Option<(u32, u32, u32, u32)> {
    let captions = captions(runs);
    let [caption] = captions.as_slice() else { return None };
    // With less margin around them the engine takes letters for frames.
    let height = caption.height;
    Some((
        caption.left.saturating_sub(height * 5 / 4),
        caption.top.saturating_sub(height * 3 / 4),
        caption.width + 3 * height,
        5 * height,
    ))
}

fn captions(runs: &[Run<'_>]) -> Vec<Word> {
    // A caption may begin with a number, under which its value stands then.
    let begins = |run: &Run<'_>, at: usize| at == 1 && bare(run[0]).len() <= 2;
    runs.iter()
        .flat_map(|run| {
            (0..run.len())
                .filter(move |at| is_caption_of_sex(&bare(run[*at])))
                .map(move |at| (run, at))
        })
        .map(|(run, at)| {
            if begins(run, at) {
                joined(run[0], run[at])
            } else {
                run[at].clone()
            }
        })
        .collect()
}

/// A caption from its first word to its last.
fn joined(first: &Word, last: &Word) -> Word {
    Word {
        left: first.left,
        width: (last.left + last.width).saturating_sub(first.left),
        ..last.clone()
    }
}

/// Whether a word is the caption of the sex in one of the languages that passports have beside English.
fn is_caption_of_sex(text: &str) -> bool {
    ["sex", "sexe", "sexo", "sesso", "geschlecht", "gender", "kön", "kjønn"].contains(&text.to_lowercase().as_str())
}
