//! One page, from its picture to a reading.

use crate::{
    barcode::{self, BarcodeReading, Found},
    engine::{Engine, ReaderConfig},
    fields::Claimed,
    format::MrzFormat,
    mrz_reading::MrzReading,
    picture::decode_gray,
    printed::PrintedText,
    quality::Quality,
    weigh::{Weighed, weigh},
    zone::{self, Cut, Paper, PrintLook, Zone},
};
use image::{GrayImage, imageops};
use serde::{Deserialize, Serialize};
use std::{cmp::Reverse, path::PathBuf, sync::Arc, time::Duration};

/// Reads pages. Cheap to clone; safe to use from many tasks at once, each page then runs its own engine process.
#[derive(Clone, Debug)]
pub struct Reader {
    engine: Engine,
}

/// What one page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageReading {
    /// Pixels across, after the turn that the camera asks for.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// The machine-readable zone of a passport or card; `None` if the page shows none.
    pub mrz: Option<MrzReading>,
    /// The zones of visas on the page, which support another document.
    #[serde(default)]
    pub visas: Vec<MrzReading>,
    /// The words outside the zone; `None` if there are none.
    pub printed: Option<PrintedText>,
    /// The barcode with AAMVA data; not looked for beside a passport's zone.
    #[serde(default)]
    pub barcode: Option<BarcodeReading>,
    /// Whether something looks like a barcode and could not be read.
    #[serde(default)]
    pub barcode_unreadable: bool,
    /// How good the picture is; `None` in readings stored before it was measured.
    #[serde(default)]
    pub quality: Option<Quality>,
}

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
}

/// Why a page could not be read. Never holds anything of what the page shows.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Neither PNG nor JPEG, by its own bytes.
    #[error("the bytes are no picture that is read here")]
    NotAPicture,
    /// More pixels than are read.
    #[error("{pixels} pixels, at most {limit} are read")]
    TooManyPixels {
        /// Width times height, by the header.
        pixels: u64,
        /// [`MAX_PIXELS`](crate::MAX_PIXELS).
        limit: u64,
    },
    /// It begins like a picture but cannot be decoded.
    #[error("the picture is damaged")]
    Damaged,
    /// Tesseract could not be started or spoken to.
    #[error("tesseract could not be run")]
    EngineMissing {
        /// What the system said.
        source: std::io::Error,
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
            Self::NotAPicture | Self::TooManyPixels { .. } | Self::Damaged => Fault::Picture,
            Self::EngineMissing { .. }
            | Self::EngineTimedOut { .. }
            | Self::EngineKilled { .. }
            | Self::EngineFailed { .. }
            | Self::Encoding
            | Self::WorkLost => Fault::Engine,
        }
    }
}

impl Reader {
    /// Checks that tesseract runs and that both of its models are there. Blocks for some 20 ms: for start-up.
    ///
    /// # Errors
    /// [`ReaderError`], which says what to install.
    pub fn new(config: ReaderConfig) -> Result<Self, ReaderError> {
        Ok(Self {
            engine: Engine::new(config)?,
        })
    }

    /// Reads one page from a PNG or JPEG. Takes about a second of one core; stops its work when dropped.
    ///
    /// # Errors
    /// [`ReadError`]; [`ReadError::fault`] says whether another try can help.
    pub async fn read_page(&self, picture: &[u8]) -> Result<PageReading, ReadError> {
        let picture = picture.to_vec();
        let (gray, zones) = blocking(move || {
            let gray = decode_gray(&picture)?;
            let zones = zone::find(&gray);
            Ok::<_, ReadError>((gray, zones))
        })
        .await??;
        let (width, height) = gray.dimensions();
        let zones = self.read_zones(zones).await?;
        let anchor = zones
            .first()
            .map(|(zone, weighed)| (zone.clone(), weighed.reading.clone()));
        let pitch = anchor.as_ref().map(|(zone, _)| zone.pitch_on(width, height));
        let passport = anchor.as_ref().is_some_and(|(_, reading)| reading.format == MrzFormat::Td3);
        let gray = Arc::new(gray);
        let shown = gray.clone();
        let (quality, barcode) = blocking(move || {
            // No passport has such a barcode, and looking for one takes its time.
            let barcode = if passport { Found::Nothing } else { barcode::find(&shown) };
            (Quality::measure(&shown, pitch), barcode)
        })
        .await?;
        let printed = match anchor {
            Some((zone, reading)) => self.read_print(&zone, &reading).await?,
            None => self.read_bare_print(gray).await?,
        };
        let (visas, mut identity): (Vec<_>, Vec<_>) = zones
            .into_iter()
            .map(|(_, weighed)| weighed.reading)
            .partition(|reading| reading.format.is_visa());
        let mrz = (!identity.is_empty()).then(|| identity.swap_remove(0));
        Ok(PageReading {
            width,
            height,
            mrz,
            visas,
            printed: (!printed.looks.is_empty()).then_some(printed),
            barcode_unreadable: matches!(barcode, Found::Unreadable),
            barcode: match barcode {
                Found::Read(reading) => Some(*reading),
                Found::Nothing | Found::Unreadable => None,
            },
            quality: Some(quality),
        })
    }

