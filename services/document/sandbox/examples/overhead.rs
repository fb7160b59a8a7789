//! What the fence costs: `cargo run --release -p document-sandbox --example overhead [MiB that the parent holds]`.

use document_sandbox::{Confinement, Limits, Run, Sandbox, SandboxConfig};
use std::{path::Path, process::Stdio, time::Instant};

const RUNS: u32 = 100;

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
    for _ in 0..2 {
        let started = Instant::now();
        for _ in 0..RUNS {
            let mut command = tokio::process::Command::new("/bin/true");
            command
                .env_clear()
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null());
            command.spawn()?.wait_with_output().await?;
        }
        let plain = started.elapsed() / RUNS;
        let started = Instant::now();
        for _ in 0..RUNS {
            let run = Run {
                program: Path::new("/bin/true"),
                arguments: &[],
                environment: &[],
                stdin: Default::default(),
                max_output_bytes: 1,
            };
            sandbox.run(run).await?;
        }
        let fenced = started.elapsed() / RUNS;
        println!(
            "/bin/true: plain {plain:.2?}, fenced {fenced:.2?}, ratio {:.2}",
            fenced.as_secs_f64() / plain.as_secs_f64()
        );
    }
    Ok(())
}
