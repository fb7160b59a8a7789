//! Reads pages, each by a program of its own in the sandbox.

use crate::{
    engine::{Engine, ReaderConfig},
    error::{ReadError, ReaderError},
    files::{Files, OpenFile, Picture},
    memory::{Memory, Need, Share},
    page_reading::PageReading,
    wire::{self, HEADER_BYTES, Said, VERSION},
};
use bytes::Bytes;
use document_sandbox::{InForce, Limits, Run, RunError, Sandbox, SandboxConfig, Talk};
use std::{path::PathBuf, process::Stdio, time::Duration};
use tokio::time::Instant;
use tracing::Instrument;

/// Reads pages. Cheap to clone; safe to use from many tasks at once. All clones share the memory for pictures.
#[derive(Clone, Debug)]
pub struct Reader {
    engine: Engine,
    files: Files,
    memory: Memory,
    program: PathBuf,
    sandbox: Sandbox,
    /// How long the program may keep silent.
    silence: Duration,
}

/// A page takes so many times as long as its slowest step at most, without the looks of the OCR engine.
const STEPS: u32 = 8;

/// The OCR engine is asked so often about a page at most: for four zones in three ways, and for print in some ten.
const MOST_QUESTIONS: u32 = 32;

impl Reader {
    /// Checks that all programs run, that both of tesseract's models are there, and that the programs can be fenced in.
    /// Blocks for some 40 ms: for start-up.
    ///
    /// # Errors
    /// [`ReaderError`], which says what to install.
    pub fn new(config: ReaderConfig) -> Result<Self, ReaderError> {
        let program = config.picture_program.clone();
        let limits = config.files.limits;
        let sandbox = Sandbox::new(SandboxConfig {
            limits: Limits {
                wall_clock: limits.wall_clock * STEPS,
                ..limits
            },
            readable: Vec::new(),
            confinement: config.files.confinement,
        })?;
        check_version(&program)?;
        Ok(Self {
            files: Files::new(config.files.clone())?,
            memory: Memory::new(config.picture_memory_mib),
            engine: Engine::new(config)?,
            program,
            sandbox,
            silence: limits.wall_clock,
        })
    }

    /// What is in force around the programs; for the log line at the start.
    pub fn confinement(&self) -> InForce {
        self.engine.confinement()
    }

    /// Opens a file for [`Reader::read_page_of`].
    ///
    /// # Errors
    /// [`ReadError`]; [`ReadError::fault`] says whether another try can help.
    pub async fn open(&self, file: &Bytes) -> Result<OpenFile, ReadError> {
        self.files.open(file).await
    }

    /// Reads the first page of a file; see [`Reader::read_page_of`].
    ///
    /// # Errors
    /// [`ReadError`]; [`ReadError::fault`] says whether another try can help.
    pub async fn read_page(&self, file: &[u8]) -> Result<PageReading, ReadError> {
        let file = self.open(&Bytes::copy_from_slice(file)).await?;
        self.read_page_of(&file, 1).await
    }

    /// Reads one page of a file, counted from 1, as soon as there is memory for it. Takes about a second of one core. When it
    /// is dropped, its programs are ended.
    ///
    /// # Errors
    /// [`ReadError`]; [`ReadError::fault`] says whether another try can help.
    pub async fn read_page_of(&self, file: &OpenFile, page_in_file: u32) -> Result<PageReading, ReadError> {
        let need = file.need(page_in_file)?;
        let share = self.memory.take(need).await?;
        let picture = file.picture(page_in_file).await?;
        let span = tracing::info_span!(
            "picture",
            otel.name = "read picture",
            process.executable.name = "document-picture",
            process.pid = tracing::field::Empty,
            process.exit.code = tracing::field::Empty,
        );
        self.read_picture(picture, need, share).instrument(span).await
    }

