//! Files made to harm whoever opens them, each small itself.

use flate2::{Compression, write::ZlibEncoder};
use std::{io::Write, ops::Range};

/// A PNG of a few dozen bytes whose header says 50,000 × 50,000 pixels, with the check sum that fits.
pub fn huge_png_header() -> Vec<u8> {
    png(50_000, 50_000, [8, 2, 0, 0, 0], b"IDAT".to_vec())
}

/// A PNG by the rest of its header, which is depth, color, two zeros and interlacing, and by its chunk `IDAT`.
pub(crate) fn png(width: u32, height: u32, rest: [u8; 5], data: Vec<u8>) -> Vec<u8> {
    let header = [b"IHDR", &width.to_be_bytes()[..], &height.to_be_bytes(), &rest].concat();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for chunk in [header, data, b"IEND".to_vec()] {
        file.extend((chunk.len() as u32 - 4).to_be_bytes());
        file.extend(&chunk);
        file.extend(crc32(&chunk).to_be_bytes());
    }
    file
}

/// A PDF of one page whose content of 256 MiB is packed to a thousandth.
pub fn zip_bomb_pdf_content() -> Vec<u8> {
    let mut pdf = one_page("/Contents 4 0 R");
    pdf.stream("/Filter/FlateDecode", &packed(&[b' '; 1 << 20], 256));
    pdf.finish()
}

/// A PDF of one page with an object stream of 256 MiB, packed to a thousandth.
pub fn zip_bomb_pdf_object_stream() -> Vec<u8> {
    let mut pdf = one_page("");
    let bomb = packed(&[b' '; 1 << 20], 256);
    pdf.stream("/Type/ObjStm/N 1/First 4/Filter/FlateDecode", &bomb);
    pdf.finish()
}

/// A PDF whose content is packed twice: 256 MiB to a thousandth, and that once more.
pub fn zip_bomb_pdf_twice_packed() -> Vec<u8> {
    let mut pdf = one_page("/Contents 4 0 R");
    let bomb = packed(&packed(&[b' '; 1 << 20], 256), 1);
    pdf.stream("/Filter[/FlateDecode/FlateDecode]", &bomb);
    pdf.finish()
}

/// A PDF with a page tree of a million pages, each an object of its own, all in object streams.
pub fn million_pages_pdf() -> Vec<u8> {
    const PAGES: usize = 1_000_000;
    const IN_ONE_STREAM: usize = 100_000;
    const FIRST_PAGE: usize = 20;
    let streams = PAGES / IN_ONE_STREAM;
    let mut pdf = Pdf::new();
    pdf.object("<</Type/Catalog/Pages 2 0 R>>");
    // The kids stand in an object of their own, which is packed.
    pdf.object(&format!("<</Type/Pages/Count {PAGES}/Kids 19 0 R>>"));
    for stream in 0..streams {
        let first = FIRST_PAGE + stream * IN_ONE_STREAM;
        pdf.objects_in_stream(first..first + IN_ONE_STREAM, |_| "<</Type/Page>>".to_owned());
    }
    let kids: String = (FIRST_PAGE..FIRST_PAGE + PAGES)
        .map(|page| format!("{page} 0 R "))
        .collect();
    pdf.objects_in_stream(19..20, |_| format!("[{kids}]"));
    let mut entries: Vec<Place> = vec![Place::Free; FIRST_PAGE + PAGES];
    let offsets = pdf.offsets.clone();
    for (index, offset) in offsets.iter().enumerate() {
        entries[index + 1] = Place::At(*offset);
    }
    for stream in 0..streams {
        for index in 0..IN_ONE_STREAM {
            entries[FIRST_PAGE + stream * IN_ONE_STREAM + index] = Place::InStream {
                stream: 3 + stream,
                index,
            };
        }
    }
    entries[19] = Place::InStream {
        stream: 3 + streams,
        index: 0,
    };
    pdf.finish_with_stream(entries, 4 + streams)
}

/// A PDF of one page whose page tree says that it has a million.
pub fn page_count_lie_pdf() -> Vec<u8> {
    let mut pdf = Pdf::new();
    pdf.object("<</Type/Catalog/Pages 2 0 R>>");
    pdf.object("<</Type/Pages/Kids[3 0 R]/Count 1000000>>");
    pdf.object("<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>");
    pdf.finish()
}

/// A PDF whose page tree is its own child, two levels deep.
pub fn cyclic_page_tree_pdf() -> Vec<u8> {
    let mut pdf = Pdf::new();
    pdf.object("<</Type/Catalog/Pages 2 0 R>>");
    pdf.object("<</Type/Pages/Kids[3 0 R 3 0 R]/Count 2/Parent 3 0 R>>");
    pdf.object("<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2/Parent 2 0 R>>");
    pdf.finish()
}

/// A PDF that says it is encrypted.
pub fn encrypted_pdf() -> Vec<u8> {
    let mut pdf = one_page("");
    pdf.trailer = "/Encrypt<</Filter/Standard/V 1/R 2/O(x)/U(y)/P -4>>".to_owned();
    pdf.finish()
}

/// A PDF of one page that is as large as the format allows, 200 × 200 inches.
pub fn huge_page_pdf() -> Vec<u8> {
    let mut pdf = Pdf::new();
    pdf.object("<</Type/Catalog/Pages 2 0 R>>");
    pdf.object("<</Type/Pages/Kids[3 0 R]/Count 1>>");
    pdf.object("<</Type/Page/Parent 2 0 R/MediaBox[0 0 14400 14400]>>");
    pdf.finish()
}

/// A TIFF of two pages, the second of which leads back to the first.
pub fn looping_tiff() -> Vec<u8> {
    tiff(&[1, 0])
}

