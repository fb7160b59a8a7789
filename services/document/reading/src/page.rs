//! One page, from its pixels to a reading: the work of the program that reads pictures.

use crate::{
    barcode::{self, Found},
    cut::Cut,
    format::MrzFormat,
    fusion::{self, Fused, fuse},
    identity_fields::IdentityFields,
    mrz_reading::MrzReading,
    page_reading::PageReading,
    printed::{Clearing, PrintedText, cleared},
    quality::Quality,
    wire::{Line, Task},
    zone::{self, Paper, PrintLook, Zone},
};
use image::{GrayImage, imageops, imageops::FilterType};
use std::{
    cmp::Reverse,
    io::{Read, Result, Write},
    rc::Rc,
};

/// Reads one page; the OCR engine is asked over the line.
pub(crate) struct Page<'a, I, O> {
    line: &'a mut Line<I, O>,
}

impl<'a, I: Read, O: Write> Page<'a, I, O> {
    pub(crate) fn new(line: &'a mut Line<I, O>) -> Self {
        Self { line }
    }

    pub(crate) fn read(&mut self, gray: &GrayImage) -> Result<PageReading> {
        let (width, height) = gray.dimensions();
        let places: Vec<Rc<Zone>> = zone::find(gray).into_iter().map(Rc::new).collect();
        let (sure, first_look) = self.read_by_glyphs(&places)?;
        let zones = self.read_zones(places, sure)?;
        let anchor = zones.first().map(|(zone, fused)| (zone.clone(), fused.reading.clone()));
        let pitch = anchor.as_ref().map(|(zone, _)| zone.pitch_on(width, height));
        let passport = anchor
            .as_ref()
            .is_some_and(|(_, reading)| reading.format == MrzFormat::Td3);
        // No passport has such a barcode, and looking for one takes its time.
        let barcode = if passport { Found::Nothing } else { barcode::find(gray) };
        let quality = Quality::measure(gray, pitch);
        let printed = match anchor {
            Some((zone, reading)) => self.read_print(&zone, &reading, first_look)?,
            // The side with the barcode has hardly any print, unless the picture shows both sides.
            None if matches!(barcode, Found::Read(_)) && is_one_side(width, height) => PrintedText::default(),
            None => self.read_bare_print(gray)?,
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
    fn read_by_glyphs(&mut self, places: &[Rc<Zone>]) -> Result<(Vec<ReadZone>, Option<FirstLook>)> {
        let mut seen = places
            .iter()
            .filter_map(|zone| fusion::by_glyphs_alone(&zone.scores).map(|fused| (zone.clone(), fused)));
        let glance = seen.find(|(_, fused)| matches!(fused.reading.format, MrzFormat::Td2 | MrzFormat::Td3));
        let Some((zone, fused)) = glance else {
            return Ok((Vec::new(), None));
        };
        let claimed = IdentityFields::from(&fused.reading.fields);
        let look = self.look_at_print(&zone, PRINT_LOOKS[0], &claimed)?;
        let agrees = look.agrees(&claimed).is_whole();
        let first_look = Some((zone.clone(), look));
        Ok((if agrees { vec![(zone, fused)] } else { Vec::new() }, first_look))
    }

    /// Reads every place that may be a zone: those of passports and cards first, then visas, the best of each first.
    fn read_zones(&mut self, places: Vec<Rc<Zone>>, mut zones: Vec<ReadZone>) -> Result<Vec<ReadZone>> {
        for place in places {
            let known = zones.iter().position(|(zone, _)| zone.is_over(&place));
            if known.is_some_and(|at| zones[at].1.is_sure()) {
                continue;
            }
            let Some(fused) = self.look_closer(&place)? else {
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
    fn look_closer(&mut self, zone: &Rc<Zone>) -> Result<Option<Fused>> {
        let mut texts: Vec<Vec<String>> = vec![Vec::new(); zone.scores.len()];
        let mut fused = None;
        for ways in CUTS {
            let mut read = self.read_zone_lines(&zone.cuts(ways))?.into_iter();
            for line in &mut texts {
                line.extend(read.by_ref().take(ways.len()));
            }
            fused = fuse(&zone.scores, &texts);
            if fused.as_ref().is_some_and(Fused::is_sure) {
                break;
            }
        }
        Ok(fused)
    }

    /// Reads the print above a zone, in one way after another until it agrees with the zone in every field.
    fn read_print(&mut self, zone: &Rc<Zone>, mrz: &MrzReading, first_look: Option<FirstLook>) -> Result<PrintedText> {
        let mut first_look = first_look.filter(|(seen, _)| Rc::ptr_eq(seen, zone));
        let claimed = IdentityFields::from(&mrz.fields);
        let mut printed = PrintedText::default();
        for look in PRINT_LOOKS {
            let more = match first_look.take() {
                Some((_, seen)) => seen,
                None => self.look_at_print(zone, look, &claimed)?,
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
    fn look_at_print(&mut self, zone: &Rc<Zone>, look: PrintLook, claimed: &IdentityFields) -> Result<PrintedText> {
        let area = zone.printed_area(look);
        let mut printed = self.read_words(&area)?;
        let place = printed.place_of_sex();
        let Some((left, top, width, height)) = place.filter(|_| printed.agrees(claimed).lacks_only_the_sex()) else {
            return Ok(printed);
        };
        let block = imageops::crop_imm(&area, left, top, width, height).to_image();
        let block = imageops::resize(&block, 2 * block.width(), 2 * block.height(), FilterType::CatmullRom);
        let closer = self.look_for_words(Task::Block, &block)?;
        printed.looks.extend(closer.looks);
        Ok(printed)
    }

    /// Reads the print of a page without a zone, and once more in another way where many a word is in doubt.
    fn read_bare_print(&mut self, gray: &GrayImage) -> Result<PrintedText> {
        let (mut printed, turn) = self.read_turned(gray)?;
        if !(ENOUGH_WORDS..MANY_WORDS).contains(&printed.sure_words()) || printed.is_sure() {
            return Ok(printed);
        }
        let more = self.read_words(&cleared(&turn(&zone::whole_page(gray)), BARE_LOOKS[1]))?;
        printed.looks.extend(more.looks);
        Ok(printed)
    }

    /// Reads a page as it lies and, if hardly a word comes out of that, turned.
    fn read_turned(&mut self, gray: &GrayImage) -> Result<(PrintedText, Turn)> {
        let turns: [Turn; 4] = [
            GrayImage::clone,
            imageops::rotate180,
            imageops::rotate90,
            imageops::rotate270,
        ];
        let mut best = (PrintedText::default(), turns[0]);
        for turn in turns {
            let area = cleared(&turn(&zone::whole_page(gray)), BARE_LOOKS[0]);
            if is_blank(&area) {
                break;
            }
            let read = self.read_words(&area)?;
            if best.0.looks.is_empty() || read.sure_words() > best.0.sure_words() {
                best = (read, turn);
            }
            if best.0.sure_words() >= ENOUGH_WORDS {
                break;
            }
        }
        Ok(best)
    }

    /// Pictures that show one line of a zone each; one text per picture, in their order, whitespace removed.
    fn read_zone_lines(&mut self, lines: &[GrayImage]) -> Result<Vec<String>> {
        if lines.is_empty() {
            return Ok(Vec::new());
        }
        let mut texts = self.line.ask(Task::ZoneLines, lines)?;
        texts.resize(lines.len(), String::new());
        Ok(texts)
    }

    /// Words anywhere on a picture.
    fn read_words(&mut self, area: &GrayImage) -> Result<PrintedText> {
        self.look_for_words(Task::Words, area)
    }

    fn look_for_words(&mut self, task: Task, area: &GrayImage) -> Result<PrintedText> {
        let tables = self.line.ask(task, std::slice::from_ref(area))?;
        Ok(PrintedText::from_table(tables.first().map_or("", String::as_str)))
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
type ReadZone = (Rc<Zone>, Fused);

/// A zone and what the first look at the print above it showed.
type FirstLook = (Rc<Zone>, PrintedText);

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
