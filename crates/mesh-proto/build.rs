//! Compiles every file of `proto/` with protox, so no protoc is needed here. The encoded descriptors keep the field rules
//! (options of `buf.validate`), which the kit checks and gRPC reflection shows.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    find_protos(&root.join("voluntier"), &mut files)?;
    files.sort();
    let mut compiler = protox::Compiler::new([&root])?;
    compiler
        .include_source_info(true)
        .include_imports(true)
        .open_files(files)?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    let mut descriptors = compiler.file_descriptor_set();
    // The options of field rules are read from the encoded descriptors; nobody needs their types.
    descriptors.file.retain(|file| !file.name().starts_with("buf/"));
    let mut messages = tonic_prost_build::Config::new();
    messages.enable_type_names();
    tonic_prost_build::configure()
        .include_file("mesh.rs")
        .compile_fds_with_config(descriptors, messages)?;
    Ok(())
}

fn find_protos(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find_protos(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            found.push(path);
        }
    }
    Ok(())
}
