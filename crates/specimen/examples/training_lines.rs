//! Writes drawn lines as `FOLDER/line-N.png` with `.box` and `.gt.txt` beside, for tesseract's training tools.
//!
//! Usage: `training_lines FOLDER COUNT [FIRST_SEED]`

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use specimen::training::TrainingLine;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("name the folder to write to")?);
    let count: u64 = arguments.next().ok_or("say how many lines")?.parse()?;
    let first: u64 = arguments.next().map_or(Ok(0), |seed| seed.parse())?;
    fs::create_dir_all(&folder)?;
    for seed in first..first + count {
        let line = TrainingLine::from_seed(seed);
        let file = folder.join(format!("line-{seed:06}.png"));
        line.picture.save(&file)?;
        fs::write(file.with_extension("box"), line.box_file())?;
        fs::write(file.with_extension("gt.txt"), format!("{}\n", line.text))?;
    }
    Ok(())
}
