//! Files as they are uploaded: what they are, how many pages they have, and each page as a picture.
//!
//! A file is hostile until it was inspected: [`Files::inspect`] looks at headers and sizes and decodes nothing but what it
//! throws away at once. What decodes it runs inside the sandbox: poppler's programs draw the pages of a PDF, and the
//! program that reads pictures decodes them, drawn or not ([`Picture`]).

mod directories;
mod headers;
mod inflate;
mod need;
mod pdf;
mod pgm;
mod pixels;
mod poppler;

use crate::{
    blocking::blocking,
    error::{ReadError, ReaderError},
    memory::Need,
    wire::Which,
};
use bytes::Bytes;
use document_sandbox::{Confinement, InForce, Limits, Sandbox, SandboxConfig};
use image::GrayImage;
pub(crate) use pixels::decode_gray;
use poppler::{PdfFile, Poppler};
use std::path::PathBuf;

/// The most pixels that a page may have.
pub const MAX_PIXELS: u64 = 50_000_000;

/// The most pages that a file may have.
pub const MAX_PAGES: u32 = 50;

/// Where the programs are that open PDFs, and what they may use.
#[derive(Clone, Debug)]
pub struct FilesConfig {
    /// The `pdfinfo` program of poppler, a path or a name looked up in `PATH`.
    pub pdfinfo: PathBuf,
    /// The `pdftoppm` program of poppler, a path or a name looked up in `PATH`.
    pub pdftoppm: PathBuf,
    /// What one run of either may use.
    pub limits: Limits,
    /// Whether a kernel that cannot fence a program in will do.
    pub confinement: Confinement,
}

impl Default for FilesConfig {
    /// Poppler in `PATH`, and a kernel that can fence it in.
    fn default() -> Self {
        Self {
            pdfinfo: "pdfinfo".into(),
            pdftoppm: "pdftoppm".into(),
            limits: Limits::default(),
            confinement: Confinement::Required,
        }
    }
}

/// The format of a file, told by its first bytes and never by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileFormat {
    /// Portable Network Graphics.
    Png,
    /// JPEG, baseline or progressive.
    Jpeg,
    /// TIFF 6.0, of one or many pages.
    Tiff,
    /// WebP, with or without loss; of an animation the first frame.
    WebP,
    /// PDF, not encrypted.
    Pdf,
}

impl FileFormat {
    /// The media type, e.g. `image/png`.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Tiff => "image/tiff",
            Self::WebP => "image/webp",
            Self::Pdf => "application/pdf",
        }
    }

    /// The format of a file that begins so; `None` for all that isn't read here.
    pub fn of(file: &[u8]) -> Option<Self> {
        match file {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Some(Self::Tiff),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            _ => pdf::begins(file).then_some(Self::Pdf),
        }
    }
}

/// What a file is, by its headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// By its first bytes.
    pub format: FileFormat,
    /// Its pages, 1 to [`MAX_PAGES`].
    pub pages: u32,
    /// The pixels of its largest page, at most [`MAX_PIXELS`]; of a PDF those it is drawn with.
    pub largest_page_pixels: u64,
}

/// Opens files. Cheap to clone; safe to use from many tasks at once.
#[derive(Clone, Debug)]
pub struct Files {
    poppler: Poppler,
}

impl Files {
    /// Checks that the programs run and can be fenced in. Blocks for some 20 ms: for start-up.
    ///
    /// # Errors
    /// [`ReaderError::PopplerMissing`] and [`ReaderError::Sandbox`].
    pub fn new(config: FilesConfig) -> Result<Self, ReaderError> {
        let sandbox = Sandbox::new(SandboxConfig {
            limits: config.limits,
            readable: Vec::new(),
            confinement: config.confinement,
        })?;
        Ok(Self {
            poppler: Poppler::new(config.pdfinfo, config.pdftoppm, sandbox)?,
        })
    }

    /// What is in force around the programs that open PDFs; for the log line at the start.
    pub fn confinement(&self) -> InForce {
        self.poppler.confinement()
    }

    /// Says what a file is and how many pages it has, from its headers; takes milliseconds, and for a file made to harm
    /// less than 2 s and 10 MiB.
    ///
    /// # Errors
    /// [`ReadError`]: `NotAPicture`, `TooManyPixels`, `TooManyPages`, `Damaged`, `Cyclic`, `ExpandsTooMuch`, `Encrypted`,
    /// `Unsupported`, `TooCostly` at the fault of the file; `EngineMissing` and `WorkLost` otherwise.
    pub async fn inspect(&self, file: &Bytes) -> Result<FileFacts, ReadError> {
        Ok(match self.open(file).await?.0 {
            Opened::Picture(file) => file.facts(),
            Opened::Pdf(file) => file.facts(),
        })
    }

    /// Opens a file whose pages are then read one by one. It is inspected now, once for all of them.
    ///
    /// # Errors
    /// Those of [`Files::inspect`].
    pub async fn open(&self, file: &Bytes) -> Result<OpenFile, ReadError> {
        if FileFormat::of(file) == Some(FileFormat::Pdf) {
            return Ok(OpenFile(Opened::Pdf(self.poppler.open(file).await?)));
        }
        let file = file.clone();
        blocking(move || Ok(OpenFile(Opened::Picture(PictureFile::inspect(file)?)))).await?
    }
}

/// A file, opened by [`Files::open`].
#[derive(Debug)]
pub struct OpenFile(Opened);

#[derive(Debug)]
enum Opened {
    Picture(PictureFile),
    Pdf(PdfFile),
}

#[derive(Debug)]
struct PictureFile {
    file: Bytes,
    format: FileFormat,
    pages: Vec<Shape>,
}

