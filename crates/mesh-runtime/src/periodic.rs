//! Work that a service does by itself every so often, such as forgetting what is old.
//!
//! Every instance does it, so the work must bear to be done by several at once: it claims rows, or changes nothing the second
//! time. A round that fails or takes too long is logged, and the next one makes up for it.

use crate::Problem;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};

type Round = Pin<Box<dyn Future<Output = Result<(), Problem>> + Send>>;

/// The longest that one round may take, unless its interval is longer.
const ROUND_TIMEOUT: Duration = Duration::from_secs(60);

/// Rows that one statement of periodic work takes, so that none holds many for long.
pub const BATCH: i64 = 1_000;

/// Work that is done every `interval`.
pub(crate) struct Periodic {
    name: &'static str,
    interval: Duration,
    limit: Duration,
    round: Box<dyn FnMut() -> Round + Send>,
}

impl Periodic {
    /// `name` says in the log what a failed round was about.
    pub(crate) fn new<F>(name: &'static str, interval: Duration, mut round: impl FnMut() -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<(), Problem>> + Send + 'static,
    {
        Self {
            name,
            interval,
            limit: interval.max(ROUND_TIMEOUT),
            round: Box::new(move || Box::pin(round())),
        }
    }

    /// Does the work, without end. The first round comes after a part of the interval, a different one in each process, so
    /// that instances that start together do not work together.
    pub(crate) async fn run(mut self) {
        let part = f64::from(crate::clock::new_uuid().as_bytes()[15]) / 256.0;
        let mut rounds = tokio::time::interval_at(Instant::now() + self.interval.mul_f64(part), self.interval);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            let limit = self.limit;
            match tokio::time::timeout(limit, (self.round)()).await {
                Ok(Ok(())) => {}
                Ok(Err(problem)) => {
                    tracing::warn!(work = self.name, %problem, "periodic work failed; it is tried again")
                }
                Err(_) => tracing::warn!(
                    work = self.name,
                    ?limit,
                    "periodic work took too long; it goes on later"
                ),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_types::Reason;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn a_round_that_fails_or_hangs_is_followed_by_the_next() {
        let rounds = Arc::new(AtomicU32::new(0));
        let counted = rounds.clone();
        let mut work = Periodic::new("test", Duration::from_millis(20), move || {
            let round = counted.fetch_add(1, Ordering::Relaxed);
            async move {
                match round {
                    0 => Err(Problem::new(Reason::DatabaseUnavailable, "it is away")),
                    1 => std::future::pending().await,
                    _ => Ok(()),
                }
            }
        });
        work.limit = Duration::from_millis(20);
        let goes_on = async {
            while rounds.load(Ordering::Relaxed) < 5 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = work.run() => unreachable!("it has no end"),
            gone_on = tokio::time::timeout(Duration::from_secs(10), goes_on) => gone_on.expect("it goes on"),
        }
    }
}
