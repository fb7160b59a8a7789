//! Compares the gate with networkx, which is made for it in a virtual environment:
//! `cargo test -p community-trust --test networkx -- --ignored`. Needs python3 with venv, and PyPI.

use community_trust::{Gate, GateSettings, Strength, TrustNetwork};
use mesh_types::MemberId;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const NETWORKS: u64 = 200;

#[test]
#[ignore = "installs networkx from PyPI"]
fn as_many_pass_as_the_maximum_flow_of_networkx() {
    let samples: Vec<(String, usize)> = (0..NETWORKS).map(sample).collect();
    let mut python = Command::new(python_with_networkx())
        .arg("tests/maximum_flow.py")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let lines: String = samples.iter().map(|(line, _)| format!("{line}\n")).collect();
    let mut input = python.stdin.take().expect("it is piped");
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = python.wait_with_output().expect("python ends");
    writer.join().expect("the thread ends").expect("python reads it all");
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).expect("numbers");
    let answers: Vec<usize> = answers.lines().map(|line| line.parse().expect("a number")).collect();
    let ours: Vec<usize> = samples.iter().map(|(_, passing)| *passing).collect();
    assert_eq!(answers, ours);
    assert!(ours.iter().sum::<usize>() > NETWORKS as usize, "hardly anybody passes");
    println!(
        "{NETWORKS} networks, {} members pass in all",
        ours.iter().sum::<usize>()
    );
}

/// A network after random changes as a line for the script, and how many pass, which is the same from scratch.
fn sample(number: u64) -> (String, usize) {
    let mut random = ChaCha8Rng::seed_from_u64(number);
    let settings = GateSettings {
        seed_capacity: random.random_range(0..60),
        member_capacity: random.random_range(1..15),
        connection_capacity: random.random_range(1..8),
    };
    let members = random.random_range(2..150);
    let mut gate = Gate::new(settings);
    for _ in 0..random.random_range(1..6) {
        gate.add_seed(id(random.random_range(1..=members)));
    }
    for _ in 0..members * random.random_range(1..8) {
        let (from, to) = (random.random_range(1..=members), random.random_range(1..=members));
        let hundredths = random.random_range(0..=100);
        if from != to {
            let strength = Strength::try_from(hundredths).expect("at most 100");
            gate.set_connection(id(from), id(to), strength).expect("two members");
        }
    }
    let seeds: Vec<MemberId> = gate
        .network()
        .members()
        .filter(|member| gate.is_seed(*member))
        .collect();
    let anew = Gate::compute(gate.network().clone(), settings, seeds.iter().copied());
    assert_eq!(anew.passing_count(), gate.passing_count());
    let seeds: Vec<String> = seeds.iter().map(MemberId::to_string).collect();
    let line = format!(
        "{};{};{};{};{}",
        settings.seed_capacity,
        settings.member_capacity,
        settings.connection_capacity,
        seeds.join(","),
        connections(gate.network()).join(",")
    );
    (line, gate.passing_count())
}

fn connections(network: &TrustNetwork) -> Vec<String> {
    let members = network.members();
    members
        .flat_map(|from| {
            let made = network.connections_from(from);
            made.map(move |to| format!("{from}:{}:{}", to.other, to.strength.hundredths()))
        })
        .collect()
}

/// The interpreter of a virtual environment that has networkx.
fn python_with_networkx() -> PathBuf {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("networkx");
    let python = environment.join("bin/python");
    let has_networkx = Command::new(&python).args(["-c", "import networkx"]).status();
    if !has_networkx.is_ok_and(|status| status.success()) {
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment));
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "networkx"]));
    }
    python
}

fn run(command: &mut Command) {
    let status = command.status().expect("it starts");
    assert!(status.success(), "{command:?}");
}

fn id(number: i64) -> MemberId {
    MemberId::try_from(number).expect("from 1")
}