/// One page of a file, as the program that reads pictures takes it.
#[derive(Clone, Debug)]
pub struct Picture {
    pub(crate) file: Bytes,
    pub(crate) which: Which,
}

impl Picture {
    /// The page in gray, turned as the camera says: what the program that reads pictures decodes.
    ///
    /// # Errors
    /// [`ReadError`] at the fault of the picture.
    pub fn decode(&self) -> Result<GrayImage, ReadError> {
        decode_gray(self.file.to_vec(), self.which)
    }
}

impl OpenFile {
    /// One page as a picture; `page_in_file` counts from 1. The page of a PDF is drawn now.
    ///
    /// # Errors
    /// [`ReadError::NoSuchPage`], and for a PDF those of [`Files::inspect`].
    pub async fn picture(&self, page_in_file: u32) -> Result<Picture, ReadError> {
        Ok(match &self.0 {
            Opened::Picture(picture) => {
                picture.shape(page_in_file)?;
                Picture {
                    file: picture.file.clone(),
                    which: Which::Page(page_in_file),
                }
            }
            Opened::Pdf(file) => Picture {
                file: file.page(page_in_file).await?.into(),
                which: Which::Drawn,
            },
        })
    }

    /// The bytes of memory that are set aside while a page is read, the programs' included: what it takes at most, if its
    /// header is true.
    ///
    /// # Errors
    /// [`ReadError::NoSuchPage`].
    pub fn memory_bytes(&self, page_in_file: u32) -> Result<u64, ReadError> {
        Ok(self.need(page_in_file)?.most())
    }

    pub(crate) fn need(&self, page_in_file: u32) -> Result<Need, ReadError> {
        match &self.0 {
            Opened::Picture(picture) => {
                let shape = picture.shape(page_in_file)?;
                Ok(need::of_picture(shape, picture.file.len()))
            }
            Opened::Pdf(file) => Ok(need::of_drawn(file.dimensions(page_in_file)?)),
        }
    }
}

impl PictureFile {
    fn inspect(file: Bytes) -> Result<Self, ReadError> {
        let (format, pages) = shapes(&file)?;
        Ok(Self { file, format, pages })
    }

    fn shape(&self, page: u32) -> Result<Shape, ReadError> {
        let shape = (page as usize).checked_sub(1).and_then(|index| self.pages.get(index));
        shape.copied().ok_or(ReadError::NoSuchPage { page })
    }

    fn facts(&self) -> FileFacts {
        facts(self.format, &self.pages)
    }
}

/// What [`Files::inspect`] says of a picture; needs no program, and takes a PDF for no picture.
///
/// # Errors
/// Those of [`Files::inspect`] that are at the fault of the file.
pub fn inspect_picture(file: &[u8]) -> Result<FileFacts, ReadError> {
    let (format, pages) = shapes(file)?;
    Ok(facts(format, &pages))
}

fn facts(format: FileFormat, pages: &[Shape]) -> FileFacts {
    FileFacts {
        format,
        pages: pages.len() as u32,
        largest_page_pixels: pages.iter().map(Shape::pixels).max().unwrap_or(0),
    }
}

fn shapes(file: &[u8]) -> Result<(FileFormat, Vec<Shape>), ReadError> {
    let format = FileFormat::of(file).ok_or(ReadError::NotAPicture)?;
    let pages = match format {
        FileFormat::Png => vec![headers::png(file)?],
        FileFormat::Jpeg => vec![headers::jpeg(file)?],
        FileFormat::WebP => vec![headers::webp(file)?],
        FileFormat::Tiff => directories::pages(file)?.into_iter().map(|page| page.shape).collect(),
        FileFormat::Pdf => return Err(ReadError::NotAPicture),
    };
    for page in &pages {
        page.check(format, file.len())?;
    }
    Ok((format, pages))
}

/// The size of one page, by its header.
#[derive(Clone, Copy, Debug)]
struct Shape {
    width: u32,
    height: u32,
    bits_per_pixel: u32,
    /// The bytes of memory that its decoder takes, the gray picture that comes out included, if the header is true.
    decoding_bytes: u64,
    /// The bytes of the file that hold its pixels, where the header tells.
    packed_bytes: Option<u64>,
}

/// Below this a page may unpack to any number of times its size; 32 MiB.
const SMALL_PAGE_BYTES: u64 = 32 << 20;

/// A page of TIFF or WebP may unpack to this many times its file. A scan of an empty sheet of paper comes to some hundreds,
/// a drawn one, as fax (CCITT group 4), to some thousands.
const MAX_EXPANSION: u64 = 10_000;

/// Deflate, the packing of PNG, unpacks to at most 1,032 times its size; what needs more is not all there.
const MAX_DEFLATE_EXPANSION: u64 = 1_032;

impl Shape {
    fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    fn check(&self, format: FileFormat, file_bytes: usize) -> Result<(), ReadError> {
        let pixels = self.pixels();
        if pixels == 0 {
            return Err(ReadError::Damaged);
        }
        if pixels > MAX_PIXELS {
            return Err(ReadError::TooManyPixels {
                pixels,
                limit: MAX_PIXELS,
            });
        }
        let unpacked = pixels * u64::from(self.bits_per_pixel) / 8;
        match format {
            FileFormat::Png
                if self
                    .packed_bytes
                    .is_some_and(|packed| unpacked > (packed + 1) * MAX_DEFLATE_EXPANSION) =>
            {
                Err(ReadError::Damaged)
            }
            FileFormat::Tiff | FileFormat::WebP
                if unpacked > SMALL_PAGE_BYTES && unpacked > file_bytes as u64 * MAX_EXPANSION =>
            {
                Err(ReadError::ExpandsTooMuch)
            }
            _ => Ok(()),
        }
    }
}
