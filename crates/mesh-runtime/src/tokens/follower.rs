//! Keeps the issuer's keys: one task reads them, when it is time to and when a token names a key that is not known.
//!
//! Those who ask only wait for that task. So there is one reading at a time, a caller who goes away cuts none short, and the
//! least time between two holds whoever asks and however the source answers.

use super::keys::{Key, KeySet, Skipped};
use super::source::{Reader, Source, Why};
use crate::Problem;
use anyhow::Context;
use mesh_types::Reason;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

/// The longest reading.
const READ_TIMEOUT: Duration = Duration::from_secs(3);
/// From the begin of a reading that failed to that of the next that somebody asks for.
const LEAST_INTERVAL_AFTER_FAILURE: Duration = Duration::from_secs(10);
/// How long somebody waits for a reading to end, which has its own, shorter limit.
const PATIENCE: Duration = Duration::from_secs(4);
/// When a reading that failed is made up for, unless it is due earlier.
const RETRY: Duration = Duration::from_secs(30);
/// Keys that were skipped and are remembered, so that each is logged once.
const MAX_LOGGED: usize = 1_000;

/// What is known of the keys.
#[derive(Debug)]
struct Known {
    keys: Arc<KeySet>,
    /// Grows when the keys change.
    generation: u64,
    /// The readings that are over.
    readings: u64,
    /// Whether one goes on.
    is_reading: bool,
    /// When the next may begin.
    next: Instant,
    /// Whether one brought keys, ever.
    is_read: bool,
}

/// The keys, for those who verify tokens.
pub(super) struct KeyRing {
    known: watch::Receiver<Known>,
    wanted: Arc<Notify>,
}

impl KeyRing {
    /// The key of this name, and the generation of keys that it is of. Waits when it is not known, for some seconds: for a
    /// reading that goes on, and for one more.
    ///
    /// # Errors
    /// When the issuer has no such key, or could not be asked.
    pub(super) async fn find(&self, kid: &str) -> Result<(u64, Arc<Key>), Problem> {
        let mut known = self.known.clone();
        // A reading that began before may have missed the key, so there can be a second one.
        for _ in 0..2 {
            let (readings, is_reading) = {
                let now = known.borrow();
                match now.keys.get(kid) {
                    Some(key) => return Ok((now.generation, key.clone())),
                    None if !now.is_reading && Instant::now() < now.next => break,
                    None => (now.readings, now.is_reading),
                }
            };
            if !is_reading {
                self.wanted.notify_one();
            }
            // Whatever ends the wait, what is known by then is the answer.
            let _ = timeout(PATIENCE, known.wait_for(|now| now.readings > readings)).await;
            if !is_reading {
                break;
            }
        }
        let now = self.known.borrow();
        match now.keys.get(kid) {
            Some(key) => Ok((now.generation, key.clone())),
            None => Err(now.lacks_key()),
        }
    }

    pub(super) fn generation(&self) -> u64 {
        self.known.borrow().generation
    }
}

impl Known {
    fn lacks_key(&self) -> Problem {
        let message = if self.is_read {
            "the token names a key that its issuer does not publish"
        } else {
            "the issuer's keys could not be read yet"
        };
        Problem::new(Reason::TokenKeyUnknown, message)
    }
}

/// The task that reads the keys.
pub(crate) struct KeyFollower {
    source: Source,
    reader: Reader,
    refresh: Duration,
    /// From the begin of a reading to that of the next that somebody asks for.
    least_interval: Duration,
    known: watch::Sender<Known>,
    wanted: Arc<Notify>,
    logged: BTreeSet<Skipped>,
}

pub(super) fn follow(source: &Source, refresh: Duration) -> anyhow::Result<(KeyRing, KeyFollower)> {
    // Nothing was read yet, and the task begins with a reading: who comes before it waits.
    let known = watch::Sender::new(Known {
        keys: Arc::default(),
        generation: 0,
        readings: 0,
        is_reading: true,
        next: Instant::now(),
        is_read: false,
    });
    let wanted = Arc::new(Notify::new());
    let ring = KeyRing {
        known: known.subscribe(),
        wanted: wanted.clone(),
    };
    let follower = KeyFollower {
        source: source.clone(),
        reader: Reader::new(source)?,
        refresh,
        least_interval: source.least_interval(),
        known,
        wanted,
        logged: BTreeSet::new(),
    };
    Ok((ring, follower))
}

impl KeyFollower {
    /// Reads the keys at once, and then whenever it is time to or somebody asks, until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut due = Instant::now();
        loop {
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                asked = timeout_at(due, self.wanted.notified()) => asked.is_ok(),
            };
            let now = Instant::now();
            // Those who ask without end must not keep back what is due.
            let why = if asked && now < due { Why::Wanted } else { Why::Due };
            let next = self.known.borrow().next;
            if now < next {
                // Somebody asked just before.
                due = if why == Why::Due { next } else { due };
                continue;
            }
            self.known.send_modify(|known| known.is_reading = true);
            let read = tokio::select! {
                () = stop.cancelled() => return,
                read = timeout(READ_TIMEOUT, self.reader.read(why)) => read,
            };
            let read = read.context("it does not answer in time").flatten();
            let is_read = self.take(read, now);
            if why == Why::Due || !is_read {
                due = Instant::now() + if is_read { self.refresh } else { self.refresh.min(RETRY) };
            }
        }
    }

    /// Publishes what was read by the reading that began at `begun`; whether it was a JWKS.
    fn take(&mut self, read: anyhow::Result<Option<Vec<u8>>>, begun: Instant) -> bool {
        let read = read.and_then(|bytes| match bytes {
            Some(bytes) => KeySet::read(&bytes).map(Some).map_err(anyhow::Error::msg),
            None => Ok(None),
        });
        let source = &self.source;
        let (is_read, keys) = match read {
            Ok(Some((keys, skipped))) => {
                self.log_skipped(skipped);
                (true, Some(keys))
            }
            Ok(None) => (true, None),
            Err(error) => {
                let known = self.known.borrow().keys.len();
                tracing::warn!(%source, known, error = %format_args!("{error:#}"), "the issuer's keys can't be read; those that are known go on");
                (false, None)
            }
        };
        self.known.send_modify(|known| {
            known.readings += 1;
            known.is_reading = false;
            known.next = begun
                + if is_read {
                    self.least_interval
                } else {
                    LEAST_INTERVAL_AFTER_FAILURE
                };
            let Some(keys) = keys else { return };
            if !known.is_read || !known.keys.is_same(&keys) {
                tracing::info!(source = %self.source, keys = keys.len(), "the issuer's keys were read");
                known.keys = Arc::new(keys);
                known.generation += 1;
            }
            known.is_read = true;
        });
        is_read
    }

    fn log_skipped(&mut self, skipped: Vec<Skipped>) {
        for (kid, why) in skipped {
            if self.logged.len() < MAX_LOGGED && self.logged.insert((kid.clone(), why)) {
                tracing::warn!(source = %self.source, kid, "a key of the issuer is not used: {why}");
            }
        }
    }
}
