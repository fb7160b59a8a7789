//! The two signals that end a process, and what a second one does.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Watches SIGTERM and SIGINT from its making on, so that none is lost while the process boots.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(crate) fn watch() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Cancels `stop` at the first signal and ends the process at the second, with 128 and the signal's number.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let name = self.next().await.1;
        tracing::info!(signal = name, "draining; a second signal aborts");
        stop.cancel();
        let (code, name) = self.next().await;
        tracing::warn!(signal = name, "aborting without finishing the drain");
        std::process::exit(code);
    }

    async fn next(&mut self) -> (i32, &'static str) {
        tokio::select! {
            Some(()) = self.terminate.recv() => (143, "SIGTERM"),
            Some(()) = self.interrupt.recv() => (130, "SIGINT"),
            else => std::future::pending().await,
        }
    }
}
