//! The in-person service: `in-person-service --help`.

fn main() -> std::process::ExitCode {
    mesh_runtime::run::<in_person_service::InPerson>()
}
