//! The document service as a process; `--help` lists every setting.

fn main() -> std::process::ExitCode {
    mesh_runtime::run::<document_service::Document>()
}
