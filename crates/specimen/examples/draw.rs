//! Draws one passport as PNG, with its truth as JSON beside.
//!
//! Usage: `draw SEED OUT.png [DEGRADATION]`, for instance `draw 7 out.png rotated`

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use specimen::{Degradation, Passport, degrade, to_png};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let seed: u64 = arguments.next().ok_or("give a seed")?.parse()?;
    let file = PathBuf::from(arguments.next().ok_or("name the picture to write")?);
    let wished = arguments.next().unwrap_or_else(|| Degradation::Clean.name().to_owned());
    let degradation = Degradation::ALL
        .into_iter()
        .find(|degradation| degradation.name() == wished)
        .ok_or("no such degradation")?;

    let passport = Passport::from_seed(seed);
    fs::write(&file, to_png(&degrade(&passport.draw(), degradation, seed)))?;
    fs::write(file.with_extension("json"), passport.truth().to_json())?;
    Ok(())
}
