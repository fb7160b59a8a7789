//! PDFs, opened by poppler's `pdfinfo` and `pdftoppm` in the sandbox; the file goes in on standard input.

use super::{FileFacts, FileFormat, MAX_PAGES, MAX_PIXELS, need, pdf, pgm::MAX_HEADER_BYTES};
use crate::{
    blocking::blocking,
    error::{ReadError, ReaderError},
};
use bytes::Bytes;
use document_sandbox::{InForce, Limits, Run, RunError, Sandbox};
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tracing::Instrument;

/// The resolution at which pages are drawn, in dots an inch: that of a good scan, and what tesseract is trained for.
const DOTS_PER_INCH: f64 = 300.0;

/// A PDF's unit of length, 1/72 inch.
const POINTS_PER_INCH: f64 = 72.0;

/// What [`Poppler::facts`] may use: the directory of a file is there in milliseconds or made to harm.
const FACTS_LIMITS: (u64, Duration) = (2, Duration::from_secs(10));

/// The most that `pdfinfo` says of 50 pages, with room for a long title.
const MAX_FACTS_BYTES: usize = 256 << 10;

/// Poppler's programs, checked to be there.
#[derive(Clone, Debug)]
pub(super) struct Poppler {
    pdfinfo: PathBuf,
    pdftoppm: PathBuf,
    sandbox: Sandbox,
}

/// A page's size in points, as it is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Size {
    width: f64,
    height: f64,
}

/// What `pdfinfo` says.
#[derive(Clone, Debug, Default, PartialEq)]
struct Facts {
    pages: u32,
    is_encrypted: bool,
    sizes: Vec<Size>,
}

/// A PDF that was checked. Its pages are drawn one by one.
#[derive(Debug)]
pub(super) struct PdfFile {
    poppler: Poppler,
    file: Bytes,
    pages: Vec<PdfPage>,
}

/// How a page is drawn.
#[derive(Clone, Copy, Debug)]
struct PdfPage {
    dots_per_inch: f64,
    dimensions: (u32, u32),
}

impl PdfPage {
    fn pixels(&self) -> u64 {
        u64::from(self.dimensions.0) * u64::from(self.dimensions.1)
    }
}

impl PdfFile {
    pub(super) fn facts(&self) -> FileFacts {
        FileFacts {
            format: FileFormat::Pdf,
            pages: self.pages.len() as u32,
            largest_page_pixels: self.pages.iter().map(PdfPage::pixels).max().unwrap_or(0),
        }
    }

    /// The pixels across and down with which a page is drawn, counted from 1.
    pub(super) fn dimensions(&self, page: u32) -> Result<(u32, u32), ReadError> {
        Ok(self.get(page)?.dimensions)
    }

    fn get(&self, page: u32) -> Result<PdfPage, ReadError> {
        let drawn = (page as usize).checked_sub(1).and_then(|index| self.pages.get(index));
        drawn.copied().ok_or(ReadError::NoSuchPage { page })
    }

    /// Draws one page, counted from 1, as a gray picture in the format PGM.
    pub(super) async fn page(&self, page: u32) -> Result<Vec<u8>, ReadError> {
        let PdfPage {
            dots_per_inch,
            dimensions,
        } = self.get(page)?;
        let (page, resolution) = (page.to_string(), format!("{dots_per_inch:.3}"));
        let arguments = [
            "-gray",
            "-cropbox",
            "-singlefile",
            "-r",
            &resolution,
            "-f",
            &page,
            "-l",
            &page,
            "-",
        ];
        let (poppler, most) = (&self.poppler, MAX_PIXELS as usize + MAX_HEADER_BYTES);
        let limits = need::of_drawn(dimensions).limits(poppler.sandbox.limits());
        poppler
            .run(&poppler.pdftoppm, "draw page", &arguments, &self.file, most, limits)
            .await
    }
}

impl Poppler {
    pub(super) fn new(pdfinfo: PathBuf, pdftoppm: PathBuf, sandbox: Sandbox) -> Result<Self, ReaderError> {
        for program in [&pdfinfo, &pdftoppm] {
            let mut version = std::process::Command::new(program);
            version.arg("-v").stdin(Stdio::null());
            version.output().map_err(|source| ReaderError::PopplerMissing {
                program: program.clone(),
                source,
            })?;
        }
        Ok(Self {
            pdfinfo,
            pdftoppm,
            sandbox,
        })
    }

    pub(super) fn confinement(&self) -> InForce {
        self.sandbox.confinement()
    }

    /// Checks a file and asks for the sizes of all its pages.
    pub(super) async fn open(&self, file: &Bytes) -> Result<PdfFile, ReadError> {
        let shared = file.clone();
        blocking(move || pdf::check(&shared)).await??;
        let facts = self.facts(file).await?;
        if facts.pages == 0 || facts.sizes.len() != facts.pages as usize {
            return Err(ReadError::Damaged);
        }
        let page = |size: Size| {
            let dots_per_inch = size.dots_per_inch()?;
            let dimensions = size.at(dots_per_inch);
            Ok(PdfPage {
                dots_per_inch,
                dimensions,
            })
        };
        Ok(PdfFile {
            poppler: self.clone(),
            file: file.clone(),
            pages: facts.sizes.into_iter().map(page).collect::<Result<_, ReadError>>()?,
        })
    }

