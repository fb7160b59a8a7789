//! The one way to wait for something that another process brings about.

use std::{future::Future, time::Duration};

use anyhow::bail;
use tokio::time::Instant;

/// How long the loop rests between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks every 20 ms until `look` returns `Some`, and hands that value back.
///
/// # Errors
/// When `deadline` has passed without one; the error says `what` was awaited and for how long.
pub async fn eventually<T, F, Fut>(deadline: Duration, what: &str, mut look: F) -> anyhow::Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let end = Instant::now() + deadline;
    loop {
        if let Some(found) = look().await {
            return Ok(found);
        }
        if Instant::now() >= end {
            bail!("waited {:.1} s in vain for {what}", deadline.as_secs_f64());
        }
        pause().await;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one waiting primitive: other processes give no event to await"
)]
async fn pause() {
    tokio::time::sleep(PAUSE).await;
}
