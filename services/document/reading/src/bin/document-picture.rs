//! Reads one picture inside the sandbox of `document-service`; nothing for hands.

fn main() -> std::process::ExitCode {
    document_reading::read_picture()
}