    async fn facts(&self, file: &Bytes) -> Result<Facts, ReadError> {
        let limits = self.sandbox.limits();
        let limits = Limits {
            cpu_seconds: limits.cpu_seconds.min(FACTS_LIMITS.0),
            wall_clock: limits.wall_clock.min(FACTS_LIMITS.1),
            ..limits
        };
        let last = MAX_PAGES.to_string();
        let arguments = ["-f", "1", "-l", &last, "-"];
        let said = self
            .run(&self.pdfinfo, "facts", &arguments, file, MAX_FACTS_BYTES, limits)
            .await?;
        let facts = Facts::parse(&String::from_utf8_lossy(&said));
        if facts.is_encrypted {
            return Err(ReadError::Encrypted);
        }
        if facts.pages > MAX_PAGES {
            return Err(ReadError::TooManyPages { limit: MAX_PAGES });
        }
        Ok(facts)
    }

    async fn run(
        &self,
        program: &Path,
        operation: &'static str,
        arguments: &[&str],
        file: &Bytes,
        max_output_bytes: usize,
        limits: Limits,
    ) -> Result<Vec<u8>, ReadError> {
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        let span = tracing::info_span!(
            "poppler",
            otel.name = format!("poppler {operation}"),
            process.pid = tracing::field::Empty,
            process.exit.code = tracing::field::Empty,
        );
        let run = Run {
            program,
            arguments: &arguments,
            environment: &[],
            max_output_bytes,
        };
        let sandbox = self.sandbox.with_limits(limits);
        let output = sandbox.run(run, file).instrument(span).await;
        match output {
            Ok(output) => Ok(output.stdout),
            Err(RunError::Failed { .. }) => Err(ReadError::Damaged),
            Err(source @ (RunError::TimedOut { .. } | RunError::Killed { .. } | RunError::OutputTooLarge { .. })) => {
                Err(ReadError::TooCostly { source })
            }
            Err(source) => Err(ReadError::EngineMissing { source }),
        }
    }
}

impl Size {
    /// The resolution at which the page is drawn: 300 dots an inch, or what keeps it below [`MAX_PIXELS`].
    fn dots_per_inch(self) -> Result<f64, ReadError> {
        let square_inches = self.width * self.height / (POINTS_PER_INCH * POINTS_PER_INCH);
        if !square_inches.is_finite() || self.width <= 0.0 || self.height <= 0.0 {
            return Err(ReadError::Damaged);
        }
        // A margin, as each side is rounded up to whole pixels.
        let most = (MAX_PIXELS as f64 * 0.99 / square_inches).sqrt();
        Ok(most.min(DOTS_PER_INCH))
    }

    /// Pixels across and down.
    fn at(self, dots_per_inch: f64) -> (u32, u32) {
        let across = |points: f64| (points * dots_per_inch / POINTS_PER_INCH).ceil() as u32;
        (across(self.width), across(self.height))
    }
}

impl Facts {
    /// A later line counts: titles and names of authors, which may hold anything, stand first.
    fn parse(said: &str) -> Self {
        let mut facts = Self::default();
        for line in said.lines() {
            let Some((key, value)) = line.split_once(':') else {
                continue;
            };
            let value = value.trim();
            match key.split_whitespace().collect::<Vec<_>>()[..] {
                ["Pages"] => {
                    facts.pages = value.parse().unwrap_or(u32::MAX);
                    facts.sizes.clear();
                }
                ["Encrypted"] => facts.is_encrypted = value.starts_with("yes"),
                ["Page", _, "size"] => facts.sizes.extend(Size::parse(value)),
                _ => {}
            }
        }
        facts
    }
}

impl Size {
    /// From `612 x 792 pts (letter)`.
    fn parse(text: &str) -> Option<Self> {
        let (width, rest) = text.split_once(" x ")?;
        let (height, _) = rest.split_once(" pts")?;
        Some(Self {
            width: width.parse().ok()?,
            height: height.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_are_read_and_a_title_cannot_make_them_up() {
        let said = "Title:  x\nPages: 7\nPage 1 size: 1 x 1 pts\nPages:           2\nEncrypted:       no\n\
                    Page    1 size:  612 x 792 pts (letter)\nPage    1 rot:   0\nPage    2 size:  0 x 0.5 pts\n";
        let sizes = [(612.0, 792.0), (0.0, 0.5)].map(|(width, height)| Size { width, height });
        let facts = Facts {
            pages: 2,
            is_encrypted: false,
            sizes: sizes.to_vec(),
        };
        assert_eq!(Facts::parse(said), facts);
        assert!(sizes[1].dots_per_inch().is_err());
        assert!(Facts::parse("Encrypted:       yes (print:yes copy:no)\n").is_encrypted);
        assert_eq!(Facts::parse("Pages: 99999999999\n").pages, u32::MAX);
    }

    #[test]
    fn a_page_is_never_drawn_with_more_pixels_than_are_read() {
        for (width, height) in [
            (612.0, 792.0),
            (14_400.0, 14_400.0),
            (1.0, 1e9),
            (3e6, 0.01),
            (1e30, 1e30),
        ] {
            let size = Size { width, height };
            let resolution = size.dots_per_inch().expect("a size");
            assert!(resolution <= DOTS_PER_INCH);
            let is_sliver = width.min(height) * resolution < POINTS_PER_INCH;
            let (across, down) = size.at(resolution);
            let pixels = u64::from(across) * u64::from(down);
            assert!(is_sliver || pixels <= MAX_PIXELS, "{size:?}");
        }
    }
}
