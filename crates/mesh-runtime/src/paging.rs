//! Lists in pages (AIP-158), the same for every RPC that lists.
//!
//! A page token is a keyset token: it holds the key of the last row that was given, so a page costs the same wherever it
//! lies, and rows that come or go in between are neither given twice nor left out. Callers must not read it. It is bound to
//! the filter of its list, because under another filter its place has no meaning.
//!
//! ```
//! # use mesh_runtime::{Problem, paging::PageRequest};
//! # fn list_greetings(_after: Option<&u64>, _limit: i64) -> Vec<u64> { vec![7] }
//! # fn list(page_size: i32, page_token: &str, language: &str) -> Result<(), Problem> {
//! let page = PageRequest::<u64>::parse(page_size, page_token, &("ListGreetings", language))?;
//! // SELECT … WHERE id > $after ORDER BY id LIMIT $limit
//! let rows = list_greetings(page.after(), page.limit());
//! let (rows, next_page_token) = page.page(rows, |row| *row);
//! # let _ = (rows, next_page_token); Ok(()) }
//! # list(0, "", "en").unwrap();
//! ```

use crate::Problem;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mesh_types::Reason;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// Rows on a page when the caller asks for 0.
pub const DEFAULT_PAGE_SIZE: i32 = 50;
/// Rows on a page at most.
pub const MAX_PAGE_SIZE: i32 = 200;

/// Longer than any token that is given out. It bounds the work on one that was made up.
const MAX_TOKEN_LENGTH: usize = 1024;
const FILTER_DIGEST_LENGTH: usize = 16;

type FilterDigest = [u8; FILTER_DIGEST_LENGTH];

/// Which page of a list is wanted. `K` is the key of a row: the columns that the list is ordered by, unique together.
#[derive(Clone, Debug)]
pub struct PageRequest<K> {
    size: usize,
    after: Option<K>,
    filter: FilterDigest,
}

impl<K: Serialize + DeserializeOwned> PageRequest<K> {
    /// Reads `page_size` (1 to 200, 50 when 0) and `page_token` of a request. `filter` is everything else that decides
    /// which rows the list has; put the RPC's name into it.
    ///
    /// # Errors
    /// `INVALID_REQUEST` that names `page_size`, `page_token` or both. A token of another filter is no token of this list.
    pub fn parse(page_size: i32, page_token: &str, filter: &impl Serialize) -> Result<Self, Problem> {
        let filter = digest(filter);
        let size = match page_size {
            0 => Some(DEFAULT_PAGE_SIZE),
            1..=MAX_PAGE_SIZE => Some(page_size),
            _ => None,
        };
        let after = match page_token {
            "" => Some(None),
            token => key(token, filter).map(Some),
        };
        match (size, after) {
            (Some(size), Some(after)) => Ok(Self {
                size: size.unsigned_abs() as usize,
                after,
                filter,
            }),
            (size, after) => Err(invalid(size.is_none(), after.is_none())),
        }
    }

    /// The key of the last row of the page before; `None` for the first page.
    pub fn after(&self) -> Option<&K> {
        self.after.as_ref()
    }

    /// How many rows to read: one more than a page has, because that one tells whether there is a next page.
    pub fn limit(&self) -> i64 {
        // A page has at most 200 rows.
        self.size as i64 + 1
    }

    /// The page and its `next_page_token`, from at most [`Self::limit`] rows in their order. The token is empty on the last
    /// page.
    pub fn page<R>(&self, mut rows: Vec<R>, key: impl FnOnce(&R) -> K) -> (Vec<R>, String) {
        if rows.len() <= self.size {
            return (rows, String::new());
        }
        rows.truncate(self.size);
        let token = rows.last().map(|last| token(&key(last), self.filter));
        (rows, token.unwrap_or_default())
    }

    /// How many rows the page has at most, for a list that leaves some out of what it reads.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The `next_page_token` of such a list: it goes on after this key, whether or not that row was given.
    pub fn token_after(&self, key: &K) -> String {
        token(key, self.filter)
    }

    /// The page and its `next_page_token`, for a list that only grows, the oldest first. The token is there on the last page
    /// as well, so that whoever keeps it is given later what was added; it is empty only while the list is.
    pub fn page_to_follow<R>(&self, mut rows: Vec<R>, key: impl FnOnce(&R) -> K) -> (Vec<R>, String) {
        rows.truncate(self.size);
        let token = match (rows.last(), &self.after) {
            (Some(last), _) => token(&key(last), self.filter),
            (None, Some(after)) => token(after, self.filter),
            (None, None) => String::new(),
        };
        (rows, token)
    }
}

fn invalid(is_size_wrong: bool, is_token_wrong: bool) -> Problem {
    let size = is_size_wrong.then(|| ("page_size", format!("must be from 0 to {MAX_PAGE_SIZE}")));
    let why = "must be the next_page_token of the page before, with the same filter";
    let token = is_token_wrong.then(|| ("page_token", why.to_owned()));
    let wrong: Vec<_> = size.into_iter().chain(token).collect();
    let message: Vec<_> = wrong.iter().map(|(path, why)| format!("{path}: {why}")).collect();
    let problem = Problem::new(Reason::InvalidRequest, message.join("; "));
    wrong
        .into_iter()
        .fold(problem, |problem, (path, why)| problem.with_violation(path, why))
}

