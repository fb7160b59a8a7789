//! The reputation service: `reputation-service --help`.

fn main() -> std::process::ExitCode {
    mesh_runtime::run::<reputation_service::Reputation>()
}
