//! Tesseract in the sandbox: pictures go in on standard input, text comes out on standard output, no file is written.

use crate::{
    error::{ReadError, ReaderError},
    files::FilesConfig,
    wire::Task,
};
use document_sandbox::{InForce, Limits, Run, RunError, Sandbox, SandboxConfig, Waiting};
use image::GrayImage;
use std::{
    ffi::OsStr,
    io::Cursor,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};
use tiff::encoder::{TiffEncoder, colortype::Gray8};
use tracing::Instrument;

/// The name of our own model; `ocrb.traineddata` in [`ReaderConfig::model_dir`].
const MODEL: &str = "ocrb";

/// Where the OCR engine and its models are, and what it may use.
#[derive(Clone, Debug)]
pub struct ReaderConfig {
    /// The tesseract program (≥ 5), a path or a name looked up in `PATH`.
    pub tesseract: PathBuf,
    /// The folder that holds `ocrb.traineddata`, our model for machine-readable zones.
    pub model_dir: PathBuf,
    /// The folder that holds `eng.traineddata`; `None` takes tesseract's own folder.
    pub eng_dir: Option<PathBuf>,
    /// What one run of tesseract may use; beyond it the run is killed and reported as [`ReadError::EngineKilled`] or
    /// [`ReadError::EngineTimedOut`].
    pub limits: Limits,
    /// How files are opened; its [`FilesConfig::confinement`] holds for all programs, its [`FilesConfig::limits`] for
    /// [`ReaderConfig::picture_program`] too.
    pub files: FilesConfig,
    /// The program `document-picture` of this crate, which decodes and reads pictures, a path or a name looked up in `PATH`.
    pub picture_program: PathBuf,
    /// The memory in MiB that all pages which are read at once may take, the programs' included. A page that takes more is
    /// read alone.
    pub picture_memory_mib: u32,
}

/// Four photos of 12 megapixels; with the service itself less than 1.5 GiB.
pub const DEFAULT_PICTURE_MEMORY_MIB: u32 = 1152;

impl ReaderConfig {
    /// The defaults, with our model in `model_dir`.
    pub fn with_model_dir(model_dir: impl Into<PathBuf>) -> Self {
        let model_dir = model_dir.into();
        Self {
            tesseract: "tesseract".into(),
            // The program runs in a folder of its own.
            model_dir: std::path::absolute(&model_dir).unwrap_or(model_dir),
            eng_dir: None,
            limits: Limits::default(),
            files: FilesConfig::default(),
            picture_program: picture_program(),
            picture_memory_mib: DEFAULT_PICTURE_MEMORY_MIB,
        }
    }
}

/// `document-picture` beside the running program, where an image has it; or one folder above, where cargo puts it for tests
/// and examples; else the one in `PATH`.
pub fn picture_program() -> PathBuf {
    let running = std::env::current_exe().unwrap_or_default();
    let folders = running.ancestors().skip(1).take(2);
    let beside = folders
        .map(|folder| folder.join(PICTURE_PROGRAM))
        .find(|file| file.is_file());
    beside.unwrap_or_else(|| PICTURE_PROGRAM.into())
}

const PICTURE_PROGRAM: &str = "document-picture";

/// The engine, checked to be there.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    config: ReaderConfig,
    sandbox: Sandbox,
    /// A run that looks for words, started ahead; the first one of a page takes it.
    ahead: Arc<Mutex<Option<Waiting>>>,
}

/// The most that tesseract may say of a page, 16 MiB: its table has some 80 bytes for each word.
const MAX_TEXT_BYTES: usize = 16 << 20;

/// What every run is told. Ink is darker than paper in every picture that comes here, so a line that is read badly is not
/// read once more with the two exchanged: that costs an eighth of a look at the print, and finds nothing.
const ALWAYS: [&str; 6] = ["stdin", "stdout", "--dpi", "300", "-c", "tessedit_do_invert=0"];

impl Engine {
    /// Checks that tesseract runs and that both models are there.
    pub(crate) fn new(config: ReaderConfig) -> Result<Self, ReaderError> {
        let model = config.model_dir.join(MODEL).with_extension("traineddata");
        if !model.is_file() {
            return Err(ReaderError::ModelMissing { path: model });
        }
        let mut list = std::process::Command::new(&config.tesseract);
        list.arg("--list-langs").stdin(Stdio::null());
        if let Some(dir) = &config.eng_dir {
            list.arg("--tessdata-dir").arg(dir);
        }
        let languages = list.output().map_err(|source| ReaderError::TesseractMissing {
            program: config.tesseract.clone(),
            source,
        })?;
        let listed = String::from_utf8_lossy(&languages.stdout);
        if !languages.status.success() || !listed.lines().any(|line| line.trim() == "eng") {
            return Err(ReaderError::EnglishMissing);
        }
        let sandbox = Sandbox::new(SandboxConfig {
            limits: config.limits,
            readable: [&config.model_dir]
                .into_iter()
                .chain(&config.eng_dir)
                .cloned()
                .collect(),
            confinement: config.files.confinement,
        })?;
        Ok(Self {
            config,
            sandbox,
            ahead: Arc::default(),
        })
    }

