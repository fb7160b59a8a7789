//! What is said between the service and the program that reads one picture.
//!
//! Each message is a byte for its kind, the length of the rest (four bytes, little-endian), and the rest. The program says
//! its version first, before it has seen a byte of the picture. Then the service says the picture, and an answer to each
//! question. The program says that the picture is decoded, asks the OCR engine for what it needs, and ends with the reading
//! or with what is wrong with the picture. The service trusts nothing that the program says after its version: the picture
//! may have taken it over.

use image::GrayImage;
use std::io::{self, Read, Write};

/// What `document-picture --version` prints, and what it says first. A change of the messages changes the number.
pub(crate) const VERSION: &str = "document-picture 2";

/// The bytes of a message's kind and length.
pub(crate) const HEADER_BYTES: usize = 5;

/// The most bytes of a question, 10 MiB: the largest picture that the program asks about.
const MOST_ASKED: usize = 10 << 20;

/// The most bytes of a reading, 1 MiB: ten times a page full of print.
const MOST_READING: usize = 1 << 20;

/// The longest side in pixels of a picture that it asks about: that on which print is looked for, enlarged.
const MOST_SIDE: u32 = 3200;

/// The most lines that it asks about at once: the three of a card, each cut in three ways.
const MOST_LINES: usize = 9;

/// What the OCR engine is to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Each picture is one line of a machine-readable zone.
    ZoneLines,
    /// Words anywhere on one picture.
    Words,
    /// Words of a small block, down to a single letter.
    Block,
}

impl Task {
    const fn kind(self) -> u8 {
        match self {
            Self::ZoneLines => b'Z',
            Self::Words => b'W',
            Self::Block => b'B',
        }
    }
}

/// Which page of a file is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The file is one page, drawn in gray (PGM).
    Drawn,
    /// This page of a picture, from 1.
    Page(u32),
}

/// The program's first message.
pub(crate) fn greeting() -> Vec<u8> {
    let mut message = header(b'V', VERSION.len());
    message.extend(VERSION.as_bytes());
    message
}

/// The service's first message, but for the file's bytes themselves.
pub(crate) fn picture_header(which: Which, file_bytes: usize) -> Vec<u8> {
    let page = match which {
        Which::Drawn => 0,
        Which::Page(page) => page,
    };
    let mut header = header(b'P', 4 + file_bytes);
    header.extend(page.to_le_bytes());
    header
}

/// The service's answer to a question: a text for each picture.
pub(crate) fn answer(texts: &[String]) -> Vec<u8> {
    let rest: usize = texts.iter().map(|text| 4 + text.len()).sum();
    let mut message = header(b'A', rest);
    for text in texts {
        message.extend((text.len() as u32).to_le_bytes());
        message.extend(text.as_bytes());
    }
    message
}

/// What the program said.
pub(crate) enum Said {
    /// The picture is decoded: what only that took is free again.
    Decoded,
    /// The engine is to look at pictures.
    Ask(Task, Vec<GrayImage>),
    /// The reading, as JSON.
    Reading(Vec<u8>),
    /// The picture can't be decoded.
    Damaged,
    /// The picture is of a variety that is not read.
    Unsupported,
}

/// The kind and the length of a message of the program; `None` for what it never says.
pub(crate) fn said_header(header: [u8; HEADER_BYTES]) -> Option<(u8, usize)> {
    let [kind, length @ ..] = header;
    let length = u32::from_le_bytes(length) as usize;
    let most = match kind {
        b'Z' | b'W' | b'B' => MOST_ASKED,
        b'R' => MOST_READING,
        _ => 0,
    };
    (length <= most).then_some((kind, length))
}

impl Said {
    /// What a message means; `None` for what the program never says.
    pub(crate) fn parse(kind: u8, rest: Vec<u8>) -> Option<Self> {
        let ask = |task, most, rest: &[u8]| Some(Self::Ask(task, pictures(rest, most)?));
        match kind {
            b'D' => Some(Self::Decoded),
            b'Z' => ask(Task::ZoneLines, MOST_LINES, &rest),
            b'W' => ask(Task::Words, 1, &rest),
            b'B' => ask(Task::Block, 1, &rest),
            b'R' => Some(Self::Reading(rest)),
            b'E' => Some(Self::Damaged),
            b'U' => Some(Self::Unsupported),
            _ => None,
        }
    }
}

/// One picture at least, and as many as are asked about at once at most.
fn pictures(mut rest: &[u8], most: usize) -> Option<Vec<GrayImage>> {
    let mut pictures = Vec::new();
    while !rest.is_empty() {
        if pictures.len() == most {
            return None;
        }
        let (width, after) = number(rest)?;
        let (height, after) = number(after)?;
        let is_side = |side: &u32| (1..=MOST_SIDE).contains(side);
        if ![width, height].iter().all(is_side) {
            return None;
        }
        let (pixels, after) = after.split_at_checked(width as usize * height as usize)?;
        pictures.push(GrayImage::from_raw(width, height, pixels.to_vec())?);
        rest = after;
    }
    (!pictures.is_empty()).then_some(pictures)
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*number), rest))
}

fn header(kind: u8, rest: usize) -> Vec<u8> {
    let rest = u32::try_from(rest).expect("a file and a text have less than 4 GiB");
    let mut header = vec![kind];
    header.extend(rest.to_le_bytes());
    header
}

/// The program's end.
pub(crate) struct Line<I, O> {
    input: I,
    output: O,
}

