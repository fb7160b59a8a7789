//! Why a reader could not be made, and why a page could not be read.

use document_sandbox::{RunError, SandboxError};
use std::{path::PathBuf, time::Duration};

/// Why no reader could be made; says what to install.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// The program does not run.
    #[error("{} does not run; install tesseract 5 (Debian: `apt-get install tesseract-ocr`) or set its path", program.display())]
    TesseractMissing {
        /// What was run.
        program: PathBuf,
        /// Why it does not run.
        source: std::io::Error,
    },
    /// Tesseract runs, but it has no English model.
    #[error("tesseract has no model `eng`; install it (Debian: `apt-get install tesseract-ocr-eng`)")]
    EnglishMissing,
    /// Our model for machine-readable zones is not there.
    #[error("{} is not there; it comes with the sources in services/document/reading/model", path.display())]
    ModelMissing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A program that opens PDFs does not run.
    #[error("{} does not run; install poppler's programs (Debian: `apt-get install poppler-utils`) or set its path", program.display())]
    PopplerMissing {
        /// What was run.
        program: PathBuf,
        /// Why it does not run.
        source: std::io::Error,
    },
    /// The program that reads pictures does not run, or is of another version.
    #[error("{} does not run as it should; build it (`cargo build --workspace`), or put it beside the service", program.display())]
    PictureProgramMissing {
        /// What was run.
        program: PathBuf,
        /// Why it does not run; `None` where another version does.
        source: Option<std::io::Error>,
    },
    /// The programs cannot be fenced in.
    #[error("the programs that open files cannot be fenced in")]
    Sandbox {
        /// What is lacking.
        #[from]
        source: SandboxError,
    },
}

/// Why a page could not be read. Never holds anything of what the page shows.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// None of the formats that are read here, by its own bytes.
    #[error("the bytes are no picture and no PDF that is read here")]
    NotAPicture,
    /// More pixels than are read.
    #[error("{pixels} pixels, at most {limit} are read")]
    TooManyPixels {
        /// Width times height, by the header.
        pixels: u64,
        /// [`MAX_PIXELS`](crate::MAX_PIXELS).
        limit: u64,
    },
    /// More pages than are read.
    #[error("the file has more than {limit} pages")]
    TooManyPages {
        /// [`MAX_PAGES`](crate::MAX_PAGES).
        limit: u32,
    },
    /// The file has fewer pages than the one that was asked for.
    #[error("the file has no page {page}")]
    NoSuchPage {
        /// Which one, from 1.
        page: u32,
    },
    /// It begins like a file that is read here, but is cut short or cannot be decoded.
    #[error("the file is damaged")]
    Damaged,
    /// Its pages refer to each other in a circle.
    #[error("the file's pages form a circle")]
    Cyclic,
    /// It unpacks to far more than a document needs: an attack that is known as a zip bomb.
    #[error("the file unpacks to too many times its size")]
    ExpandsTooMuch,
    /// It is locked with a password or restricts who may read it.
    #[error("the file is encrypted")]
    Encrypted,
    /// It is of a kind that is read here, in a variety that is not.
    #[error("the file is of a variety that is not read here")]
    Unsupported,
    /// To open or to search it takes more memory or time than a page may take.
    #[error("the file takes too much to open or to search")]
    TooCostly {
        /// Which limit stopped it.
        source: RunError,
    },
    /// The program that reads pictures ended with an error, or said what it never says.
    #[error("the program that reads pictures broke off (exit code {code:?})")]
    BrokeOff {
        /// The exit code; `None` where it was ended for what it said.
        code: Option<i32>,
    },
    /// Other pages had all memory for pictures.
    #[error("there was no memory for the page within {after:?}")]
    Crowded {
        /// How long it waited.
        after: Duration,
    },
    /// The program that reads pictures is not the one that was there at the start.
    #[error("the program that reads pictures is of another version than this service")]
    AnotherVersion,
    /// A program could not be started or spoken to.
    #[error("an engine could not be run")]
    EngineMissing {
        /// Why.
        source: RunError,
    },
    /// Tesseract ran longer than it may.
    #[error("tesseract did not end within {after:?}")]
    EngineTimedOut {
        /// The limit.
        after: Duration,
    },
    /// Tesseract was killed, mostly for a limit of memory or processor time.
    #[error("tesseract was killed by signal {signal}")]
    EngineKilled {
        /// The signal's number.
        signal: i32,
    },
    /// Tesseract ended with an error.
    #[error("tesseract ended with code {code}")]
    EngineFailed {
        /// The exit code.
        code: i32,
    },
    /// A picture for tesseract could not be written.
    #[error("a picture for tesseract could not be encoded")]
    Encoding,
    /// The thread that looked at the picture was lost.
    #[error("the work on the picture was lost")]
    WorkLost,
}

/// At whose fault a page could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The picture's: the same picture will fail again.
    Picture,
    /// The engine's: another try may succeed.
    Engine,
}

impl ReadError {
    /// Who is at fault, and so whether another try can help.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::NotAPicture
            | Self::TooManyPixels { .. }
            | Self::TooManyPages { .. }
            | Self::NoSuchPage { .. }
            | Self::Damaged
            | Self::Cyclic
            | Self::ExpandsTooMuch
            | Self::Encrypted
            | Self::Unsupported
            | Self::TooCostly { .. }
            | Self::BrokeOff { .. } => Fault::Picture,
            Self::AnotherVersion
            | Self::Crowded { .. }
            | Self::EngineMissing { .. }
            | Self::EngineTimedOut { .. }
            | Self::EngineKilled { .. }
            | Self::EngineFailed { .. }
            | Self::Encoding
            | Self::WorkLost => Fault::Engine,
        }
    }
}
