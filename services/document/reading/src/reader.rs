//! One page, from its picture to a reading.

use crate::{
    engine::{Engine, ReaderConfig},
    error::{ReadError, ReaderError},
    files::Files,
    mrz_reading::MrzReading,
    printed::PrintedText,
    weigh::{Weighed, weigh},
    zone::{self, Cut, Paper, PrintLook, Zone},
};
use bytes::Bytes;
use document_sandbox::InForce;
use image::GrayImage;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Reads pages. Cheap to clone; safe to use from many tasks at once, each page then runs its own engine process.
#[derive(Clone, Debug)]
pub struct Reader {
    engine: Engine,
    files: Files,
}

/// What one page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageReading {
    /// Pixels across, after the turn that the camera asks for.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// The machine-readable zone; `None` if the page shows none of the kind TD3.
    pub mrz: Option<MrzReading>,
    /// The words outside the zone; `None` if there are none.
    pub printed: Option<PrintedText>,
}

impl Reader {
    /// Checks that tesseract and poppler run, that both of tesseract's models are there, and that the programs can be
    /// fenced in. Blocks for some 40 ms: for start-up.
    ///
    /// # Errors
    /// [`ReaderError`], which says what to install.
    pub fn new(config: ReaderConfig) -> Result<Self, ReaderError> {
        Ok(Self {
            files: Files::new(config.files.clone())?,
            engine: Engine::new(config)?,
        })
    }

    /// What is in force around tesseract and poppler; for the log line at the start.
    pub fn confinement(&self) -> InForce {
        self.engine.confinement()
    }

    /// Reads the first page of a file; see [`Reader::read_page_of`].
    ///
    /// # Errors
    /// [`ReadError`]; [`ReadError::fault`] says whether another try can help.
    pub async fn read_page(&self, file: &[u8]) -> Result<PageReading, ReadError> {
        self.read_page_of(&Bytes::copy_from_slice(file), 1).await
    }

    /// Reads one page of a file, counted from 1. Takes about a second of one core; stops its work when dropped.
    ///
    /// # Errors
    /// [`ReadError`]; [`ReadError::fault`] says whether another try can help.
    pub async fn read_page_of(&self, file: &Bytes, page_in_file: u32) -> Result<PageReading, ReadError> {
        let gray = self.files.page(file, page_in_file).await?;
        let (gray, zones) = blocking(move || {
            let zones = zone::find(&gray);
            (gray, zones)
        })
        .await?;
        let (width, height) = gray.dimensions();
        let mut best: Option<(Arc<Zone>, Weighed)> = None;
        for zone in zones.into_iter().map(Arc::new) {
            let Some(weighed) = self.look_closer(&zone).await? else {
                continue;
            };
            if best.as_ref().is_none_or(|(_, known)| weighed.rank() > known.rank()) {
                best = Some((zone, weighed));
            }
            if best.as_ref().is_some_and(|(_, known)| known.is_sure()) {
                break;
            }
        }
        let (printed, mrz) = match best {
            Some((zone, weighed)) => (self.read_print(&zone, &weighed.reading).await?, Some(weighed.reading)),
            None => (self.read_words(move || zone::whole_page(&gray)).await?, None),
        };
        let printed = (!printed.looks.is_empty()).then_some(printed);
        Ok(PageReading {
            width,
            height,
            mrz,
            printed,
        })
    }

    /// Has tesseract read a zone's lines, cut in more and more ways until nothing is in doubt, and weighs what both eyes
    /// saw.
    async fn look_closer(&self, zone: &Arc<Zone>) -> Result<Option<Weighed>, ReadError> {
        let mut texts: [Vec<String>; 2] = Default::default();
        let mut weighed = None;
        for ways in CUTS {
            let shown = zone.clone();
            let cuts = blocking(move || shown.cuts(ways)).await?;
            let mut upper = self.engine.read_zone_lines(&cuts).await?;
            let lower = upper.split_off(ways.len());
            texts[0].extend(upper);
            texts[1].extend(lower);
            let (seen, read) = (zone.clone(), texts.clone());
            weighed = blocking(move || weigh(&seen.scores, &read)).await?;
            if weighed.as_ref().is_some_and(Weighed::is_sure) {
                break;
            }
        }
        Ok(weighed)
    }

    /// Reads the print above a zone, in one way after another until it agrees with the zone in every field.
    async fn read_print(&self, zone: &Arc<Zone>, mrz: &MrzReading) -> Result<PrintedText, ReadError> {
        let mut printed = PrintedText::default();
        for look in PRINT_LOOKS {
            let shown = zone.clone();
            let more = self.read_words(move || shown.printed_area(look)).await?;
            printed.looks.extend(more.looks);
            if printed.agrees(&mrz.fields).is_whole() {
                break;
            }
        }
        Ok(printed)
    }

    async fn read_words(&self, area: impl FnOnce() -> GrayImage + Send + 'static) -> Result<PrintedText, ReadError> {
        let area = blocking(area).await?;
        Ok(PrintedText::from_table(&self.engine.read_words(&area).await?))
    }
}

/// The ways to look at the print, the best first.
const PRINT_LOOKS: [PrintLook; 3] = [
    PrintLook {
        pitch: 25.0,
        paper: Paper::Cleared { from: 0.3, to: 0.7 },
    },
    PrintLook {
        pitch: 22.0,
        paper: Paper::AsItIs,
    },
    PrintLook {
        pitch: 30.0,
        paper: Paper::Cleared { from: 0.2, to: 0.5 },
    },
];

/// The ways to cut a line, the usual ones first. The model is trained on letters that fill 42–55 % of a cut's height.
const CUTS: [&[Cut]; 2] = [
    &[
        Cut {
            pitch: 20.0,
            height: 40,
            beside: 0.6,
            smooth: 0.0,
        },
        Cut {
            pitch: 21.0,
            height: 40,
            beside: 0.3,
            smooth: 0.6,
        },
    ],
    &[
        Cut {
            pitch: 19.0,
            height: 40,
            beside: 1.0,
            smooth: 0.0,
        },
        Cut {
            pitch: 26.0,
            height: 54,
            beside: 0.5,
            smooth: 0.0,
        },
        Cut {
            pitch: 18.0,
            height: 40,
            beside: 0.5,
            smooth: 0.6,
        },
    ],
];

pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ReadError> {
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
        .await
        .map_err(|_| ReadError::WorkLost)
}
