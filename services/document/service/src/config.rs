//! The settings that only this service has; those of every service are the kit's.

use crate::objects::StoreUrl;
use document_reading::{Confinement, DEFAULT_PICTURE_MEMORY_MIB, FilesConfig, Limits, ReaderConfig, picture_program};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The service's own flags and environment keys.
#[derive(clap::Args, Clone, Debug)]
pub struct Config {
    /// Where pictures are kept: file:///folder (made if it isn't there) or s3://bucket[/prefix], whose keys and settings
    /// come from the usual AWS_* environment variables.
    #[arg(
        long,
        value_name = "URL",
        default_value = "file:///var/lib/voluntier/documents",
        help_heading = "Documents"
    )]
    pub store_url: StoreUrl,
    /// The file of the keys that documents are encrypted with (JSON), which no other user may read. Beside a folder one is made
    /// if it isn't there and no document is; for a bucket it must be given. By default it lies beside the folder, as <folder>.keyring.json. Lose it, and no document can
    /// be read any more.
    #[arg(long, value_name = "FILE", help_heading = "Documents")]
    pub keyring: Option<PathBuf>,
    /// The orchestrator, which knows the members' profiles.
    #[arg(
        long,
        value_name = "URL",
        default_value = "https://127.0.0.1:7401",
        help_heading = "Documents"
    )]
    pub orchestrator_url: url::Url,
    /// Uploads that are taken in at once; each holds up to 60 MiB of memory, further ones wait for 10 s.
    #[arg(long, value_name = "COUNT", default_value = "16", help_heading = "Documents")]
    pub upload_concurrency: NonZeroUsize,
    /// The tesseract program (5 or later).
    #[arg(long, value_name = "PROGRAM", default_value = "tesseract", help_heading = "Reading")]
    pub tesseract: PathBuf,
    /// The folder of ocrb.traineddata; by default `model` beside this program, then the one of the sources.
    #[arg(long, value_name = "FOLDER", help_heading = "Reading")]
    pub ocr_model_dir: Option<PathBuf>,
    /// Pages that are read at once; by default one for each core.
    #[arg(long, value_name = "COUNT", help_heading = "Reading")]
    pub ocr_concurrency: Option<NonZeroUsize>,
    /// The pdfinfo program of poppler, which counts the pages of a PDF.
    #[arg(long, value_name = "PROGRAM", default_value = "pdfinfo", help_heading = "Reading")]
    pub pdfinfo: PathBuf,
    /// The pdftoppm program of poppler, which draws the pages of a PDF.
    #[arg(long, value_name = "PROGRAM", default_value = "pdftoppm", help_heading = "Reading")]
    pub pdftoppm: PathBuf,
    /// The program document-picture, which decodes and reads pictures; by default the one beside this program, then the one
    /// in PATH.
    #[arg(long, value_name = "PROGRAM", help_heading = "Reading")]
    pub picture_program: Option<PathBuf>,
    /// Memory that all pages which are read at once may take, in MiB, their programs included. A photo of 12 megapixels takes
    /// up to 280, one of 50 megapixels up to 840. Pages wait for it; one that takes more is read alone.
    #[arg(long, value_name = "MIB", default_value_t = DEFAULT_PICTURE_MEMORY_MIB, help_heading = "Reading",
          value_parser = clap::value_parser!(u32).range(128..=1_048_576))]
    pub picture_memory_mib: u32,
    /// Start also on a kernel that lacks Landlock or seccomp, where a hostile document that takes over a program that opens it
    /// is held by resource limits alone.
    #[arg(long, help_heading = "Reading")]
    pub ocr_unconfined: bool,
    /// Memory that each program that reads a page may take, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = Limits::default().memory_bytes >> 20, help_heading = "Reading",
          value_parser = clap::value_parser!(u64).range(64..=65_536))]
    pub ocr_memory_mib: u64,
    /// Processor time that each program that reads a page may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().cpu_seconds, help_heading = "Reading",
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub ocr_cpu_seconds: u64,
    /// Time on the wall that each step of the reading of a page may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().wall_clock.as_secs(), help_heading = "Reading",
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub ocr_wall_clock_seconds: u64,
}

impl Config {
    /// What the reader of pages needs.
    pub fn reader(&self) -> ReaderConfig {
        ReaderConfig {
            tesseract: self.tesseract.clone(),
            limits: self.limits(),
            files: self.files(),
            picture_program: self.picture_program.clone().unwrap_or_else(picture_program),
            picture_memory_mib: self.picture_memory_mib,
            ..ReaderConfig::with_model_dir(self.ocr_model_dir.clone().unwrap_or_else(default_model_dir))
        }
    }

    /// What the opening of files needs; no OCR engine.
    pub fn files(&self) -> FilesConfig {
        FilesConfig {
            pdfinfo: self.pdfinfo.clone(),
            pdftoppm: self.pdftoppm.clone(),
            limits: self.limits(),
            confinement: if self.ocr_unconfined {
                Confinement::BestEffort
            } else {
                Confinement::Required
            },
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            memory_bytes: self.ocr_memory_mib << 20,
            cpu_seconds: self.ocr_cpu_seconds,
            wall_clock: Duration::from_secs(self.ocr_wall_clock_seconds),
            ..Limits::default()
        }
    }

    /// Pages that are read at once.
    pub fn ocr_concurrency(&self) -> usize {
        let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.ocr_concurrency.unwrap_or_else(cores).get()
    }
}

/// `model` beside the program, where an image has it; in a checkout the one of the sources.
pub fn default_model_dir() -> PathBuf {
    let beside = std::env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.join("model")));
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../reading/model");
    beside.filter(|folder| folder.is_dir()).unwrap_or(sources)
}
