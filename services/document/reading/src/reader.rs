//! One page, from its picture to a reading.

use crate::{
    barcode::{self, BarcodeReading, Found},
    blocking::blocking,
    cut::Cut,
    engine::{Engine, ReaderConfig},
    error::{ReadError, ReaderError},
    files::{Files, OpenFile},
    format::MrzFormat,
    fusion::{self, Fused, fuse},
    identity_fields::IdentityFields,
    mrz_reading::MrzReading,
    printed::{Clearing, PrintedText, cleared},
    quality::Quality,
    zone::{self, Paper, PrintLook, Zone},
};
use bytes::Bytes;
use document_sandbox::InForce;
use image::{GrayImage, imageops, imageops::FilterType};
use serde::{Deserialize, Serialize};
use std::{cmp::Reverse, sync::Arc};

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

    /// Reads one page of a file, counted from 1. Takes about a second of one core. When it is
    /// dropped, its programs are ended; a thread works on for a moment, see [`crate::holding`].
    ///
    /// # Errors
    /// [`ReadError`]; [`ReadError::fault`] says whether another try can help.
    pub async fn read_page_of(&self, file: &OpenFile, page_in_file: u32) -> Result<PageReading, ReadError> {
        let gray = file.page(page_in_file).await?;
        let ahead = Self {
            // Where no run can be started ahead, the page may still need none, or gets one later.
            engine: self.engine.with_words_ahead().unwrap_or_else(|_| self.engine.clone()),
            files: self.files.clone(),
        };
        ahead.read_picture(gray).await
    }

    async fn read_picture(&self, gray: GrayImage) -> Result<PageReading, ReadError> {
        let (gray, zones) = blocking(move || {
            let zones = zone::find(&gray);
            (gray, zones)
        })
        .await?;
        let (width, height) = gray.dimensions();
        let places: Vec<Arc<Zone>> = zones.into_iter().map(Arc::new).collect();
        let (sure, first_look) = self.read_by_glyphs(&places).await?;
        let zones = self.read_zones(places, sure).await?;
        let anchor = zones.first().map(|(zone, fused)| (zone.clone(), fused.reading.clone()));
        let pitch = anchor.as_ref().map(|(zone, _)| zone.pitch_on(width, height));
        let passport = anchor
            .as_ref()
            .is_some_and(|(_, reading)| reading.format == MrzFormat::Td3);
        let gray = Arc::new(gray);
        let shown = gray.clone();
        let (quality, barcode) = blocking(move || {
            // No passport has such a barcode, and looking for one takes its time.
            let barcode = if passport {
                Found::Nothing
            } else {
                barcode::find(&shown)
            };
            (Quality::measure(&shown, pitch), barcode)
        })
        .await?;
        let printed = match anchor {
            Some((zone, reading)) => self.read_print(&zone, &reading, first_look).await?,
            // The side with the barcode has hardly any print, unless the picture shows both sides.
            None if matches!(barcode, Found::Read(_)) && is_one_side(width, height) => PrintedText::default(),
            None => self.read_bare_print(gray).await?,
        };
        let (visas, mut identity): (Vec<_>, Vec<_>) = zones
            .into_iter()
            .map(|(_, fused)| fused.reading)
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

    /// Reads a zone by its glyphs and holds it against the print: the zone if print agrees in every field, and what was
    /// seen of the print. Most pages need no more than that. Visas and the backs of cards do, which show less print.
    async fn read_by_glyphs(&self, places: &[Arc<Zone>]) -> Result<(Vec<ReadZone>, Option<FirstLook>), ReadError> {
        let shown = places.to_vec();
        let glance = blocking(move || {
            let mut seen = shown
                .into_iter()
                .filter_map(|zone| fusion::by_glyphs_alone(&zone.scores).map(|fused| (zone, fused)));
            seen.find(|(_, fused)| matches!(fused.reading.format, MrzFormat::Td2 | MrzFormat::Td3))
        })
        .await?;
        let Some((zone, fused)) = glance else {
            return Ok((Vec::new(), None));
        };
        let claimed = IdentityFields::from(&fused.reading.fields);
        let look = self.look_at_print(&zone, PRINT_LOOKS[0], &claimed).await?;
        let agrees = look.agrees(&claimed).is_whole();
        let first_look = Some((zone.clone(), look));
        Ok((if agrees { vec![(zone, fused)] } else { Vec::new() }, first_look))
    }

    /// Reads every place that may be a zone: those of passports and cards first, then visas, the best of each first.
    async fn read_zones(&self, places: Vec<Arc<Zone>>, mut zones: Vec<ReadZone>) -> Result<Vec<ReadZone>, ReadError> {
        for place in places {
            let known = zones.iter().position(|(zone, _)| zone.is_over(&place));
            if known.is_some_and(|at| zones[at].1.is_sure()) {
                continue;
            }
            let Some(fused) = self.look_closer(&place).await? else {
                continue;
            };
            match known {
                Some(at) if zones[at].1.rank() >= fused.rank() => {}
                Some(at) => zones[at] = (place, fused),
                None => zones.push((place, fused)),
            }
        }
        zones.sort_by_key(|(_, fused)| (fused.reading.format.is_visa(), Reverse(fused.rank())));
        Ok(zones)
    }

    /// Has tesseract read a zone's lines, cut in more and more ways until nothing is in doubt, and weighs what both eyes
    /// saw.
    async fn look_closer(&self, zone: &Arc<Zone>) -> Result<Option<Fused>, ReadError> {
        let mut texts: Vec<Vec<String>> = vec![Vec::new(); zone.scores.len()];
        let mut fused = None;
        for ways in CUTS {
            let shown = zone.clone();
            let cuts = blocking(move || shown.cuts(ways)).await?;
            let mut read = self.engine.read_zone_lines(&cuts).await?.into_iter();
            for line in &mut texts {
                line.extend(read.by_ref().take(ways.len()));
            }
            let (seen, read) = (zone.clone(), texts.clone());
            fused = blocking(move || fuse(&seen.scores, &read)).await?;
            if fused.as_ref().is_some_and(Fused::is_sure) {
                break;
            }
        }
        Ok(fused)
    }

    /// Reads the print above a zone, in one way after another until it agrees with the zone in every field.
    async fn read_print(
        &self,
        zone: &Arc<Zone>,
        mrz: &MrzReading,
        first_look: Option<FirstLook>,
    ) -> Result<PrintedText, ReadError> {
        let mut first_look = first_look.filter(|(seen, _)| Arc::ptr_eq(seen, zone));
        let claimed = IdentityFields::from(&mrz.fields);
        let mut printed = PrintedText::default();
        for look in PRINT_LOOKS {
            let more = match first_look.take() {
                Some((_, seen)) => seen,
                None => self.look_at_print(zone, look, &claimed).await?,
            };
            printed.looks.extend(more.looks);
            let agreement = printed.agrees(&claimed);
            // A card's zone is on its back, where little is printed: what one look does not find there is on the front.
            if agreement.is_whole() || mrz.format == MrzFormat::Td1 {
                break;
            }
        }
        Ok(printed)
    }

    /// Reads the print above a zone in one way, and the letter of the sex once more where nothing else is open.
    async fn look_at_print(
        &self,
        zone: &Arc<Zone>,
        look: PrintLook,
        claimed: &IdentityFields,
    ) -> Result<PrintedText, ReadError> {
        let shown = zone.clone();
        let mut printed = self.read_words(move || shown.printed_area(look)).await?;
        let place = printed.place_of_sex();
        let Some((left, top, width, height)) = place.filter(|_| printed.agrees(claimed).lacks_only_the_sex()) else {
            return Ok(printed);
        };
        let shown = zone.clone();
        let block = blocking(move || {
            let area = shown.printed_area(look);
            let block = imageops::crop_imm(&area, left, top, width, height).to_image();
            imageops::resize(&block, 2 * block.width(), 2 * block.height(), FilterType::CatmullRom)
        })
        .await?;
        let closer = PrintedText::from_table(&self.engine.read_block(&block).await?);
        printed.looks.extend(closer.looks);
        Ok(printed)
    }

    /// Reads the print of a page without a zone, and once more in another way where many a word is in doubt.
    async fn read_bare_print(&self, gray: Arc<GrayImage>) -> Result<PrintedText, ReadError> {
        let (mut printed, turn) = self.read_turned(gray.clone()).await?;
        if !(ENOUGH_WORDS..MANY_WORDS).contains(&printed.sure_words()) || printed.is_sure() {
            return Ok(printed);
        }
        let more = self
            .read_words(move || cleared(&turn(&zone::whole_page(&gray)), BARE_LOOKS[1]))
            .await?;
        printed.looks.extend(more.looks);
        Ok(printed)
    }

    /// Reads a page as it lies and, if hardly a word comes out of that, turned.
    async fn read_turned(&self, gray: Arc<GrayImage>) -> Result<(PrintedText, Turn), ReadError> {
        let turns: [Turn; 4] = [
            GrayImage::clone,
            imageops::rotate180,
            imageops::rotate90,
            imageops::rotate270,
        ];
        let mut best = (PrintedText::default(), turns[0]);
        for turn in turns {
            let shown = gray.clone();
            let area = blocking(move || cleared(&turn(&zone::whole_page(&shown)), BARE_LOOKS[0])).await?;
            if is_blank(&area) {
                break;
            }
            let read = self.read_words(move || area).await?;
            if best.0.looks.is_empty() || read.sure_words() > best.0.sure_words() {
                best = (read, turn);
            }
            if best.0.sure_words() >= ENOUGH_WORDS {
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

/// Whether a cleared page has less ink than a word.
fn is_blank(area: &GrayImage) -> bool {
    let dark = area.pixels().filter(|pixel| pixel.0[0] < DARK).count();
    dark < LEAST_INK
}

/// Darker than this is ink on a cleared page, 0 to 255.
const DARK: u8 = 128;
/// Dark pixels of the smallest word that is read: three letters 10 pixels high.
const LEAST_INK: usize = 60;

/// Whether a picture has about the shape of one side of a card, which is 1.586 times as wide as high (ISO/IEC 7810).
fn is_one_side(width: u32, height: u32) -> bool {
    width.max(height) * 10 > width.min(height) * 12
}

/// A zone and what stands in it.
type ReadZone = (Arc<Zone>, Fused);

/// A zone and what the first look at the print above it showed.
type FirstLook = (Arc<Zone>, PrintedText);

/// Turns a picture by quarters.
type Turn = fn(&GrayImage) -> GrayImage;

/// The ways to look at print without a zone to go by.
const BARE_LOOKS: [Clearing; 2] = [
    Clearing {
        tenfold: 10,
        smooth: 0.7,
        from: 0.3,
        to: 0.75,
    },
    Clearing {
        tenfold: 13,
        smooth: 1.2,
        from: 0.2,
        to: 0.5,
    },
];

/// A page on which so many words are surely read lies the right way up.
const ENOUGH_WORDS: usize = 6;
/// A page on which so many are is a letter and no card, so that a word in doubt doesn't matter.
const MANY_WORDS: usize = 60;

/// The ways to look at the print, the best first.
const PRINT_LOOKS: [PrintLook; 3] = [
    PrintLook {
        pitch: 20.0,
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
const CUTS: [&[Cut]; 3] = [
    &[Cut {
        pitch: 20.0,
        height: 40,
        beside: 0.6,
        smooth: 0.0,
    }],
    &[Cut {
        pitch: 21.0,
        height: 40,
        beside: 0.3,
        smooth: 0.6,
    }],
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
