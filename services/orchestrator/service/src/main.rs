//! The orchestrator: `orchestrator-service --help`.

fn main() -> std::process::ExitCode {
    mesh_runtime::run::<orchestrator_service::Orchestrator>()
}
