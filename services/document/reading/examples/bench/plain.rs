//! The yardstick: tesseract as it comes, on the same pictures.

use crate::Shortcoming;
use std::{
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{io::AsyncWriteExt, process::Command};

/// How long `tesseract stdin stdout -l eng` takes for a picture, on one core as ours does.
pub(crate) async fn read(picture: &[u8]) -> std::io::Result<Duration> {
    let begun = Instant::now();
    let mut child = Command::new("tesseract")
        .args(["stdin", "stdout", "-l", "eng"])
        .env("OMP_THREAD_LIMIT", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let mut input = child.stdin.take().expect("the standard input was asked to be a pipe");
    input.write_all(picture).await?;
    drop(input);
    child.wait().await?;
    Ok(begun.elapsed())
}

/// At least so many times as many pages a second as plain tesseract.
const LEAST_RATIO: f64 = 0.9;

pub(crate) fn print(pages: usize, ours: Duration, plain: Duration) -> Option<Shortcoming> {
    let rate = |time: Duration| pages as f64 / time.as_secs_f64();
    println!(
        "{pages} pages: {:.2} a second with the whole pipeline, {:.2} with plain tesseract: {:.2} times as many",
        rate(ours),
        rate(plain),
        rate(ours) / rate(plain)
    );
    (rate(ours) / rate(plain) < LEAST_RATIO).then(|| Shortcoming {
        what: format!("{LEAST_RATIO} times the pages a second of plain tesseract"),
        is_never_allowed: false,
    })
}
