//! The one way to wait for something that another process brings about.

use std::{future::Future, time::Duration};

use anyhow::bail;
use tokio::time::Instant;

/// How long the loop rests at first between two looks.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
/// How long it rests at most.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// Looks again and again until `look` returns `Some`, and hands that value back. What comes soon is seen within 20 ms; what takes
/// longer is looked for less often, up to 250 ms apart, because looks cost what is being waited for its processor.
///
/// # Errors
/// When `deadline` has passed without one; the error says `what` was awaited and for how long.
pub async fn eventually<T, F, Fut>(deadline: Duration, what: &str, mut look: F) -> anyhow::Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let began = Instant::now();
    let end = began + deadline;
    loop {
        if let Some(found) = look().await {
            return Ok(found);
        }
        if Instant::now() >= end {
            bail!("waited {:.1} s in vain for {what}", deadline.as_secs_f64());
        }
        pause((began.elapsed() / 8).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)).await;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one waiting primitive: other processes give no event to await"
)]
async fn pause(length: Duration) {
    tokio::time::sleep(length).await;
}