    /// Reads every place that may be a zone: those of passports and cards first, then visas, the best of each first.
    async fn read_zones(&self, places: Vec<Zone>) -> Result<Vec<(Arc<Zone>, Weighed)>, ReadError> {
        let mut zones: Vec<(Arc<Zone>, Weighed)> = Vec::new();
        for place in places.into_iter().map(Arc::new) {
            let known = zones.iter().position(|(zone, _)| zone.is_over(&place));
            if known.is_some_and(|at| zones[at].1.is_sure()) {
                continue;
            }
            let Some(weighed) = self.look_closer(&place).await? else {
                continue;
            };
            match known {
                Some(at) if zones[at].1.rank() >= weighed.rank() => {}
                Some(at) => zones[at] = (place, weighed),
                None => zones.push((place, weighed)),
            }
        }
        zones.sort_by_key(|(_, weighed)| (weighed.reading.format.is_visa(), Reverse(weighed.rank())));
        Ok(zones)
    }

    /// Has tesseract read a zone's lines, cut in more and more ways until nothing is in doubt, and weighs what both eyes
    /// saw.
    async fn look_closer(&self, zone: &Arc<Zone>) -> Result<Option<Weighed>, ReadError> {
        let mut texts: Vec<Vec<String>> = vec![Vec::new(); zone.scores.len()];
        let mut weighed = None;
        for ways in CUTS {
            let shown = zone.clone();
            let cuts = blocking(move || shown.cuts(ways)).await?;
            let mut read = self.engine.read_zone_lines(&cuts).await?.into_iter();
            for line in &mut texts {
                line.extend(read.by_ref().take(ways.len()));
            }
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
            let agreement = printed.agrees(&Claimed::from(&mrz.fields));
            // A card's zone is on its back, where little is printed: what one look does not find there is on the front.
            if agreement.is_whole() || mrz.format == MrzFormat::Td1 {
                break;
            }
        }
        Ok(printed)
    }

    /// Reads the print of a page without a zone: as it lies and, if hardly a word comes out of that, turned.
    async fn read_bare_print(&self, gray: Arc<GrayImage>) -> Result<PrintedText, ReadError> {
        let mut best = PrintedText::default();
        let turns: [fn(&GrayImage) -> GrayImage; 4] =
            [GrayImage::clone, imageops::rotate180, imageops::rotate90, imageops::rotate270];
        for turn in turns {
            let shown = gray.clone();
            let read = self.read_words(move || turn(&zone::whole_page(&shown))).await?;
            if best.looks.is_empty() || read.sure_words() > best.sure_words() {
                best = read;
            }
            if best.sure_words() >= ENOUGH_WORDS {
                break;
            }
        }
        Ok(best)
    }

    async fn read_words(&self, area: impl FnOnce() -> GrayImage + Send + 'static) -> Result<PrintedText, ReadError> {
        let area = blocking(area).await?;
        Ok(PrintedText::from_table(&self.engine.read_words(&area).await?))
    }
}

/// A page on which so many words are surely read lies the right way up.
const ENOUGH_WORDS: usize = 6;

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

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ReadError> {
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
        .await
        .map_err(|_| ReadError::WorkLost)
}
