//! Compiles `proto/` with protox, so no protoc is needed; the same descriptor set serves gRPC reflection.

use prost::Message;
use std::{env, fs, path::PathBuf};

const FILES: [&str; 6] = [
    "voluntier/document/v1/document.proto",
    "voluntier/reputation/v1/reputation.proto",
    "voluntier/reputation/v1/schedule.proto",
    "voluntier/orchestrator/v1/member.proto",
    "voluntier/orchestrator/v1/report.proto",
    "voluntier/orchestrator/v1/verification.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let descriptors = protox::compile(FILES, [&root])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
