//! What the fence costs: `cargo run --release -p document-sandbox --example overhead [MiB that the parent holds]`.

use document_sandbox::{Confinement, Limits, Run, Sandbox, SandboxConfig};
use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

const RUNS: usize = 100;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let held_mib: usize = std::env::args().nth(1).map_or(Ok(0), |text| text.parse())?;
    // A fork copies the tables of the pages that the parent has touched.
    let held = vec![1u8; held_mib << 20];
    let sandbox = Sandbox::new(SandboxConfig {
        limits: Limits::default(),
        readable: Vec::new(),
        confinement: Confinement::BestEffort,
    })?;
    println!(
        "in force: {}; the parent holds {} MiB",
        sandbox.confinement(),
        held.len() >> 20
    );
    let (mut plain, mut fenced) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let started = Instant::now();
        let mut command = tokio::process::Command::new("/bin/true");
        command
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command.spawn()?.wait_with_output().await?;
        plain.push(started.elapsed());

        let started = Instant::now();
        let run = Run {
            program: Path::new("/bin/true"),
            arguments: &[],
            environment: &[],
            max_output_bytes: 1,
        };
        sandbox.run(run, b"").await?;
        fenced.push(started.elapsed());
    }
    let [plain, fenced] = [plain, fenced].map(median);
    let ratio = fenced.as_secs_f64() / plain.as_secs_f64();
    println!("/bin/true {RUNS} times, median: plain {plain:.2?}, fenced {fenced:.2?}, ratio {ratio:.2}");
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
