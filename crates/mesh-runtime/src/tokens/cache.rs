//! Tokens that were verified before, so that the next RPC of the same person need not verify the signature again.

use super::Person;
use jiff::Timestamp;
use lru::LruCache;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

/// How many are kept, those that were used last: at most some 30 MiB, because roles are no longer than their token.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(4_096).expect("more than 0");

/// SHA-256 of a token.
pub(super) type Fingerprint = [u8; 32];

struct Entry {
    generation: u64,
    person: Person,
}

/// Persons by their tokens. An entry counts until its token expires or the issuer's keys change.
pub(super) struct Cache(Mutex<LruCache<Fingerprint, Entry>>);

impl Default for Cache {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(CAPACITY)))
    }
}

impl Cache {
    pub(super) fn get(&self, token: &Fingerprint, generation: u64, now: Timestamp) -> Option<Person> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(token)?;
        let counts = entry.generation == generation && now < entry.person.until;
        counts.then(|| entry.person.clone())
    }

    pub(super) fn insert(&self, token: Fingerprint, generation: u64, person: Person) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.put(token, Entry { generation, person });
    }
}
