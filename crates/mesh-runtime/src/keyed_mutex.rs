//! One mutex for each key that somebody holds or waits for, within a process.
//!
//! Who waits for a lock in PostgreSQL holds a connection meanwhile. Where all that want the same row wait here first, one of
//! them holds a connection, and the others leave the pool to those who want other rows.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

type Mutexes<K, V> = Arc<Mutex<HashMap<K, Arc<AsyncMutex<V>>>>>;

/// The keys that somebody holds or waits for, each with a value that those who follow find. It goes with the last of them.
/// Clones share the keys.
pub struct KeyedMutex<K, V = ()>(Mutexes<K, V>);

/// A key that is held. It passes to the next when dropped.
pub struct KeyedGuard<K: Eq + Hash, V> {
    value: OwnedMutexGuard<V>,
    // Dropped after the guard, whose reference would keep the key in the map.
    _place: Place<K, V>,
}

/// A place in the queue of a key. The last that leaves takes the key away.
struct Place<K: Eq + Hash, V> {
    mutexes: Mutexes<K, V>,
    key: K,
    own: Option<Arc<AsyncMutex<V>>>,
}

impl<K, V> Default for KeyedMutex<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K, V> Clone for KeyedMutex<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Copy + Eq + Hash, V: Default> KeyedMutex<K, V> {
    /// Waits for a key; `None` when it does not come in time.
    pub async fn lock(&self, key: K, timeout: Duration) -> Option<KeyedGuard<K, V>> {
        let own = locked(&self.0, |mutexes| mutexes.entry(key).or_default().clone());
        let place = Place {
            mutexes: self.0.clone(),
            key,
            own: Some(own.clone()),
        };
        let value = tokio::time::timeout(timeout, own.lock_owned()).await.ok()?;
        Some(KeyedGuard { value, _place: place })
    }

    #[cfg(test)]
    fn is_empty(&self) -> bool {
        locked(&self.0, |mutexes| mutexes.is_empty())
    }
}

impl<K: Eq + Hash, V> Deref for KeyedGuard<K, V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.value
    }
}

impl<K: Eq + Hash, V> DerefMut for KeyedGuard<K, V> {
    fn deref_mut(&mut self) -> &mut V {
        &mut self.value
    }
}

impl<K: Eq + Hash, V> Drop for Place<K, V> {
    fn drop(&mut self) {
        let own = self.own.take();
        locked(&self.mutexes, |mutexes| {
            drop(own);
            // What is left is the map's own reference: places are taken and left under this lock only.
            if mutexes
                .get(&self.key)
                .is_some_and(|mutex| Arc::strong_count(mutex) == 1)
            {
                mutexes.remove(&self.key);
            }
        });
    }
}

fn locked<K, V, T>(mutexes: &Mutexes<K, V>, work: impl FnOnce(&mut HashMap<K, Arc<AsyncMutex<V>>>) -> T) -> T {
    // Nothing in here can panic half-way, so a poisoned map is a sound one.
    work(&mut mutexes.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn one_goes_after_the_other_and_finds_what_that_one_left() {
        let mutexes = KeyedMutex::<u8, u32>::default();
        let mut first = mutexes.lock(1, SOON).await.expect("it is free");
        let second = mutexes.lock(1, SOON);
        tokio::pin!(second);
        assert!(futures::poll!(&mut second).is_pending());
        *first = 7;
        drop(first);
        let second = second.await.expect("it is free again");
        assert_eq!(*second, 7);
        drop(second);
        assert!(mutexes.is_empty());
    }

    #[tokio::test]
    async fn who_waits_too_long_leaves_nothing_behind() {
        let mutexes = KeyedMutex::<u8>::default();
        let first = mutexes.lock(1, SOON).await.expect("it is free");
        assert!(mutexes.lock(1, Duration::from_millis(10)).await.is_none());
        assert!(mutexes.lock(2, SOON).await.is_some());
        assert!(!mutexes.is_empty());
        drop(first);
        assert!(mutexes.is_empty());
    }
}
