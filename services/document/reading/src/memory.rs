//! The memory that pages take, set aside before they are opened.

use crate::error::ReadError;
use document_sandbox::Limits;
use std::{sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a page takes at most, in bytes, in the service and its programs together, if its header is true. The programs are
/// held to it, as a header may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    /// While it is decoded.
    pub(crate) decoding: u64,
    /// From then on.
    pub(crate) reading: u64,
}

impl Need {
    /// At any time.
    pub(crate) fn most(&self) -> u64 {
        self.decoding.max(self.reading)
    }

    /// The limits of each program that works on the page, which are never wider than those that were set.
    pub(crate) fn limits(&self, set: Limits) -> Limits {
        Limits {
            memory_bytes: set.memory_bytes.min(self.most() + SLACK_BYTES),
            ..set
        }
    }
}

/// Address space that a program has beside what it takes: its libraries, and what its allocator keeps.
const SLACK_BYTES: u64 = 64 << 20;

/// How long a page waits for memory before the log says so.
const LONG_WAIT: Duration = Duration::from_secs(60);

/// How long it waits at most. An attempt to read a document has 5 minutes (`timeouts.rs` of the workflows).
const MOST_WAIT: Duration = Duration::from_secs(120);

/// The memory for all pages that are read at once. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    free: Arc<Semaphore>,
    mib: u32,
    patience: Duration,
}

/// A page's share.
#[derive(Debug)]
pub(crate) struct Share {
    permit: OwnedSemaphorePermit,
    reading_mib: u32,
}

impl Memory {
    pub(crate) fn new(mib: u32) -> Self {
        Self {
            free: Arc::new(Semaphore::new(mib as usize)),
            mib,
            patience: MOST_WAIT,
        }
    }

    /// Waits until there is room for a page; first come, first served. One that takes more than there is gets all of it, and
    /// is read alone.
    ///
    /// # Errors
    /// [`ReadError::Crowded`] after 2 minutes.
    pub(crate) async fn take(&self, need: Need) -> Result<Share, ReadError> {
        let reading_mib = self.mib_of(need.reading);
        let most = self.mib_of(need.decoding).max(reading_mib);
        let taken = async {
            let taken = self.free.clone().acquire_many_owned(most);
            tokio::pin!(taken);
            if let Ok(taken) = tokio::time::timeout(LONG_WAIT, &mut taken).await {
                return taken;
            }
            tracing::warn!(
                mib = most,
                "a page has waited for {LONG_WAIT:?} for memory for pictures"
            );
            taken.await
        };
        let taken = tokio::time::timeout(self.patience, taken).await;
        let taken = taken.map_err(|_| ReadError::Crowded { after: self.patience })?;
        Ok(Share {
            permit: taken.expect("the semaphore is never closed"),
            reading_mib,
        })
    }

    fn mib_of(&self, bytes: u64) -> u32 {
        u32::try_from(bytes.div_ceil(1 << 20)).unwrap_or(u32::MAX).min(self.mib)
    }
}

impl Share {
    /// Gives back what only the decoding took.
    pub(crate) fn decoded(&mut self) {
        let more = self.permit.num_permits().saturating_sub(self.reading_mib as usize);
        drop(self.permit.split(more));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault;
    use std::task::{Context, Poll, Waker};

    const fn need(decoding_mib: u64, reading_mib: u64) -> Need {
        Need {
            decoding: decoding_mib << 20,
            reading: reading_mib << 20,
        }
    }

    #[tokio::test]
    async fn pages_take_no_more_memory_than_there_is_and_one_that_takes_more_is_read_alone() {
        let memory = Memory::new(100);
        let mut context = Context::from_waker(Waker::noop());
        let mut now = |need| match Box::pin(memory.take(need)).as_mut().poll(&mut context) {
            Poll::Ready(share) => Some(share.expect("in time")),
            Poll::Pending => None,
        };
        let mut first = now(need(80, 30)).expect("room");
        assert!(now(need(30, 30)).is_none(), "beside it is room for 20");
        first.decoded();
        let second = now(need(60, 70)).expect("70 are free again");
        assert!(now(need(1, 1)).is_none());
        drop((first, second));
        let huge = now(need(100_000, u64::MAX)).expect("all of it is free");
        assert!(now(need(1, 1)).is_none(), "it is read alone");
        drop(huge);
        assert!(now(need(100, 1)).is_some());
    }
    #[tokio::test]
    async fn a_page_does_not_wait_for_memory_without_end() {
        let memory = Memory {
            patience: Duration::from_millis(10),
            ..Memory::new(100)
        };
        let all = memory.take(need(100, 100)).await.expect("all of it is free");
        let crowded = memory.take(need(1, 1)).await.expect_err("nothing is free");
        assert!(matches!(crowded, ReadError::Crowded { .. }), "{crowded:?}");
        assert_eq!(crowded.fault(), Fault::Engine);
        drop(all);
        memory.take(need(1, 1)).await.expect("it keeps no place in the line");
    }
}