fn digest(filter: &impl Serialize) -> FilterDigest {
    let text = serde_json::to_vec(filter).expect("a filter of plain values is JSON");
    let digest: [u8; 32] = Sha256::digest(text).into();
    let mut short = [0; FILTER_DIGEST_LENGTH];
    short.copy_from_slice(&digest[..FILTER_DIGEST_LENGTH]);
    short
}

fn token(key: &impl Serialize, filter: FilterDigest) -> String {
    let mut bytes = filter.to_vec();
    serde_json::to_writer(&mut bytes, key).expect("a key of plain values is JSON");
    URL_SAFE_NO_PAD.encode(bytes)
}

fn key<K: DeserializeOwned>(token: &str, filter: FilterDigest) -> Option<K> {
    if token.len() > MAX_TOKEN_LENGTH {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (digest, key) = bytes.split_at_checked(FILTER_DIGEST_LENGTH)?;
    if digest != filter {
        return None;
    }
    serde_json::from_slice(key).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Key = (i64, uuid::Uuid);

    fn paths(problem: &Problem) -> Vec<&str> {
        problem.violations().iter().map(|(path, _)| path.as_str()).collect()
    }

    fn parse(page_size: i32, page_token: &str, filter: &str) -> Result<PageRequest<Key>, Problem> {
        PageRequest::parse(page_size, page_token, &filter)
    }

    /// A token that a list gives out.
    fn some_token(filter: &str) -> String {
        let page = parse(1, "", filter).expect("a page");
        let rows = vec![(7, uuid::Uuid::nil()); 2];
        page.page(rows, |row| *row).1
    }

    #[test]
    fn a_page_has_50_rows_unless_the_caller_says_1_to_200() {
        for (page_size, limit) in [(0, Some(51)), (1, Some(2)), (200, Some(201)), (201, None), (-1, None)] {
            let page = parse(page_size, "", "");
            assert_eq!(page.as_ref().ok().map(PageRequest::limit), limit, "{page_size}");
            if let Err(problem) = page {
                assert_eq!(paths(&problem), ["page_size"]);
            }
        }
    }

    #[test]
    fn a_token_is_good_for_its_own_filter_only() {
        let token = some_token("in English");
        assert_eq!(
            parse(0, &token, "in English").ok().and_then(|page| page.after),
            Some((7, uuid::Uuid::nil()))
        );
        let other = parse(0, &token, "in Dutch").expect_err("another filter");
        assert_eq!(paths(&other), ["page_token"]);
    }

    #[test]
    fn both_fields_are_named_when_both_are_wrong() {
        let problem = parse(201, "no token", "").expect_err("both are wrong");
        assert_eq!(paths(&problem), ["page_size", "page_token"]);
    }

    #[test]
    fn a_token_of_another_key_or_too_long_or_cut_is_refused() {
        let token = some_token("");
        let of_another_key = PageRequest::<String>::parse(0, &token, &"");
        assert!(of_another_key.is_err());
        for bad in [
            &token[1..],
            &token[..token.len() - 1],
            &"A".repeat(2_000),
            "AAAA",
            "=",
            " ",
        ] {
            assert!(parse(0, bad, "").is_err(), "{bad}");
        }
    }

    #[test]
    fn a_list_that_is_followed_goes_on_where_it_ended_for_a_while() {
        let (mut list, mut place) = (Vec::new(), String::new());
        for grown_to in [0_u64, 0, 3, 3, 5] {
            list.extend(list.len() as u64..grown_to);
            let page = PageRequest::<u64>::parse(2, &place, &"all").expect("our own token");
            let after = page.after().map_or(0, |after| after + 1);
            let rows = list.iter().copied().filter(|row| *row >= after).take(3).collect();
            let (rows, next) = page.page_to_follow(rows, |row| *row);
            assert!(rows.len() <= 2);
            assert_eq!(rows.first().copied(), list.get(after as usize).copied());
            place = next;
        }
        let end = PageRequest::<u64>::parse(2, &place, &"all").expect("our own token");
        assert_eq!(end.after(), Some(&4));
    }

    proptest! {
        #[test]
        fn pages_hold_every_row_once_and_in_order(rows in 0_u64..700, page_size in 1..=MAX_PAGE_SIZE) {
            let all: Vec<u64> = (0..rows).collect();
            let (mut seen, mut token) = (Vec::new(), String::new());
            loop {
                let page = PageRequest::<u64>::parse(page_size, &token, &"all").expect("our own token");
                let after = page.after().copied();
                let limit = usize::try_from(page.limit()).expect("at most 201");
                let found = all.iter().copied().filter(|row| after.is_none_or(|after| *row > after)).take(limit);
                let (rows, next) = page.page(found.collect(), |row| *row);
                prop_assert!(rows.len() <= page_size.unsigned_abs() as usize);
                seen.extend(rows);
                if next.is_empty() {
                    break;
                }
                token = next;
            }
            prop_assert_eq!(seen, all);
        }

        #[test]
        fn whatever_comes_as_a_token_is_read_or_refused(page_size in any::<i32>(), token in ".{0,80}", filter in ".{0,9}") {
            let _read_or_refused = parse(page_size, &token, &filter);
        }
    }
}