impl<I: Read, O: Write> Line<I, O> {
    pub(crate) fn new(input: I, output: O) -> Self {
        Self { input, output }
    }

    /// Says which version this is.
    pub(crate) fn greet(&mut self) -> io::Result<()> {
        self.output.write_all(&greeting())?;
        self.output.flush()
    }

    /// The picture that is to be read.
    pub(crate) fn picture(&mut self) -> io::Result<(Which, Vec<u8>)> {
        let length = self.heard(b'P')?;
        let page = self.number()?;
        let mut file = vec![0; length.saturating_sub(4)];
        self.input.read_exact(&mut file)?;
        let which = if page == 0 { Which::Drawn } else { Which::Page(page) };
        Ok((which, file))
    }

    /// Says something that has no more to it.
    pub(crate) fn say(&mut self, said: &Said) -> io::Result<()> {
        let (kind, rest): (u8, &[u8]) = match said {
            Said::Decoded => (b'D', &[]),
            Said::Reading(json) => (b'R', json),
            Said::Damaged => (b'E', &[]),
            Said::Unsupported => (b'U', &[]),
            Said::Ask(task, pictures) => return self.send_pictures(*task, pictures),
        };
        self.output.write_all(&header(kind, rest.len()))?;
        self.output.write_all(rest)?;
        self.output.flush()
    }

    /// Has the engine look at pictures; a text for each of them.
    pub(crate) fn ask(&mut self, task: Task, pictures: &[GrayImage]) -> io::Result<Vec<String>> {
        self.send_pictures(task, pictures)?;
        let mut left = self.heard(b'A')?;
        let mut texts = Vec::new();
        while left > 0 {
            let mut text = vec![0; self.number()? as usize];
            self.input.read_exact(&mut text)?;
            left = left.saturating_sub(4 + text.len());
            texts.push(String::from_utf8(text).map_err(io::Error::other)?);
        }
        Ok(texts)
    }

    fn send_pictures(&mut self, task: Task, pictures: &[GrayImage]) -> io::Result<()> {
        let rest = pictures.iter().map(|picture| 8 + picture.as_raw().len()).sum();
        self.output.write_all(&header(task.kind(), rest))?;
        for picture in pictures {
            self.output.write_all(&picture.width().to_le_bytes())?;
            self.output.write_all(&picture.height().to_le_bytes())?;
            self.output.write_all(picture.as_raw())?;
        }
        self.output.flush()
    }

    fn heard(&mut self, kind: u8) -> io::Result<usize> {
        let mut heard = [0];
        self.input.read_exact(&mut heard)?;
        if heard != [kind] {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(self.number()? as usize)
    }

    fn number(&mut self) -> io::Result<u32> {
        let mut number = [0; 4];
        self.input.read_exact(&mut number)?;
        Ok(u32::from_le_bytes(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_what_is_heard() {
        let pictures =
            [(3, 2), (1, 5)].map(|(width, height)| GrayImage::from_fn(width, height, |x, y| [(x * y) as u8].into()));
        let texts = vec!["P<UTO".to_owned(), String::new()];
        let heard = [picture_header(Which::Page(7), 3), b"abc".to_vec(), answer(&texts)].concat();
        let mut said = Vec::new();
        let mut line = Line::new(heard.as_slice(), &mut said);
        assert_eq!(line.picture().expect("heard"), (Which::Page(7), b"abc".to_vec()));
        assert_eq!(line.ask(Task::ZoneLines, &pictures).expect("answered"), texts);
        let (header, rest) = said.split_first_chunk().expect("a header");
        let (kind, length) = said_header(*header).expect("a message");
        assert_eq!(length, rest.len());
        let Some(Said::Ask(task, seen)) = Said::parse(kind, rest.to_vec()) else {
            panic!("a question");
        };
        assert_eq!((task, seen.as_slice()), (Task::ZoneLines, pictures.as_slice()));
    }

    #[test]
    fn what_a_program_that_was_taken_over_may_say_is_refused() {
        let picture =
            |width: u32, height: u32, pixels: &[u8]| [&width.to_le_bytes()[..], &height.to_le_bytes(), pixels].concat();
        for rest in [
            picture(u32::MAX, u32::MAX, b"x"),
            picture(2, 2, b"abc"),
            picture(0, 9, b""),
            picture(MOST_SIDE + 1, 1, &[0; MOST_SIDE as usize + 1]),
            picture(1, 1, b"x").repeat(10),
            b"abc".to_vec(),
            Vec::new(),
        ] {
            for kind in [b'W', b'B', b'Z'] {
                assert!(
                    Said::parse(kind, rest.clone()).is_none(),
                    "{kind}: {} bytes",
                    rest.len()
                );
            }
        }
        // As many as there are pixels would be a million pictures.
        for (kind, most) in [(b'W', 1), (b'B', 1), (b'Z', MOST_LINES)] {
            let asked = |count| Said::parse(kind, picture(1, 1, b"x").repeat(count));
            assert!(asked(most).is_some() && asked(most + 1).is_none(), "{kind}");
        }
        assert!(Said::parse(b'x', Vec::new()).is_none());
        for (kind, most) in [(b'W', MOST_ASKED), (b'R', MOST_READING), (b'D', 0), (b'x', 0)] {
            let said = |length: usize| {
                let [a, b, c, d] = (length as u32).to_le_bytes();
                said_header([kind, a, b, c, d])
            };
            assert!(said(most).is_some() && said(most + 1).is_none(), "{kind}");
        }
    }
}