    async fn read_picture(&self, picture: Picture, need: Need, mut share: Share) -> Result<PageReading, ReadError> {
        let run = Run {
            program: &self.program,
            arguments: &[],
            environment: &[],
            max_output_bytes: 0,
        };
        let sandbox = self.sandbox.with_limits(need.limits(self.sandbox.limits()));
        let mut talk = sandbox.start(&run).map_err(failure)?.talk();
        self.hear_version(&mut talk).await?;
        let Picture { file, which } = picture;
        self.say(&mut talk, &wire::picture_header(which, file.len())).await?;
        self.say(&mut talk, &file).await?;
        drop(file);
        let mut questions = 0;
        // Once the picture is decoded; before that the program has nothing to ask or to tell.
        let mut engine = None;
        loop {
            match (self.listen(&mut talk).await?, &engine) {
                (Said::Decoded, None) => {
                    share.decoded();
                    // Where no run can be started ahead, the page may still need none, or gets one later.
                    engine = Some(self.engine.with_words_ahead().unwrap_or_else(|_| self.engine.clone()));
                }
                (Said::Ask(task, pictures), Some(engine)) if questions < MOST_QUESTIONS => {
                    questions += 1;
                    let asked = Instant::now();
                    let texts = engine.look(task, pictures).await?;
                    // Meanwhile the program could but wait.
                    talk.extend(asked.elapsed());
                    self.say(&mut talk, &wire::answer(&texts)).await?;
                }
                (Said::Reading(json), Some(_)) => {
                    let reading = serde_json::from_slice(&json).ok().filter(PageReading::is_possible);
                    return reading.ok_or_else(out_of_turn);
                }
                (Said::Damaged, None) => return Err(ReadError::Damaged),
                (Said::Unsupported, None) => return Err(ReadError::Unsupported),
                _ => return Err(out_of_turn()),
            }
        }
    }

    /// Hears the program say its version. It has seen nothing of the picture, so whatever goes wrong is none of its fault.
    async fn hear_version(&self, talk: &mut Talk) -> Result<(), ReadError> {
        let greeting = wire::greeting();
        let mut heard = vec![0; greeting.len()];
        let in_time = self.in_time(talk.hear(&mut heard)).await;
        in_time.map_err(|source| ReadError::EngineMissing { source })?;
        if heard != greeting {
            return Err(ReadError::AnotherVersion);
        }
        Ok(())
    }

    async fn say(&self, talk: &mut Talk, message: &[u8]) -> Result<(), ReadError> {
        self.in_time(talk.say(message)).await.map_err(failure)
    }

    async fn listen(&self, talk: &mut Talk) -> Result<Said, ReadError> {
        let hear = async {
            let mut header = [0; HEADER_BYTES];
            talk.hear(&mut header).await?;
            let Some((kind, length)) = wire::said_header(header) else {
                return Ok(None);
            };
            let mut rest = vec![0; length];
            talk.hear(&mut rest).await?;
            Ok(Said::parse(kind, rest))
        };
        self.in_time(hear).await.map_err(failure)?.ok_or_else(out_of_turn)
    }

    async fn in_time<T>(&self, step: impl Future<Output = Result<T, RunError>>) -> Result<T, RunError> {
        let timed_out = |_| RunError::TimedOut { after: self.silence };
        let step = tokio::time::timeout(self.silence, step).await.map_err(timed_out);
        step.and_then(|step| step)
    }
}

fn failure(error: RunError) -> ReadError {
    match error {
        source @ (RunError::TimedOut { .. } | RunError::Killed { .. } | RunError::OutputTooLarge { .. }) => {
            ReadError::TooCostly { source }
        }
        RunError::Failed { code } => {
            tracing::error!(code, "the program that reads pictures broke off");
            ReadError::BrokeOff { code: Some(code) }
        }
        source @ (RunError::Missing { .. } | RunError::Fence { .. } | RunError::Start { .. }) => {
            ReadError::EngineMissing { source }
        }
    }
}

/// It said what it never says, as one might that a picture has taken over.
fn out_of_turn() -> ReadError {
    tracing::error!("the program that reads pictures spoke out of turn");
    ReadError::BrokeOff { code: None }
}

fn check_version(program: &PathBuf) -> Result<(), ReaderError> {
    let missing = |source| ReaderError::PictureProgramMissing {
        program: program.clone(),
        source,
    };
    let mut version = std::process::Command::new(program);
    version.arg("--version").stdin(Stdio::null());
    let said = version.output().map_err(|source| missing(Some(source)))?;
    if said.stdout.trim_ascii() != VERSION.as_bytes() {
        return Err(missing(None));
    }
    Ok(())
}
