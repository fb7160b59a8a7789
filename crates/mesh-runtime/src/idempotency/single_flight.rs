//! Equal requests of one process, one behind the other.
//!
//! Without this, a thousand equal requests would hold a connection each while they wait for the row of the first. Here the
//! first works, and the others wait without a connection and take its answer from memory.

use super::reused;
use crate::Problem;
use crate::keyed_mutex::{KeyedGuard, KeyedMutex};
use mesh_types::RequestId;
use std::time::Duration;

/// An answer, and the fingerprint of the request that got it.
type Answered = Option<([u8; 32], Vec<u8>)>;

/// The request ids that somebody waits for or works on. Clones share them.
#[derive(Clone, Default)]
pub(super) struct SingleFlight(KeyedMutex<RequestId, Answered>);

/// The right to work on a request id. It passes to the next when dropped.
pub(super) struct Turn(KeyedGuard<RequestId, Answered>);

impl SingleFlight {
    /// Waits for a turn; `None` when it does not come in time.
    pub(super) async fn wait(&self, request_id: RequestId, timeout: Duration) -> Option<Turn> {
        self.0.lock(request_id, timeout).await.map(Turn)
    }
}

impl Turn {
    /// The answer that somebody got while this one waited.
    pub(super) fn answer(&self, fingerprint: [u8; 32]) -> Result<Option<&[u8]>, Problem> {
        match &*self.0 {
            Some((of, _)) if *of != fingerprint => Err(reused()),
            answered => Ok(answered.as_ref().map(|(_, answer)| answer.as_slice())),
        }
    }

    /// Leaves the answer to those who wait.
    pub(super) fn end(&mut self, fingerprint: [u8; 32], answer: Vec<u8>) {
        *self.0 = Some((fingerprint, answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn one_goes_after_the_other_and_takes_the_answer() {
        let (flights, id) = (SingleFlight::default(), RequestId::from(crate::clock::new_uuid()));
        let mut first = flights.wait(id, SOON).await.expect("it is free");
        let second = flights.wait(id, SOON);
        tokio::pin!(second);
        assert!(futures::poll!(&mut second).is_pending());
        first.end([1; 32], vec![7]);
        drop(first);
        let second = second.await.expect("it is free again");
        assert_eq!(second.answer([1; 32]).ok().flatten(), Some([7].as_slice()));
        assert!(second.answer([2; 32]).is_err());
    }
}
