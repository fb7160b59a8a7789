//! The program that reads one picture.

use crate::{
    error::ReadError,
    files::decode_gray,
    page::Page,
    wire::{Line, Said, VERSION},
};
use std::{io, process::ExitCode};

/// The whole life of `document-picture`, which [`Reader`](crate::Reader) runs in the sandbox: reads one picture, told on
/// standard input, and asks for the OCR engine on standard output.
pub fn read_picture() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("--version") {
        println!("{VERSION}");
        return ExitCode::SUCCESS;
    }
    match talk() {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever is at the other end has gone, so nobody asks why.
        Err(_) => ExitCode::FAILURE,
    }
}

fn talk() -> io::Result<()> {
    let mut line = Line::new(io::stdin().lock(), io::BufWriter::new(io::stdout().lock()));
    line.greet()?;
    let (which, file) = line.picture()?;
    let gray = match decode_gray(file, which) {
        Ok(gray) => gray,
        Err(ReadError::Unsupported) => return line.say(&Said::Unsupported),
        Err(_) => return line.say(&Said::Damaged),
    };
    line.say(&Said::Decoded)?;
    let reading = Page::new(&mut line).read(&gray)?;
    line.say(&Said::Reading(serde_json::to_vec(&reading)?))
}
