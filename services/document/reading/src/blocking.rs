//! Work for the processor, off the threads that serve.

use crate::error::ReadError;

/// Runs work on a thread that may be busy for long, within the caller's span.
///
/// # Errors
/// [`ReadError::WorkLost`] when the work panics.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ReadError> {
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
        .await
        .map_err(|_| ReadError::WorkLost)
}
