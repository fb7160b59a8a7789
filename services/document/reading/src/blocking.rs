//! Work for the processor, off the threads that serve.

use crate::error::ReadError;
use std::any::Any;
use std::sync::Arc;

tokio::task_local! {
    static HELD: Arc<dyn Any + Send + Sync>;
}

/// Holds something, such as one of a number of slots, while pages are read within a task: until the reading has ended or was
/// dropped, and the threads that this crate started for it are done. A thread, which looks at a file's headers, can't be stopped,
/// so it works on for a moment when the reading is dropped; without this the next one would begin beside it.
pub async fn holding<T>(held: impl Send + Sync + 'static, reading: impl Future<Output = T>) -> T {
    HELD.scope(Arc::new(held), reading).await
}

/// Runs work on a thread that may be busy for long, within the caller's span.
///
/// # Errors
/// [`ReadError::WorkLost`] when the work panics.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ReadError> {
    let span = tracing::Span::current();
    let held = HELD.try_with(Arc::clone).ok();
    let work = move || {
        let _held = held;
        span.in_scope(work)
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| ReadError::WorkLost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use tokio::sync::Semaphore;

    #[tokio::test]
    async fn a_slot_is_held_until_the_last_thread_of_a_dropped_reading_is_done() {
        let slots = Arc::new(Semaphore::new(1));
        let slot = slots.clone().try_acquire_owned().expect("free");
        let (go, wait) = mpsc::channel::<()>();
        let (begun, begins) = tokio::sync::oneshot::channel();
        let mut reading = Box::pin(holding(
            slot,
            blocking(move || {
                begun.send(()).expect("somebody waits");
                wait.recv()
            }),
        ));
        tokio::select! {
            _ = &mut reading => panic!("it waits"),
            began = begins => began.expect("the work began"),
        }
        drop(reading);
        assert_eq!(slots.available_permits(), 0, "its thread works on");
        go.send(()).expect("the thread waits");
        let free = tokio::time::timeout(std::time::Duration::from_secs(10), slots.acquire());
        let _slot = free.await.expect("the thread is done").expect("open");
    }
}
