//! `SearchVerifiers`: who is near a place, and free when somebody has time.

use crate::Store;
use crate::diary::Diary;
use crate::free_slots::free_slots;
use crate::store::{Found, Key, Near};
use in_person_availability::Span;
use jiff::SignedDuration;
use mesh_runtime::Problem;
use std::collections::HashMap;

/// Verifiers that are read at once, where most of them may not be free.
const BATCH: usize = 200;
/// Verifiers that are looked at for one page at most.
const MOST_LOOKED_AT: usize = 2_000;

/// When a verifier has to have a slot, and how long that is.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// From when until when.
    pub span: Span,
    /// How long a slot is.
    pub slot: SignedDuration,
}

/// Who is looked for.
#[derive(Clone, Debug)]
pub struct Search {
    /// Where.
    pub near: Near,
    /// When; any time without it.
    pub window: Option<Window>,
}

/// A verifier who fits.
#[derive(Clone, Debug)]
pub struct Match {
    /// Who and where.
    pub found: Found,
    /// Their first slot in the window.
    pub first_slot: Option<Span>,
}

/// A part of those who fit.
#[derive(Clone, Debug)]
pub struct Matches {
    /// In the order of their distance and their ids.
    pub matches: Vec<Match>,
    /// The last one who was looked at, where there may be more after them.
    pub goes_on_after: Option<Key>,
}

/// The verifiers who fit, after the one with `after` if given, `wanted` at most. Where many do not fit, fewer come, and the search goes on
/// from where it was.
///
/// # Errors
/// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
pub async fn search_verifiers(
    store: &Store,
    search: &Search,
    after: Option<Key>,
    wanted: usize,
) -> Result<Matches, Problem> {
    let batch = match search.window {
        Some(_) => BATCH.max(wanted + 1),
        None => wanted + 1,
    };
    let (mut reached, mut looked_at, mut matches) = (after, 0, Vec::new());
    loop {
        let found = store.nearest(&search.near, reached, batch as i64).await?;
        let is_last = found.len() < batch;
        let diaries = match search.window {
            Some(window) => {
                let ids: Vec<i64> = found.iter().map(|one| one.verifier_id.get()).collect();
                store.diaries(&ids, window.span).await?
            }
            None => HashMap::new(),
        };
        for one in found {
            if matches.len() >= wanted || looked_at >= MOST_LOOKED_AT {
                return Ok(Matches {
                    matches,
                    goes_on_after: reached,
                });
            }
            reached = Some(one.key());
            looked_at += 1;
            matches.extend(fit(one, search.window, &diaries));
        }
        if is_last {
            return Ok(Matches {
                matches,
                goes_on_after: None,
            });
        }
    }
}

/// The verifier with their first slot that is free, where they have one and are certified for it.
fn fit(found: Found, window: Option<Window>, diaries: &HashMap<i64, Diary>) -> Option<Match> {
    let Some(window) = window else {
        return Some(Match {
            found,
            first_slot: None,
        });
    };
    let nothing = Diary::default();
    let diary = diaries.get(&found.verifier_id.get()).unwrap_or(&nothing);
    let (_, slots) = free_slots(&found, &[window.span], window.slot, (diary, 1))?;
    Some(Match {
        found,
        first_slot: slots.into_iter().next(),
    })
}