    /// For one page: its first look for words is started now, while the page's zones are looked for. It takes the engine
    /// longer to start than us to find a zone, and nearly every page is looked at for words.
    pub(crate) fn with_words_ahead(&self) -> Result<Self, ReadError> {
        let waiting = self.start(Task::Words)?;
        Ok(Self {
            ahead: Arc::new(Mutex::new(Some(waiting))),
            ..self.clone()
        })
    }

    pub(crate) fn confinement(&self) -> InForce {
        self.sandbox.confinement()
    }

    /// Looks at pictures: for words at one, and tells tesseract's table of tab-separated values (TSV); for lines of a zone at
    /// each, and tells the lines without whitespace, in their order.
    pub(crate) async fn look(&self, task: Task, pictures: Vec<GrayImage>) -> Result<Vec<String>, ReadError> {
        let count = pictures.len();
        let encoded = encode_tiff(&pictures)?;
        drop(pictures);
        let text = self.run(task, encoded, count).await?;
        Ok(match task {
            Task::Words | Task::Block => vec![text],
            Task::ZoneLines => text
                .split('\x0c')
                .map(|line| line.split_whitespace().collect())
                .take(count)
                .collect(),
        })
    }

    async fn run(&self, task: Task, pictures: Vec<u8>, pages: usize) -> Result<String, ReadError> {
        let operation = operation(task);
        let span = tracing::info_span!(
            "tesseract",
            otel.name = format!("tesseract {operation}"),
            process.executable.name = "tesseract",
            process.pid = tracing::field::Empty,
            process.exit.code = tracing::field::Empty,
            document.picture.count = pages,
        );
        let ahead = match task {
            Task::Words => self.ahead.lock().unwrap_or_else(PoisonError::into_inner).take(),
            Task::ZoneLines | Task::Block => None,
        };
        let waiting = match ahead {
            Some(waiting) => waiting,
            None => self.start(task)?,
        };
        let output = waiting.finish(&pictures).instrument(span).await.map_err(failure)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn start(&self, task: Task) -> Result<Waiting, ReadError> {
        let (folder, arguments): (Option<&Path>, &[&str]) = match task {
            Task::ZoneLines => (Some(&self.config.model_dir), &["--psm", "13", "-l", MODEL]),
            Task::Words => (self.config.eng_dir.as_deref(), &["--psm", "11", "-l", "eng", "tsv"]),
            Task::Block => (self.config.eng_dir.as_deref(), &["--psm", "6", "-l", "eng", "tsv"]),
        };
        let mut all: Vec<&OsStr> = ALWAYS.map(OsStr::new).to_vec();
        if let Some(folder) = folder {
            all.extend([OsStr::new("--tessdata-dir"), folder.as_os_str()]);
        }
        all.extend(arguments.iter().map(OsStr::new));
        let run = Run {
            program: &self.config.tesseract,
            arguments: &all,
            environment: &[],
            max_output_bytes: MAX_TEXT_BYTES,
        };
        self.sandbox.start(&run).map_err(failure)
    }
}

/// The name in traces.
fn operation(task: Task) -> &'static str {
    match task {
        Task::ZoneLines => "zone_lines",
        Task::Words => "words",
        Task::Block => "block",
    }
}

fn failure(error: RunError) -> ReadError {
    match error {
        RunError::TimedOut { after } => ReadError::EngineTimedOut { after },
        RunError::Killed { signal } => ReadError::EngineKilled { signal },
        RunError::Failed { code } => ReadError::EngineFailed { code },
        // It is killed for that.
        RunError::OutputTooLarge { .. } => ReadError::EngineKilled { signal: 9 },
        source @ (RunError::Missing { .. } | RunError::Fence { .. } | RunError::Start { .. }) => {
            ReadError::EngineMissing { source }
        }
    }
}

/// One TIFF of many pages, uncompressed: the one way to hand tesseract several pictures without a file.
fn encode_tiff(pictures: &[GrayImage]) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let mut encoder = TiffEncoder::new(Cursor::new(&mut bytes)).map_err(|_| ReadError::Encoding)?;
    for picture in pictures {
        encoder
            .write_image::<Gray8>(picture.width(), picture.height(), picture.as_raw())
            .map_err(|_| ReadError::Encoding)?;
    }
    Ok(bytes)
}
