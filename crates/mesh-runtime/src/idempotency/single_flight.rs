//! Equal requests of one process, one behind the other.
//!
//! Without this, a thousand equal requests would hold a connection each while they wait for the row of the first. Here the
//! first works, and the others wait without a connection and take its answer from memory.

use super::reused;
use crate::Problem;
use mesh_types::RequestId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// An answer, and the fingerprint of the request that got it.
type Answered = ([u8; 32], Vec<u8>);

type Queue = Arc<AsyncMutex<Option<Answered>>>;

/// The request ids that somebody waits for or works on. Clones share them.
#[derive(Clone, Default)]
pub(super) struct SingleFlight(Arc<Mutex<HashMap<RequestId, Queue>>>);

/// The right to work on a request id. It passes to the next when dropped.
pub(super) struct Turn {
    answered: OwnedMutexGuard<Option<Answered>>,
    // Dropped after the guard, whose reference would keep the queue in the map.
    _place: Place,
}

/// A place in the queue of a request id. The last that leaves takes the queue away.
struct Place {
    flights: SingleFlight,
    request_id: RequestId,
    queue: Option<Queue>,
}

impl SingleFlight {
    /// Waits for a turn; `None` when it does not come in time.
    pub(super) async fn wait(&self, request_id: RequestId, timeout: Duration) -> Option<Turn> {
        let queue = self.locked(|queues| queues.entry(request_id).or_default().clone());
        let place = Place {
            flights: self.clone(),
            request_id,
            queue: Some(queue.clone()),
        };
        let answered = tokio::time::timeout(timeout, queue.lock_owned()).await.ok()?;
        Some(Turn {
            answered,
            _place: place,
        })
    }

    fn locked<T>(&self, work: impl FnOnce(&mut HashMap<RequestId, Queue>) -> T) -> T {
        // Nothing in here can panic half-way, so a poisoned map is a sound one.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.locked(|queues| queues.is_empty())
    }
}

impl Turn {
    /// The answer that somebody got while this one waited.
    pub(super) fn answer(&self, fingerprint: [u8; 32]) -> Result<Option<&[u8]>, Problem> {
        match &*self.answered {
            Some((of, _)) if *of != fingerprint => Err(reused()),
            answered => Ok(answered.as_ref().map(|(_, answer)| answer.as_slice())),
        }
    }

    /// Leaves the answer to those who wait.
    pub(super) fn end(&mut self, fingerprint: [u8; 32], answer: Vec<u8>) {
        *self.answered = Some((fingerprint, answer));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let own = self.queue.take();
        self.flights.locked(|queues| {
            drop(own);
            // What is left is the map's own reference: places are taken and left under this lock only.
            if queues
                .get(&self.request_id)
                .is_some_and(|queue| Arc::strong_count(queue) == 1)
            {
                queues.remove(&self.request_id);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    fn request_id() -> RequestId {
        RequestId::from(crate::clock::new_uuid())
    }

    #[tokio::test]
    async fn one_goes_after_the_other_and_takes_the_answer() {
        let (flights, id) = (SingleFlight::default(), request_id());
        let mut first = flights.wait(id, SOON).await.expect("it is free");
        let second = flights.wait(id, SOON);
        tokio::pin!(second);
        assert!(futures::poll!(&mut second).is_pending());
        first.end([1; 32], vec![7]);
        drop(first);
        let second = second.await.expect("it is free again");
        assert_eq!(second.answer([1; 32]).ok().flatten(), Some([7].as_slice()));
        assert!(second.answer([2; 32]).is_err());
        drop(second);
        assert!(flights.is_empty());
    }

    #[tokio::test]
    async fn who_waits_too_long_leaves_nothing_behind() {
        let (flights, id) = (SingleFlight::default(), request_id());
        let first = flights.wait(id, SOON).await.expect("it is free");
        assert!(flights.wait(id, Duration::from_millis(10)).await.is_none());
        assert!(flights.wait(request_id(), SOON).await.is_some());
        assert!(!flights.is_empty());
        drop(first);
        assert!(flights.is_empty());
    }
}
