//! The mesh, up until Ctrl-C.

use std::{path::Path, process::ExitCode};

use mesh_testkit::Addresses;

use crate::{credentials::Published, stack};

/// Start the mesh and leave it up until Ctrl-C, for you to call it by gRPC.
///
/// The services listen on their usual addresses: orchestrator 127.0.0.1:7401, document 7402, community 7403, in-person 7404,
/// reputation 7405; metrics and health pages on 9401 to 9405. PostgreSQL and Temporal are private to this run and forget
/// everything.
/// `cargo xtask token` prints a token to call them with.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Take free ports, to run beside another mesh.
    #[arg(long)]
    free_ports: bool,
    #[command(flatten)]
    traces: stack::Traces,
}

/// # Errors
/// When something cannot be installed, built or started, or a service ends by itself.
pub fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let setup = stack::Setup {
        addresses: match arguments.free_ports {
            true => Addresses::Free,
            false => Addresses::Usual,
        },
        trust_seed: None,
    };
    stack::with_mesh(root, &arguments.traces, setup, async |mesh| {
        stack::print_pages(mesh);
        let _published = Published::of(mesh)?;
        println!("\nup; Ctrl-C stops it");
        stack::until_a_service_ends(mesh).await
    })
}
