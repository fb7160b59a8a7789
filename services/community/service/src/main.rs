//! The community service: `community-service --help`.

fn main() -> std::process::ExitCode {
    mesh_runtime::run::<community_service::Community>()
}
