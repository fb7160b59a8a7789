//! Tesseract as a subprocess: pictures go in on standard input, text comes out on standard output, no file is written.

use crate::reader::{ReadError, ReaderError};
use image::GrayImage;
use std::{
    io::Cursor,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};
use tiff::encoder::{TiffEncoder, colortype::Gray8};
use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
};
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
    /// What one run of tesseract may use.
    pub limits: Limits,
}

impl ReaderConfig {
    /// The defaults, with our model in `model_dir`.
    pub fn with_model_dir(model_dir: impl Into<PathBuf>) -> Self {
        Self {
            tesseract: "tesseract".into(),
            model_dir: model_dir.into(),
            eng_dir: None,
            limits: Limits::default(),
        }
    }
}

/// What one run of tesseract may use; beyond it the run is killed and reported as [`ReadError::EngineKilled`] or
/// [`ReadError::EngineTimedOut`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Address space in bytes (`RLIMIT_AS`).
    pub memory_bytes: u64,
    /// Processor time in seconds (`RLIMIT_CPU`).
    pub cpu_seconds: u64,
    /// Time on the wall.
    pub wall_clock: Duration,
}

impl Default for Limits {
    /// 1 GiB, 20 s of processor time, 30 s in all: ten times what a page of 50 megapixels needs.
    fn default() -> Self {
        Self {
            memory_bytes: 1 << 30,
            cpu_seconds: 20,
            wall_clock: Duration::from_secs(30),
        }
    }
}

/// The engine, checked to be there.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    config: ReaderConfig,
}

/// What a run is to look for.
#[derive(Clone, Copy, Debug)]
enum Task {
    /// Each picture is one line of a machine-readable zone.
    ZoneLines,
    /// Words anywhere on one picture.
    Words,
}

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
        Ok(Self { config })
    }

    /// Reads pictures that show one line of a zone each; one text per picture, in their order, whitespace removed.
    pub(crate) async fn read_zone_lines(&self, lines: &[GrayImage]) -> Result<Vec<String>, ReadError> {
        if lines.is_empty() {
            return Ok(Vec::new());
        }
        let text = self.run(Task::ZoneLines, encode_tiff(lines)?, lines.len()).await?;
        let mut texts: Vec<String> = text
            .split('\x0c')
            .map(|page| page.split_whitespace().collect::<String>())
            .collect();
        texts.resize(lines.len(), String::new());
        Ok(texts)
    }

    /// Reads words anywhere on a picture; tesseract's table of tab-separated values (TSV).
    pub(crate) async fn read_words(&self, picture: &GrayImage) -> Result<String, ReadError> {
        self.run(Task::Words, encode_tiff(std::slice::from_ref(picture))?, 1)
            .await
    }

    async fn run(&self, task: Task, pictures: Vec<u8>, pages: usize) -> Result<String, ReadError> {
        let (operation, folder, arguments): (_, Option<&Path>, &[&str]) = match task {
            Task::ZoneLines => (
                "zone_lines",
                Some(&self.config.model_dir),
                &["--psm", "13", "-l", MODEL],
            ),
            Task::Words => (
                "words",
                self.config.eng_dir.as_deref(),
                &["--psm", "11", "-l", "eng", "tsv"],
            ),
        };
        let span = tracing::info_span!(
            "tesseract",
            otel.name = format!("tesseract {operation}"),
            process.executable.name = "tesseract",
            process.pid = tracing::field::Empty,
            process.exit.code = tracing::field::Empty,
            document.picture.count = pages,
        );
        let mut command = Command::new(&self.config.tesseract);
        command.args(["stdin", "stdout", "--dpi", "300"]);
        if let Some(folder) = folder {
            command.arg("--tessdata-dir").arg(folder);
        }
        command
            .args(arguments)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("OMP_THREAD_LIMIT", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let limit = self.config.limits.wall_clock;
        let limits = self.config.limits;
        async move {
            let run = tokio::time::timeout(limit, feed(command, limits, &pictures));
            let output = run.await.map_err(|_| ReadError::EngineTimedOut { after: limit })??;
            answer(output)
        }
        .instrument(span)
        .await
    }
}

/// Starts the process, limits it, and only then hands over the pictures: what comes from outside meets a fenced process.
async fn feed(mut command: Command, limits: Limits, pictures: &[u8]) -> Result<Output, ReadError> {
    let mut child = command.spawn().map_err(|source| ReadError::EngineMissing { source })?;
    if let Some(pid) = child.id() {
        tracing::Span::current().record("process.pid", pid);
    }
    fence(&child, limits)?;
    let mut stdin = child.stdin.take().expect("stdin was asked for as a pipe");
    let write = async move {
        // A process that ends early closes the pipe; its exit status says why, so the broken pipe itself says nothing.
        let _ = stdin.write_all(pictures).await;
        let _ = stdin.shutdown().await;
    };
    let (_, output) = tokio::join!(write, child.wait_with_output());
    output.map_err(|source| ReadError::EngineMissing { source })
}

/// Limits a running child from outside, which needs no code between fork and exec.
#[cfg(target_os = "linux")]
fn fence(child: &Child, limits: Limits) -> Result<(), ReadError> {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let pid = child
        .id()
        .and_then(|pid| i32::try_from(pid).ok())
        .and_then(Pid::from_raw);
    let Some(pid) = pid else { return Ok(()) };
    for (resource, most) in [
        (Resource::As, limits.memory_bytes),
        (Resource::Cpu, limits.cpu_seconds),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
    ] {
        prlimit(
            Some(pid),
            resource,
            Rlimit {
                current: Some(most),
                maximum: Some(most),
            },
        )
        .map_err(|error| ReadError::EngineMissing { source: error.into() })?;
    }
    Ok(())
}

/// Other systems have no call to limit another process; there the wall clock alone bounds a run.
#[cfg(not(target_os = "linux"))]
fn fence(_child: &Child, _limits: Limits) -> Result<(), ReadError> {
    Ok(())
}

fn answer(output: Output) -> Result<String, ReadError> {
    use std::os::unix::process::ExitStatusExt;
    if let Some(signal) = output.status.signal() {
        return Err(ReadError::EngineKilled { signal });
    }
    let code = output.status.code().unwrap_or(-1);
    tracing::Span::current().record("process.exit.code", code);
    if code != 0 {
        return Err(ReadError::EngineFailed { code });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
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
