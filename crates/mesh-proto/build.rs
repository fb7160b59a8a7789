//! Compiles every file of `proto/` with protox, so no protoc is needed here. The encoded descriptors keep the field rules
//! (options of `buf.validate`) and the access policies (`voluntier.common.v1.access`), which the kit enforces and gRPC reflection
//! shows. An RPC that has no policy is not compiled.

use protox::prost_reflect::{DescriptorPool, MethodDescriptor, Value};
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
    let open = rpcs_without_policy(&compiler.descriptor_pool());
    if !open.is_empty() {
        let open = open.join(", ");
        return Err(format!("say who may call it, by the option voluntier.common.v1.access: {open}").into());
    }
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

/// The full names of the RPCs that nobody may call, because they do not say who may: without the option, without a grant, or with
/// one that names no service.
fn rpcs_without_policy(pool: &DescriptorPool) -> Vec<String> {
    let option = pool.get_extension_by_name("voluntier.common.v1.access");
    let items = |message: &Value, name: &str| {
        let field = message.as_message()?.get_field_by_name(name)?;
        Some(field.as_list()?.to_vec()).filter(|items| !items.is_empty())
    };
    let has_policy = |method: &MethodDescriptor| {
        let policy = option
            .as_ref()
            .map(|option| method.options().get_extension(option).into_owned());
        let grants = policy.and_then(|policy| items(&policy, "grants"));
        grants.is_some_and(|grants| grants.iter().all(|grant| items(grant, "services").is_some()))
    };
    let methods = pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>());
    let open = methods.filter(|method| !has_policy(method));
    open.map(|method| method.full_name().to_owned()).collect()
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