/// A TIFF of `pages` tiny pages.
pub fn many_page_tiff(pages: usize) -> Vec<u8> {
    let next: Vec<usize> = (1..=pages).collect();
    tiff(&next)
}

/// The first part of a file, in percent of its length.
pub fn cut_short(file: &[u8], percent: usize) -> Vec<u8> {
    file[..file.len() * percent / 100].to_vec()
}

/// A TIFF of one gray pixel a page; `next` holds, for each page, which follows it; one beyond the last ends the chain.
fn tiff(next: &[usize]) -> Vec<u8> {
    const ENTRIES: [(u16, u32); 8] = [
        (256, 1),
        (257, 1),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 8),
        (278, 1),
        (279, 1),
    ];
    const DIRECTORY_BYTES: usize = 2 + ENTRIES.len() * 12 + 4;
    let place = |page: usize| (12 + page * DIRECTORY_BYTES) as u32;
    let mut file = b"II\x2a\0".to_vec();
    file.extend(place(0).to_le_bytes());
    // The one pixel, at offset 8.
    file.extend([0x80, 0, 0, 0]);
    for following in next {
        file.extend((ENTRIES.len() as u16).to_le_bytes());
        for (tag, value) in ENTRIES {
            file.extend(tag.to_le_bytes());
            file.extend(4u16.to_le_bytes());
            file.extend(1u32.to_le_bytes());
            file.extend(value.to_le_bytes());
        }
        let offset = if *following < next.len() { place(*following) } else { 0 };
        file.extend(offset.to_le_bytes());
    }
    file
}

fn one_page(page: &str) -> Pdf {
    let mut pdf = Pdf::new();
    pdf.object("<</Type/Catalog/Pages 2 0 R>>");
    pdf.object("<</Type/Pages/Kids[3 0 R]/Count 1>>");
    pdf.object(&format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]{page}>>"));
    pdf
}

/// `piece` so many times, packed as zlib does.
fn packed(piece: &[u8], times: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    for _ in 0..times {
        encoder.write_all(piece).expect("writing into memory does not fail");
    }
    encoder.finish().expect("writing into memory does not fail")
}

/// Where an object is.
#[derive(Clone, Copy)]
enum Place {
    Free,
    At(usize),
    InStream { stream: usize, index: usize },
}

/// A PDF that grows object by object; objects are numbered from 1.
struct Pdf {
    bytes: Vec<u8>,
    offsets: Vec<usize>,
    trailer: String,
}

impl Pdf {
    fn new() -> Self {
        Self {
            bytes: b"%PDF-1.7\n".to_vec(),
            offsets: Vec::new(),
            trailer: String::new(),
        }
    }

    fn object(&mut self, body: &str) {
        self.begin();
        self.bytes.extend(format!("{body}\nendobj\n").as_bytes());
    }

    fn stream(&mut self, dictionary: &str, data: &[u8]) {
        self.begin();
        self.bytes
            .extend(format!("<<{dictionary}/Length {}>>\nstream\n", data.len()).as_bytes());
        self.bytes.extend(data);
        self.bytes.extend(b"\nendstream\nendobj\n");
    }

    fn begin(&mut self) {
        self.offsets.push(self.bytes.len());
        self.bytes.extend(format!("{} 0 obj\n", self.offsets.len()).as_bytes());
    }

    fn objects_in_stream(&mut self, numbers: Range<usize>, body: impl Fn(usize) -> String) {
        let count = numbers.len();
        let (mut index, mut bodies) = (String::new(), String::new());
        for number in numbers {
            index.push_str(&format!("{number} {} ", bodies.len()));
            bodies.push_str(&body(number));
            bodies.push(' ');
        }
        let first = index.len();
        let data = packed((index + &bodies).as_bytes(), 1);
        self.stream(
            &format!("/Type/ObjStm/N {count}/First {first}/Filter/FlateDecode"),
            &data,
        );
    }

    /// Ends it with a table of all objects.
    fn finish(mut self) -> Vec<u8> {
        let table = self.bytes.len();
        let size = self.offsets.len() + 1;
        self.bytes
            .extend(format!("xref\n0 {size}\n0000000000 65535 f \n").as_bytes());
        for offset in &self.offsets {
            self.bytes.extend(format!("{offset:010} 00000 n \n").as_bytes());
        }
        let trailer = format!("trailer\n<</Size {size}/Root 1 0 R{}>>\n", self.trailer);
        self.bytes
            .extend(format!("{trailer}startxref\n{table}\n%%EOF\n").as_bytes());
        self.bytes
    }

    /// Ends it with a packed table (ISO 32000-2, 7.5.8), itself the object `own`.
    fn finish_with_stream(mut self, mut places: Vec<Place>, own: usize) -> Vec<u8> {
        let table = self.bytes.len();
        places[own] = Place::At(table);
        let mut data = Vec::with_capacity(places.len() * 9);
        for place in &places {
            let (kind, first, second) = match *place {
                Place::Free => (0u8, 0, 0),
                Place::At(offset) => (1, offset, 0),
                Place::InStream { stream, index } => (2, stream, index),
            };
            data.push(kind);
            data.extend((first as u32).to_be_bytes());
            data.extend((second as u32).to_be_bytes());
        }
        let size = places.len();
        let dictionary = format!("/Type/XRef/Size {size}/W[1 4 4]/Root 1 0 R/Filter/FlateDecode");
        self.stream(&dictionary, &packed(&data, 1));
        self.bytes.extend(format!("startxref\n{table}\n%%EOF\n").as_bytes());
        self.bytes
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            }
        })
    })
}
