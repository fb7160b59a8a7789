//! Draws one document as PNG, each side a file, with its truth as JSON beside.
//!
//! Usage: `draw --kind td1 --seed 3 --out out.png [--degradation rotated]`; of two sides the files
//! are `out-1.png` and `out-2.png`.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use clap::Parser;
use specimen::{AamvaVersion, Degradation, DocumentKind, DocumentOptions, Subfile, degrade, to_png};

#[derive(Parser)]
struct Arguments {
    /// passport, td1, td2, licence, mrv-a or mrv-b
    #[arg(long, default_value = "passport", value_parser = kind)]
    kind: DocumentKind,
    /// Where everything comes from
    #[arg(long)]
    seed: u64,
    /// The picture to write
    #[arg(long)]
    out: PathBuf,
    /// clean, rotated, blurred-noisy, low-contrast-perspective, glare, …
    #[arg(long, default_value = "clean", value_parser = degradation)]
    degradation: Degradation,
    /// A document number of more than nine characters
    #[arg(long)]
    long_number: bool,
    /// A birth date of which parts are unknown
    #[arg(long)]
    unknown_birth_date: bool,
    /// A state of one letter
    #[arg(long)]
    one_letter_state: bool,
    /// A document that ran out
    #[arg(long)]
    expired: bool,
    /// The version of the AAMVA standard of a licence's barcode, 1 to 10
    #[arg(long, default_value = "10", value_parser = version)]
    aamva: AamvaVersion,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let mut options =
        DocumentOptions::new(arguments.kind, arguments.seed).aamva(arguments.aamva, Subfile::DrivingLicence);
    if arguments.long_number {
        options = options.long_number();
    }
    if arguments.unknown_birth_date {
        options = options.unknown_birth_date();
    }
    if arguments.one_letter_state {
        options = options.one_letter_state();
    }
    if arguments.expired {
        options = options.expired();
    }
    let document = options.build();
    let sides = document.draw();
    for (side, picture) in sides.iter().enumerate() {
        let file = match sides.len() {
            1 => arguments.out.clone(),
            _ => numbered(&arguments.out, side + 1),
        };
        let seed = arguments.seed + side as u64;
        fs::write(file, to_png(&degrade(picture, arguments.degradation, seed)))?;
    }
    fs::write(arguments.out.with_extension("json"), document.truth().to_json())?;
    Ok(())
}

fn numbered(file: &std::path::Path, side: usize) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{stem}-{side}.png"))
}

fn kind(name: &str) -> Result<DocumentKind, String> {
    let found = DocumentKind::ALL.into_iter().find(|kind| kind.name() == name);
    found.ok_or_else(|| "no such kind of document".to_owned())
}

fn degradation(name: &str) -> Result<Degradation, String> {
    let found = Degradation::ALL.into_iter().find(|way| way.name() == name);
    found.ok_or_else(|| "no such degradation".to_owned())
}

fn version(number: &str) -> Result<AamvaVersion, String> {
    AamvaVersion::try_from(number.parse::<u8>().map_err(|error| error.to_string())?)
}
